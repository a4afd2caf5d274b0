"""The program: what is read before the first paint, faults of any thread, recovery, and a clean end."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QToolButton

from explorer.app import Program, sweep_left_overs
from explorer.checkpoints import Checkpoint, save_native
from explorer.ops import native
from explorer.project.document import read_project
from explorer.render.devices import fastest_precision
from explorer.session.recovery import Recovery
from explorer.session.settings import Settings
from explorer.state import Truncation
from explorer.widgets.window.end_signals import EndSignals
from tests.generators.configs import SMALL, small_generator
from tests.gui.conftest import flush, wait_until

ROOT = Path(__file__).resolve().parents[2]

STARTUP = """
import json, sys
import explorer.app
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
app = QApplication([])
from explorer.session.settings import Settings
program = explorer.app.Program(app, Settings(sys.argv[1]), [])
heavy = [name for name in ("torch", "pyqtgraph") if name in sys.modules]
program.start()
program.ready.connect(lambda: QTimer.singleShot(0, program.window.close))
app.exec()
program.close()
print(json.dumps({"heavy": heavy, "session": program.window.session is not None}))
"""


def start(qapp: QApplication, settings: Settings, files: list[str] | None = None) -> Program:
    program = Program(qapp, settings, files or [])
    program.start()
    wait_until(lambda: program.window.session is not None)
    program.window.asks_before_discarding = False
    return program


def end(program: Program) -> None:
    program.window.close()
    program.close()
    program.window.deleteLater()
    program.deleteLater()
    flush()


def test_the_window_does_not_wait_for_torch(tmp_path: Path, assets: Path) -> None:
    """In a process of its own, because this one has read torch long ago."""
    environment = {**os.environ, "LATENTWALK_ASSETS": str(assets), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", STARTUP, str(tmp_path / "settings.ini")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"heavy": [], "session": True}


def test_the_fastest_precision_unless_chosen(qapp: QApplication, settings: Settings) -> None:
    program = start(qapp, settings)
    session = program.window.session
    assert session is not None
    assert session.devices.settings.dtype == fastest_precision(session.devices.settings.device)
    assert native.status().state != "unused", "the kernels are built when the program starts"
    others = {"float32": "bfloat16", "bfloat16": "float32"}
    chosen = others[session.devices.settings.dtype]
    session.devices.set_dtype(chosen)
    end(program)
    again = start(qapp, settings)
    assert again.window.session is not None
    assert again.window.session.devices.settings.dtype == chosen
    end(again)


def test_the_first_run_moves_and_says_how(qapp: QApplication, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "fresh.ini")
    program = start(qapp, settings)
    session = program.window.session
    assert session is not None
    assert program.window.first_run.hints.isVisible()
    wait_until(lambda: session.look_of().latent.x > 0)
    assert not program.window.isWindowModified(), "nobody has changed anything"
    end(program)


def test_files_of_the_command_line_are_opened(qapp: QApplication, settings: Settings, assets: Path) -> None:
    path = str(assets / "other-stylegan2.safetensors")
    program = start(qapp, settings, [path])
    session = program.window.session
    assert session is not None
    wait_until(lambda: session.model_info(0) is not None and session.model_info(1) is not None)
    assert [view.model for view in session.state.views] == [path, "critters-stylegan3-t"]
    assert not program.window.isWindowModified(), "nobody has changed anything"
    assert settings.recent() == [path]
    end(program)


def test_a_model_of_the_command_line_starts_as_its_family_asks_for(
    qapp: QApplication, settings: Settings, tmp_path: Path
) -> None:
    family, config = SMALL["mobilestylegan"]
    path = tmp_path / "mobile.safetensors"
    save_native(path, Checkpoint(family, config, dict(small_generator("mobilestylegan").state_dict()), "mobile"))
    program = start(qapp, settings, [str(path)])
    session = program.window.session
    assert session is not None
    wait_until(lambda: session.model_info(0) is not None)
    assert session.look_of(0).truncation == Truncation(0.5)
    assert not program.window.isWindowModified(), "nobody has changed anything"
    assert not session.store.can_undo
    end(program)


def test_without_models_the_window_says_so(
    qapp: QApplication, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENTWALK_ASSETS", str(tmp_path / "nothing"))
    program = start(qapp, settings)
    wait_until(lambda: all(pane.empty.isVisible() for pane in program.window.views.panes))
    end(program)


class DeviceErrorKind(QObject):
    happens = Signal()


def test_faults_of_slots_and_threads_are_shown(
    qapp: QApplication, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    program = start(qapp, settings)
    banner = program.window.views.panes[0].banner

    def break_down() -> None:
        raise ValueError("the sky fell")

    worker = threading.Thread(target=break_down)
    worker.start()
    worker.join()
    wait_until(lambda: "the sky fell" in banner.text)
    assert "break_down" in banner._trace.toPlainText()
    assert "the sky fell" in caplog.text
    banner.clear()
    try:
        break_down()
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    wait_until(lambda: "the sky fell" in banner.text)
    end(program)
    assert sys.excepthook is sys.__excepthook__ or "explorer" not in repr(sys.excepthook)


def test_only_the_gui_thread_collects_garbage(qapp: QApplication, settings: Settings) -> None:
    program = start(qapp, settings)
    assert not gc.isenabled()
    assert program._gc_timer.isActive()
    end(program)
    assert gc.isenabled()


def test_a_crashed_walk_is_offered_and_restored(qapp: QApplication, settings: Settings) -> None:
    first = start(qapp, settings)
    session = first.window.session
    assert session is not None
    session.look.set_seed(4321)
    crashed = Recovery(settings.folder / "recovery", name="crashed")
    crashed.save(session.state, session.table)
    crashed.close(keep=True)
    end(first)
    second = start(qapp, settings)
    strip = second.window.notices.strip
    wait_until(lambda: "closed unexpectedly" in strip.text("recovery"))
    restore = next(b for b in strip.findChildren(QToolButton) if b.text() == "Restore")
    restore.click()
    session = second.window.session
    assert session is not None
    wait_until(lambda: session.look_of().latent.seed == 4321)
    assert not strip.isVisible()
    assert second.window.isWindowModified()
    end(second)


def test_closing_twice_is_harmless_and_ends_all_threads(qapp: QApplication, settings: Settings) -> None:
    before = set(threading.enumerate())
    program = start(qapp, settings)
    assert set(threading.enumerate()) > before
    end(program)
    program.close()
    assert {t for t in threading.enumerate() if t.is_alive()} <= before


def test_left_overs_of_killed_saves_go_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTWALK_CACHE", str(tmp_path / "cache"))
    names = [
        *("settings/recovery/recovery-7.json.89abcdef.part", "cache/digests.json.00000000.part"),
        *("cache/moments/a.npz.11111111.part", "cache/networks/a.pth.11111111.part"),
    ]
    kept = [
        *("settings/recovery/recovery-7.json", "settings/a.pdf.89abcdef.part", "cache/digests.json"),
        *("cache/a.pdf.22222222.part", "cache/mine/a.22222222.part", "cache/moments/mine.part"),
    ]
    for name in (*names, *kept):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    sweep_left_overs(tmp_path / "settings")
    left = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert left == sorted(kept)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_ends_the_window_and_leaves_what_is_unsaved_to_the_next_start(
    qapp: QApplication, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    number = getattr(signal, name)
    codes: list[int] = []
    before = signal.getsignal(number)
    monkeypatch.setattr(qapp, "exit", codes.append)
    program = start(qapp, settings)
    session = program.window.session
    assert session is not None
    session.look.set_psi(0.25)
    signal.raise_signal(number)
    wait_until(lambda: bool(codes))
    assert codes == [128 + number]
    assert session.is_closed
    assert signal.getsignal(number) == before
    (left,) = (settings.folder / "recovery").glob("recovery-*.json")
    assert read_project(left)[0].shared.truncation.psi == 0.25
    end(program)
    assert left.exists()


def test_a_signal_leaves_nothing_where_nothing_is_unsaved(
    qapp: QApplication, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(qapp, "exit", codes.append)
    program = start(qapp, settings)
    signal.raise_signal(signal.SIGTERM)
    wait_until(lambda: bool(codes))
    end(program)
    assert not list((settings.folder / "recovery").glob("recovery-*.json"))


def test_the_second_signal_has_its_usual_effect(qapp: QApplication) -> None:
    signals = EndSignals()
    signals.install()
    asked: list[int] = []
    signals.asked.connect(asked.append)
    signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL  # a window that hangs must not keep it
    wait_until(lambda: bool(asked))
    signals.uninstall()
    signals.uninstall()
    assert asked == [signal.SIGTERM]
