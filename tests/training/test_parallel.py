"""Two processes with half the batch each move the weights as one process does; one of them makes the files."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from explorer.errors import UsageError
from explorer.training.checks import check_device
from explorer.training.critters.pack import pack
from explorer.training.parallel import Group
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
assert not torch.distributed.is_initialized()
"""

# A thread of the group that gives back a tensor while Python shuts down aborts the process, now and then.
_NO_THREADS = """
import time
tasks = Path("/proc/self/task")

def gloo() -> list[str]:
    names = [(task / "comm").read_text().strip() for task in tasks.iterdir()] if tasks.is_dir() else []
    return [name for name in names if "gloo" in name]

until = time.monotonic() + 20  # on a busy machine they take a moment to end
while gloo() and time.monotonic() < until:
    time.sleep(0.01)
assert not gloo()
"""

_COMMAND = """
import sys
from pathlib import Path
import torch.distributed as dist
from explorer.commands import train as command
render = command.render_pack
def counted(*arguments, **named):
    print("renders")
    return render(*arguments, **named)
command.render_pack = counted
command.export = lambda *arguments: print("packs")
sizes = "--resolution 32 --channel-base 64 --channel-max 8 --batch 4 --total-kimg 0.008 --pictures 8"
code = command.main(["--recipe", "critters-stylegan2-cpu", *sizes.split(), "--pack", "mine", "--out", sys.argv[1]])
assert not dist.is_initialized()
"""

_EXIT = "sys.exit(code)"


def _start(script: str, rank: int, size: int, port: int, *arguments: Path) -> subprocess.Popen[str]:
    places = {"RANK": str(rank), "WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    command = [sys.executable, "-W", "ignore", "-c", script, *map(str, arguments)]
    root, pipe = Path(__file__).parents[2], subprocess.PIPE
    return subprocess.Popen(command, cwd=root, env=os.environ | places, stdout=pipe, stderr=pipe, text=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_processes_train_as_one(tmp_path: Path) -> None:
    data = pack(tmp_path / "critters.npy", 16, 16, batch=8)
    port = _free_port()
    running = [_start(_SCRIPT + _NO_THREADS, 0, 1, port, data, tmp_path / "one")]
    running += [_start(_SCRIPT + _NO_THREADS, rank, 2, port, data, tmp_path / "two") for rank in range(2)]
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


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_only_the_main_process_renders_and_packs(tmp_path: Path) -> None:
    port = _free_port()
    told = []
    running = [_start(_COMMAND + _NO_THREADS + _EXIT, rank, 2, port, tmp_path / "run") for rank in range(2)]
    try:
        for process in running:
            out, error = process.communicate(timeout=100)
            assert process.returncode == 0, error
            told.append(out.split())
    finally:
        for process in running:
            process.kill()
    assert told == [["renders", "packs"], []]
    assert not list((tmp_path / "run").glob("*.part"))


@pytest.fixture
def second_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the second process on a machine of two GPUs."""
    for name, value in (("RANK", "1"), ("LOCAL_RANK", "1"), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.usefixtures("second_of_two")
def test_each_process_takes_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    monkeypatch.setattr(torch.cuda, "set_device", calls.append)
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda backend, **_: calls.append(backend))
    group = Group("cuda")
    assert calls == [torch.device("cuda:1"), "nccl"]
    assert not group.is_main_process
    with pytest.raises(UsageError, match="cannot be divided among 2 processes"):
        group.local_batch(3)


@pytest.mark.usefixtures("second_of_two")
def test_processes_do_not_share_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    check_device("cuda")
    with pytest.raises(UsageError, match="cannot share cuda:0"):
        check_device("cuda:0")
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(UsageError, match="no device cuda:2; this machine has 2"):
        check_device("cuda")
