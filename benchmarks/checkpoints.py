"""How long a large network pickle takes to open: `python -m benchmarks.checkpoints [--resolution 1024]`.

Writes a pickle with the structure of NVIDIA's StyleGAN2 (G, D and G_ema), then opens it in fresh processes: with
an empty cache, and again. `gap` is the longest time another thread had to wait for a turn meanwhile, which is
what a window would feel.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import torch

from explorer.checkpoints import build_generator, load
from explorer.generators import registry


def write(path: Path, resolution: int) -> None:
    """A pickle of about 380 MB at 1024 pixels."""
    from explorer.testing.nvidia_writer import complete_config, write_network

    config = complete_config("stylegan2", {"img_resolution": resolution})
    state = registry.build("stylegan2", config).state_dict()
    discriminator = {f"w{index}": torch.randn(1_000_000) for index in range(29)}
    write_network(path, "stylegan2", config, state, training=discriminator, entries=("G", "G_ema"))


def measure(path: Path) -> dict[str, float]:
    """Times in seconds and memory in MB of one process that opens `path` twice, on another thread."""
    registry.build("stylegan2", {"img_resolution": 8, "channel_max": 8})  # imports
    result: dict[str, float] = {"load": 0.0, "build": 0.0, "peak": 0.0, "gap": 0.0}
    before = _peak()

    def work() -> None:
        started = time.perf_counter()
        checkpoint = load(path)
        loaded = time.perf_counter()
        result["load"], result["peak"] = loaded - started, _peak() - before
        build_generator(checkpoint)
        result["build"] = time.perf_counter() - loaded

    thread = threading.Thread(target=work)
    thread.start()
    last = time.perf_counter()
    while thread.is_alive():
        time.sleep(0.002)
        now = time.perf_counter()
        result["gap"], last = max(result["gap"], now - last), now
    thread.join()
    return result


def _peak() -> float:
    # Not getrusage: its peak includes that of the parent before this program was started.
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), float("nan"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resolution", type=int, default=1024)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure(arguments.child)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.pkl"
        write(path, arguments.resolution)
        print(f"{path.stat().st_size / 1e6:.0f} MB, torch {torch.__version__}, {os.cpu_count()} cores")
        print(f"{'':12}{'load s':>9}{'build s':>9}{'peak MB':>9}{'gap ms':>9}")
        for run in range(arguments.repeat):
            environment = {**os.environ, "LATENTWALK_CACHE": f"{folder}/cache{run}"}
            for name in ("first time", "again"):
                command = [sys.executable, "-m", "benchmarks.checkpoints", "--child", str(path)]
                output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
                r = json.loads(output)
                print(f"{name:12}{r['load']:9.2f}{r['build']:9.2f}{r['peak']:9.0f}{1000 * r['gap']:9.0f}")


if __name__ == "__main__":
    main()
