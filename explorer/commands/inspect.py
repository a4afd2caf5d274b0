"""`main.py inspect FILE`: shows a checkpoint's content and whether it can be rendered, without executing it."""

from __future__ import annotations

import argparse

from explorer.util import console
from explorer.util.plain_text import visible

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file and the output format."""
    parser.add_argument("file", metavar="FILE", help="a checkpoint, or the name of a bundled model")
    parser.add_argument("--json", action="store_true", help="print as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the information about a file."""
    from explorer.checkpoints import inspect, resolve_model

    summary = inspect(resolve_model(arguments.file))
    if arguments.json:
        console.out_json(summary, indent=2)
        return 0
    width = max(len(name) for name in summary)
    for name, value in summary.items():
        if value not in (None, "", [], {}):
            console.out(f"{name.replace('_', ' '):<{width}}  {visible(_as_text(value), None)}")
    return 0


def _as_text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
