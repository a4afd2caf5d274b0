"""`--on ray`: the same work on every node of a cluster."""

from __future__ import annotations

import argparse
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.jobs.cluster import Cluster

__all__ = ["add_cluster_option", "cluster_of"]


def add_cluster_option(parser: argparse.ArgumentParser) -> None:
    """Declare `--on`, which chooses where the work is done."""
    parser.add_argument(
        "--on", choices=("here", "ray"), default="here",
        help="ray: on every node of a Ray cluster (RAY_ADDRESS; else on this machine), with the same results",
    )  # fmt: skip


def cluster_of(a: argparse.Namespace) -> contextlib.AbstractContextManager[Cluster | None]:
    """Connect to the cluster that `--on` names, None for this process. Entering raises UsageError, RenderError."""
    if a.on == "here":
        return contextlib.nullcontext()
    from explorer.jobs.cluster import connected

    return connected()
