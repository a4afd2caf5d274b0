"""Unsaved work and running recordings survive a crash, and what cannot be kept is told."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from explorer.animation.recording import recover_recording
from explorer.assets.table import AssetTable
from explorer.errors import ProjectError
from explorer.project.document import read_project
from explorer.session import autosave
from explorer.session.recovery import Recovery
from explorer.state import ExplorerState, Latent, Look
from tests.session.world import World


def crash(world: World) -> None:
    """The program dies: its lock goes with it, its files stay."""
    world.session.files.close()
    assert world.session.close(keep=True)


def wait_for_autosave(world: World) -> None:
    autosaver = world.session.documents.autosaver
    world.qtbot.waitUntil(lambda: autosaver._running is None)


def left_by(folder: Path, name: str, seed: int, age: float = 0.0) -> Path:
    """What a crashed program left some seconds ago."""
    crashed = Recovery(folder, name)
    crashed.save(ExplorerState(shared=Look(Latent(seed))), AssetTable())
    crashed.close(keep=True)
    then = crashed.path.stat().st_mtime - age
    os.utime(crashed.path, (then, then))
    return crashed.path


def test_unsaved_work_survives_a_crash(qtbot: QtBot, tmp_path: Path) -> None:
    crashed = Recovery(tmp_path, "crashed")
    world = World(qtbot, crashed)
    s = world.session
    s.documents.autosave()
    assert not crashed.path.exists()  # nothing to save
    s.look.set_psi(0.5)
    s.documents.autosave()
    wait_for_autosave(world)
    written = crashed.path.stat()
    s.documents.autosave()  # already there
    wait_for_autosave(world)
    assert crashed.path.stat().st_mtime_ns == written.st_mtime_ns
    assert s.documents.recovery() is None  # its own is none to recover
    assert Recovery(tmp_path, "other").find() is None  # that program still runs
    crash(world)

    world = World(qtbot, Recovery(tmp_path, "next"))
    s = world.session
    assert s.documents.recovery() == crashed.path
    s.documents.recover()
    assert s.look_of().truncation.psi == 0.5
    assert not s.store.is_saved()
    assert crashed.path.exists()  # until what was restored is on disk
    wait_for_autosave(world)
    assert read_project(tmp_path / "recovery-next.json")[0].shared.truncation.psi == 0.5
    assert s.documents.recovery() is None
    with pytest.raises(ProjectError, match="nothing"):
        s.documents.recover()
    s.documents.save_project(tmp_path / "mine.json")
    assert s.close()
    assert s.close()
    assert [p.name for p in tmp_path.iterdir()] == ["mine.json"]


def test_what_ended_well_leaves_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    world = World(qtbot, Recovery(tmp_path, "it"))
    world.session.look.set_psi(0.5)
    world.session.documents.autosave()
    wait_for_autosave(world)
    assert world.session.close()
    assert list(tmp_path.iterdir()) == []


def test_changes_are_saved_by_themselves(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autosave, "IDLE_MS", 20)
    assert autosave.LONGEST_MS <= 5000
    world = World(qtbot, Recovery(tmp_path, "it"))
    world.session.look.set_psi(0.5)
    qtbot.waitUntil((tmp_path / "recovery-it.json").exists)
    assert world.session.close()


def test_a_long_stroke_is_saved_while_it_lasts(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autosave, "IDLE_MS", 60_000)
    monkeypatch.setattr(autosave, "LONGEST_MS", 20)
    world = World(qtbot, Recovery(tmp_path, "it"))
    world.session.begin("Walk")
    world.session.look.walk(0.5, 0.0)
    qtbot.waitUntil((tmp_path / "recovery-it.json").exists)
    world.session.commit()
    assert world.session.close()


def test_idle_work_is_on_disk_within_two_seconds() -> None:
    assert autosave.IDLE_MS <= 1500


def test_restored_work_that_cannot_be_saved_stays_where_it_was(qtbot: QtBot, tmp_path: Path) -> None:
    crashed = left_by(tmp_path, "crashed", 7)
    world = World(qtbot, Recovery(tmp_path, "next"))
    (tmp_path / "recovery-next.json").mkdir()  # nothing can be written there
    with qtbot.waitSignal(world.session.documents.autosaver.problem) as told:
        world.session.documents.recover()
    assert "Autosave failed" in told.args[0]
    assert crashed.exists()
    assert world.session.close()
    assert crashed.exists()


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyError("x"), ProjectError("No.")])
def test_a_failing_autosave_is_reported_until_one_succeeds(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    monkeypatch.setattr(autosave, "RETRY_MS", 20)
    world = World(qtbot, Recovery(tmp_path, "it"))
    autosaver = world.session.documents.autosaver
    messages: list[str] = []
    autosaver.problem.connect(messages.append)

    def fail(*args: object) -> None:
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr("explorer.session.recovery.write_project", fail)
        world.session.look.set_psi(0.5)
        world.session.documents.autosave()
        qtbot.waitUntil(lambda: bool(messages))
    qtbot.waitUntil(lambda: messages[-1] == "")  # tried again by itself
    assert messages[0].startswith("Autosave failed: ")
    assert (tmp_path / "recovery-it.json").exists()
    assert world.session.close()


def test_an_autosave_that_hangs_is_reported(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autosave, "HANGS_S", 0.0)
    monkeypatch.setattr(autosave, "LONGEST_MS", 10)
    gate = threading.Event()
    monkeypatch.setattr("explorer.session.recovery.write_project", lambda *a: gate.wait())
    world = World(qtbot, Recovery(tmp_path, "it"))
    messages: list[str] = []
    world.session.documents.autosaver.problem.connect(messages.append)
    world.session.look.set_psi(0.5)
    world.session.documents.autosave()
    world.session.look.set_psi(0.25)
    qtbot.waitUntil(lambda: bool(messages) and "waiting for the disk" in messages[-1])
    gate.set()
    qtbot.waitUntil(lambda: messages[-1] == "")
    assert world.session.close()


def test_saving_the_project_ends_the_alarm(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    world = World(qtbot, Recovery(tmp_path / "file"))
    world.session.look.set_psi(0.5)
    with qtbot.waitSignal(world.session.documents.autosaver.problem):
        world.session.documents.autosave()
    with qtbot.waitSignal(world.session.documents.autosaver.problem) as told:
        world.session.documents.save_project(tmp_path / "p.json")
    assert told.args == [""]
    assert world.session.close()


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are Unicode there")
def test_paths_of_any_bytes_are_autosaved(qtbot: QtBot, tmp_path: Path) -> None:
    world = World(qtbot, Recovery(tmp_path, "it"))
    name = os.fsdecode(b"/nets/\xff.pkl")
    s = world.session
    s.edit_view(1, "Open model", model=name)
    s.documents.autosave()
    wait_for_autosave(world)
    assert read_project(tmp_path / "recovery-it.json")[0].views[1].model == name
    s.documents.paste_state_text(s.documents.state_text())
    s.documents.save_project(tmp_path / os.fsdecode(b"\xfe.json"))
    assert read_project(tmp_path / os.fsdecode(b"\xfe.json"))[0].views[1].model == name
    assert s.close()


# -- several programs --------------------------------------------------------------------------------------------


def test_the_newest_of_several_crashes_is_offered_first_and_none_is_lost(qtbot: QtBot, tmp_path: Path) -> None:
    old, new = left_by(tmp_path, "one", 1, age=100.0), left_by(tmp_path, "two", 2)
    world = World(qtbot, Recovery(tmp_path, "next"))
    assert Recovery(tmp_path, "next").crashed() == (new, old)
    world.session.documents.recover()
    assert world.session.look_of().latent.seed == 2
    wait_for_autosave(world)
    assert world.session.documents.recovery() == old
    world.session.documents.discard_recovery()
    assert world.session.documents.recovery() is None
    assert world.session.close()
    assert list(tmp_path.iterdir()) == []


def test_a_program_of_the_same_process_id_elsewhere_is_told_apart(tmp_path: Path) -> None:
    """Two containers share a home: both programs have one process id, and one of them has crashed."""
    alive, crashed = Recovery(tmp_path), left_by(tmp_path, "x", 1)
    alive.save(ExplorerState(), AssetTable())
    assert str(os.getpid()) not in alive.path.name
    assert alive.path != Recovery(tmp_path).path
    assert Recovery(tmp_path).crashed() == (crashed,)
    alive.close()


def test_a_killed_process_gives_its_lock_up(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from explorer.session.recovery import Recovery\n"
        "from explorer.state import ExplorerState; from explorer.assets.table import AssetTable\n"
        "r = Recovery(Path(sys.argv[1]), 'child'); r.save(ExplorerState(), AssetTable())\n"
        "print('ready', flush=True); sys.stdin.read()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"ready"
        assert Recovery(tmp_path).find() is None
        child.kill()
    assert Recovery(tmp_path).find() == tmp_path / "recovery-child.json"


def test_files_of_the_version_before_are_found(tmp_path: Path) -> None:
    (tmp_path / "recovery-1234.json").write_text('{"format": "latentwalk-project", "version": 1, "state": {}}')
    (tmp_path / "recovery-1234.lock").write_text("1234\nlatentwalk\nhost\n")
    assert Recovery(tmp_path).find() == tmp_path / "recovery-1234.json"


def test_what_a_kill_left_half_written_is_swept(tmp_path: Path) -> None:
    for name in ("recovery-a.json.12ab34cd.part", "recovery-b.lock", "recovery-c.hands.part"):
        (tmp_path / name).write_bytes(b"")
    alive = Recovery(tmp_path, "alive")
    alive.hold()
    (tmp_path / "recovery-alive.json.12ab34cd.part").write_bytes(b"")
    assert Recovery(tmp_path).crashed() == ()
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["recovery-alive.json.12ab34cd.part", "recovery-alive.lock"]
    alive.close()


# -- recordings --------------------------------------------------------------------------------------------------


def recorded(world: World) -> Path:
    """A recording that runs, with three moments on disk."""
    s = world.session
    recovery = s.documents._recovery
    assert recovery is not None
    clock = iter(range(100))
    s.transport._now = lambda: next(clock) / 2
    s.transport.start_recording()
    s.look.set_psi(0.5)
    s.look.use_stored(s.documents.store_latent("z")) if s.info(0) is not None else None
    s.look.set_psi(0.25)
    journal = recovery.recording

    def is_on_disk() -> bool:
        if not journal.exists():
            return False
        performance = recover_recording(journal).state.timeline.performance
        return bool(performance) and performance[-1].pose.shared.truncation.psi == 0.25

    world.qtbot.waitUntil(is_on_disk)
    return journal


def test_a_recording_survives_a_crash(qtbot: QtBot, tmp_path: Path) -> None:
    world = World(qtbot, Recovery(tmp_path, "crashed"))
    world.open("a")
    journal = recorded(world)
    stored = set(world.session.table)
    left = journal.read_bytes()
    assert world.session.close()
    assert list(tmp_path.iterdir()) == []
    journal.write_bytes(left + b"0bad")  # as a kill leaves it, in the middle of a line

    world = World(qtbot, Recovery(tmp_path, "next"))
    s = world.session
    s.documents.recover()
    performance = s.state.timeline.performance
    assert [sample.pose.shared.truncation.psi for sample in performance][:: len(performance) - 1] == [1.0, 0.25]
    assert s.state.timeline.duration >= performance[-1].time > 0.0
    assert s.look_of().truncation.psi == 0.25
    assert stored == set(s.table)
    assert journal.exists()
    wait_for_autosave(world)
    qtbot.waitUntil(lambda: not journal.exists())
    assert read_project(tmp_path / "recovery-next.json")[0].timeline.performance == performance
    assert s.close()


def test_a_hand_that_holds_still_is_recorded_too(qtbot: QtBot, tmp_path: Path) -> None:
    world = World(qtbot, Recovery(tmp_path, "crashed"))
    s = world.session
    s.transport.start_recording()
    journal = s.documents._recovery.recording  # type: ignore[union-attr]
    qtbot.waitUntil(lambda: journal.exists() and len(journal.read_bytes().splitlines()) > 3)
    timeline = recover_recording(journal).state.timeline
    assert timeline.performance[-1].time == 0.0
    assert 0.3 < timeline.duration <= s.transport.recorded_seconds + 0.1
    assert s.close()


def test_a_recording_that_ended_is_part_of_the_autosave(qtbot: QtBot, tmp_path: Path) -> None:
    world = World(qtbot, Recovery(tmp_path, "it"))
    journal = recorded(world)
    s = world.session
    s.transport.stop_recording()
    made = s.state.timeline
    s.documents.autosaver.journal.join()  # type: ignore[union-attr]
    assert recover_recording(journal).state.timeline == made  # in case of a crash just now
    s.documents.autosave()
    wait_for_autosave(world)
    assert not journal.exists()
    assert read_project(tmp_path / "recovery-it.json")[0].timeline == made
    assert s.close()


def test_a_dropped_recording_leaves_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    world = World(qtbot, Recovery(tmp_path, "it"))
    journal = recorded(world)
    world.session.transport.rewind()
    qtbot.waitUntil(lambda: not journal.exists())
    again = recorded(world)
    assert again == journal
    assert world.session.close()


def test_saving_the_project_leaves_a_running_recording(qtbot: QtBot, tmp_path: Path) -> None:
    world = World(qtbot, Recovery(tmp_path / "recovery", "it"))
    journal = recorded(world)
    world.session.documents.save_project(tmp_path / "p.json")
    world.session.documents.autosaver._thread.submit(lambda: None).result(10)
    assert journal.exists()
    assert world.session.close()


def test_a_recording_on_a_full_disk_is_reported_and_goes_on_when_there_is_room(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(qtbot, Recovery(tmp_path, "it"))
    messages: list[str] = []
    world.session.documents.autosaver.problem.connect(messages.append)
    journal = recorded(world)
    whole = journal.read_bytes()

    def fail(file: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("explorer.animation.recording.os.fsync", fail)
        world.session.look.set_psi(0.75)
        qtbot.waitUntil(lambda: any("recording" in w for w in messages))
        assert journal.read_bytes() == whole  # what was written in part is taken back
    qtbot.waitUntil(lambda: messages[-1] == "")
    samples = recover_recording(journal).state.timeline.performance
    assert samples[-1].pose.shared.truncation.psi == 0.75
    assert world.session.close()


def test_a_torn_journal_gives_what_is_whole(qtbot: QtBot, tmp_path: Path) -> None:
    world = World(qtbot, Recovery(tmp_path, "it"))
    journal = recorded(world)
    assert world.session.close(keep=True)
    whole = journal.read_bytes()
    counts = set()
    for size in range(0, len(whole), 7):
        (tmp_path / "torn").write_bytes(whole[:size])
        try:
            counts.add(len(recover_recording(tmp_path / "torn").state.timeline.performance))
        except ProjectError:
            assert b"\n" not in whole[:size]
    assert counts == set(range(max(counts) + 1))
    flipped = whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:]
    (tmp_path / "torn").write_bytes(flipped)
    recover_recording(tmp_path / "torn")


def test_an_unreadable_journal_does_not_cost_the_project(tmp_path: Path) -> None:
    path = left_by(tmp_path, "x", 5)
    path.with_suffix(".hands").write_bytes(b"noise\n")
    assert Recovery.read(path).state.shared.latent.seed == 5
    path.unlink()
    assert Recovery(tmp_path).find() == path
    with pytest.raises(ProjectError, match="recording"):
        Recovery.read(path)
