"""Two processes with half the batch each move the weights as one process with all of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from explorer.training.critters.pack import pack
from explorer.training.snapshot import load_state

_SCRIPT = """
import sys
from pathlib import Path
import torch
from explorer.training.datasets import Critters
from explorer.training.loop import run
from explorer.training.settings import TrainSettings
torch.set_num_threads(1)
data, out = map(Path, sys.argv[1:])
sizes = {"z_dim": 64, "w_dim": 16, "mapping_layers": 2, "channel_base": 64, "channel_max": 8}
settings = TrainSettings(
    family="stylegan2", out=out, data=[data], resolution=16, generator=sizes, d_channel_base=64, d_channel_max=8,
    batch=4, total_kimg=0.016, guide_weight=1.0, adversarial_kimg=1e9,
)
run(settings, Critters([data]))
"""


def _start(data: Path, out: Path, rank: int, size: int, port: int) -> subprocess.Popen[str]:
    places = {"RANK": str(rank), "WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    command = [sys.executable, "-W", "ignore", "-c", _SCRIPT, str(data), str(out)]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, cwd=root, env=os.environ | places, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_processes_train_as_one(tmp_path: Path) -> None:
    data = pack(tmp_path / "critters.npy", 16, 16, batch=8)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = [_start(data, tmp_path / "one", 0, 1, port)]
    running += [_start(data, tmp_path / "two", rank, 2, port) for rank in range(2)]
    for process in running:
        _, error = process.communicate(timeout=100)
        assert process.returncode == 0, error
    one, two = (load_state(tmp_path / name / "state.pt") for name in ("one", "two"))
    assert one["iteration"] == two["iteration"] == 4
    torch.manual_seed(0)
    for key in ("synthesis.b4.const", "synthesis.b16.conv1.weight", "mapping.fc0.weight"):
        difference = (one["g"][key] - two["g"][key]).abs().mean()
        # Adam turns rounding of tiny gradients into whole steps here and there, hence a mean.
        assert difference < 0.02 * 4 * 2.5e-3, key
