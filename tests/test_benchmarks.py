"""Benchmarks run as scripts, so their folder comes first where Python looks for modules."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import editing, kill_work, kills

ROOT = Path(__file__).resolve().parent.parent


def test_no_benchmark_hides_a_module_of_the_standard_library() -> None:
    folder = Path(__file__).resolve().parent.parent / "benchmarks"
    names = {path.stem for path in folder.glob("*.py")}
    assert names & sys.stdlib_module_names == set()


def test_a_few_kills_lose_nothing() -> None:
    kinds = "recording,project,latent"
    command = [sys.executable, str(ROOT / "main.py"), "bench", "kills", "--count", "2", "--kinds", kinds, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(done.stdout)
    assert [(row["kind"], row["kills"], row["what"]) for row in rows] == [(k, 2, []) for k in kinds.split(",")]


@pytest.mark.parametrize("kind", ["project", "convert"])
def test_a_torn_file_is_seen(tmp_path: Path, kind: str) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    kill_work.prepare(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        kill_work.save(tmp_path, kind, stop)
    assert kill_work.save_problem(tmp_path, kind) == (0, "")
    (saved,) = tmp_path.glob("saved.*")
    saved.with_name(f"{saved.name}.1.part").write_bytes(b"x")
    saved.write_bytes(saved.read_bytes()[:-7])
    left, problem = kill_work.save_problem(tmp_path, kind)
    assert left == 1
    assert "neither" in problem


def test_a_lost_recording_is_seen(tmp_path: Path) -> None:
    (tmp_path / "truth").write_bytes(kill_work._TRUTH.pack(2.5, 0.9))
    assert kill_work.recording_lost(tmp_path) == (2.5, "")


def test_kinds_that_are_none_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        kills.main(["--kinds", "film,walks"])
    assert "walks" in capsys.readouterr().err


@pytest.mark.slow
def test_channels_found_for_a_part_of_a_critter_change_it_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LATENTWALK_CACHE", str(tmp_path))
    assert editing.main(["--quick", "--json", "--parts", "channels", "critters-stylegan2"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert all(set(row) == {"name", "model", "value", "goal", "unit"} for row in rows)
    found = {row["name"]: row["value"] for row in rows if row["name"].endswith("mean")}
    assert len(found) == 4
    for part in ("eye", "ear", "nose"):
        assert found[f"channels of the {part}, mean"] > 3.0


def test_parts_that_are_none_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        editing.main(["--parts", "channels,walks"])
    assert "walks" in capsys.readouterr().err
