# SPDX-License-Identifier: GPL-2.0-only
"""The bench that a run works at: its tree, series, compiler, kernels, guest image and accelerator."""

from __future__ import annotations

import os
import platform
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from harness.analysis.model import Analysis
from harness.analysis.states import States
from harness.analysis.tools_gcc import compiler_findings
from harness.analysis.tools_join import joined
from harness.build.debug_objects import DebugObjects
from harness.build.kernel import build_directory, expected_seconds, kernel_for
from harness.build.mend import Mended, mending_for
from harness.build.model import CompilerWarning, Kernel
from harness.build.profile import load_profile
from harness.build.toolchain import Toolchain, find_toolchain
from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.events import Listener, Note, task
from harness.files import make_directory
from harness.guest.accel import Accel, choose, qemu_version
from harness.guest.image import prepare
from harness.guest.machine import Spec, booted
from harness.guest.model import Image
from harness.paths import CONFIGS, QEMU
from harness.pipeline.advice import better_base
from harness.pipeline.analysis import Ground, examine_series
from harness.pipeline.explain import Explainer
from harness.pipeline.external import Prepared, prepare_external
from harness.pipeline.plan import Plan
from harness.pipeline.stages import Stages
from harness.series.model import Series
from harness.series.source import open_series
from harness.tree.apply import apply_series, require_whole
from harness.tree.model import Overlay
from harness.tree.source import open_tree
from harness.tree.workcopy import read
from harness.workloads.runner import Load
from harness.workloads.selftest_build import Sources
from harness.workloads.selftests import load_external

_PROBE_SECONDS = 20.0


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for: the plan, with the command line's words already laid over it."""

    plan: Plan
    plan_path: Path
    only: tuple[str, ...] = ("base", "patched")
    results: Path
    cache: Path
    jobs: int
    fail_fast: bool = False
    """end at the first failure"""
    force: bool = False
    """go on with a tree or a compiler that configs/old-trees.yaml does not cover"""

    def kernels(self, series: Series) -> tuple[str, ...]:
        """Which of ``only`` there are: without patches the base is all."""
        return self.only if series.patches else ("base",)

    def load(self, seconds: float, slow: float) -> Load:
        """How hard each workload is run, for *seconds*, on a kernel so much slower than a plain one."""
        plan = self.plan
        return Load(
            seconds=seconds,
            limit=plan.limit_mb << 20,
            workers=plan.workers or plan.guest.cpus,
            sample_ms=plan.sample_ms,
            settle=plan.settle,
            seed=plan.seed,
            slow=slow,
        )


def machine_of(plan: Plan, iface: str) -> Spec:
    """The machine that *plan* has guests of *iface* run on."""
    guest = plan.guest
    return Spec(
        iface=iface,
        cpus=guest.cpus,
        nodes=guest.nodes,
        memory_mb=guest.memory_mb,
        swap=guest.swap,
        boot_seconds=float(guest.boot_seconds),
        append=guest.append,
    )


