"""Where the time of a picture goes: convolutions, filters, ends of layers and the rest, layer by layer.

    python benchmarks/profiling.py [--only NAME] [--dtype bfloat16] [--layers] [--json]

Processor time of one thread, so that other work on the machine hardly changes it; the best of a few pictures.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import generators
from explorer.generators.base import Inputs
from explorer.ops import backend, conv_weights, native, prepared_conv
from explorer.ops.native import Kernels
from explorer.util.heap import keep_freed_memory

NAMES = ("stylegan2-256", "stylegan2-1024", "stylegan3-t-256", "stylegan3-r-256")
WATCHED: tuple[tuple[Any, str, str], ...] = (
    (Kernels, "filtered_lrelu", "filtered leaky ReLU"),
    (Kernels, "apply_epilogue", "epilogue"),
    (Kernels, "fir_epilogue", "up-sampling filter and epilogue"),
    (Kernels, "torgb", "to RGB"),
    (Kernels, "modulated_conv", "convolutions"),
    (Kernels, "modulated_up_conv", "up-convolutions with filter and epilogue"),
    (torch.nn.functional, "conv2d", "convolutions"),
    (conv_weights.Kernel, "__call__", "convolutions"),
    (prepared_conv, "product", "convolutions"),
)


@contextmanager
def watching(totals: dict[str, float]) -> Iterator[None]:
    """Add the time of every call of the watched functions to `totals`; calls inside others count once."""
    depth = 0

    def wrapped(call: Callable[..., Any], label: str) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            nonlocal depth
            depth += 1
            start = time.process_time()
            try:
                return call(*args, **kwargs)
            finally:
                depth -= 1
                if depth == 0:
                    totals[label] = totals.get(label, 0.0) + time.process_time() - start

        return timed

    originals = []
    for owner, name, label in WATCHED:
        originals.append((owner, name, getattr(owner, name)))
        setattr(owner, name, wrapped(getattr(owner, name), label))
    try:
        yield
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


@torch.inference_mode()
def profile(name: str, dtype: torch.dtype, repeat: int) -> dict[str, Any]:
    """Return milliseconds by kind of work and by layer."""
    device = torch.device("cpu")
    with torch.inference_mode(False):
        generator = generators.build(name, device)
    ws = generator.broadcast(generator.mapping(torch.randn(1, generator.info.z_dim)))
    best: dict[str, Any] = {"total_ms": float("inf")}
    with backend.use_backend("auto", dtype):
        generator.synthesis(ws)
        for _ in range(repeat):
            totals: dict[str, float] = {}
            layers = {}
            with watching(totals):
                begin = last = time.process_time()
                a = generator.begin(Inputs(ws))
                layers["input"] = time.process_time() - last
                for layer in generator.layers:
                    last = time.process_time()
                    a = layer.run(a, layer.style(ws[:, layer.info.ws_index]))
                    layers[layer.info.name] = time.process_time() - last
                total = time.process_time() - begin
            if 1e3 * total < best["total_ms"]:
                kinds = {kind: round(1e3 * s, 1) for kind, s in sorted(totals.items(), key=lambda item: -item[1])}
                kinds["rest"] = round(1e3 * (total - sum(totals.values())), 1)
                best = {
                    "name": name,
                    "dtype": str(dtype).removeprefix("torch."),
                    "gflop": round(generators.convolution_gflop(generator), 1),
                    "total_ms": round(1e3 * total, 1),
                    "kinds_ms": kinds,
                    "layers_ms": {n: round(1e3 * s, 1) for n, s in layers.items()},
                }
    return best


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", action="append", choices=list(generators.NETWORKS))
    parser.add_argument("--dtype", choices=["auto", "float32", "bfloat16"], default="auto")
    parser.add_argument("--repeat", type=int, default=4)
    parser.add_argument("--layers", action="store_true", help="also each layer")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    keep_freed_memory()
    native.build()
    torch.set_num_threads(1)
    results = [
        profile(name, dtype, options.repeat)
        for name in options.only or NAMES
        for dtype in generators.dtypes_of(options.dtype, torch.device("cpu"))
    ]
    if options.json:
        print(json.dumps(results, indent=1))
        return 0
    for r in results:
        print(f"{r['name']} {r['dtype']}: {r['total_ms']} ms of processor time, {r['gflop']} GFLOP of convolutions")
        for kind, ms in r["kinds_ms"].items():
            print(f"  {kind:34} {ms:8.1f} ms {ms / r['total_ms']:5.0%}")
        for layer, ms in r["layers_ms"].items() if options.layers else ():
            print(f"    {layer:32} {ms:8.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
