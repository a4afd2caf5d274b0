"""Commands refuse a model that is too much for this machine before the work, and tell when memory runs out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from explorer.checkpoints import Checkpoint, save_native
from explorer.cli import main
from explorer.generators import registry
from explorer.render import limits

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    "command",
    [
        "render MODEL -o OUT.png",
        "measure sticking MODEL --samples 2",
        "slitscan MODEL --seconds 0.1 --fps 10 -o OUT.png",
        "compare MODEL MODEL --seconds 0.1 --fps 10 -o OUT.mkv",
        "video --seeds 1,2 --seconds 0.1 --fps 10 --model MODEL -o OUT.mkv",
        "video --seeds 1,2 --seconds 0.1 --fps 10 --model MODEL --even -o OUT.mkv",
        "bench MODEL --count 1",
    ],
)
def test_every_command_that_renders_asks_first(
    command: str, models: dict[str, str], out: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SECONDS", -1.0)
    arguments = command.replace("MODEL", models["tiny"]).replace("OUT", str(out / "x")).split()
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert "One picture of tiny.safetensors takes about" in told
    assert "add --allow-costly" in told
    assert not list(out.iterdir())
    if arguments[0] == "render":
        assert main([*arguments, "--allow-costly"]) == 0


def test_running_out_of_memory_is_reported(tmp_path: Path, capsys: Captured) -> None:
    """A real shortage: the process may grow by 200 MB, the picture needs more than a gigabyte."""
    resource = pytest.importorskip("resource")
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("this system does not enforce the limit")
    config = {"img_resolution": 2048, "channel_base": 2048 * 16, "channel_max": 16, "z_dim": 4, "w_dim": 4}
    with torch.no_grad():
        tensors = {key: torch.zeros_like(t) for key, t in registry.build("stylegan2", config).state_dict().items()}
    save_native(
        tmp_path / "large.safetensors", Checkpoint("stylegan2", dict[str, object](config), tensors, "large")
    )
    arguments = ["render", str(tmp_path / "large.safetensors"), "-o", str(tmp_path / "x.png")]
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    size = int(statm.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 200_000_000, hard))
    try:
        refused = main(arguments)
        ended = main([*arguments, "--allow-costly"])
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    first, second = capsys.readouterr().err.splitlines()
    assert (refused, ended) == (2, 1)
    assert "GB of memory" in first
    assert "There is not enough free memory" in second or "needs more memory than is free" in second
    assert not (tmp_path / "x.png").exists()