class Bench:
    """Opened, it holds the tree's private copy for itself, with the whole series known to go on.

    Opening raises UserError, before anything was made, for a series, tree, plan or tool that is no good.
    """

    def __init__(self, request: Request, listener: Listener, deadline: Deadline) -> None:
        self._request = request
        self._listener = listener
        self._deadline = deadline
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        request = self._request
        stages = Stages(self._listener)
        stages.at("tree")
        self._qemu = qemu_version(self._deadline)
        toolchain = find_toolchain(request.plan.toolchain.cc, self._deadline)
        self.profiles = {name: load_profile(CONFIGS / "kconfig", name) for name in request.plan.profiles}
        self._external = load_external(CONFIGS / "selftests.yaml").choose(
            request.plan.external, str(request.plan_path)
        )
        self.series = open_series(
            request.plan.series, cache=request.cache, listener=self._listener, deadline=self._deadline
        )
        make_directory(request.results, "the results directory")
        make_directory(request.cache, "the cache directory")
        with ExitStack() as stack:
            self.tree = stack.enter_context(
                open_tree(
                    request.plan.tree,
                    cache=request.cache,
                    listener=self._listener,
                    deadline=self._deadline,
                )
            )
            stages.at("apply")
            self.applied = apply_series(
                self.series,
                self._pristine,
                scratch=self.tree.source.parent,
                deadline=self._deadline,
            )
            self._require_whole()
            self._mend(toolchain)
            self._stack = stack.pop_all()
        self.machine = {
            "qemu": self._qemu,
            "host": platform.node(),
            "cores": str(os.cpu_count() or 1),
            "compiler": self._toolchain.version,
        }
        return self

    def _require_whole(self) -> None:
        try:
            require_whole(self.applied, self.series, self.tree)
        except UserError as error:
            advice = better_base(self.series, self.tree, self._listener, self._deadline)
            raise UserError(f"{error}{advice}") from error

    def _mend(self, toolchain: Toolchain) -> None:
        """Find out what the tree needs of these tools, before anything is made."""
        self._mending = mending_for(
            self.tree.version, toolchain, CONFIGS / "old-trees.yaml", force=self._request.force
        )
        for note in self._mending.notes:
            self._listener(Note(note))
        self._toolchain = self._mending.dress(toolchain)
        _overlay, self.mended = self._laid(0)

    def _laid(self, patches: int) -> tuple[Overlay, tuple[Mended, ...]]:
        """The first *patches* patches, and our edits on top."""
        return self._mending.lay(self.applied.prefixes[patches], self._pristine, self.tree.origin)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def analysis(self) -> Analysis:
        """What is known of the series without running it. To be asked for before the first kernel."""
        ground = Ground(root=self.tree.source, read=self._pristine, version=self.tree.version, tree=self.tree)
        return examine_series(
            self.series,
            self.applied,
            ground,
            cache=self._request.cache,
            listener=self._listener,
            deadline=self._deadline,
        )

    def warned(self, analysis: Analysis, warnings: tuple[CompilerWarning, ...]) -> Analysis:
        """*analysis* with the compiler's new *warnings* among its findings."""
        said = compiler_findings(States(self.applied, self._pristine), warnings)
        return msgspec.structs.replace(analysis, findings=joined(analysis.findings, said))

    def explainer(self, patches: int, analysis: Analysis) -> Explainer:
        """What the sources of the kernel with the first *patches* patches on say of its reports."""
        return Explainer(
            root=self.tree.source,
            read=self._pristine,
            prefixes=[self._laid(count)[0] for count in range(patches + 1)],
            analysis=analysis,
        )

    def state(self, path: str, patches: int) -> bytes | None:
        """The file *path* with the first *patches* patches on; None where there is none."""
        overlay, _edits = self._laid(patches)
        return overlay[path] if path in overlay else self._pristine(path)

    def _pristine(self, path: str) -> bytes | None:
        return read(self.tree, path)

    def kernel(self, patches: int, name: str, profile: str) -> Kernel:
        """The kernel with the first *patches* patches on; BuildFailed when it does not compile."""
        with task(self._listener, f"kernel-{name}", f"{name} kernel") as progress:
            kernel = kernel_for(
                self.tree,
                self._laid(patches)[0],
                self.profiles[profile],
                cache=self._request.cache,
                toolchain=self._toolchain,
                jobs=self._request.jobs,
                listener=progress.absorb,
                deadline=self._deadline,
            )
            progress.outcome = "from the cache" if kernel.cached else "built"
        return kernel

    def expected_seconds(self, patches: int, profile: str) -> float | None:
        """What :meth:`kernel` will take for them; None where nobody knows."""
        return expected_seconds(
            self.tree,
            self._laid(patches)[0],
            self.profiles[profile],
            cache=self._request.cache,
            toolchain=self._toolchain,
        )

    def debug_objects(self, kernel: Kernel, patches: int, profile: str, deadline: Deadline) -> DebugObjects:
        """What gives lines to the stacks of *kernel*, which has so many *patches* on."""
        return DebugObjects(
            tree=self.tree,
            overlay=self._laid(patches)[0],
            kernel=kernel,
            build_dir=build_directory(self.tree, self.profiles[profile]),
            cache=self._request.cache,
            deadline=deadline,
        )

    def external(self, patches: int) -> Prepared:
        """What the plan's ``external`` names, for guests of the kernel with so many *patches* on."""
        touched = frozenset(self.applied.prefixes[-1])
        sources = Sources(self.tree.source, self._pristine, self._laid(patches)[0], touched)
        return prepare_external(self._external, sources, cache=self._request.cache, deadline=self._deadline)

    def image(self) -> Image:
        """The guest image."""
        return prepare(
            self._request.cache,
            QEMU,
            jobs=self._request.jobs,
            listener=self._listener,
            deadline=self._deadline,
        )

    def accel(self, kernel: Kernel, image: Image, directory: Path) -> Accel:
        """The accelerator that works here, by a probe boot of *kernel* where that is not known yet."""

        def probe(candidate: Accel) -> str:
            return probe_boot(kernel.image, image, candidate, directory, self._deadline)

        return choose(self._request.plan.accel, self._request.cache, self._qemu, probe)


def probe_boot(kernel: Path, image: Image, candidate: Accel, directory: Path, deadline: Deadline) -> str:
    """Why a guest does not come up with *candidate*, or "" when it does; the console stays in *directory*."""
    spec = Spec(boot_seconds=_PROBE_SECONDS)
    console = directory / f"probe-{candidate.name}-console.log"
    try:
        with booted(kernel, image, spec, candidate, console=console, deadline=deadline) as guest:
            return guest.failure
    except InfraError as error:
        return str(error)
