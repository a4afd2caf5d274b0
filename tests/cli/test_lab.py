"""measure and slitscan: rows for scripts, pictures with their project, and messages on wrong use."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.cli import main
from explorer.project.document import read_project

KEYS = {"metric", "model", "value", "stderr", "unit", "samples"}


@pytest.mark.parametrize("metric", ["eq-t", "eq-t-frac", "eq-r", "spectrum"])
def test_measure_gives_rows(models: dict[str, str], capsys: pytest.CaptureFixture[str], metric: str) -> None:
    paths = [models["tiny"], models["stylegan2"]]
    assert main(["measure", metric, *paths, "--samples", "3", "--seed", "5", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["model"] for row in rows] == paths
    for row in rows:
        assert set(row) >= KEYS
        assert (row["metric"], row["unit"], row["samples"]) == (metric, "dB", 3)
        assert math.isfinite(row["value"])
        assert row["stderr"] >= 0
    if metric == "spectrum":
        assert len(rows[0]["frequency"]) == len(rows[0]["0_db"]) == len(rows[0]["45_db"]) == 8
    else:
        assert "note" not in rows[0]
        assert "counterpart" in rows[1]["note"]


def test_measure_is_repeatable(models: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for seed in ("1", "1", "2"):
        assert main(["measure", "eq-t", models["tiny"], "--samples", "2", "--seed", seed, "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out)[0]["value"])
    assert found[0] == found[1] != found[2]


def test_measure_as_text(models: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", "eq-r", models["tiny"], "--samples", "2"]) == 0
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert "\u00b1" in line
    assert "dB" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["eq-t", "MODEL", "--samples", "1"], "fewer than two samples"),
        (["eq-t", "MODEL", "--samples", "0"], "at least 2"),
        (["sticking", "MODEL", "--samples", "2", "--psi", "0"], "Nothing moves"),
        (["spectrum", "MODEL", "--seed", "-1"], "--seed -1"),
        (["beauty", "MODEL"], "is not one of"),
    ],
)
def test_wrong_measurements_are_explained(
    models: dict[str, str], capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    arguments = [models["tiny"] if a == "MODEL" else a for a in arguments]
    assert main(["measure", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "nan" not in captured.out.lower()


@pytest.mark.parametrize("motion", ["walk", "translate", "rotate"])
def test_slitscan(models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str], motion: str) -> None:
    path = out / "scan.png"
    options = ["--motion", motion, "--seconds", "0.5", "--fps", "20", "-o", str(path)]
    assert main(["slitscan", models["tiny"], models["stylegan2"], *options]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    with Image.open(path) as page:
        pixels = np.asarray(page)
    first, second = pixels[30:254, 16:-16], pixels[284:508, 16:-16]
    assert not np.array_equal(first, second)
    assert np.abs(first[:, :48].astype(int) - first[:, -48:]).max() > 5  # time passes along the page
    state, _ = read_project(path)
    assert [view.model for view in state.views] == [models["tiny"], models["stylegan2"]]
    assert state.lab.scan
    assert state.lab.slit.follows == (motion == "rotate")


def test_a_scan_of_a_relative_path_opens_in_any_folder(
    models: dict[str, str], out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(models["tiny"]).parent)
    options = ["--seconds", "0.2", "--fps", "10", "-o", str(out / "scan.png")]
    assert main(["slitscan", "tiny.safetensors", *options]) == 0
    assert read_project(out / "scan.png")[0].views[0].model == models["tiny"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--slit", "0.4,0,0,0.6"], "reaches 0.700"),
        (["--slit", "0,0,90"], "expected X,Y,DEGREES,LENGTH"),
        (["--slit", "0,0,90,nan"], "expected X,Y,DEGREES,LENGTH"),
        (["--slit", "0,0,90,0"], "no pixels"),
        (["--motion", "rotate", "--slit", "0.4,0.4,90,0.1"], "when it follows the motion"),
        (["--seconds", "3600", "--fps", "60"], "columns"),
        (["--seconds", "0"], "cannot be made"),
    ],
)
def test_wrong_slits_are_explained(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    path = out / "scan.png"
    assert main(["slitscan", models["tiny"], *options, "-o", str(path)]) == 2
    assert message in capsys.readouterr().err
    assert not path.exists()
