"""Files appear whole or not at all."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from explorer.util.atomic_write import atomic_write, atomic_write_bytes, scratch_beside


@pytest.mark.parametrize("is_lone_writer", [False, True])
def test_a_file_is_replaced_when_it_is_whole(is_lone_writer: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with atomic_write(path, is_lone_writer=is_lone_writer) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_no_half_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def stopped() -> None:
        with atomic_write(path) as partial:
            partial.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_of_two_writers_the_last_to_end_wins(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with atomic_write(path) as first:
        with atomic_write(path) as second:
            first.write_text("first")
            second.write_text("second")
        assert path.read_text() == "second"
    assert path.read_text() == "first"


def test_what_a_kill_left_does_not_pile_up(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    (tmp_path / "a.txt.part").write_text("much that was left by a kill")
    with atomic_write(path, is_lone_writer=True) as partial:
        partial.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_who_may_read_it_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o600)
    with atomic_write(path) as partial:
        partial.write_text("new")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"), atomic_write(tmp_path / "none" / "a.txt") as partial:
        partial.write_text("new")


def test_the_error_names_the_file_that_the_user_knows(tmp_path: Path) -> None:
    path = tmp_path / "none" / "a.txt"
    with pytest.raises(OSError, match=re.escape(str(path))) as caught:
        atomic_write_bytes(path, b"new")
    assert caught.value.filename == str(path)
    with pytest.raises(OSError, match="full") as caught, atomic_write(tmp_path / "a.txt"):
        raise OSError(28, "full")
    assert caught.value.filename == str(tmp_path / "a.txt")


@pytest.mark.parametrize("name", ["n" * 251 + ".png", "\u65e5" * 83 + ".png", "a" * 227, "a" * 228, "a" * 255])
@pytest.mark.parametrize("is_lone_writer", [False, True])
def test_a_name_as_long_as_the_system_allows(name: str, is_lone_writer: bool, tmp_path: Path) -> None:
    """The names of partial files must not be longer than what the file itself may be called."""
    path = tmp_path / name
    atomic_write_bytes(path, b"old", is_lone_writer=is_lone_writer)
    with atomic_write(path, is_lone_writer=is_lone_writer) as partial:
        with scratch_beside(partial) as scratch:
            scratch.write_bytes(b"step")
        partial.write_bytes(b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever protects a file means it, though the folder would let it be replaced. (The administrator may.)"""
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda name, mode: not (Path(name) == path and mode == os.W_OK))
    with pytest.raises(PermissionError) as caught:
        atomic_write_bytes(path, b"new")
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
