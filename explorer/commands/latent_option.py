"""The options `--z`, `--w` and `--ws`: stored latents of a file, all of them or those selected by `FILE:N`."""

from __future__ import annotations

import argparse
import os
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explorer.errors import LatentError
from explorer.util.ranges import ranges_of

if TYPE_CHECKING:
    from explorer.assets.latent import Space, StoredLatent
    from explorer.render.results import ModelInfo

__all__ = ["LatentChoice", "add_latent_options", "choice_from", "latents_of", "latents_of_picture"]

_NUMBERED = re.compile(r"(?P<path>.+):(?P<numbers>\d[\d,\- ]*)", re.DOTALL)
_WHAT = {
    "z": "inputs of the mapping network",
    "w": "its outputs, one vector each",
    "ws": "one w for each layer (W+)",
}


@dataclass(frozen=True, slots=True)
class LatentChoice:
    """The value of one option: a file, its space, the selected numbers (empty: all), and whether to convert."""

    space: Space
    path: str
    numbers: str
    convert: bool


def add_latent_options(parser: argparse.ArgumentParser, group: Any = None) -> None:
    """Declare the options; those of the spaces go into `group`."""
    for space, what in _WHAT.items():
        (group or parser).add_argument(
            f"--{space}", metavar="FILE[:N]", help=f"saved latents of space {space}: {what}; N as in 2 or 1-3,5"
        )
    parser.add_argument(
        "--convert", action="store_true",
        help="convert latents of another model: spread their rows, use the numbers unchanged",
    )  # fmt: skip


def choice_from(arguments: argparse.Namespace) -> LatentChoice | None:
    """Return the chosen latents, or None."""
    for space in ("z", "w", "ws"):
        text = getattr(arguments, space)
        if text is not None:
            match = None if os.path.lexists(text) else _NUMBERED.fullmatch(text)
            path, numbers = (match["path"], match["numbers"]) if match else (text, "")
            return LatentChoice(space, path, numbers, bool(arguments.convert))
    return None


def latents_of(choice: LatentChoice, model_info: ModelInfo) -> list[StoredLatent]:
    """Return the chosen latents, converted to the model, in the given order.

    Raises:
        LatentError: They cannot be read, or do not fit; the hint suggests options.
        UsageError: A number does not exist.
    """
    from explorer.latents.files import convert_to, fit_to, load_latents

    found = load_latents(choice.path, model_info.info, choice.space)
    if choice.numbers:
        option = f"--{choice.space} {choice.path}, latents"
        found = tuple(found[n - 1] for n in ranges_of(option, choice.numbers, len(found), smallest=1))
    fit = convert_to if choice.convert else fit_to
    return [fit(latent, model_info.info, model_info.sha256) for latent in found]


def latents_of_picture(choice: LatentChoice, model_info: ModelInfo) -> list[StoredLatent]:
    """Return `latents_of` for one picture each; several must have been selected explicitly.

    Raises:
        LatentError: As `latents_of`, or the file has several latents and none was selected.
    """
    latents = latents_of(choice, model_info)
    if len(latents) > 1 and not choice.numbers:
        path, count = shlex.quote(choice.path), len(latents)
        rows = (
            f"Are its rows the layers of one latent? Then use --ws {path} instead. "
            if (choice.space != "ws" and count == model_info.info.num_ws)
            else ""
        )
        raise LatentError(
            f"{choice.path} holds {count} latents in {choice.space}.",
            command=f"{rows}Choose one or several by number, such as --{choice.space} {path}:1 or {path}:1-{count}",
        )
    return latents
