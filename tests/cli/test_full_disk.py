"""Without room on the disk what was there stays, nothing half is left, and the file and a way out are named."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.analysis import attribute_network
from explorer.cli import main
from explorer.render.headless import save_pixels
from explorer.training import cards, snapshot
from explorer.training.critters.pack import pack
from explorer.util import file_errors

NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
CARD = "# x\n## Figures\nold\n\nSheets of 64 uncurated samples\n"


@contextmanager
def no_room(bytes_a_file: int = 100) -> Iterator[None]:
    """A limit on the size of files fails as a full disk does, in the middle of a write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_a_file, before[1]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


WRITERS: dict[str, Callable[[Path], object]] = {
    "picture.png": lambda path: save_pixels(path, NOISE),
    "sheet.png": lambda path: snapshot.save_sheet(path, torch.rand(8, 3, 16, 16)),
    "state.pt": lambda path: snapshot.save_state(path, {"a": torch.zeros(1000)}),
    "card.md": lambda path: cards.replace_figures(path, "new " * 1000),
    "critters.npy": lambda path: pack(path, 2, 16),
    "net.safetensors": lambda path: attribute_network.save(path, _network()),
}


def _network() -> attribute_network.AttributeNetwork:
    return attribute_network.AttributeNetwork(attribute_network.Vocabulary({"a": ("b", "c")}, {"n": (0.0, 1.0)}))


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("is_old_there", [True, False])
def test_the_old_file_stays_and_no_half_one(tmp_path: Path, name: str, is_old_there: bool) -> None:
    path = tmp_path / name
    if is_old_there or name == "card.md":
        path.write_text(CARD)
    before = {p: p.read_bytes() for p in tmp_path.iterdir()}
    with no_room(), pytest.raises(OSError, match=r"File too large|requested") as caught:
        WRITERS[name](path)
    assert caught.value.filename == str(path)
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before
    assert file_errors.message(caught.value).startswith(str(path))
    WRITERS[name](path)
    assert path.read_bytes() != before.get(path)


@pytest.mark.parametrize("options", [[], ["--grid", "--seed", "0,1,2"], ["--raw", "raw.npy"]])
def test_render_keeps_a_good_picture_and_names_the_file(
    models: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    options: list[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for name in ("out.png", "raw.npy"):
        (tmp_path / name).write_bytes(b"good")
    with no_room():
        assert main(["render", models["tiny"], "-o", "out.png", *options]) == 2
    named = "raw.npy" if "--raw" in options else "out.png"
    assert f"{named}: the disk is full. Free some space, or choose another folder." in capsys.readouterr().err
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"out.png": b"good", "raw.npy": b"good"}


def _fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))


def test_a_disk_that_is_really_full(
    models: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only an administrator may mount a small file system")
    try:
        (disk / "out.png").write_bytes(b"good")
        with pytest.raises(OSError, match="No space left"):
            _fill(disk)
        assert main(["render", models["tiny"], "-o", str(disk / "out.png")]) == 2
        assert f"{disk / 'out.png'}: the disk is full." in capsys.readouterr().err
        assert sorted(p.name for p in disk.iterdir()) == ["filler", "out.png"]
        assert (disk / "out.png").read_bytes() == b"good"
    finally:
        subprocess.run(["umount", str(disk)], check=True)
