# SPDX-License-Identifier: GPL-2.0-only
"""From the functions that a series touches, through their callers, to the workloads that exercise them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.analysis.callgraph import CallGraph, Definition, Node, definitions
from harness.analysis.callgraph_kept import Kept
from harness.analysis.model import Reach
from harness.analysis.table import Route, Routes
from harness.tree.model import Overlay

_LARGEST = 2 << 20
_WIDEST = 5000

Touched = tuple[str, str]
"""file and name of a function"""


@dataclass(frozen=True)
class Reached:
    """The workloads that exercise some functions, and the names of those that none does."""

    workloads: tuple[Reach, ...] = ()
    unreached: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Way:
    """How a user's action comes to a function: from the function through its callers to an entry."""

    path: tuple[str, ...]
    route: Route

    def __str__(self) -> str:
        return " ← ".join((*self.path, self.route.action))


def reach_in(source: Path, routes: Routes, *, cache: Path) -> Callable[[Iterable[Touched], Overlay], Reached]:
    """What :func:`harness.analysis.analyse.analyse` asks: of functions, in *source* with an overlay."""
    return lambda touched, overlay: reached(touched, call_graph(source, overlay, routes, cache), routes)


def call_graph(source: Path, overlay: Overlay, routes: Routes, cache: Path) -> CallGraph:
    """The call graph of the tree at *source* with *overlay* put over it, of the files that *routes* names."""
    kept = Kept(cache / "callgraphs", source)
    files: dict[str, tuple[Definition, ...]] = {}
    for pattern in routes.sources:
        for file in sorted(source.glob(pattern)):
            path = file.relative_to(source).as_posix()
            if path not in overlay and path not in files and file.is_file():
                data = file.read_bytes()
                files[path] = kept.definitions(data, path) if len(data) <= _LARGEST else ()
    kept.save()
    for path, changed in overlay.items():
        if changed is not None and path.endswith((".c", ".h")) and len(changed) <= _LARGEST:
            files[path] = definitions(changed, path)
    return CallGraph(files)


def reached(touched: Iterable[Touched], graph: CallGraph, routes: Routes) -> Reached:
    """The workloads for *touched*, each with the shortest way there is and all functions that it reaches."""
    entries = {name: [route for route in routes.routes if name in route.entries] for name in _entries(routes)}
    ways: dict[str, list[_Way]] = {}
    missed: list[str] = []
    for path, name in dict.fromkeys(touched):
        found = list(_ways(graph.node(path, name), graph, entries, routes.depth))
        for way in found:
            for workload in way.route.workloads:
                ways.setdefault(workload, []).append(way)
        if not any(way.route.workloads for way in found):
            missed.append(name)
    return Reached(workloads=tuple(_reach(ways)), unreached=tuple(dict.fromkeys(missed)))


def _entries(routes: Routes) -> dict[str, None]:
    return dict.fromkeys(name for route in routes.routes for name in route.entries)


def _reach(ways: Mapping[str, list[_Way]]) -> Iterator[Reach]:
    """The workload with most that the ones before lack comes first, so that few of them do most of it.

    A function's way that no other workload has speaks best for one.
    """
    shared = {
        id(way): sum(way in others for others in ways.values()) for some in ways.values() for way in some
    }
    for workload in _most_first(ways):
        some = ways[workload]
        best = min(some, key=lambda way: (shared[id(way)], len(way.path)))
        functions = tuple(dict.fromkeys(way.path[0] for way in some))
        yield Reach(workload=workload, because=str(best), functions=functions)


def _most_first(ways: Mapping[str, list[_Way]]) -> Iterator[str]:
    """Greedily: by how many ways are new, then by how short the shortest of them is."""
    left = {workload: {id(way): way for way in some} for workload, some in ways.items()}
    seen: set[int] = set()
    while left:
        ranks = {}
        for workload, some in left.items():
            new = [way for key, way in some.items() if key not in seen]
            ranks[workload] = (-len(new), min(len(way.path) for way in new or ways[workload]))
        first = min(ranks, key=ranks.__getitem__)
        seen |= left.pop(first).keys()
        yield first


def _ways(start: Node, graph: CallGraph, entries: Mapping[str, list[Route]], depth: int) -> Iterator[_Way]:
    """Breadth first from *start* to callers; the first, so shortest, way to each route."""
    above: dict[Node, Node | None] = {start: None}
    level = [start]
    met: set[str] = set()
    for _step in range(depth + 1):
        following: list[Node] = []
        for node in level:
            for route in entries.get(node[0], ()):
                if route.action not in met:
                    met.add(route.action)
                    yield _Way(_path(node, above), route)
            if node[0] not in entries:
                new = [caller for caller in dict.fromkeys(graph.callers(node)) if caller not in above]
                above.update((caller, node) for caller in new)
                following += new
        level = following
        if len(above) > _WIDEST:
            return


def _path(node: Node, above: Mapping[Node, Node | None]) -> tuple[str, ...]:
    """From where the search began to *node*."""
    path = [node[0]]
    below = above[node]
    while below is not None:
        path.append(below[0])
        below = above[below]
    return tuple(reversed(path))
