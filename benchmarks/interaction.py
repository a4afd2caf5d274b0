"""Latency of the window: scripted drags through the real window, latency from input to paint.

    python benchmarks/interaction.py [--seconds 5] [--json] [MODEL_A MODEL_B]

Each row is one drag at 60 inputs a second: pictures shown a second, latency from an input to the paint that shows
it (median, 99th percentile), inputs that a newer one overtook, the longest gap between two paints, how long an
input had to wait until the event loop turned to it (99th percentile: above 16 ms the user notices), and the
longest time that the event loop did not turn. Runs on the screen there is, or offscreen.

An image-to-image network as MODEL_A gets a source: a walk of its style then costs the decoder alone, and moving its
source all of it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from itertools import pairwise
from math import cos, pi, sin
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QEventLoop, QObject, QPointF, Qt, QTimer, Slot
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from benchmarks.table import columns
from explorer.app import Program
from explorer.assets.picture import StoredPicture
from explorer.session.settings import Settings
from explorer.widgets.controls.theme import apply_theme

INPUTS_HZ = 60
PULSE_MS = 4
Path2 = Callable[[float], tuple[float, float]]


def run_for(ms: int) -> None:
    """Let the event loop turn (QTest.qWait would keep the interpreter's lock from the render thread)."""
    loop = QEventLoop()
    timer = QTimer(singleShot=True)
    timer.timeout.connect(loop.quit)
    timer.start(ms)
    loop.exec()


def wait_for(predicate: Callable[[], bool], seconds: float = 60.0) -> None:
    """Until something holds."""
    end = perf_counter() + seconds
    while not predicate():
        if perf_counter() > end:
            raise SystemExit("the window did not get ready in time")
        run_for(10)


def send(widget: QWidget, kind: QMouseEvent.Type, at: tuple[float, float], keys: Qt.KeyboardModifier) -> None:
    """One mouse event with the left button."""
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    local = QPointF(*at)
    button = none if kind == QMouseEvent.Type.MouseMove else left
    held = none if kind == QMouseEvent.Type.MouseButtonRelease else left
    QApplication.sendEvent(widget, QMouseEvent(kind, local, widget.mapToGlobal(local), button, held, keys))


class Meter(QObject):
    """Counts the paints of the visible views and how late they are."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.session = program.window.session
        self.paints: dict[int, list[float]] = {}
        self.latencies: list[float] = []
        self.stall = 0.0
        self.waits: list[float] = []
        self._turned = perf_counter()
        for pane in program.window.views.panes:
            pane.image.painted.connect(self._on_painted)
        self._pulse = QTimer(self, interval=PULSE_MS)
        self._pulse.setTimerType(Qt.TimerType.PreciseTimer)
        self._pulse.timeout.connect(self._on_pulse)
        self._pulse.start()

    def reset(self) -> None:
        """Begin anew."""
        self.paints, self.latencies, self.stall, self._turned = {}, [], 0.0, perf_counter()
        self.waits = []

    @Slot(int, int)
    def _on_painted(self, view: int, generation: int) -> None:
        assert self.session is not None
        self.paints.setdefault(view, []).append(perf_counter())
        # The session measured it in the slot before this one: from the request to this paint.
        self.latencies.append(self.session.performance(view).latency_ms)

    @Slot()
    def _on_pulse(self) -> None:
        now = perf_counter()
        turn, self._turned = now - self._turned, now
        self.stall = max(self.stall, turn)
        # An input that comes while the loop waits for this timer is handled at once; one that comes later waits for
        # the rest of the turn. One sample for each millisecond, as inputs may come at any moment.
        late = max(0.0, turn - PULSE_MS / 1000)
        self.waits += [0.0] * PULSE_MS + [late - i / 1000 for i in range(int(late * 1000))]


def measure(
    program: Program,
    meter: Meter,
    name: str,
    widget: QWidget,
    path: Path2,
    keys: Qt.KeyboardModifier,
    seconds: float,
) -> dict[str, object]:
    """Return one drag along `path` (of 0..1) for some seconds."""
    session = program.window.session
    assert session is not None
    views = session.visible_views()
    dropped = sum(session.performance(view).dropped for view in views)
    send(widget, QMouseEvent.Type.MouseButtonPress, path(0.0), keys)
    meter.reset()
    start = perf_counter()
    inputs = 0

    def tick() -> None:
        nonlocal inputs
        inputs += 1
        send(widget, QMouseEvent.Type.MouseMove, path((perf_counter() - start) / seconds), keys)

    timer = QTimer(interval=round(1000 / INPUTS_HZ))
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start()
    run_for(round(1000 * seconds))
    timer.stop()
    took = perf_counter() - start
    send(widget, QMouseEvent.Type.MouseButtonRelease, path(1.0), keys)
    counts = [len(meter.paints.get(view, ())) for view in views]
    gaps = [b - a for times in meter.paints.values() for a, b in pairwise(times)]
    late = sorted(meter.latencies)
    return {
        "drag": name,
        "views": len(views),
        "inputs_per_s": round(inputs / took, 1),
        "shown_per_s": round(min(counts) / took, 1),
        "latency_ms_median": round(statistics.median(late), 1) if late else None,
        "latency_ms_p99": round(late[min(len(late) - 1, int(0.99 * len(late)))], 1) if late else None,
        "input_wait_ms_p99": round(1000 * _percentile(meter.waits, 0.99), 1),
        "overtaken": sum(session.performance(view).dropped for view in views) - dropped,
        "longest_gap_ms": round(1000 * max(gaps, default=0.0), 1),
        "longest_stall_ms": round(1000 * meter.stall, 1),
    }


def _percentile(values: list[float], fraction: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))] if ordered else 0.0


def some_picture() -> StoredPicture:
    """Return a source for image-to-image networks; what it shows does not matter to their time."""
    down, across = np.mgrid[:512, :512] / 512
    return StoredPicture((255 * np.stack([down, across, (down * across) ** 0.5], axis=2)).astype(np.uint8))


def drags(program: Program) -> list[tuple[str, QWidget, Path2, Qt.KeyboardModifier]]:
    """Return the drags: over the picture, and of sliders that dirty all, half and little of the network."""
    window = program.window
    image = window.views.panes[0].image
    panels = {key: section.body for key, section in window.sides.sections.items()}
    none, shift = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier

    def circle(fraction: float) -> tuple[float, float]:
        angle, mid = 4 * pi * fraction, image.rect().center()
        return mid.x() + 0.2 * image.width() * cos(angle), mid.y() + 0.2 * image.width() * sin(angle)

    def swing(slider: QWidget) -> Path2:
        groove = slider.groove().rect  # type: ignore[attr-defined]
        return lambda fraction: (
            groove.center().x() + 0.4 * groove.width() * sin(4 * pi * fraction),
            slider.height() / 2,
        )

    psi = panels["truncation"].psi  # type: ignore[attr-defined]
    infos = [window.session.info(view) for view in range(2)]  # type: ignore[union-attr]
    shared = min(info.num_ws for info in infos if info is not None)  # a layer that both pictures have
    last = panels["mixing"].layers[shared - 1]  # type: ignore[attr-defined]
    first = infos[0]
    has_source = first is not None and bool(first.source_channels)
    return [
        ("walk a style, encoder kept" if has_source else "walk on the picture", image, circle, none),
        ("move the source, all anew" if has_source else "move the picture", image, circle, shift),
        ("psi slider", psi, swing(psi), none),
        ("mix a late layer", last, swing(last), none),
    ]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("models", nargs="*", help="up to two models instead of the bundled pair")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each drag")
    parser.add_argument("--size", default="1280x800", help="of the window")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    options = parser.parse_args()
    app = QApplication([])
    apply_theme(app, True)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(Path(folder) / "settings.json")
        settings.set("welcomed", True)
        program = Program(app, settings, options.models)
        program.window.asks_before_discarding = False
        program.window.resize(*map(int, options.size.split("x")))
        begin = perf_counter()
        program.start()
        wait_for(lambda: program.window.session is not None)
        session = program.window.session
        assert session is not None
        if not options.models and not all(view.model for view in session.state.views):
            raise SystemExit("no bundled models are installed: name two models")
        wait_for(lambda: all(session.info(v) is not None for v in range(2)))
        if any(session.sources.takes_source(view) for view in range(2)):
            session.sources.use(some_picture())
        wait_for(lambda: all(session.last_frame(v) is not None and not session.is_refining(v) for v in range(2)))
        ready_s = perf_counter() - begin
        meter = Meter(program)
        rows = []
        for layout in ("grid", "single"):
            session.views.set_layout(layout)
            for name, widget, path, keys in drags(program):
                run_for(300)
                rows.append(measure(program, meter, name, widget, path, keys, options.seconds))
                session.look.reset()
        names = [model_info.name if (model_info := session.model_info(view)) else "" for view in range(2)]
        result = {
            "models": names,
            "first_pictures_s": round(ready_s, 2),
            "platform": app.platformName(),
            "drags": rows,
        }
        program.window.close()
        program.close()
    print(json.dumps(result, indent=1) if options.json else table(result))
    return 0


def table(result: dict[str, object]) -> str:
    """Return the result for people."""
    head = f"{result['models']}, first pictures after {result['first_pictures_s']} s, {result['platform']}"
    return f"{head}\n{columns(result['drags'])}"


if __name__ == "__main__":
    sys.exit(main())
