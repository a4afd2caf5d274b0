"""Times of the generators: optimised against the reference backend and against this machine's convolution peak.

    python benchmarks/generators.py [--only NAME] [--repeat N] [--dtype auto] [--json] [--no-reference] [--cpu-time]

Random weights, one picture at a time. Reference and optimised runs alternate, and the best time of each counts,
so that other work on the machine disturbs both alike. The reference is float32 with the readable operators; the
optimised form runs in float32 and in the machine's fastest precision. The limit is the time the convolutions alone
would take at the fastest rate a large convolution reaches here in that precision.

`--cpu-time` counts processor time of one thread: on a machine with other work the only figure that can be repeated.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from explorer.generators import registry
from explorer.generators.base import Generator, Inputs
from explorer.generators.mobilestylegan_layers import MobileConv, WaveletHead, WaveletUp
from explorer.generators.stylegan2 import StyleGAN2Conv
from explorer.generators.stylegan3 import StyleGAN3Layer
from explorer.generators.stylegan_layers import StyleGANConst, StyleGANConv
from explorer.ops import backend, native
from explorer.util.heap import keep_freed_memory

Clock = Callable[[], float]
_SG3_10 = {"num_layers": 10, "margin_size": 10}
_R = {"channel_max": 1024, "channel_base": 65536}

# Name -> (family, configuration).
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "stylegan2-64": ("stylegan2", {"img_resolution": 64, "channel_base": 2048, "channel_max": 64}),
    "stylegan3-t-64": (
        "stylegan3-t", {"img_resolution": 64, "channel_base": 2048, "channel_max": 64, **_SG3_10},
    ),
    "stylegan3-t-64-margin4": (
        "stylegan3-t", {"img_resolution": 64, "channel_base": 2048, "channel_max": 64, **_SG3_10, "margin_size": 4},
    ),
    "stylegan2-128": ("stylegan2", {"img_resolution": 128, "channel_base": 4096, "channel_max": 128}),
    "stylegan3-t-128": (
        "stylegan3-t", {"img_resolution": 128, "channel_base": 4096, "channel_max": 128, **_SG3_10},
    ),
    "stylegan3-r-128": (
        "stylegan3-r", {"img_resolution": 128, "channel_base": 8192, "channel_max": 256, **_SG3_10},
    ),
    "stylegan-256": ("stylegan", {"img_resolution": 256}),
    "stylegan-1024": ("stylegan", {"img_resolution": 1024}),
    "stylegan2-256": ("stylegan2", {"img_resolution": 256, "channel_base": 16384}),
    "stylegan2-1024": ("stylegan2", {"img_resolution": 1024}),
    "stylegan3-t-256": ("stylegan3-t", {"img_resolution": 256}),
    "stylegan3-r-256": ("stylegan3-r", {"img_resolution": 256, **_R}),
    "stylegan3-t-1024": ("stylegan3-t", {"img_resolution": 1024}),
    "stylegan3-r-1024": ("stylegan3-r", {"img_resolution": 1024, **_R}),
    "mobilestylegan-1024": ("mobilestylegan", {"img_resolution": 1024}),
    # The golden fixtures' sizes.
    "golden-sg2-64": (
        "stylegan2",
        {"img_resolution": 64, "z_dim": 64, "w_dim": 64, "channel_base": 1024, "channel_max": 32},
    ),
    "golden-sg3t-64": (
        "stylegan3-t",
        {"img_resolution": 64, "z_dim": 64, "w_dim": 64, "channel_base": 2048, "channel_max": 24, "num_layers": 8},
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table; times in seconds for one picture."""

    name: str
    device: str
    dtype: str
    reference_s: float | None
    optimised_s: float
    ratio: float | None
    share_of_limit: float
    psnr_db: float | None


def build(name: str, device: torch.device) -> Generator:
    """Return a random generator whose features keep their size through all layers, like those of a trained one."""
    return build_from(*NETWORKS[name], device)


