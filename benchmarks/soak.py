"""Random input through the real window for some minutes: any error, growing memory or thread left is a fault.

    python benchmarks/soak.py [--minutes 10] [--seed 0] [--json]

Memory is judged by the slope of a robust line through its samples after the warm-up: 30 MB an hour are allowed, and
`ERROR_MB` for what happens to be open at the ends of the run, so that the longer a run the stricter it is.

Drags, wheels, keys, clicks on whatever is visible, models loaded and closed, files that are not models, projects
saved and opened, undo and redo. Dialogs are answered with Cancel. The exit code is 1 if there was a fault.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import json
import logging
import os
import random
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEvent, QEventLoop, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QMessageBox, QWidget

from benchmarks.slope import growth
from explorer.app import Program
from explorer.checkpoints.bundled import bundled
from explorer.session.settings import Settings
from explorer.util.crash_log import finish_process
from explorer.util.heap import keep_freed_memory
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.controls.theme import apply_theme
from explorer.widgets.panels.synthesis.pads import Dial, MovePad
from explorer.widgets.viewer.image_view import ImageView

LETTERS = ["R", "1", "2", "3", "W", "W", "B", "L", "X", "G", "N", "0", "P", "D", "S", "H", "F", "F"]
KEYS = (*LETTERS, *["Plus", "Minus", "Space", "Escape", "Left", "Right", "Up", "Down", "Tab", "Home", "Backspace"])
HELD = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)
MODIFIERS = (*HELD, Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier)
GROWTH_MB = 30.0
"""Memory that may be gained in an hour after the warm-up."""

ERROR_MB = 10.0
"""What the memory at the ends of a run may be off the line: a model more or less that happens to be open."""

WARM_UP = 0.25
"""Share of a run, at most ten minutes, in which caches fill."""

SAMPLES = 240


def rss_mb() -> float:
    """Memory of this process in MB; 0 if unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def run_for(ms: int) -> None:
    """Let the event loop turn."""
    loop = QEventLoop()
    timer = QTimer(singleShot=True)
    timer.timeout.connect(loop.quit)
    timer.start(ms)
    loop.exec()


