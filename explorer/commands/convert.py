"""`main.py convert IN OUT.safetensors`: the generator of a checkpoint in Latentwalk's own format."""

from __future__ import annotations

import argparse
from pathlib import Path

from explorer.commands.outputs import check_output
from explorer.util import console

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare source, target and the precision of the stored weights."""
    parser.add_argument("source", metavar="IN", help="a checkpoint that `inspect` understands")
    parser.add_argument("target", metavar="OUT", help="a name that ends in .safetensors; replaced if it exists")
    parser.add_argument(
        "--store", choices=("float32", "float16"), default="float32", help="precision of the weights"
    )


def run(arguments: argparse.Namespace) -> int:
    """Convert the file and print the path of the result."""
    from explorer.checkpoints import convert, resolve_model

    check_output("OUT", Path(arguments.target), ".safetensors")
    convert(resolve_model(arguments.source), arguments.target, dtype=arguments.store)
    console.out_path(arguments.target)
    return 0
