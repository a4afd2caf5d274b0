"""`measure --resume`: after a kill, a signal or a full disk the numbers are those of one run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from explorer.cli import main
from explorer.commands.progress import ProgressLine
from explorer.util.signals import Stopped
from tests.cli.test_full_disk import no_room

SAVING_AT_ONCE = """
import sys
from explorer.jobs import checkpoint
checkpoint.EVERY_S, checkpoint.MAX_COST = 0.0, 1e9
from explorer.cli import main
sys.exit(main(sys.argv[1:]))
"""


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[list[dict[str, Any]], str]:
    capsys.readouterr()
    assert main(["measure", *arguments, "--json"]) == 0
    captured = capsys.readouterr()
    return json.loads(captured.out), captured.err


def saved(path: Path) -> int:
    """How many samples the only measurement of a file has; 0 while there is none."""
    if not path.exists():
        return 0
    (job,) = json.loads(path.read_bytes())["jobs"].values()
    done: int = job["checkpoint"]["done"]
    return done


@pytest.mark.slow
def test_a_killed_measurement_goes_on(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = out / "runs.json"
    arguments = ["eq-t", models["tiny"], "--samples", "120", "--resume", str(path)]
    with subprocess.Popen([sys.executable, "-c", SAVING_AT_ONCE, "measure", *arguments]) as process:
        while saved(path) < 3 and process.poll() is None:
            pass
        process.send_signal(signal.SIGKILL)
    done = saved(path)
    assert done >= 3
    assert process.returncode == -signal.SIGKILL
    resumed, told = rows(capsys, *arguments)
    assert f"continuing after {done} of 120 samples" in told
    assert resumed == rows(capsys, *arguments[:-2])[0]
    assert [item.name for item in out.iterdir() if item.name.endswith(".part")] == []


def test_a_signal_saves_every_sample(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["sticking", models["tiny"], "--samples", "5", "--psi", "2", "--resume", str(out / "runs.json")]
    whole, _ = rows(capsys, *arguments[:-2])

    def stop(line: ProgressLine, done: int, total: int) -> None:
        if done == 3:
            raise Stopped(signal.SIGTERM)

    with monkeypatch.context() as patched:
        patched.setattr(ProgressLine, "__call__", stop)
        assert main(["measure", *arguments]) == 128 + signal.SIGTERM
    assert "3 samples are saved; run the same command again to continue" in capsys.readouterr().err
    assert saved(out / "runs.json") == 3
    resumed, told = rows(capsys, *arguments)
    assert resumed == whole
    assert "sticking: continuing after 3 of 5 samples" in told
    again, told = rows(capsys, *arguments)
    assert again == whole
    assert "continuing after 5 of 5 samples" in told


def test_one_file_for_many_models_and_metrics(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = out / "runs.json"
    for metric in ("eq-t", "spectrum"):
        arguments = [metric, models["tiny"], models["stylegan2"], "--samples", "3"]
        whole, _ = rows(capsys, *arguments)
        assert rows(capsys, *arguments, "--resume", str(path))[0] == whole
    assert len(json.loads(path.read_bytes())["jobs"]) == 4
    found, told = rows(capsys, "eq-t", models["tiny"], "--samples", "3", "--seed", "1", "--resume", str(path))
    assert "continuing" not in told, "another seed is another measurement"
    assert found[0]["samples"] == 3


@pytest.mark.parametrize("name", ["runs.txt", "folder.json", "no/where.json", "mine.json"])
def test_a_file_that_cannot_be_one_is_explained(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (out / "folder.json").mkdir()
    (out / "mine.json").write_text('{"mine": 1}')
    assert main(["measure", "eq-t", models["tiny"], "--samples", "2", "--resume", str(out / name)]) == 2
    assert name.rpartition("/")[2] in capsys.readouterr().err
    assert (out / "mine.json").read_text() == '{"mine": 1}'


def test_a_damaged_checkpoint_is_explained(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = out / "runs.json"
    arguments = ["measure", "eq-t", models["tiny"], "--samples", "3", "--resume", str(path)]
    assert main(arguments) == 0
    data = json.loads(path.read_bytes())
    for entry in data["jobs"].values():
        entry["checkpoint"]["totals"]["eq-t"] = ["x"]
    path.write_text(json.dumps(data))
    capsys.readouterr()
    assert main(arguments) == 2
    assert f"{path} does not hold what the job needs to continue. Delete it" in capsys.readouterr().err
    assert json.loads(path.read_bytes()) == data


@pytest.mark.skipif(os.name == "nt", reason="limits on the size of files are POSIX")
def test_a_full_disk_does_not_end_the_measurement(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = out / "runs.json"
    arguments = ["eq-t", models["tiny"], "--samples", "3"]
    whole, _ = rows(capsys, *arguments)
    with no_room():
        found, told = rows(capsys, *arguments, "--resume", str(path))
    assert found == whole
    assert told.count("the progress could not be saved") == 1
    assert str(path) in told
    assert list(out.iterdir()) == []