class Errors(logging.Handler):
    """Collects what is logged as an error or a warning of Qt's."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        # A file that is not a model is the user's fault, and part of the test.
        text = record.getMessage()
        if "This plugin does not support" in text:
            return  # the offscreen platform's own limits
        if record.levelno >= logging.ERROR or record.name == "explorer.qt":
            self.seen.append(f"{record.name}: {text}")


def _close_popup() -> None:
    popup = QApplication.activePopupWidget()
    if popup is not None:
        popup.close()


class Hand:
    """Does random things to a window."""

    def __init__(self, program: Program, folder: Path, rng: random.Random) -> None:
        self.program, self.window, self.folder, self.rng = program, program.window, folder, rng
        self.done = 0
        # A button with a menu, such as the menu bar's for what does not fit, waits in `click` until it is closed.
        self._popups = QTimer(singleShot=True, interval=50)
        self._popups.timeout.connect(_close_popup)
        bad = folder / "not-a-model.pkl"
        bad.write_text("<html>Sign in to download</html>")
        self.models = [str(item.path) for item in bundled()] + [str(bad), ""]
        self.actions: list[tuple[int, Callable[[], None]]] = [
            (30, self.drag),
            (12, self.wheel),
            (14, self.key),
            (10, self.click),
            (4, self.history),
            (3, self.resize),
            (2, self.model),
            (2, self.document),
            (2, self.panel),
        ]

    def act(self) -> None:
        """One random action."""
        weights = [weight for weight, _ in self.actions]
        self.rng.choices([action for _, action in self.actions], weights)[0]()
        self.done += 1
        popup = QApplication.activePopupWidget()
        if popup is not None and self.rng.random() < 0.7:
            popup.close()

    def _visible(self, kinds: tuple[type[QWidget], ...]) -> list[QWidget]:
        found = [w for kind in kinds for w in self.window.findChildren(kind)]
        return [w for w in found if w.isVisible() and w.isEnabled() and not w.visibleRegion().isEmpty()]

    def _point(self, widget: QWidget) -> QPointF:
        box = widget.visibleRegion().boundingRect()
        return QPointF(
            box.left() + self.rng.random() * max(1, box.width() - 1),
            box.top() + self.rng.random() * max(1, box.height() - 1),
        )

    def _mouse(
        self, widget: QWidget, kind: QEvent.Type, at: QPointF, button: Qt.MouseButton, keys: Qt.KeyboardModifier
    ) -> None:
        none = Qt.MouseButton.NoButton
        moving, up = kind == QEvent.Type.MouseMove, kind == QEvent.Type.MouseButtonRelease
        event = QMouseEvent(
            kind, at, widget.mapToGlobal(at), none if moving else button, none if up else button, keys
        )
        QApplication.sendEvent(widget, event)

    def drag(self) -> None:
        """Press somewhere, move about, release or cancel."""
        from explorer.widgets.panels.edits.w_plot import WPlot
        from explorer.widgets.panels.latent.latent_pad import LatentPad

        targets = self._visible((ImageView, ValueSlider, MovePad, Dial, LatentPad))
        plots = [plot.viewport() for plot in self.window.findChildren(WPlot) if plot.isVisible()]
        targets += [plot for plot in plots if not plot.visibleRegion().isEmpty()]
        if not targets:
            return
        images = [t for t in targets if isinstance(t, ImageView)]
        widget = self.rng.choice(images) if images and self.rng.random() < 0.4 else self.rng.choice(targets)
        keys = self.rng.choice(MODIFIERS)
        button = self.rng.choice([Qt.MouseButton.LeftButton] * 5 + [Qt.MouseButton.MiddleButton])
        at = self._point(widget)
        self._mouse(widget, QEvent.Type.MouseButtonPress, at, button, keys)
        for _ in range(self.rng.randrange(1, 15)):
            at += QPointF(self.rng.gauss(0, 20), self.rng.gauss(0, 20))
            self._mouse(widget, QEvent.Type.MouseMove, at, button, keys)
            run_for(self.rng.choice((0, 5, 16)))
        if self.rng.random() < 0.1:
            self._press(widget, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier)
        self._mouse(widget, QEvent.Type.MouseButtonRelease, at, button, keys)
        if self.rng.random() < 0.1:
            self._mouse(widget, QEvent.Type.MouseButtonDblClick, at, button, keys)
            self._mouse(widget, QEvent.Type.MouseButtonRelease, at, button, keys)

    def wheel(self) -> None:
        """Turn the wheel over anything."""
        widget = self.window.childAt(
            self.rng.randrange(self.window.width()), self.rng.randrange(self.window.height())
        )
        if widget is None:
            return
        at = self._point(widget)
        turn = QPoint(0, self.rng.choice((-120, 120)) * self.rng.randrange(1, 4))
        event = QWheelEvent(
            at,
            widget.mapToGlobal(at),
            QPoint(),
            turn,
            Qt.MouseButton.NoButton,
            self.rng.choice(HELD),
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(widget, event)

    def _press(self, widget: QWidget, key: Qt.Key, keys: Qt.KeyboardModifier) -> None:
        text = chr(key).lower() if 32 < key < 127 else ""
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            QApplication.sendEvent(widget, QKeyEvent(kind, key, keys, text))

    def key(self) -> None:
        """A key to whatever has the focus, or a menu entry by its shortcut's action."""
        if self.rng.random() < 0.5:
            harmless = [
                a for k, a in self.window.actions_by_key.items() if k not in ("quit", "about", "close_model")
            ]
            action = self.rng.choice(harmless)
            if action.isEnabled() and action.menu() is None:
                action.trigger()
            return
        target = QApplication.focusWidget() or self.window
        self._press(target, getattr(Qt.Key, f"Key_{self.rng.choice(KEYS)}"), Qt.KeyboardModifier.NoModifier)

    def click(self) -> None:
        """Any button that can be seen."""
        buttons = self._visible((QAbstractButton,))
        if buttons:
            button = self.rng.choice(buttons)
            assert isinstance(button, QAbstractButton)
            self._popups.start()
            button.click()

    def history(self) -> None:
        """Back and forth."""
        session = self.window.session
        assert session is not None
        for _ in range(self.rng.randrange(1, 6)):
            self.rng.choice((session.undo, session.undo, session.redo))()

    def resize(self) -> None:
        """Another size, or out of full screen."""
        if self.window.isFullScreen():
            self.window.set_full_screen(False)
        self.window.resize(self.rng.randrange(1040, 1920), self.rng.randrange(600, 1080))

    def model(self) -> None:
        """Another model, a file that is none, or nothing; sometimes cancelled at once."""
        session = self.window.session
        assert session is not None
        view = self.rng.randrange(len(session.state.views))
        self.window.files.open_model(self.rng.choice(self.models), view)
        if self.rng.random() < 0.2:
            session.models.cancel(view)

    def document(self) -> None:
        """Save, open, copy or paste."""
        session, path = self.window.session, self.folder / f"walk{self.rng.randrange(3)}.json"
        assert session is not None
        choice = self.rng.randrange(4)
        if choice == 0:
            self.window.files._save_to(path)
        elif choice == 1 and path.exists():
            self.window.files.open_path(str(path))
        elif choice == 2:
            self.window.commands.copy_state()
            self.window.commands.paste()
        elif session.info(session.active) is not None:
            self.window.files.save_picture(path.with_suffix(".png"))

    def panel(self) -> None:
        """Fold, hide, move or float a panel."""
        sides = self.window.sides
        section = self.rng.choice(list(sides.sections.values()))
        choice = self.rng.randrange(4)
        if choice == 0:
            section.set_folded(not section.is_folded)
        elif choice == 1:
            section.set_shown(section.isHidden())
        elif choice == 2:
            section.move_requested.emit(section.key, self.rng.choice(("up", "down", "other", "float")))
        else:
            sides.reset()


