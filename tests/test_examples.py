"""The examples run as they stand, each in an empty folder, and write what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WRITTEN = {
    "01_render_a_seed": ["seed7-by-hand.png", "seed7.png"],
    "02_walk_and_film": ["halfway.png", "walk.mp4"],
    "03_mix_styles": ["mixing.png", "nudged.png"],
    "04_open_a_checkpoint_safely": ["trap.pkl"],
    "05_measure_equivariance": [],
    "06_add_a_family": ["discs-mixed.png", "discs.png", "discs.webm"],
}
SAID = {
    "04_open_a_checkpoint_safely": "refused: ",
    "05_measure_equivariance": " dB of 16 pictures",
}


def test_every_example_is_tried() -> None:
    assert sorted(path.stem for path in (ROOT / "examples").glob("*.py")) == sorted(WRITTEN)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", WRITTEN)
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LATENTWALK_CACHE": str(tmp_path / "cache")}
    (tmp_path / "work").mkdir()
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / f"{name}.py")]
    done = subprocess.run(
        command, cwd=tmp_path / "work", env=environment, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == WRITTEN[name]
    assert SAID.get(name, "") in done.stdout
    assert "has run a command" not in done.stdout
