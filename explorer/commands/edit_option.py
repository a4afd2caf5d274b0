"""The option `--edit FILE:K:SIGMA[:LAYERS]`: steps along the directions of a file."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from explorer.commands.entries_option import ENTRIES, entries_of
from explorer.commands.numbers import numbers_of
from explorer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.assets.table import AssetTable
    from explorer.generators.base import Generator
    from explorer.state import Edit

__all__ = ["add_edit_option", "edits_of"]

_FORM = re.compile(r"(?P<file>.+?):(?P<number>\d{1,6}):(?P<sigma>[^:]+)(?::(?P<layers>[^:]+))?", re.DOTALL)


def add_edit_option(parser: argparse.ArgumentParser) -> None:
    """Declare the option."""
    parser.add_argument(
        "--edit", metavar="FILE:K:SIGMA[:LAYERS]", action="append", default=[],
        help="step of SIGMA standard deviations along direction K (from 0) of a file of `directions`, for its own "
        f"layers or for {ENTRIES}; may be given again",
    )  # fmt: skip


def edits_of(texts: Sequence[str], generator: Generator, table: AssetTable) -> tuple[Edit, ...]:
    """Return the edits of the options, in order; their directions are added to the table.

    Standard deviations that a file does not have are measured.

    Raises:
        UsageError: A text is malformed, or there is no such direction.
        LatentError: A file cannot be read, or does not fit the model.
    """
    return tuple(_edit(text, generator, table) for text in texts)


def _edit(text: str, generator: Generator, table: AssetTable) -> Edit:
    from explorer.directions.files import load_directions
    from explorer.directions.samples import with_sigmas
    from explorer.state import Direction, Edit, StyleDirection

    form = _FORM.fullmatch(text)
    if form is None:
        raise UsageError(
            f"--edit {text}: expected FILE:K:SIGMA or FILE:K:SIGMA:LAYERS.", "For example pca.npz:0:2.5"
        )
    found = load_directions(form["file"], generator.info)
    number, (sigma,) = int(form["number"]), numbers_of(f"--edit {text}: SIGMA", form["sigma"], 1)
    if number >= len(found):
        raise UsageError(f"--edit {text}: the file has the directions 0 to {len(found) - 1}.")
    # The user names the file for this model, whatever it was found in.
    one = replace(with_sigmas(generator, found.of([number])), model_sha="")
    layers = form["layers"]
    entries = found.entries if layers is None else entries_of("--edit layers", layers, generator.info)
    kind = StyleDirection if found.space == "s" else Direction
    return Edit(kind(table.add(one.stored(0)), tuple(entries), one.names[0]), sigma)
