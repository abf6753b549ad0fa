# SPDX-License-Identifier: GPL-2.0-only
"""``--cluster``: guests on other machines than this one. Nothing of dask is imported without it."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import UserError
from harness.events import Listener
from harness.pipeline.cells import Machines, ThisMachine


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """The option."""
    parser.add_argument(
        "--cluster", default="", metavar="ADDRESS", help="guests at the workers of a dask scheduler (tcp://…)"
    )


@contextmanager
def machines(options: argparse.Namespace, listener: Listener) -> Iterator[Machines]:
    """Where the guests are to be. UserError or InfraError for a cluster that is not to be had."""
    if not options.cluster:
        yield ThisMachine()
        return
    try:
        cluster = importlib.import_module("harness.pipeline.cluster")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"dask", "distributed"}:
            raise
        raise UserError(
            "--cluster: dask.distributed is not installed; 'make install' brings it, "
            "else pip install '.[cluster]' in the checkout"
        ) from error
    with cluster.opened(options.cluster, listener) as opened:
        yield opened
