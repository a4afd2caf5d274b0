"""What killed writers left is removed; what is being written, or is not ours, stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from explorer.util.atomic_write import atomic_write, atomic_write_bytes, scratch_beside
from explorer.util.left_overs import sweep, writing_in

ROOT = Path(__file__).resolve().parents[2]
needs_locks = pytest.mark.skipif(os.name == "nt", reason="Windows has no locks on folders: there the age decides")

WRITER = """
import sys, time
from pathlib import Path
from explorer.util.atomic_write import atomic_write
with atomic_write(Path(sys.argv[1])) as partial:
    partial.write_text("half")
    print("writing", flush=True)
    sys.stdin.read()
    partial.write_text("new")
"""


def _writer(path: Path) -> subprocess.Popen[str]:
    """A process that has written half of a file, and goes on when its input is closed."""
    command = [sys.executable, "-c", WRITER, str(path)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


@needs_locks
def test_what_a_killed_save_left_is_gone_after_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with _writer(path) as process:
        process.send_signal(signal.SIGKILL)
    assert len(list(tmp_path.glob("a.json.*.part"))) == 1
    atomic_write_bytes(path, b"whole")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.json", b"whole")]


@needs_locks
def test_a_living_writer_keeps_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with _writer(path) as process:
        atomic_write_bytes(path, b"mine")
        assert sweep(tmp_path) == []
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() == 0
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@needs_locks
def test_only_exactly_our_names_beside_the_file_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    kept = ["b.json.0123abcd.part", "a.json.0123ABCD.part", "a.json.0123abc.part", "a.json.part", "a.json.0123abcd"]
    for name in [*kept, "a.json.0123abcd.part"]:
        (tmp_path / name).write_text("x")
    (tmp_path / "a.json.00000000.part").mkdir()
    (tmp_path / "a.json.11111111.part").symlink_to(tmp_path / "b.json.0123abcd.part")
    atomic_write_bytes(path, b"whole")
    links = ["a.json.00000000.part", "a.json.11111111.part"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*kept, *links, "a.json"])


@needs_locks
def test_a_folder_of_ours_is_swept_of_all_of_them(tmp_path: Path) -> None:
    for name in ("a.json.0123abcd.part", "b.npz.89abcdef.part", "b.npz"):
        (tmp_path / name).write_text("x")
    assert len(sweep(tmp_path)) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["b.npz"]
    assert sweep(tmp_path / "none") == []


def test_where_nobody_can_tell_only_old_ones_go(tmp_path: Path) -> None:
    young, old = tmp_path / "a.00000000.part", tmp_path / "a.11111111.part"
    for path in (young, old):
        path.write_text("x")
    os.utime(old, (time.time() - 90_000,) * 2)
    with writing_in(tmp_path):  # somebody writes here
        sweep(tmp_path)
    if os.name != "nt":
        assert list(tmp_path.iterdir()) == [young]


def test_a_scratch_file_goes_with_its_block(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    with scratch_beside(path) as scratch:
        scratch.write_text("step")
        assert scratch.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "near").mkdir()
    real, link = tmp_path / "far" / "a.txt", tmp_path / "near" / "b.txt"
    real.write_text("old")
    link.symlink_to(real)
    atomic_write_bytes(link, b"new")
    assert link.is_symlink()
    assert real.read_text() == "new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
def test_what_is_not_a_file_is_not_replaced(tmp_path: Path) -> None:
    fifo = tmp_path / "a"
    os.mkfifo(fifo)
    for path in (fifo, tmp_path):
        with pytest.raises(OSError, match="is a ") as caught, atomic_write(path) as partial:
            partial.write_text("new")
        assert caught.value.filename == str(path)
    assert fifo.is_fifo()
