"""inspect, convert, doctor, bench, compare, and the window's stand-in where there is no display."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from explorer.animation.comparison import MOTIONS, Comparison
from explorer.cli import main
from explorer.commands.progress import StageLine
from explorer.errors import UsageError
from explorer.project.document import read_project
from explorer.state.transforms import animated_offset
from explorer.util.report import Report


def test_inspect(models: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", models["stylegan2"], "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["family"], report["resolution"], report["z_dim"], report["num_ws"]) == ("stylegan2", 16, 16, 6)
    assert main(["inspect", models["stylegan2"]]) == 0
    text = capsys.readouterr().out
    assert report["sha256"] in text
    assert "licence" in text


def test_convert(models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = out / "copy.safetensors"
    assert main(["convert", models["stylegan2"], str(target)]) == 0
    assert capsys.readouterr().out == f"{target}\n"
    for model in (models["stylegan2"], str(target)):
        assert main(["render", model, "-o", str(out / "x.png"), "--raw", str(out / f"{Path(model).stem}.npy")]) == 0
    np.testing.assert_array_equal(np.load(out / "stylegan2.npy"), np.load(out / "copy.npy"))


def test_convert_for_other_programs(models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = out / "theirs.pt"
    assert main(["convert", models["stylegan2"], "-o", str(target), "--to", "nvidia"]) == 0
    assert capsys.readouterr().out == f"{target}\n"
    for model in (models["stylegan2"], str(target)):
        assert main(["render", model, "-o", str(out / "x.png"), "--raw", str(out / f"{Path(model).stem}.npy")]) == 0
    np.testing.assert_array_equal(np.load(out / "stylegan2.npy"), np.load(out / "theirs.npy"))


def test_steps_are_shown_once_each(capsys: pytest.CaptureFixture[str]) -> None:
    line = StageLine()
    for done, stage in enumerate(("Reading weights", "Reading weights", "Exporting the network")):
        line(Report(None, done, 3, stage))
    line.clear()
    assert capsys.readouterr().err.splitlines() == ["Reading weights \u2026", "Exporting the network \u2026"]


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (["out.pt"], "--to nvidia or --to rosinality"),
        (["out.pt", "--to", "onnx"], "does not end in .onnx"),
        (["out.pkl"], "does not end in .safetensors"),
        (["out.safetensors", "--noise", "input"], "are for ONNX files"),
        (["out.safetensors", "-o", "out.safetensors"], "once"),
        ([], "once"),
    ],
)
def test_convert_says_what_is_wrong_before_the_work(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], rest: list[str], said: str
) -> None:
    monkeypatch.chdir(out)
    assert main(["convert", "never-read.pkl", *rest]) == 2
    assert said in capsys.readouterr().err
    assert not list(out.iterdir())


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)
    assert all(set(finding) == {"name", "found", "advice", "details"} for finding in findings)
    found = {finding["name"]: finding["found"] for finding in findings}
    assert {"version", "torch", "devices", "compiler", "kernels", "display", "Qt", "video"} <= set(found)
    assert "cpu" in found["devices"]
    assert "float32" in found["devices"]
    assert "libx264" in found["video"]


def test_doctor_text_marks_each_lack(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from explorer.setup import doctor

    findings = [doctor.Finding("good", "here"), doctor.Finding("bad", "gone", "fetch it", "line 1\nline 2")]
    monkeypatch.setattr(doctor, "examine", lambda: findings)
    assert main(["doctor"]) == 0
    lines = ["  good  here", "! bad   gone", "        -> fetch it", "      line 1", "      line 2"]
    assert capsys.readouterr().out.splitlines() == lines


def test_bench(models: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", models["tiny"], "--count", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all("ms median" in line for line in lines[1:])


def test_bench_of_the_repository(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["--only", "golden-sg2-64", "--repeat", "1", "--dtype", "float32", "--json"]
    assert main(["bench", "generators", *names]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    fields = {"name", "device", "dtype", "reference_s", "optimised_s", "ratio", "share_of_limit", "psnr_db"}
    assert set(row) == fields
    assert row["name"] == "golden-sg2-64"
    assert row["psnr_db"] > 90, "float32 agrees with the reference"


@pytest.mark.parametrize("motion", MOTIONS)
def test_compare(models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str], motion: str) -> None:
    path = out / "c.mp4"
    options = ["--motion", motion, "--seconds", "0.4", "--fps", "25", "-o", str(path)]
    assert main(["compare", models["tiny"], models["stylegan2"], *options]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{path}\n"
    assert "done 10/10" in captured.err
    assert [p.name for p in out.iterdir()] == ["c.mp4"]
    with av.open(str(path)) as video:
        stream = video.streams.video[0]
        assert (stream.frames, stream.average_rate) == (10, 25)
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert len(frames) == 10
    assert frames[0].shape == (384, 2 * 384 + 8, 3)
    left, right = frames[5][:, :384], frames[5][:, -384:]
    assert not np.array_equal(left, right)
    for part in (slice(0, 350), slice(360, None)):  # the pictures and their captions move
        assert np.abs(frames[5][part].astype(int) - frames[0][part]).max() > 30
    state, _ = read_project(path)  # the film opens as what it shows
    assert [view.model for view in state.views] == [models["tiny"], models["stylegan2"]]
    assert main(["compare", models["tiny"], models["stylegan2"], *options]) == 2, "nothing is replaced unasked"


def test_comparison_loops_and_refuses_nonsense() -> None:
    for motion in MOTIONS[:2]:
        comparison = Comparison("a", "b", motion, seconds=8.0)
        first, last = (animated_offset(comparison.animation, time) for time in (0.0, 8.0))
        np.testing.assert_allclose(np.sin(np.radians(last)), np.sin(np.radians(first)), atol=1e-9)
    nan = float("nan")
    for wrong in ({"motion": "jump"}, {"seconds": 0.0}, {"seconds": nan}, {"psi": nan}, {"fps": 0}):
        with pytest.raises(UsageError):
            Comparison("a", "b", **wrong)  # type: ignore[arg-type]


def test_without_display_a_video_is_made(
    models: dict[str, str], out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from explorer.animation import comparison
    from explorer.commands import window

    made: list[Comparison] = []

    def short(what: Comparison, path: Path, **rest: object) -> object:
        made.append(what)
        path.write_bytes(b"video")
        return SimpleNamespace(run=lambda tell: path)

    monkeypatch.setattr(window, "has_display", lambda: False)
    monkeypatch.setattr(comparison, "recorder_of", short)
    monkeypatch.chdir(out)
    assert main([models["tiny"], models["odd"]]) == 0
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "no display" in captured.err
    assert Path(captured.out.strip()).read_bytes() == b"video"
    assert (made[0].left, made[0].right) == (models["tiny"], models["odd"])


def test_without_display_a_project_is_not_a_pair_of_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from explorer.commands import window

    monkeypatch.setattr(window, "has_display", lambda: False)
    (tmp_path / "walk.json").write_text("{}")
    assert main([str(tmp_path / "walk.json")]) == 2
    assert "main.py video" in capsys.readouterr().err
