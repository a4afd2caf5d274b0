"""How fast videos are made: encoding alone by size, and rendering plus encoding of a bundled generator.

    python benchmarks/video.py [--frames 60] [--model NAME] [--json]

The pictures move smoothly, as those of a walk do; noise would flatter no encoder and still pictures every one.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from time import perf_counter

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from explorer.animation.container import Stream
from explorer.animation.encoder import ChunkedWriter
from explorer.animation.finish import finish
from explorer.animation.formats import format_named
from explorer.ops import native
from explorer.render.devices import best_device, fastest_precision
from explorer.render.headless import open_model
from explorer.state import Latent, Look, Truncation
from explorer.state.request import RenderSettings
from explorer.util.heap import keep_freed_memory

SIZES = (256, 512, 1024)


@contextmanager
def film(path: Path, size: int) -> Iterator[ChunkedWriter]:
    """A film of pictures that come from anywhere."""
    stream = Stream(format_named("mp4"), "good", (size, size), Fraction(30))
    growing = ChunkedWriter(path, stream, "")
    yield growing
    growing.close()
    finish(growing.part, path, stream, "", growing.count)


def encode(size: int, frames: int, folder: str) -> dict[str, object]:
    """Frames per second of the writer alone, pictures made beforehand."""
    x = np.linspace(0, 6.3, size, dtype=np.float32)
    pictures = []
    for i in range(min(frames, 30)):
        waves = np.sin(3 * x[:, None] + 0.1 * i) + np.cos(4 * x[None, :] - 0.07 * i)
        pictures.append(np.repeat(((waves + 2) * 63).astype(np.uint8)[:, :, None], 3, axis=2))
    with film(Path(folder) / f"{size}.mp4", size) as growing:
        start = perf_counter()
        for i in range(frames):
            growing.add(pictures[i % len(pictures)])
    seconds = perf_counter() - start  # with what the encoder still held, and the last step
    return {"what": "encode", "size": size, "frames": frames, "frames_per_s": round(frames / seconds, 1)}


def render(model: str, frames: int, folder: str) -> dict[str, object]:
    """Frames per second of a walk: rendering, encoding, and the fraction of the time that rendering takes."""
    device = best_device()
    renderer, model_info = open_model(model, RenderSettings(device, fastest_precision(device)))
    start = Look(latent=Latent(seed=1), truncation=Truncation(psi=0.7))
    renderer.render_look(start)
    rendering = 0.0
    begin = perf_counter()
    with film(Path(folder) / "walk.mp4", model_info.info.img_size[0]) as growing:
        for i in range(frames):
            before = perf_counter()
            picture = renderer.render_look(Look(latent=Latent(seed=1 + i), truncation=start.truncation))
            rendering += perf_counter() - before
            growing.add(picture.pixels)
    seconds = perf_counter() - begin
    return {
        "what": f"walk of {model_info.name}, {renderer.settings.device} {renderer.settings.dtype}",
        "size": model_info.info.img_size[0],
        "frames": frames,
        "frames_per_s": round(frames / seconds, 1),
        "rendering_fraction": round(rendering / seconds, 2),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--model", default="critters-stylegan3-t", help="a file or the name of a bundled model")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    keep_freed_memory()
    native.build()
    with tempfile.TemporaryDirectory() as folder:
        rows = [encode(size, options.frames, folder) for size in SIZES]
        rows.append(render(options.model, options.frames, folder))
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        for row in rows:
            text = f", rendering takes {row['rendering_fraction']:.0%}" if "rendering_fraction" in row else ""
            print(f"{row['what']:48} {row['size']:>5} px {row['frames_per_s']:>8} frames/s{text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
