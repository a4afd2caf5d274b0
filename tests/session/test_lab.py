"""The lab's session: slit-scans in step, averages that wait for rest, jobs that report, end and explain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.analysis.equivariance import Curves
from explorer.analysis.estimate import Estimate
from explorer.errors import LatentwalkError, ProjectError, UsageError
from explorer.project.document import read_project
from explorer.render.job_run import JobEvent
from explorer.session.lab import LabPicture
from explorer.state import Animation, Slit, Transform
from tests.session.world import World

EQ = ("eq-t", "eq-t-frac", "eq-r")


def said_by(world: World) -> list[JobEvent]:
    said: list[JobEvent] = []
    world.session.lab.job_event.connect(said.append)
    return said


def walk(world: World, steps: int) -> None:
    """Walks so many steps, each seen in both views before the next."""
    s = world.session
    for _ in range(steps):
        s.look.walk(0.1, 0.0)
        world.settle(*(v for v in range(2) if s.model_info(v) is not None))


def test_both_views_scan_the_same_moments(world: World) -> None:
    world.open("a", "b")
    s = world.session
    s.lab.edit("Slit-scan", scan=True)
    walk(world, 5)
    assert s.lab.scan.filled == 5
    first, second = s.lab.scan.picture(0), s.lab.scan.picture(1)
    assert first.shape == second.shape == (128, 5, 4)
    assert not np.array_equal(first, second)
    # The last column is what the line sees on the last picture.
    frame = s.last_frame(0)
    assert frame is not None
    middle = frame.pixels[:, 5:7].mean(axis=(0, 1))  # of 16 columns, where the line stands
    assert np.abs(first[:, -1].mean(axis=0) - middle).max() < 25
    s.lab.set_slit(Slit(0.3))
    assert not np.array_equal(s.lab.scan.picture(0), first)  # the past is seen through the new line
    s.lab.edit("Slit-scan", scan=False)
    assert s.lab.scan.filled == 0


def test_a_moved_slit_rescans_the_past_bit_by_bit_newest_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.open("a", "b")
    s = world.session
    s.lab.edit("Slit-scan", scan=True)
    walk(world, 6)
    s.lab._more.blockSignals(True)  # steps come by hand
    before = s.lab.scan.picture(0)
    monkeypatch.setattr("explorer.analysis.slitscan.RESCANNED_TOGETHER", 2)
    s.lab.set_slit(Slit(0.3))
    now = s.lab.scan.picture(0)
    changed = [not np.array_equal(now[:, i], before[:, i]) for i in range(6)]
    assert changed == [False] * 5 + [True]
    s.lab.set_slit(Slit(-0.3))  # while the first is under way
    for _ in range(6):
        s.lab._rescan_some()
    assert s.lab._rescan is None
    now = s.lab.scan.picture(0)
    s.lab.scan.rescan(Slit(-0.3))
    assert np.array_equal(s.lab.scan.picture(0), now)
    assert not np.array_equal(now[:, 0], before[:, 0])


def test_views_that_are_scanned_keep_step(world: World) -> None:
    world.open("a", "b")
    s = world.session
    s.lab.edit("Slit-scan", scan=True)
    s.look.set_drift(1.0)
    s.motion.pace._timer.blockSignals(True)  # ticks come by hand
    world.paint(0)
    world.paint(1)
    s.motion.pace.step()  # the drift begins here
    world.now = 0.05
    s.motion.pace.step()
    for i in range(1, 4):
        world.now = 0.1 * i
        world.settle(0, 1)
        world.paint(0)
        posted = s.record(0).posted
        s.motion.pace.step()  # one view is behind: no next moment for the other alone
        assert s.record(0).posted == posted
        world.paint(1)
        s.motion.pace.step()
        assert (s.record(0).posted, s.record(1).posted) == (posted + 1, posted + 1)
    world.settle(0, 1)
    times = {world.frame(v).request.style.base for v in range(2)}
    assert len(times) == 1


def test_a_scan_is_saved_with_its_project(world: World, tmp_path: Path) -> None:
    world.open("a", "b")
    s = world.session
    with pytest.raises(ProjectError, match="no slit-scan yet"):
        s.lab.save_scan(tmp_path / "scan.png")
    s.lab.edit("Slit-scan", scan=True)
    walk(world, 3)
    with pytest.raises(ProjectError, match="not a PNG"):
        s.lab.save_scan(tmp_path / "scan.jpg")
    path = tmp_path / "scan.png"
    s.lab.save_scan(path)
    world.qtbot.waitUntil(path.is_file)
    state, _ = read_project(path)
    assert state == s.state
    with Image.open(path) as page:
        assert page.width >= 480


def test_the_line_stays_in_the_picture_and_is_undone(world: World) -> None:
    s = world.session
    s.begin("Slit")
    s.lab.set_slit(Slit(3.0, 0.0, 90.0, 0.5))
    s.commit()
    assert s.state.lab.slit.x == pytest.approx(0.5)
    s.undo()
    assert s.state.lab.slit == Slit()
    s.lab.set_split(7.0)
    assert s.state.lab.split == 1.0
    assert not s.store.can_undo


def test_an_average_comes_at_rest_and_goes_with_the_next_move(world: World) -> None:
    world.open("a")
    s = world.session
    said: list[LabPicture] = []
    s.lab.picture.connect(said.append)
    s.lab.edit("Average", average="neighbours", count=4)
    world.qtbot.waitUntil(lambda: bool(said) and said[-1].done == 4)
    assert said[-1].pixels is not None
    assert said[-1].pixels.shape == (16, 16, 4)
    assert s.lab.last_picture(0) is said[-1]
    s.look.walk(0.5, 0.0)
    assert said[-1].pixels is None
    assert s.lab.last_picture(0) is None
    world.qtbot.waitUntil(lambda: said[-1].done == 4)
    s.lab.edit("Average", average="turned")
    world.qtbot.waitUntil(lambda: said[-1].done == 4)


def test_an_average_waits_until_the_motion_stops(world: World) -> None:
    world.open("a")
    s = world.session
    said: list[LabPicture] = []
    s.lab.picture.connect(said.append)
    s.look.set_animation(kind="circle")
    s.motion.play()
    s.lab.edit("Average", average="neighbours", count=2)
    with world.qtbot.waitSignal(s.lab.rested):
        pass
    assert not s.lab.has_job("average/0")
    s.motion.pause()
    world.qtbot.waitUntil(lambda: bool(said) and said[-1].done == 2)
    s.motion.play()
    assert s.lab.last_picture(0) is None


def test_a_wrong_average_is_explained(world: World) -> None:
    world.open("a")
    world.session.lab.edit("Average", average="neighbours", count=1)
    world.qtbot.waitUntil(lambda: any("at least 2" in message for message in world.messages))


def test_jobs_report_and_end(world: World) -> None:
    world.open("a", "b")
    s, said = world.session, said_by(world)
    s.look.set_transform(x=0.3)
    s.lab.measure_curves(0)
    s.lab.measure("metrics", 1, EQ, 3)
    world.qtbot.waitUntil(lambda: sum(m.is_done for m in said) == 2, timeout=30_000)
    curves = [m.report.value for m in said if m.key == "curves/0" and m.report is not None]
    assert isinstance(curves[-1], Curves)
    metrics = [m.report.value for m in said if m.key == "metrics/1" and m.report is not None]
    assert isinstance(metrics[-1]["eq-r"], Estimate)
    assert metrics[-1]["eq-r"].samples == 3
    assert not s.lab.has_job("curves/0")


def test_a_cancelled_job_is_silent(world: World) -> None:
    world.open("a")
    s, said = world.session, said_by(world)
    s.lab.measure("spectrum", 0, ["spectrum"], 100_000)
    world.qtbot.waitUntil(lambda: bool(said))
    s.lab.end_job("spectrum/0")
    count = len(said)
    assert not s.lab.has_job("spectrum/0")
    s.look.walk(0.5, 0.0)
    world.settle()
    assert len(said) == count


def test_looks_go_before_jobs(world: World) -> None:
    world.open("a")
    s, said = world.session, said_by(world)
    s.lab.measure("spectrum", 0, ["spectrum"], 1_000_000)
    world.qtbot.waitUntil(lambda: bool(said))
    walk(world, 10)  # each is shown although the job has a million pictures to make
    s.lab.end_job("spectrum/0")


def test_errors_of_jobs_are_reported(world: World) -> None:
    world.open("a")
    s, said = world.session, said_by(world)
    s.lab.measure("metrics", 0, EQ, 1)
    world.qtbot.waitUntil(lambda: bool(said))
    assert isinstance(said[-1].error, UsageError)
    assert said[-1].is_done
    with pytest.raises(LatentwalkError, match="No model is loaded"):
        s.lab.measure_curves(1)


def test_undone_motion_is_rendered_as_difference(world: World) -> None:
    world.open("a")
    s = world.session
    s.look.set_transform(x=0.1, residual="heat")
    world.settle()
    frame = s.last_frame(0)
    assert frame is not None
    assert frame.request.residual == "heat"
    s.edit("Transform", transform=Transform(animation=Animation("circle"), residual="difference"))
    world.settle()


def test_another_precision_ends_jobs_and_averages_and_restarts(world: World) -> None:
    world.open("a")
    s = world.session
    said: list[LabPicture] = []
    s.lab.picture.connect(said.append)
    s.lab.measure("spectrum", 0, ["spectrum"], 1_000_000)
    s.lab.edit("Average", average="neighbours", count=2)
    world.qtbot.waitUntil(lambda: bool(said) and said[-1].done == 2)
    s.devices.set_backend("reference")
    assert not s.lab.has_job("spectrum/0")
    assert said[-1].pixels is None
    world.qtbot.waitUntil(lambda: said[-1].done == 2)


# -- jobs that nobody sees ----------------------------------------------------------------------------------


def test_jobs_pause_while_unseen_and_go_on_where_they_were(world: World) -> None:
    world.open("a")
    s, said = world.session, said_by(world)
    assert not s.lab.is_measuring
    s.lab.measure("spectrum", 0, ["spectrum"], 1_000_000)
    world.qtbot.waitUntil(lambda: bool(said))
    assert s.lab.is_measuring
    s.lab.set_seen("spectrum", False)
    assert not s.lab.is_measuring
    assert s.lab.has_job("spectrum/0")
    (renderer,) = s.service._renderers.values()
    # A thumbnail is made after what waited before it: the step that was under way is done by then.
    for _ in range(2):
        s.request_thumbnail("after", s.look_of(), 0)
        with world.qtbot.waitSignal(s.thumbnail):
            pass
    before, runs = len(said), said[-1].report
    assert runs is not None
    assert not renderer.mailbox._idle_tasks
    s.lab.measure_curves(0)  # of another panel: it runs
    assert s.lab.is_measuring
    world.qtbot.waitUntil(lambda: any(m.key == "curves/0" and m.is_done for m in said), timeout=30_000)
    assert not s.lab.is_measuring
    assert [m for m in said[before:] if m.key == "spectrum/0"] == []
    s.lab.set_seen("spectrum", True)
    world.qtbot.waitUntil(lambda: said[-1].key == "spectrum/0")
    report = said[-1].report
    assert report is not None
    assert report.done > runs.done, "it went on and did not begin anew"
    s.lab.end_job("spectrum/0")
    assert not s.lab.is_measuring


def test_a_job_begun_unseen_waits(world: World) -> None:
    world.open("a")
    s, said = world.session, said_by(world)
    s.lab.set_seen("metrics", False)
    s.lab.measure("metrics", 0, EQ, 2)
    assert not s.lab.is_measuring
    s.lab.set_seen("metrics", True)
    world.qtbot.waitUntil(lambda: any(m.is_done for m in said), timeout=30_000)
