"""Films beside the window: through their JobSpec, with the pixels of the command; paused, cancelled, continued."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.animation.film_jobs import film_spec
from explorer.animation.job import FilmJob, is_unfinished
from explorer.animation.recorder import Progress, Recorder
from explorer.assets.latent import StoredLatent
from explorer.assets.table import AssetTable
from explorer.errors import CancelledError, FilmError, LatentwalkError
from explorer.jobs.job import JobSpec
from explorer.session import Session
from explorer.session.job_runner import JobRunner
from explorer.state import ExplorerState, Keyframe, Latent, Look, Snapshot
from tests.animation.conftest import job_of, model, packets_and_pixels, project  # noqa: F401


@pytest.fixture
def session(qapp: QApplication) -> Iterator[Session]:
    made = Session(state=ExplorerState())
    yield made
    assert made.close()
    made.deleteLater()


def film_of(project: ExplorerState, path: Path, seconds: float = 1.0) -> FilmJob:  # noqa: F811
    """A film through a stored latent, which its spec must carry to the bit."""
    table = AssetTable()
    key = table.add(StoredLatent("w", [0.1 * i - 0.35 for i in range(8)]))  # type: ignore[arg-type]
    keys = (*project.timeline.keys[:1], Keyframe(1.0, Snapshot(Look(latent=Latent(stored=key)))))
    state = replace(project, timeline=replace(project.timeline, keys=keys))
    return replace(job_of(state, path, format="mkv", seconds=seconds), table=table)


def test_a_film_of_the_window_is_that_of_the_command(
    session: Session, qtbot: QtBot, project: ExplorerState, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    reports: list[Progress] = []
    session.films.progress.connect(reports.append)
    with qtbot.waitSignal(session.films.finished, timeout=60_000) as done:
        session.films.start(film_of(project, tmp_path / "a.mkv"))
        assert session.films.is_running
        with pytest.raises(LatentwalkError, match="already"):
            session.films.start(film_of(project, tmp_path / "c.mkv"))
    assert done.args == [str(tmp_path / "a.mkv")]
    assert not session.films.is_running
    assert {report.stage for report in reports} >= {"loading", "rendering", "done"}
    assert any(report.value.picture is not None for report in reports)
    Recorder(film_of(project, tmp_path / "b.mkv")).run()
    assert packets_and_pixels(tmp_path / "a.mkv") == packets_and_pixels(tmp_path / "b.mkv")


def test_a_film_is_paused_cancelled_and_continued(
    session: Session, qtbot: QtBot, project: ExplorerState, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    films, job = session.films, film_of(project, tmp_path / "a.mkv", 20.0)
    films.start(job)
    films.pause()
    assert films.is_paused
    with qtbot.waitSignal(films.failed, timeout=60_000) as failed:
        films.cancel()
    assert failed.args is not None
    (error,) = failed.args
    assert isinstance(error, CancelledError)
    assert "what is finished is kept" in error.message
    with qtbot.waitSignal(films.finished, timeout=60_000):
        films.start(film_of(project, tmp_path / "b.mkv"))
        films.pause()
        films.resume()
        assert not films.is_paused
    assert not is_unfinished(tmp_path / "b.mkv")


def test_what_cannot_be_made_is_refused_before_a_thread_begins(
    session: Session, project: ExplorerState, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    (tmp_path / "a.mkv").write_bytes(b"mine")
    with pytest.raises(FilmError, match="already exists"):
        session.films.start(film_of(project, tmp_path / "a.mkv"))
    assert not session.films.is_running


def test_a_film_spec_comes_through_json(project: ExplorerState, tmp_path: Path) -> None:  # noqa: F811
    spec = film_spec(film_of(project, tmp_path / "a.mkv"))
    assert JobSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_a_runner_is_silent_once_it_is_closed(
    qapp: QApplication, qtbot: QtBot, project: ExplorerState, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    runner = JobRunner()
    said: list[object] = []
    for signal in (runner.reported, runner.finished, runner.failed):
        signal.connect(said.append)
    runner.start(film_spec(film_of(project, tmp_path / "a.mkv", 20.0)))
    with pytest.raises(LatentwalkError, match="job is running"):
        runner.start(film_spec(film_of(project, tmp_path / "b.mkv")))
    assert runner.close(30)
    count = len(said)
    qapp.processEvents()
    assert len(said) == count
    assert not runner.is_running
    runner.deleteLater()
