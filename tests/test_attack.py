"""The attack benchmark: a few hundred files of every kind do no harm, and what does harm is noticed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from benchmarks import attack, attack_readers
from benchmarks.attack import Plan, prepared
from benchmarks.attack_files import KINDS, Seed
from explorer.errors import ProjectError

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
NUMBERS = range(400)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_damaged_files_of_every_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTWALK_CACHE", str(tmp_path / "cache"))
    plan = prepared(tmp_path, frozenset(KINDS), seed=1)
    known = {seed.kind for seed in plan.files}
    assert set(KINDS) - known <= {"settings", "recording"}  # what this version does not keep
    report = attack.attack(plan, NUMBERS, 1, tmp_path)
    assert report.is_good, report.failures
    assert sum(report.kinds.values()) == len(NUMBERS)
    assert set(report.kinds) == known
    assert {"fine", "ProjectError", "UnreadableFileError", "LatentError", "UnsafeFileError"} <= set(report.outcomes)


def test_a_file_of_a_number_is_always_the_same() -> None:
    data = b'{"a": [1, 2, 3], "b": {"c": "text"}}'
    plan = Plan((Seed("project", ".json", data), Seed("text", ".txt", b"abc")), 7)
    files = [plan.file(number)[1] for number in range(200)]
    assert files == [plan.file(number)[1] for number in range(200)]
    assert len(set(files)) > 100
    assert files != [Plan(plan.files, 8).file(number)[1] for number in range(200)]


def _runs(path: Path) -> None:
    exec("1 + 1")


def _writes(path: Path) -> None:
    (path.parent.parent / "elsewhere").write_text("x")


def _raises(path: Path) -> None:
    raise ZeroDivisionError("a raw one")


def _dies(path: Path) -> None:
    os._exit(9)


def _grows(path: Path) -> None:
    bytearray(5 << 30)


def _hides_a_shortage(path: Path) -> None:
    try:
        bytearray(5 << 30)
    except MemoryError as error:
        raise ProjectError("It is too large.", "Open another.") from error


def _is_slow(path: Path) -> None:
    end = time.process_time() + 30
    while time.process_time() < end:
        pass


def _refuses(path: Path) -> None:
    raise ProjectError("It is damaged.", "Open another.")


def _writes_beside(path: Path) -> None:
    path.with_suffix(".cache").write_text("x")


@pytest.mark.parametrize(
    ("reader", "outcome"),
    [
        (_runs, "execution"),
        (_writes, "execution"),
        (_raises, "raw"),
        (_dies, "death"),
        (_grows, "memory"),
        (_hides_a_shortage, "memory"),
        (_is_slow, "slow"),
        (_refuses, "ProjectError"),
        (_writes_beside, "fine"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_what_does_harm_is_noticed(
    reader: object, outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(attack_readers.READERS, "project", reader)
    monkeypatch.setattr("benchmarks.attack_guard.SECONDS", 0.2)
    plan = Plan((Seed("project", ".json", b'{"a": 1}'),), 0, tmp_path / "kept")
    report = attack.attack(plan, range(2), 1, tmp_path)
    assert report.outcomes == {outcome: 2}
    assert report.is_good == (outcome in ("fine", "ProjectError"))
    assert (tmp_path / "kept").exists() != report.is_good
