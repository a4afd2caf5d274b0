"""`main.py video` and `main.py project`: films from seeds and projects, gone on with, and read again."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from explorer.animation.film import Film
from explorer.animation.job import FilmJob, write_job
from explorer.cli import main
from explorer.project.document import read_project, write_project
from explorer.state import ExplorerState, Keyframe, Latent, Look, Segment, Snapshot, Timeline, ViewState


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


def test_a_walk_through_seeds(models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = out / "walk.mp4"
    walk = ["--seeds", "1,2,3", "--model", models["tiny"], "--seconds", "1", "--fps", "12"]
    command = ["video", *walk, "-o", str(path)]
    assert main(command) == 0
    told = capsys.readouterr()
    assert told.out == f"{path}\n"
    assert "frames/s" in told.err
    assert "left" in told.err
    assert len(pictures(path)) == 12
    state = read_project(path)[0]
    assert [key.time for key in state.timeline.keys] == [0.0, 0.5, 1.0]
    assert main(command) == 2  # it already exists
    assert "already exists" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0


@pytest.mark.parametrize("kind", ["linear", "spherical", "cubic", "catmull-rom"])
def test_interpolations_differ_between_the_seeds_and_meet_at_them(
    models: dict[str, str], out: Path, kind: str
) -> None:
    path = out / f"{kind}.mkv"
    arguments = ["--seeds", "1,2,3", "--model", models["tiny"], "--seconds", "1", "--fps", "8", "--space", "w"]
    assert main(["video", *arguments, "--interpolation", kind, "-o", str(path)]) == 0
    straight = out / "straight.mkv"
    assert main(["video", *arguments, "--interpolation", "linear", "-o", str(straight)]) == 0
    found, known = pictures(path), pictures(straight)
    np.testing.assert_array_equal(found[4], known[4])
    if kind != "linear":
        assert not np.array_equal(found[2], known[2])


def test_a_loop_has_no_seam(models: dict[str, str], out: Path) -> None:
    path = out / "loop.mkv"
    arguments = ["--seeds", "1,2", "--model", models["tiny"], "--seconds", "2", "--fps", "20", "--loop"]
    assert main(["video", *arguments, "-o", str(path)]) == 0
    found = [picture.astype(int) for picture in pictures(path)]
    steps = [int(np.abs(b - a).mean()) for a, b in itertools.pairwise(found)]
    assert np.abs(found[0] - found[-1]).mean() <= max(steps) + 1


def test_a_project_becomes_a_film_with_options(models: dict[str, str], out: Path) -> None:
    keys = tuple(Keyframe(float(i), Snapshot(Look(latent=Latent(i))), Segment()) for i in range(2))
    state = ExplorerState(
        views=(ViewState(model=models["tiny"]), ViewState(model=models["tiny-classes"])),
        timeline=Timeline(keys, duration=1.0, fps=10.0),
    )
    write_project(out / "p.json", state)
    options = ["--size", "48", "--layout", "both", "--captions", "--samples", "2", "--quality", "draft"]
    assert main(["video", str(out / "p.json"), *options, "-o", str(out / "f.mp4")]) == 0
    found = pictures(out / "f.mp4")
    assert (len(found), found[0].shape) == (10, (48, 104, 3))
    assert main(["video", str(out / "p.json"), "--grid", "3x1", "--seconds", "0.3", "-o", str(out / "g.gif")]) == 0
    assert main(["video", str(out / "p.json"), "--even", "--fps", "5", "-o", str(out / "e.mp4")]) == 0
    assert read_project(out / "e.mp4")[0].timeline.keys[0].segment.ease == "curve"


def test_going_on_by_the_job_file(models: dict[str, str], out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.animation.film import FilmRenderer

    frame = FilmRenderer.frame

    def fails(self: FilmRenderer, number: int) -> object:
        if number == 30:
            raise KeyboardInterrupt
        return frame(self, number)

    path = out / "f.mp4"
    walk = ["--seeds", "1,2", "--model", models["tiny"], "--seconds", "3", "--fps", "20"]
    command = ["video", *walk, "-o", str(path)]
    monkeypatch.setattr(FilmRenderer, "frame", fails)
    assert main(command) == 130
    monkeypatch.undo()
    assert not path.exists()
    assert main(["video", str(out / "f.mp4.job.json")]) == 0
    assert len(pictures(path)) == 60
    assert [p.name for p in out.iterdir()] == ["f.mp4"]


@pytest.mark.parametrize(
    "option",
    [
        ["--loop"], ["--interpolation", "spherical"], ["--space", "z"], ["--ease", "in"], ["--psi", "0.7"],
        ["--seeds", "1"],
    ],
)  # fmt: skip
def test_options_of_a_walk_are_refused_with_a_project(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    write_project(out / "p.json", ExplorerState(views=(ViewState(model=models["tiny"]),)))
    assert main(["video", str(out / "p.json"), *option, "-o", str(out / "f.mp4")]) == 2
    assert option[0] in capsys.readouterr().err
    assert [p.name for p in out.iterdir()] == ["p.json"]


@pytest.mark.parametrize(
    "option", [["-o", "other.mp4"], ["--size", "512"], ["--device", "auto"], ["--loop"], ["--model", "x"]]
)
def test_options_are_refused_with_an_unfinished_film(
    out: Path, capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    assert main(["video", str(out / "f.mp4.job.json"), *option]) == 2
    assert "keeps the settings it was started with" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "frames"),
    [(["--start", "3"], 10), (["--start", "3", "--seconds", "2"], 20), (["--seconds", "2"], 20), ([], 40)],
)
def test_a_film_that_begins_later_ends_with_its_timeline(
    models: dict[str, str], out: Path, options: list[str], frames: int
) -> None:
    keys = tuple(Keyframe(4.0 * i, Snapshot(Look(latent=Latent(i))), Segment()) for i in range(2))
    views = (ViewState(model=models["tiny"]),)
    write_project(out / "p.json", ExplorerState(views=views, timeline=Timeline(keys, duration=4.0, fps=10.0)))
    assert main(["video", str(out / "p.json"), *options, "-o", str(out / "f.mkv")]) == 0
    assert len(pictures(out / "f.mkv")) == frames


def test_a_quality_is_refused_where_there_is_but_one(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    walk = ["video", "--seeds", "1,2", "--model", models["tiny"], "--seconds", "0.2", "--quality", "good"]
    assert main([*walk, "-o", str(out / "f.gif")]) == 2
    assert "--quality" in capsys.readouterr().err
    assert main([*walk, "-o", str(out / "f.webp")]) == 0


@pytest.mark.parametrize(
    ("options", "size", "ms"),
    [
        ([], 256, 40),
        (["--fps", "20"], 256, 50),
        (["--size", "48"], 48, 40),
        (["--size", "0", "--fps", "60"], 16, 20),
    ],
)
def test_a_gif_has_defaults_of_its_own_and_explicit_options_win(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str], options: list[str], size: int, ms: int
) -> None:
    walk = ["video", "--seeds", "1,2", "--model", models["tiny"], "--seconds", "1"]
    assert main([*walk, *options, "-o", str(out / "f.gif")]) == 0
    with Image.open(out / "f.gif") as image:
        assert image.size == (size, size)
        found = []
        for i in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(i)
            found.append(image.info["duration"])
    assert set(found) == {ms}
    assert sum(found) == 1000
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith("rendering 0/") and ", about " in line for line in lines)
    assert not any("about" in line for line in lines if line.startswith("done"))


def test_the_beginning_of_a_walk_can_be_left_out(models: dict[str, str], out: Path) -> None:
    walk = ["--seeds", "1,2", "--model", models["tiny"], "--seconds", "2", "--fps", "10"]
    assert main(["video", *walk, "-o", str(out / "whole.mkv")]) == 0
    assert main(["video", *walk, "--start", "1.5", "-o", str(out / "end.mkv")]) == 0
    np.testing.assert_array_equal(pictures(out / "end.mkv"), pictures(out / "whole.mkv")[15:])


def test_project_show_and_save(models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = out / "f.gif"
    arguments = ["--seeds", "5,6", "--model", models["tiny"], "--seconds", "0.5", "--fps", "10", "-o", str(film)]
    assert main(["video", *arguments]) == 0
    capsys.readouterr()
    assert main(["project", "show", str(film)]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["format"] == "latentwalk-project"
    assert len(data["state"]["timeline"]["keys"]) == 2
    assert main(["project", "save", str(film), "-o", str(out / "p.json")]) == 0
    assert read_project(out / "p.json")[0] == read_project(film)[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ["-o", "x.mp4"],
        ["--seeds", "1,2"],
        ["--seeds", "1,2", "-o", "x.avi"],
        ["--seeds", "1,2", "-o", "x.mp4", "--format", "gif"],
        ["--seeds", "1,2", "-o", "x.mp4", "--fps", "fast"],
        ["--seeds", "1,2", "-o", "x.mp4", "--grid", "3"],
        ["--seeds", "1,2", "-o", "x.mp4", "--psi", "nan"],
        ["--seeds", "1,2", "-o", "x.mp4", "--start", "inf"],
        ["--seeds", "1,2", "-o", "x.mp4", "--start", "nan"],
        ["--seeds", "1,2", "-o", "x.mp4", "--start", "2"],
        ["--seeds", "1,2", "-o", "x.mp4", "--seconds", "inf"],
        ["--seeds", "1,2", "-o", "x.mp4", "--seconds", "nan"],
        ["--seeds", "1,2", "-o", "x.mp4", "--seconds", "40000"],
        ["--seeds", "1-99", "-o", "x.mp4", "--seconds", "1e-5"],
        ["--seeds", "1,2", "-o", "x.mp4", "--fps", "1e400"],
        ["--seeds", "1,2", "-o", "x.gif", "--fps", "120"],
        ["--seeds", "1,2", "-o", "x.mp4", "--layout", "a", "--grid", "2x2"],
        ["--seeds", "1,2", "-o", "x.mp4", "--layout", "c"],
        ["--seeds", "1,2", "-o", "x.mp4", "--pair", "AB"],
        ["--seeds", "1,2", "-o", "x.mp4", "--layout", "wipe", "--pair", "AC"],
        ["--seeds", "1,2", "-o", "x.mp4", "--layout", "wipe", "--pair", "AA"],
        ["--seeds", "1,2", "-o", "x.mp4", "--layout", "wipe", "--pair", "\u00e4"],
        ["--seeds", "1,2", "-o", "x.mp4", *(["--model", "m"] * 7)],
        ["p.json", "--seeds", "1,2", "-o", "x.mp4"],
        ["absent.job.json"],
    ],
)
def test_misuse_is_reported_in_one_line(
    arguments: list[str], out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(out)
    assert main(["video", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_with_project_and_model_opens_elsewhere(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = out / "here"
    here.mkdir()
    shutil.copy(models["tiny"], here / "mine.safetensors")
    state = ExplorerState(views=(ViewState(model=str(here / "mine.safetensors")), ViewState()), layout="single")
    write_project(here / "p.json", state)
    there = out / "there"
    here.rename(there)
    command = ["video", str(there / "p.json"), "--seconds", "0.2", "-o", str(there / "f.mp4")]
    assert main(command) == 0
    film = read_project(there / "f.mp4")[0]
    assert film.views[0].model == str(there / "mine.safetensors")
    (there / "mine.safetensors").unlink()
    capsys.readouterr()
    assert main([*command, "--overwrite"]) == 2
    told = capsys.readouterr().err
    assert "mine.safetensors" in told
    assert "--model" in told
    assert main([*command, "--overwrite", "--model", models["tiny"]]) == 0


def test_an_unfinished_film_goes_on_elsewhere(models: dict[str, str], out: Path) -> None:
    here, there = out / "here", out / "there"
    here.mkdir()
    shutil.copy(models["tiny"], here / "mine.safetensors")
    state = ExplorerState(views=(ViewState(model=str(here / "mine.safetensors")), ViewState()), layout="single")
    write_job(FilmJob(here / "f.mp4", Film(0.2), state))
    here.rename(there)
    assert main(["video", str(there / "f.mp4.job.json")]) == 0
    assert len(pictures(there / "f.mp4")) == 6
