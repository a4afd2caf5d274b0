"""A film removes only what its own job file names: whatever else has such names stays, and is not written over."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from explorer.animation.job import discard, has_parts, is_unfinished, job_path, read_job, write_job
from explorer.animation.parts import free_number, part_paths, unfinished_folder
from explorer.animation.recorder import Recorder
from explorer.errors import FilmError
from explorer.state import ExplorerState
from tests.animation.conftest import decoded, job_of
from tests.animation.films import leave_unfinished


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_pictures_of_the_user_in_a_folder_of_that_name_stay(project: ExplorerState, tmp_path: Path) -> None:
    mine = tmp_path / "walk.part"
    mine.mkdir()
    for name in ("holiday.png", "walk-000000.png", "walk-000003.png", "notes.tmp"):
        (mine / name).write_bytes(name.encode())
    before = _contents(mine)
    assert Recorder(job_of(project, tmp_path / "walk.png", format="png")).run() == tmp_path / "walk"
    assert _contents(mine) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["walk", "walk.part"]
    assert [p.name for p in sorted((tmp_path / "walk").iterdir())] == [f"walk-{i:06d}.png" for i in range(25)]


def test_files_of_the_user_with_the_names_of_parts_stay(project: ExplorerState, tmp_path: Path) -> None:
    path = tmp_path / "f.mp4"
    for part in (part_paths(path)[1], tmp_path / "f.mp4.finishing"):
        part.write_bytes(b"mine")
    before = _contents(tmp_path)
    job = job_of(project, path, seconds=2.0)
    leave_unfinished(job)
    assert [p.name for p in tmp_path.glob("*.part3.mkv")] == ["f.mp4.part3.mkv"]
    again = Recorder(read_job(path))
    again.run()
    assert again.first_frame >= 12
    assert len(decoded(path)[0]) == 50
    assert {name: data for name, data in _contents(tmp_path).items() if name != "f.mp4"} == before


def test_discarding_leaves_what_the_job_does_not_name(project: ExplorerState, tmp_path: Path) -> None:
    job = job_of(project, tmp_path / "walk.png", seconds=2.0, format="png")
    leave_unfinished(job)
    folder = unfinished_folder(job.path)
    kept = ["holiday.png", "walk-1.png", "walk-000050.png", "other-000001.png", "walk-000001.png.bak"]
    for name in kept:
        (folder / name).write_bytes(b"mine")
    (folder / "walk-000049.png").mkdir()
    assert has_parts(job.path)
    discard(job.path)
    assert sorted(p.name for p in folder.iterdir()) == sorted([*kept, "walk-000049.png"])
    assert not is_unfinished(job.path)


def test_without_a_job_nothing_is_discarded(project: ExplorerState, tmp_path: Path) -> None:
    for part in part_paths(tmp_path / "f.mp4"):
        part.write_bytes(b"mine")
    assert not has_parts(tmp_path / "f.mp4")
    discard(tmp_path / "f.mp4")
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("text", ['{"name": "a job of another program"}', "[]", "{", "null", "[" * 100_000])
def test_a_file_that_is_not_a_job_is_neither_replaced_nor_removed(
    project: ExplorerState, tmp_path: Path, text: str
) -> None:
    job = job_of(project, tmp_path / "f.mp4")
    job_path(job.path).write_text(text)
    for overwrite in (False, True):
        with pytest.raises(FilmError, match=r"f\.mp4\.job\.json"):
            Recorder(job, overwrite=overwrite)
    for act in (lambda: discard(job.path), lambda: write_job(job), lambda: read_job(job.path)):
        with pytest.raises(FilmError, match="not the job of an unfinished film"):
            act()
    assert job_path(job.path).read_text() == text


def test_a_job_of_before_goes_on_and_is_discarded(project: ExplorerState, tmp_path: Path) -> None:
    """Jobs that do not number their parts have the first names, and one name for the last step."""
    job = job_of(project, tmp_path / "f.mp4", seconds=2.0)
    leave_unfinished(job)
    data = json.loads(job_path(job.path).read_text())
    assert data.pop("parts") == 0
    job_path(job.path).write_text(json.dumps(data))
    again = Recorder(read_job(job.path))
    again.run()
    assert again.first_frame >= 12
    job_path(job.path).write_text(json.dumps(data))
    for name in ("f.mp4.part.mkv", "f.mp4.finishing", "f.mp4.finishing.plain"):
        (tmp_path / name).write_bytes(b"x")
    discard(job.path)
    assert [p.name for p in tmp_path.iterdir()] == ["f.mp4"]


@pytest.mark.parametrize("number", [-1, 1e9, "../../x", True, None, 10**400])
def test_a_number_that_is_none_leads_nowhere_else(project: ExplorerState, tmp_path: Path, number: object) -> None:
    job = job_of(project, tmp_path / "f.mp4")
    write_job(job)
    data = json.loads(job_path(job.path).read_text())
    job_path(job.path).write_text(json.dumps({**data, "parts": number}))
    part_paths(job.path)[0].write_bytes(b"x")
    discard(job.path)
    assert list(tmp_path.iterdir()) == []


def test_free_names_are_found_behind_broken_links(tmp_path: Path) -> None:
    os.symlink(tmp_path / "none", tmp_path / "f.mp4.part2.mkv")
    assert free_number(tmp_path / "f.mp4") == 1
    assert free_number(tmp_path / "g.png") == 0


def test_overwriting_another_unfinished_film_removes_all_of_it(project: ExplorerState, tmp_path: Path) -> None:
    job = job_of(project, tmp_path / "f.mp4", seconds=2.0)
    leave_unfinished(job)
    Recorder(replace(job, film=replace(job.film, side=64)), overwrite=True).run()
    assert [p.name for p in tmp_path.iterdir()] == ["f.mp4"]