def verdict(memory: Sequence[tuple[float, float]], seconds: float) -> tuple[float, float]:
    """Return what memory (seconds, MB) gained after the warm-up of a run of `seconds`, and what is allowed."""
    warm_up = min(WARM_UP * seconds, 600.0)
    span = seconds - warm_up
    return growth(memory, warm_up, span), GROWTH_MB * span / 3600 + ERROR_MB


def main() -> int:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    faulthandler.enable()
    errors = Errors()
    logging.getLogger().addHandler(errors)
    # Dialogs that would wait for a hand are answered; mypy refuses to replace any method.
    QFileDialog.getOpenFileName = staticmethod(lambda *a, **k: ("", ""))  # type: ignore[method-assign]
    QFileDialog.getSaveFileName = staticmethod(lambda *a, **k: ("", ""))  # type: ignore[method-assign]
    QMessageBox.about = staticmethod(lambda *a, **k: None)  # type: ignore[method-assign]
    QMessageBox.question = staticmethod(lambda *a, **k: QMessageBox.StandardButton.Cancel)  # type: ignore[method-assign]
    QMessageBox.exec = lambda self: 0  # type: ignore[method-assign]
    keep_freed_memory()  # as `app.run` does
    app = QApplication([])
    apply_theme(app, True)
    threads = set(threading.enumerate())
    memory: list[tuple[float, float]] = []  # seconds, MB
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(folder / "settings.json")
        settings.set("film-folder", str(folder))  # films that the hand renders go with the folder
        program = Program(app, settings, [])
        program.window.asks_before_discarding = False
        program.start()
        while program.window.session is None:
            run_for(20)
        hand = Hand(program, folder, random.Random(options.seed))
        start = perf_counter()
        longest = 0.0
        end = start + 60 * options.minutes
        while (now := perf_counter()) < end:
            hand.act()
            run_for(hand.rng.choice((0, 1, 10, 30)))
            longest = max(longest, perf_counter() - now)
            if len(memory) <= (now - start) / (end - start) * SAMPLES:
                memory.append((round(now - start, 1), round(rss_mb(), 1)))
        run_for(1000)  # the wheel's strokes end by themselves
        is_open = program.window.session.store.in_stroke
        program.window.close()
        program.close()
        program.window.deleteLater()
        run_for(50)
    gc.collect()
    left = [t.name for t in threading.enumerate() if t not in threads and t.is_alive()]
    grown, allowed = verdict(memory, 60 * options.minutes)
    result = {
        "minutes": options.minutes,
        "seed": options.seed,
        "actions": hand.done,
        "errors": errors.seen[:20],
        "error_count": len(errors.seen),
        "memory_mb": [mb for _, mb in memory[:: SAMPLES // 20]],
        "growth_mb": round(grown, 1),
        "allowed_mb": round(allowed, 1),
        "threads_left": left,
        "stroke_left_open": is_open,
        "longest_action_s": round(longest, 2),
    }
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        for key, value in result.items():
            print(f"{key:24} {value}")
    return 1 if errors.seen or left or is_open or grown > allowed else 0


if __name__ == "__main__":
    try:
        code = main()
    except Exception:  # the window has taken the hook that would print it
        traceback.print_exc()
        code = 1
    finish_process(code)
