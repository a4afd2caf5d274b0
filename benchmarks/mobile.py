"""What a MobileStyleGAN saves against the StyleGAN2 it learns from: multiply-adds, parameters, time, likeness.

    python benchmarks/mobile.py [--size 1024] [--repeat N] [--dtype auto] [--student FILE] [--json] [--cpu-time]

Costs and times are of the published configuration at `--size` pixels with random weights, one picture at a time,
as they do not depend on the weights. Both networks run in turn, and the best time of each counts, so that other
work on the machine disturbs both alike. Parameters are those of the synthesis that a picture needs, as the paper
counts them: not the mapping network, which both share, nor the student's heads for training.

Likeness (PSNR of the student's pictures against the teacher's, same w, same noise) needs trained weights: those of
`--student`, a file or a bundled model whose teacher is found, by default the bundled student, at its own size.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.table import columns
from explorer.checkpoints import Checkpoint, build_generator, bundled_models, load, resolve_model
from explorer.checkpoints.teachers import teacher_of
from explorer.errors import UsageError
from explorer.generators.base import Generator
from explorer.generators.cost import picture_cost
from explorer.generators.mobilestylegan_layers import WaveletHead
from explorer.generators.registry import build, read_config
from explorer.ops import backend, native
from explorer.training.distillation_figures import likeness
from explorer.training.teacher import student_sizes
from explorer.util.heap import keep_freed_memory

BUNDLED = "critters-mobilestylegan"
PAPER = {"teacher": (143.15, 28.27), "student": (15.09, 8.01)}  # GMAC, million parameters (Belousov 2021)


@dataclass(frozen=True)
class Row:
    """One network: billions of multiply-adds, millions of parameters, ms of a picture."""

    network: str
    px: int
    gmac: float
    filter_gmac: float
    million_parameters: float
    ms: float


def synthesis_parameters(generator: Generator) -> int:
    """Return the number of parameters that a picture needs besides the mapping network."""
    unused = [layer for layer in generator.layers if isinstance(layer, WaveletHead) and not layer.is_last]
    spare = {id(p) for layer in unused for p in layer.parameters()}
    named = generator.named_parameters()
    return sum(p.numel() for name, p in named if not name.startswith("mapping.") and id(p) not in spare)


def times(pair: list[Generator], repeat: int, clock: Callable[[], float], dtype: torch.dtype) -> list[float]:
    """Return the best time of a picture of each network in ms, in turns."""
    best = [float("inf")] * len(pair)
    with torch.inference_mode(), backend.use_backend(dtype=dtype):
        for turn in range(repeat + 1):
            for i, generator in enumerate(pair):
                ws = generator.broadcast(generator.mapping(torch.randn(1, generator.info.z_dim)))
                start = clock()
                generator.synthesis(ws)
                if turn:  # the first one prepares the weights
                    best[i] = min(best[i], 1e3 * (clock() - start))
    return best


def measure(names: list[str], pair: list[tuple[Generator, object]], repeat: int, **how: Any) -> list[Row]:
    """Return a row for each network with its config dataclass."""
    found = times([generator for generator, _ in pair], repeat, **how)
    return [
        Row(
            network=name,
            px=generator.info.img_size[0],
            gmac=round(picture_cost(config).flop / 2e9, 4),
            filter_gmac=round(picture_cost(config).filter_flop / 2e9, 4),
            million_parameters=round(synthesis_parameters(generator) / 1e6, 3),
            ms=round(ms, 2),
        )
        for name, (generator, config), ms in zip(names, pair, found, strict=True)
    ]


def published(size: int) -> list[tuple[Generator, object]]:
    """Return a StyleGAN2 of the published sizes and its student, both with random weights, and their configs."""
    teacher: dict[str, Any] = {"img_resolution": size}
    _, student = student_sizes("the teacher", Checkpoint("stylegan2", teacher, {}, "teacher"), {})
    pairs = (("stylegan2", teacher), ("mobilestylegan", {"img_resolution": size, **student}))
    return [(build(family, config), read_config(family, config)) for family, config in pairs]


def trained(name: str) -> tuple[list[tuple[Generator, object]], list[str]]:
    """Return teacher and student of the student in a file, with their configs, and the names of both.

    Raises:
        UsageError: The file names no teacher.
        LatentwalkError: One of them cannot be opened.
    """
    path = str(resolve_model(name))
    checkpoint = load(path)
    teacher = teacher_of(path, checkpoint.parts, checkpoint.card)
    if not teacher:
        raise UsageError(f"{name} names no teacher.", "Give a model that was distilled here, or a file with both.")
    opened = [load(resolve_model(teacher)), checkpoint]
    return [(build_generator(c), read_config(c.family, c.config)) for c in opened], [c.name for c in opened]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--dtype", choices=("auto", "float32", "bfloat16"), default="float32")
    parser.add_argument("--student", default=BUNDLED if BUNDLED in bundled_models() else "")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--cpu-time", action="store_true", help="processor time of one thread")
    options = parser.parse_args()
    keep_freed_memory()
    native.build()
    if options.cpu_time:
        torch.set_num_threads(1)
    clock = time.thread_time if options.cpu_time else time.perf_counter
    fastest = backend.fastest_dtype("cpu")
    dtype = fastest if options.dtype == "auto" else getattr(torch, options.dtype)
    how: dict[str, Any] = {"clock": clock, "dtype": dtype}
    rows = measure(["StyleGAN2", "MobileStyleGAN"], published(options.size), options.repeat, **how)
    found: dict[str, Any] = {"rows": rows, "paper": PAPER}
    if options.student:
        pair, names = trained(options.student)
        found["trained"] = measure(names, pair, options.repeat, **how)
        found["psnr"] = [round(likeness(pair[1][0], pair[0][0], psi=psi), 2) for psi in (1.0, 0.7)]
    if options.json:
        print(json.dumps(found, default=asdict))
        return
    print(f"{dtype}, {'processor' if options.cpu_time else 'wall'} time".removeprefix("torch."))
    for some in (rows, found.get("trained", [])):
        if some:
            print(f"\n{columns([asdict(row) for row in some])}\n{compared(*some)}")
    gmac, parameters = (PAPER["teacher"][i] / PAPER["student"][i] for i in (0, 1))
    if "psnr" in found:
        print(f"PSNR against the teacher over 64 seeds: {found['psnr'][0]} dB at psi 1, {found['psnr'][1]} at 0.7")
    else:
        print("\nPSNR: no trained student; give --student FILE")
    print(f"Paper, FFHQ 1024: {gmac:.1f} times fewer multiply-adds, {parameters:.1f} times fewer parameters")


def compared(teacher: Row, student: Row) -> str:
    """Return how much less the student needs."""
    names = {"gmac": "multiply-adds", "million_parameters": "parameters", "ms": "time"}
    return ", ".join(
        f"{getattr(teacher, key) / max(getattr(student, key), 1e-9):.1f} times less {name}"
        for key, name in names.items()
    )


if __name__ == "__main__":
    main()
