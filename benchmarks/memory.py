"""Peak memory of a picture beyond the weights, and whether the cache of stages stays within its budget.

    python benchmarks/memory.py [--only NAME] [--dtype auto] [--json]
    python benchmarks/memory.py --loads 200 [--json]

With `--loads` a session opens a model of 93 MB, shows it and closes it again and again, under another name and with
other weights every time. What that adds to the process after the first ten must stay below 50 MB.

Every figure comes from a process of its own: the high-water mark of its memory while pictures are made, less what
it held when the network was there and nothing had been rendered. What is derived from the weights counts as used.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

NAMES = ("stylegan2-256", "stylegan2-1024", "stylegan3-t-256")
LIMIT_MB = {("stylegan2-1024", "bfloat16"): 1200.0}


def peak_mb() -> float:
    """High-water mark of this process's memory since `forget_peak`, in MB."""
    return _status("VmHWM")


def now_mb() -> float:
    """This process's memory, in MB."""
    return _status("VmRSS")


def forget_peak() -> None:
    """Let the high-water mark begin anew (Linux)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def give_back() -> None:
    """Hand freed memory to the system, so that making the network leaves nothing to pictures (glibc)."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def _status(key: str) -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) / 1e3
    raise SystemExit(f"this system does not report {key}")


def measure(name: str, dtype: str, budget_mb: int) -> dict[str, object]:
    """Three different pictures through the pipeline, with a cache of `budget_mb`."""
    import torch

    from benchmarks.generators import build
    from explorer.ops import native
    from explorer.render.headless import HeadlessRenderer
    from explorer.state import Latent, Look, Truncation
    from explorer.state.request import RenderSettings
    from explorer.util.heap import keep_freed_memory

    keep_freed_memory()
    native.build()
    with torch.no_grad():
        generator = build(name, torch.device("cpu")).requires_grad_(False)
    renderer = HeadlessRenderer(generator, RenderSettings("cpu", dtype), budget_bytes=budget_mb << 20)
    give_back()
    before = now_mb()
    forget_peak()
    cached = 0.0
    for seed in range(3):
        # Random networks may leave the range of pictures; psi 0.5 keeps them finite.
        renderer.render_look(Look(latent=Latent(seed=seed), truncation=Truncation(psi=0.5)))
        cached = max(cached, renderer.cache_bytes / 1e6)
    return {
        "name": name,
        "dtype": dtype,
        "weights_mb": round(generator.nbytes / 1e6, 1),
        "peak_mb": round(peak_mb() - before, 1),
        "cache_mb": round(cached, 1),
        "cache_budget_mb": round(budget_mb * 1.048576, 1),
        "limit_mb": LIMIT_MB.get((name, dtype)),
    }


def main() -> int:
    """Measure each in a process of its own, and print; 1 if a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--dtype", choices=["auto", "float32", "bfloat16"], default="auto")
    parser.add_argument("--budget-mb", type=int, action="append", default=[], help="of the cache; default 64")
    parser.add_argument("--loads", type=int, default=0, help="open and close a model so often instead")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.child:
        name, dtype, budget = options.child
        print(json.dumps(measure(name, dtype, int(budget))))
        return 0
    if options.loads:
        from benchmarks.loads import measure_loads

        result = measure_loads(options.loads, now_mb)
        print(json.dumps(result, indent=1) if options.json else "\n".join(f"{k:16} {v}" for k, v in result.items()))
        return 0 if result["is_within"] else 1
    rows = []
    for name in options.only or NAMES:
        for dtype in ["float32", "bfloat16"] if options.dtype == "auto" else [options.dtype]:
            for budget in options.budget_mb or (64,):
                command = [sys.executable, __file__, "--child", name, dtype, str(budget)]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise SystemExit(done.stderr)
                rows.append(json.loads(done.stdout.splitlines()[-1]))
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        print(f"{'name':18} {'dtype':9} {'weights MB':>10} {'peak MB':>8} {'cache MB':>9} {'of MB':>6}  limit")
        for r in rows:
            figures = f"{r['weights_mb']:>10} {r['peak_mb']:>8} {r['cache_mb']:>9} {r['cache_budget_mb']:>6.0f}"
            print(f"{r['name']:18} {r['dtype']:9} {figures}  {r['limit_mb'] or '-'}")
    broken = [
        r for r in rows
        if r["cache_mb"] > r["cache_budget_mb"]
        or (r["limit_mb"] is not None and r["peak_mb"] - r["cache_mb"] > r["limit_mb"])
    ]  # fmt: skip
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