def build_from(family: str, config: dict[str, Any], device: torch.device) -> Generator:
    """`build` of any network."""
    torch.manual_seed(0)
    generator = registry.build(family, config)
    generator.to(device)
    with torch.no_grad():
        ws = generator.broadcast(generator.mapping(torch.randn(1, generator.info.z_dim, device=device)))
        activation = generator.begin(Inputs(ws))
        for layer in generator.layers:
            if isinstance(layer, StyleGAN3Layer):
                layer.magnitude_ema.copy_(activation.x.square().mean())
            elif isinstance(layer, (StyleGAN2Conv, StyleGANConv, StyleGANConst, MobileConv)):
                layer.noise_strength.fill_(0.1)
            activation = layer.run(activation, layer.style(ws[:, layer.info.ws_index or 0]))
    return generator


def convolution_gflop(generator: Generator) -> float:
    """2 x multiply-adds of the convolutions of one picture, in units of 1e9."""
    total = 0.0
    for layer in generator.layers:
        if isinstance(layer, WaveletUp) or (isinstance(layer, WaveletHead) and not layer.is_last):
            continue  # nothing to multiply, or not run
        weight = getattr(layer, "weight", None)
        if weight is None:
            continue
        h, w = layer.info.height, layer.info.width
        if isinstance(layer, StyleGAN3Layer):
            h = w = layer.spec.in_size + layer.spec.conv_kernel - 1
        elif isinstance(layer, (StyleGAN2Conv, StyleGANConv)) and layer.up == 2:
            h, w = h // 2, w // 2  # a transposed convolution multiplies input pixels
        elif isinstance(layer, WaveletHead):
            h, w = h // 2, w // 2  # coefficients
        elif isinstance(layer, MobileConv) and layer.is_separable:
            total += 2 * layer.depthwise.numel() * h * w
        total += 2 * weight.numel() * h * w
    return total / 1e9


def peak_gflops(device: torch.device, dtype: torch.dtype, clock: Clock) -> float:
    """Rate of a large 3x3 convolution in channels-last order, in GFLOP/s: the best of a few sizes."""
    best = 0.0
    for channels, size in ((128, 128), (256, 64), (512, 32)):
        x = torch.randn(1, channels, size, size, device=device).to(dtype)
        w = torch.randn(channels, channels, 3, 3, device=device).to(dtype)
        x = x.contiguous(memory_format=torch.channels_last)
        w = w.contiguous(memory_format=torch.channels_last)
        seconds = min(timed(lambda x=x, w=w: F.conv2d(x, w, padding=1), device, clock) for _ in range(8))  # type: ignore[misc]
        best = max(best, 2e-9 * w.numel() * size * size / seconds)
    return best


def timed(run: Callable[[], Any], device: torch.device, clock: Clock = time.perf_counter) -> float:
    """Seconds of one call, the device's queue drained."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = clock()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - start


def row_of_pictures(run: Callable[[], Any], device: torch.device, clock: Clock) -> float:
    """Seconds of the quickest of a few pictures one after another, as a drag asks for them; of slow ones, of one.

    The caches of a processor that did something else take four pictures to fill.
    """
    pictures, enough_s, best, total = 5, 0.3, math.inf, 0.0
    for _ in range(pictures):
        seconds = timed(run, device, clock)
        best, total = min(best, seconds), total + seconds
        if total > enough_s:
            break
    return best


def psnr(picture: torch.Tensor, reference: torch.Tensor) -> float:
    """PSNR in dB after scaling the reference to [-1, 1]; infinite pictures are refused by the caller's eyes."""
    scale = reference.abs().max()
    error = float(((picture - reference) / scale).double().square().mean())
    return math.inf if error == 0 else 10 * math.log10(4 / error)


