"""`main.py project show FILE`: shows a project, or that of a picture, a film or a copied state, as JSON."""

from __future__ import annotations

import argparse
from pathlib import Path

from explorer.commands.outputs import check_output, check_project
from explorer.util import console

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the action and the file."""
    parser.add_argument("action", choices=("show", "save"), help="show: print it; save: write it to another file")
    parser.add_argument("file", metavar="FILE", type=Path, help="a project, or a picture or film that carries one")
    parser.add_argument("-o", "--output", metavar="OUT.json", type=Path, help="for save: the project's new file")


def run(arguments: argparse.Namespace) -> int:
    """Print or write the project."""
    from explorer.errors import UsageError
    from explorer.project.document import read_project, to_json, write_project

    check_project(arguments.file)
    if arguments.output is not None:
        check_output("--output", arguments.output, ".json")
    state, table = read_project(arguments.file)
    if arguments.action == "save":
        if arguments.output is None:
            raise UsageError("save needs an output file.", "Add -o OUT.json.")
        write_project(arguments.output, state, table)
        console.out_path(arguments.output)
        return 0
    data = to_json(state, table)
    for latent in data.get("latents", {}).values():
        latent["data"] = f"{len(latent['data'])} characters"  # numbers that no reader needs
    console.out_json(data)
    return 0
