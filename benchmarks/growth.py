"""Whether the time of a picture grows as its arithmetic does: with the batch, the resolution and the layers.

Also the time of moving a picture back (`undo`), whose arithmetic is so much for each pixel.

    python benchmarks/growth.py [--dtype float32] [--repeat 5] [--json] [--cpu-time]

Each line compares two networks, or two batches of one: how many times the arithmetic of the convolutions grows, how
many times the time does, and the quotient, which is 1 where both grow alike and above 1 where time grows faster.
Series whose name begins with "resample" count pixels.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import generators
from explorer.generators.base import Generator
from explorer.ops import backend, native, resample
from explorer.util.heap import keep_freed_memory

_T: dict[str, Any] = {"img_resolution": 128, "channel_base": 8192, "channel_max": 128, "margin_size": 10}
SERIES: dict[str, list[tuple[str, dict[str, Any], int]]] = {
    "batch, stylegan2 128 px": [
        ("stylegan2", {"img_resolution": 128, "channel_base": 8192, "channel_max": 256}, n) for n in (1, 2, 4)
    ],
    "batch, stylegan3-t 128 px": [("stylegan3-t", {**_T, "num_layers": 10}, n) for n in (1, 2, 4)],
    "resolution, stylegan2": [
        ("stylegan2", {"img_resolution": size, "channel_base": 16384, "channel_max": 256}, 1)
        for size in (64, 128, 256, 512)
    ],
    "resolution, stylegan3-t": [
        ("stylegan3-t", {**_T, "img_resolution": size, "channel_base": 64 * size, "num_layers": 10}, 1)
        for size in (64, 128, 256)
    ],
    "layers, stylegan3-t 128 px": [("stylegan3-t", {**_T, "num_layers": n}, 1) for n in (8, 12, 16)],
}

RESAMPLED = (256, 512, 896, 1024, 2048, 4096)
"""Sizes of pictures that are turned back. From 896 to 1024 the convolution of a whole picture falls off a cliff."""


@torch.inference_mode()
def resample_rows(repeat: int, clock: generators.Clock) -> list[dict[str, object]]:
    """Return one line for each step of `RESAMPLED`."""
    rows: list[dict[str, object]] = []
    before: tuple[int, float] | None = None
    for size in RESAMPLED:
        undo = partial(resample.undo, torch.rand(1, 3, size, size), resample.rotation_matrix(0.3))
        undo()
        times = repeat if size <= 1024 else 1
        seconds = min(generators.timed(undo, torch.device("cpu"), clock) for _ in range(times))
        if before is not None:
            rows.append(row("resample, turned back", (f"{before[0]} px", f"{size} px"), (size / before[0]) ** 2,
                            seconds / before[1], seconds))  # fmt: skip
        before = size, seconds
    return rows


def row(
    series: str, names: tuple[str, str], more_work: float, more_time: float, seconds: float, **more: object
) -> dict[str, object]:
    """Return a step of a series."""
    return {
        "series": series,
        "from": names[0],
        "to": names[1],
        **more,
        "ms": round(1e3 * seconds, 2),
        "work_ratio": round(more_work, 2),
        "time_ratio": round(more_time, 2),
        "quotient": round(more_time / more_work, 2),
    }


@torch.inference_mode()
def seconds_of(generator: Generator, batch: int, dtype: torch.dtype, repeat: int, clock: generators.Clock) -> float:
    """Return the best time of a batch of pictures."""
    ws = generator.broadcast(generator.mapping(torch.randn(batch, generator.info.z_dim)))
    with backend.use_backend("auto", dtype):
        generator.synthesis(ws)
        cpu = torch.device("cpu")
        return min(generators.timed(lambda: generator.synthesis(ws), cpu, clock) for _ in range(repeat))


def rows_of(series: str, dtype: torch.dtype, repeat: int, clock: generators.Clock) -> list[dict[str, object]]:
    """Return one line for each step of a series."""
    rows: list[dict[str, object]] = []
    before: tuple[float, float, str] | None = None
    for family, config, batch in SERIES[series]:
        generator = generators.build_from(family, config, torch.device("cpu"))
        gflop = generators.convolution_gflop(generator) * batch
        seconds = seconds_of(generator, batch, dtype, repeat, clock)
        key = {"batch": f"{batch}", "resolution": f"{config['img_resolution']} px", "layers": "{num_layers} layers"}
        name = key[series.split(",")[0]].format(**config)
        if before is not None:
            ratios = gflop / before[0], seconds / before[1]
            rows.append(row(series, (before[2], name), *ratios, seconds, gflop=round(gflop, 2)))
        before = gflop, seconds, name
    return rows


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--cpu-time", action="store_true", help="processor time of one thread instead of wall time")
    parser.add_argument("--only", choices=[*SERIES, "resample"], help="one series")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    keep_freed_memory()
    native.build()
    if options.cpu_time:
        torch.set_num_threads(1)
    clock = time.process_time if options.cpu_time else time.perf_counter
    rows = []
    for series in SERIES:
        if options.only in (None, series):
            rows += rows_of(series, getattr(torch, options.dtype), options.repeat, clock)
    if options.only in (None, "resample"):
        rows += resample_rows(options.repeat, clock)
    if options.json:
        print(json.dumps(rows, indent=1))
        return 0
    print(f"{'series':28} {'from':>10} {'to':>10} {'work x':>7} {'time x':>7} {'quotient':>9}")
    for r in rows:
        ratios = f"{r['work_ratio']:>7} {r['time_ratio']:>7} {r['quotient']:>9}"
        print(f"{r['series']:28} {r['from']:>10} {r['to']:>10} {ratios}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
