"""Renders critters into a packed uint8 file that training memory-maps."""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from explorer.training.critters.attributes import attributes, latents
from explorer.training.critters.render import render
from explorer.util.atomic_write import atomic_write

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["main", "pack", "to_uint8"]

log = logging.getLogger("explorer.training.critters")


def to_uint8(pictures: torch.Tensor) -> torch.Tensor:
    """Return pictures in 0..1 as uint8, rounded."""
    return (pictures * 255 + 0.5).clamp(0, 255).to(torch.uint8)


def _rendered(
    count: int, resolution: int, seed: int, start: int, batch: int, device: str
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield batches with the number of their first picture, logging the time left."""
    began = reported = time.monotonic()
    for first in range(0, count, batch):
        size = min(batch, count - first)
        with torch.inference_mode():
            latent = latents(size, seed, start + first).to(device)
            pictures = to_uint8(render(attributes(latent), resolution))
        yield first, pictures.cpu().numpy()
        now = time.monotonic()
        if now - reported > 10:
            reported, done = now, first + size
            log.info("%d of %d pictures, %.0f s left", done, count, (now - began) / done * (count - done))


def pack(
    out: Path, count: int, resolution: int, *, seed: int = 0, start: int = 0, batch: int = 2, device: str = "cpu"
) -> Path:
    """Render pictures `start ... start + count` of data set `seed` into `out`, uint8 `[count, 3, R, R]` in `.npy`.

    The file gets its name only when complete, so that an interrupted run does not leave a partial data set behind.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    shape = (count, 3, resolution, resolution)
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.uint8)), "fortran_order": False, "shape": shape}
    # Written, not mapped: on a full disk, writing to mapped memory kills the process (SIGBUS).
    with atomic_write(out, is_lone_writer=True) as partial, partial.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for _, pictures in _rendered(count, resolution, seed, start, batch, device):
            file.write(pictures.tobytes())
    return out


def main(argv: list[str] | None = None) -> int:
    """Run the command line `python -m explorer.training.critters.pack OUT.npy --count N --resolution R`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--batch", type=int, default=2, help="2 fits a CPU's cache, 256 fills a GPU")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    pack(**vars(options))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