@torch.inference_mode()
def measure(
    name: str,
    repeat: int,
    device: torch.device,
    peaks: dict[torch.dtype, float],
    with_reference: bool,
    clock: Clock,
) -> list[Result]:
    """Alternate the reference and every precision, and keep each one's best time."""
    with torch.inference_mode(False):
        generator = build(name, device)
    ws = generator.broadcast(generator.mapping(torch.randn(1, generator.info.z_dim, device=device)))

    def run(kind: backend.Backend, dtype: torch.dtype) -> torch.Tensor:
        with backend.use_backend(kind, dtype):
            return generator.synthesis(ws)

    pictures = {dtype: run("auto", dtype) for dtype in peaks}  # warm: derived weights, thread pools
    expected = run("reference", torch.float32) if with_reference else None
    reference_s, best = math.inf, dict.fromkeys(peaks, math.inf)
    for _ in range(repeat):
        for dtype in peaks:
            run("auto", dtype)  # pays for what the other precision had: derived weights, caches
            best[dtype] = min(best[dtype], row_of_pictures(partial(run, "auto", dtype), device, clock))
        if with_reference:
            picture = row_of_pictures(partial(run, "reference", torch.float32), device, clock)
            reference_s = min(reference_s, picture)
    return [
        Result(
            name=name,
            device=device.type,
            dtype=str(dtype).removeprefix("torch."),
            reference_s=reference_s if with_reference else None,
            optimised_s=seconds,
            ratio=reference_s / seconds if with_reference else None,
            share_of_limit=convolution_gflop(generator) / peaks[dtype] / seconds,
            psnr_db=None if expected is None else psnr(pictures[dtype], expected),
        )
        for dtype, seconds in best.items()
    ]


def dtypes_of(choice: str, device: torch.device) -> list[torch.dtype]:
    """Return the precisions to measure; "auto" is float32 and the fastest one."""
    if choice != "auto":
        return [getattr(torch, choice)]
    return list(dict.fromkeys([torch.float32, backend.fastest_dtype(device.type)]))


def row_of(result: Result) -> str:
    """Return one line of the table."""
    reference = "-" if result.reference_s is None else f"{result.reference_s * 1e3:.1f}"
    ratio = "-" if result.ratio is None else f"{result.ratio:.1f}"
    fidelity = "-" if result.psnr_db is None else f"{result.psnr_db:.1f}"
    row = f"{result.name:24} {result.dtype:9} {reference:>13} {result.optimised_s * 1e3:>13.2f} {ratio:>7}"
    return f"{row} {result.share_of_limit:>8.0%} {fidelity:>8}"


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=list(NETWORKS), help="may be given several times")
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--dtype", choices=["auto", "float32", "bfloat16", "float16"], default="auto")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--no-reference", action="store_true", help="time the optimised form alone")
    parser.add_argument("--cpu-time", action="store_true", help="processor time of one thread instead of wall time")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    keep_freed_memory()
    native.build()  # seconds, on the first run after a change
    clock = time.process_time if args.cpu_time else time.perf_counter
    if args.cpu_time:
        torch.set_num_threads(1)
    device = torch.device(args.device)
    peaks = {dtype: peak_gflops(device, dtype, clock) for dtype in dtypes_of(args.dtype, device)}
    results = []
    if not args.json:
        rates = ", ".join(f"{str(d).removeprefix('torch.')} {peak:.0f} GFLOP/s" for d, peak in peaks.items())
        kind = "processor time" if args.cpu_time else "wall time"
        print(f"convolution peak: {rates}; {torch.get_num_threads()} threads, {kind}")
        print(f"native kernels: {native.status().state} {native.status().detail}")
        head = f"{'name':24} {'dtype':9} {'reference ms':>13} {'optimised ms':>13}"
        print(f"{head} {'ratio':>7} {'of limit':>9} {'PSNR dB':>8}")
    for name in args.only or [n for n in NETWORKS if not n.endswith("1024")] + ["stylegan2-1024"]:
        for result in measure(name, args.repeat, device, peaks, not args.no_reference, clock):
            results.append(result)
            if not args.json:
                print(row_of(result), flush=True)
    if args.json:
        print(json.dumps([asdict(r) for r in results], indent=1))


if __name__ == "__main__":
    main()
