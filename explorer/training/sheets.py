"""Sheets that show the quality of a generator at a glance: samples, mixing, interpolation, texture sticking."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from explorer.latents.groups import GROUPS, group_of
from explorer.ops import resample
from explorer.training.snapshot import save_picture, save_sheet, sheet

if TYPE_CHECKING:
    from explorer.generators.base import Generator

__all__ = ["CARD_SEEDS", "card_picture", "interpolation", "mixing", "samples", "sticking", "styles", "write_sheets"]

CARD_SEEDS = (5, 2, 50, 58)
"""A fox, a bear, a rabbit and a cat of the bundled critters."""

_ROWS, _COLUMNS = (5, 50, 23), (2, 12, 28, 47, 57, 58)
_STEPS = 8
_REACH = 0.09  # maximum translation to each side, in image widths


@torch.inference_mode()
def styles(generator: Generator, seeds: Sequence[int], psi: float = 1.0) -> Tensor:
    """Return `ws` for seeds, as everywhere in the explorer."""
    rows = [np.random.RandomState(seed).randn(1, generator.info.z_dim) for seed in seeds]
    z = torch.from_numpy(np.concatenate(rows)).float().to(generator.device)
    return generator.truncate(generator.broadcast(generator.mapping(z)), psi)


@torch.inference_mode()
def _draw(generator: Generator, ws: Tensor, transform: Tensor | None = None) -> Tensor:
    parts = [generator.synthesis(part, transform=transform) for part in torch.split(ws, 8)]
    return torch.cat(parts).cpu().clamp(-1, 1)


def samples(generator: Generator, psi: float, count: int = 64) -> Tensor:
    """Return pictures of the seeds 0 ... `count` - 1, with stored noise."""
    return _draw(generator, styles(generator, range(count), psi))


def card_picture(generator: Generator) -> Tensor:
    """Return four pictures `[4, 3, R, R]` for the model's tile in the window."""
    return _draw(generator, styles(generator, CARD_SEEDS, 0.7))


def mixing(generator: Generator, group: str) -> Tensor:
    """Return a matrix with 7 columns: pictures of the left column with one group of styles from the top row."""
    ours, theirs = styles(generator, _ROWS), styles(generator, _COLUMNS)
    taken = torch.tensor([group_of(generator.info, i) == group for i in range(generator.info.num_ws)])
    taken = taken.to(ours.device)[None, :, None]
    blank = torch.ones(1, generator.info.img_channels, *generator.info.img_size)
    rows = [blank, _draw(generator, theirs)]
    for ws in ours:
        rows += [_draw(generator, ws[None]), _draw(generator, torch.where(taken, theirs, ws[None]))]
    return torch.cat(rows)


def interpolation(generator: Generator, pairs: Sequence[tuple[int, int]] = ((5, 50), (2, 12), (57, 28))) -> Tensor:
    """Return rows of 8: linear interpolation in `w` from one seed to another."""
    rows = []
    for first, last in pairs:
        a, b = styles(generator, (first, last))
        rows.append(torch.stack([torch.lerp(a, b, step / (_STEPS - 1)) for step in range(_STEPS)]))
    return _draw(generator, torch.cat(rows))


@torch.inference_mode()
def sticking(generator: Generator, seeds: Sequence[int] = (50, 28, 58)) -> Tensor:
    """Return rows of 8: six translations, the picture at rest, and the average of 25 translations moved back.

    Fur that moves with the head is as sharp in the average as at rest; fur that sticks to the screen is blurred
    away.
    """
    rows = []
    positions = np.linspace(-_REACH, _REACH, 25)
    for seed in seeds:
        ws = styles(generator, (seed,))
        moved = [_move(generator, ws, float(t)) for t in positions]
        pairs = zip(moved, positions.tolist(), strict=True)
        back = [resample.translate(picture, -t, -t / 2)[0] for picture, t in pairs]
        average = torch.cat(back).mean(0, keepdim=True).clamp(-1, 1)
        rows += [*(moved[i] for i in (0, 5, 10, 14, 19, 24)), _draw(generator, ws), average]
    return torch.cat(rows)


def _move(generator: Generator, ws: Tensor, t: float) -> Tensor:
    matrix = torch.tensor([[1.0, 0.0, t], [0.0, 1.0, t / 2], [0.0, 0.0, 1.0]], dtype=torch.float64)
    return _draw(generator, ws, matrix.to(ws.device))


def write_sheets(generator: Generator, out: Path, name: str) -> list[Path]:
    """Write every sheet as a picture, and all of them in `NAME-overview.png`; return the paths, overview first."""
    every = {
        "samples-psi1": ("64 uncurated samples, psi 1", samples(generator, 1.0), 8),
        "samples-psi0.7": ("64 uncurated samples, psi 0.7", samples(generator, 0.7), 8),
        **{
            f"mixing-{group}": (f"{group} styles of the top row on the left column", mixing(generator, group), 7)
            for group in GROUPS
        },
        "interpolation": ("from one seed to another", interpolation(generator), 8),
        "sticking": ("six translations, at rest, average moved back", sticking(generator), 8),
    }
    paths = []
    for key, (_, pictures, columns) in every.items():
        paths.append(out / f"{name}-{key}.png")
        save_sheet(paths[-1], pictures, columns)
    overview = out / f"{name}-overview.png"
    save_picture(overview, _overview([(title, sheet(tiles, columns)) for title, tiles, columns in every.values()]))
    return [overview, *paths]


def _overview(parts: list[tuple[str, Image.Image]]) -> Image.Image:
    """Return the titled sheets in two columns: samples, and all others."""
    columns: list[list[tuple[str, Image.Image]]] = [parts[:2], parts[2:]]
    gap, title_height = 12, 18
    width = max(picture.width for _, picture in parts)
    heights = [sum(p.height + title_height + gap for _, p in column) for column in columns]
    canvas = Image.new("RGB", (len(columns) * (width + gap) + gap, max(heights) + gap), "white")
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(13)
    for number, column in enumerate(columns):
        y = gap
        for title, picture in column:
            pen.text((gap + number * (width + gap), y), title, "black", font)
            canvas.paste(picture, (gap + number * (width + gap), y + title_height))
            y += picture.height + title_height + gap
    return canvas
