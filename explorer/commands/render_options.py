"""The options of `main.py render`, parsed into a look: seeds, mixing, transforms, stored latents."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from explorer.commands.class_option import add_class_option
from explorer.commands.entries_option import entries_of
from explorer.commands.latent_option import add_latent_options
from explorer.commands.numbers import SEEDS, check_seed, numbers_of
from explorer.errors import UsageError
from explorer.state import Latent, Look, Mixing, MixRow, MixSource, Noise, Tap, Transform, Truncation
from explorer.state.parameters import CONTROLS
from explorer.util.ranges import ranges_of

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo

__all__ = ["add_look_options", "look_from", "mixing_of", "tap_from"]

MIX_AMOUNT = CONTROLS["mixing.amount"]


def add_look_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the look."""
    latent = parser.add_mutually_exclusive_group()
    latent.add_argument("--seed", metavar="N", default="0", help="a seed, or several as in 1-8,12 (default 0)")
    add_latent_options(parser, latent)
    add_class_option(parser)
    psi, rotate = CONTROLS["truncation.psi"].default, CONTROLS["transform.rotate"].default
    parser.add_argument("--psi", metavar="P", type=float, default=psi, help="truncation (default 1 = none)")
    parser.add_argument("--cutoff", metavar="K", type=int, help="truncate only the first K of ws")
    parser.add_argument(
        "--mix", metavar="SEED:LAYERS[:AMOUNT]", action="append", default=[],
        help="take entries of ws from another seed, e.g. 7:0-3,5 or 7:coarse:0.5; may be given again",
    )  # fmt: skip
    parser.add_argument(
        "--noise", choices=("none", "const", "random"), default="const", help="of StyleGAN and StyleGAN2"
    )
    parser.add_argument("--noise-seed", metavar="N", type=int, default=0, help="seed of random noise")
    parser.add_argument("--translate", metavar="X,Y", help="move the picture, in image widths, right and down")
    parser.add_argument("--rotate", metavar="DEGREES", type=float, default=rotate, help="turn it counter-clockwise")
    parser.add_argument("--transform", metavar="A,B,C,D,E,F", help="forward matrix, first two rows; applied last")
    parser.add_argument("--layer", metavar="NAME", default="", help="show a layer's activation instead")


def look_from(arguments: argparse.Namespace, info: GeneratorInfo, seed: int, stored: str = "") -> Look:
    """Return the look of the options for a seed, or for the stored latent with an id.

    `arguments.classes`: the classes chosen for this model.

    Raises:
        UsageError: An option is malformed, or not supported by the model.
    """
    if arguments.cutoff is not None and arguments.cutoff < 0:
        raise UsageError(f"--cutoff {arguments.cutoff} is negative.", "Use 0 for no truncation.")
    check_seed("--noise-seed", arguments.noise_seed)
    x, y = numbers_of("--translate", arguments.translate or "0,0", 2)
    matrix = numbers_of("--transform", arguments.transform or "1,0,0,0,1,0", 6)
    return Look(
        latent=Latent(seed=seed, stored=stored),
        classes=arguments.classes,
        truncation=Truncation(psi=arguments.psi, cutoff=arguments.cutoff),
        mixing=mixing_of(arguments.mix, info),
        noise=Noise(mode=arguments.noise, seed=arguments.noise_seed),
        transform=Transform(x=x, y=y, rotate=arguments.rotate, matrix=tuple(matrix)),
    )


def tap_from(arguments: argparse.Namespace, info: GeneratorInfo) -> Tap:
    """Return the layer to show.

    Raises:
        UsageError: There is no such layer.
    """
    names = [layer.name for layer in info.layers]
    if arguments.layer and arguments.layer not in names:
        raise UsageError(f"--layer {arguments.layer}: the model's layers are {', '.join(names)}.")
    return Tap(layer=arguments.layer)


def mixing_of(texts: Sequence[str], info: GeneratorInfo) -> Mixing:
    """Return the style mixing of `SEED:LAYERS[:AMOUNT]` options; the last one that sets an entry of ws wins.

    LAYERS is a list such as 0-3,5 or the name coarse, middle or fine.

    Raises:
        UsageError: The text is malformed, or the model does not have an entry.
    """
    sources, rows = [], {}
    for number, text in enumerate(texts):
        parts = text.split(":")
        if len(parts) not in (2, 3):
            raise UsageError(f"--mix {text}: expected SEED:LAYERS or SEED:LAYERS:AMOUNT.", "For example 7:0-3:0.5.")
        (seed, *more) = ranges_of("--mix", parts[0], SEEDS - 1)
        amount = numbers_of("--mix", parts[2], 1)[0] if len(parts) == 3 else 1.0
        if more or not MIX_AMOUNT.low <= amount <= MIX_AMOUNT.high:
            raise UsageError(f"--mix {text}: expected one seed, and an amount from 0 to 1.")
        sources.append(MixSource(seed))
        for layer in entries_of("--mix layers", parts[1], info):
            rows[layer] = MixRow(layer, number, amount)
    return Mixing(tuple(sources), tuple(rows[layer] for layer in sorted(rows))) if sources else Mixing()
