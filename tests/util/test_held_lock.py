"""Locks are told from files that nobody holds, with and without a file system that knows locks."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from explorer.util import held_lock
from explorer.util.held_lock import HeldLock, is_held, remove_unheld


def test_a_lock_is_held_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    assert not is_held(path)
    lock = HeldLock(path)
    lock.acquire()
    lock.acquire()
    assert is_held(path)
    remove_unheld(path)
    assert path.exists()
    lock.release()
    assert not path.exists()
    lock.release()


def test_a_lock_whose_file_was_removed_is_taken_again(tmp_path: Path) -> None:
    lock = HeldLock(tmp_path / "x.lock")
    lock.acquire()
    lock.path.unlink()
    assert not is_held(lock.path)
    lock.acquire()
    assert is_held(lock.path)
    lock.release()


def test_a_file_that_nobody_holds_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    path.write_bytes(b"")
    assert not is_held(path)
    remove_unheld(path)
    assert not path.exists()


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: object, *, wait: bool) -> bool:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(held_lock, "_lock", refuse)


@pytest.mark.usefixtures("without_locks")
def test_without_locks_the_process_tells_within_one_system(tmp_path: Path) -> None:
    lock = HeldLock(tmp_path / "x.lock")
    lock.acquire()
    assert is_held(lock.path)
    note = json.loads(lock.path.read_bytes())
    if os.name == "posix":
        gone = 2**22 + 5  # above the largest process id of Linux
        lock.path.write_text(json.dumps({**note, "pid": gone}))
        assert not is_held(lock.path)
    lock.release()


@pytest.mark.usefixtures("without_locks")
def test_without_locks_the_beat_tells_of_other_systems(tmp_path: Path) -> None:
    lock = HeldLock(tmp_path / "x.lock")
    lock.acquire()
    note = json.loads(lock.path.read_bytes())
    lock.path.write_text(json.dumps({**note, "boot": "another", "pid": 1}))
    assert is_held(lock.path)
    os.utime(lock.path, (1, 1))
    assert not is_held(lock.path)
    lock.beat()
    assert is_held(lock.path)
    lock.release()
