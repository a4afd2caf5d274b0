"""The real thing: the program under an X server, driven by xdotool as by a hand."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("Xvfb", "xdotool", "icewm")

pytestmark = [
    pytest.mark.window,
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in NEEDED), reason=f"needs {', '.join(NEEDED)} (Debian packages)"
    ),
]

# The program as a user starts it, with one addition: it writes down its state when it is told to by SIGUSR1.
PROGRAM = """
import json, signal, sys
import explorer.app as app
from PySide6.QtCore import QTimer
class Spy(app.Program):
    def start(self):
        super().start()
        self.ready.connect(self.spy)
    def spy(self):
        self.timer = QTimer(self, interval=50)
        self.timer.timeout.connect(self.tell)
        self.timer.start()
    def tell(self):
        s, w = self.window.session, self.window
        look = s.look_of()
        images = [p.image for p in w.views.panes]
        def box(widget):
            at = widget.mapToGlobal(widget.rect().topLeft())
            return [at.x(), at.y(), widget.width(), widget.height()]
        psi = w.sides.sections["truncation"].body.psi
        told = {
            "x": look.latent.x, "y": look.latent.y, "seed": look.latent.seed, "psi": look.truncation.psi,
            "move": [look.transform.x, look.transform.y], "rotate": look.transform.rotate,
            "layout": s.state.layout, "undo": s.store.undo_name, "zoom": w.views.camera.zoom,
            "pictures": [i.image is not None for i in images], "boxes": [box(i) for i in images],
            "psi_box": box(psi), "psi_handle": psi.groove().position_of(psi.value), "title": w.windowTitle(),
            "help": getattr(w, "help_sheet", None) is not None, "full": w.isFullScreen(),
            "psi_groove": psi.groove().rect.width(),
        }
        out = sys.argv[1]
        open(out + ".new", "w").write(json.dumps(told))
        import os
        os.replace(out + ".new", out)
app.Program = Spy
sys.exit(app.run([]))
"""


class Screen:
    """An X server with a window manager and the program on it."""

    def __init__(self, folder: Path, assets: Path) -> None:
        self._out = folder / "state.json"
        self._processes: list[subprocess.Popen[bytes]] = []
        read, write = os.pipe()
        server = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
        self._start(server, pass_fds=(write,))
        os.close(write)
        with os.fdopen(read) as pipe:
            self.display = f":{pipe.readline().strip()}"
        self._environment = {
            **os.environ,
            "DISPLAY": self.display,
            "QT_QPA_PLATFORM": "xcb",
            "LATENTWALK_ASSETS": str(assets),
            "LATENTWALK_SETTINGS": str(folder / "settings.ini"),
        }
        self._start(["icewm"], env=self._environment)
        (folder / "settings.ini").write_text("[General]\nwelcomed=true\n")
        self.log = folder / "log.txt"
        command = [sys.executable, "-c", PROGRAM, str(self._out)]
        with self.log.open("wb") as log:
            self.program = self._start(command, env=self._environment, cwd=ROOT, stderr=log)

    def _start(self, command: list[str], **options: object) -> subprocess.Popen[bytes]:
        options.setdefault("stderr", subprocess.DEVNULL)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, **options)  # type: ignore[call-overload]
        self._processes.append(process)
        return process

    def state(self) -> dict[str, Any]:
        """What the program says of itself."""
        try:
            return json.loads(self._out.read_text())
        except (OSError, ValueError):
            return {"pictures": [False]}

    def until(self, holds: Any, seconds: float = 15) -> dict[str, Any]:
        """Wait for a state; another process's, so there is no event to wait for."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            told = self.state()
            if holds(told):  # type: ignore[operator]
                return told
            if self.program.poll() is not None:
                pytest.fail(f"the program ended: {self.log.read_text()[-2000:]}")
            time.sleep(0.05)
        pytest.fail(f"the state did not come: {self.state()} {self.log.read_text()[-2000:]}")

    def do(self, *arguments: object) -> None:
        """xdotool."""
        command = ["xdotool", *map(str, arguments)]
        subprocess.run(command, env=self._environment, check=True, timeout=20, capture_output=True)

    def drag(self, start: tuple[float, float], by: tuple[float, float], *keys: str) -> None:
        """Press, move in steps, release, with keys held."""
        x, y = start
        arguments: list[object] = ["mousemove", round(x), round(y)]
        for key in keys:
            arguments += ["keydown", key]
        arguments += ["mousedown", 1]
        for step in range(1, 6):
            arguments += ["mousemove", round(x + by[0] * step / 5), round(y + by[1] * step / 5), "sleep", 0.02]
        arguments += ["mouseup", 1]
        for key in keys:
            arguments += ["keyup", key]
        self.do(*arguments)

    def close(self) -> int:
        """Close the window as a user does; the program's exit code."""
        found = subprocess.run(
            ["xdotool", "search", "--name", "Latentwalk"], env=self._environment, capture_output=True, check=False
        )
        window = found.stdout.split()[-1].decode()
        self.do("windowactivate", "--sync", window, "key", "ctrl+q")
        try:
            return self.program.wait(4)
        except subprocess.TimeoutExpired:
            self.do("key", "Tab", "key", "Return")  # "Discard", of the question about unsaved changes
            return self.program.wait(20)

    def end(self) -> None:
        """Whatever still runs."""
        for process in reversed(self._processes):
            if process.poll() is None:
                process.terminate()
                process.wait(10)


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory, assets: Path) -> Iterator[Screen]:
    made = Screen(tmp_path_factory.mktemp("x11"), assets)
    try:
        made.until(lambda told: all(told["pictures"]), 60)
        yield made
    finally:
        made.end()


def middle(box: Any) -> tuple[float, float]:
    x, y, width, height = box  # type: ignore[misc]
    return x + width / 2, y + height / 2


def test_drags_on_the_picture(screen: Screen) -> None:
    at = middle(screen.state()["boxes"][0])  # type: ignore[index]
    screen.drag(at, (60, 20))
    screen.until(lambda s: s["x"] > 0.1 and s["undo"] == "Walk")
    screen.drag(at, (50, 0), "shift")
    screen.until(lambda s: s["move"][0] > 0.05)
    screen.drag((at[0] + 80, at[1]), (-80, -80), "ctrl")
    screen.until(lambda s: s["rotate"] > 20)
    screen.do("mousemove", round(at[0]), round(at[1]), "click", "--repeat", 2, "--delay", 60, 1)
    screen.until(lambda s: s["move"] == [0, 0] and s["rotate"] == 0)


def test_escape_in_the_middle_of_a_drag(screen: Screen) -> None:
    at = middle(screen.state()["boxes"][1])  # type: ignore[index]
    before = screen.state()["x"]
    x, y = round(at[0]), round(at[1])
    screen.do("mousemove", x, y, "mousedown", 1, "mousemove", x + 30, y, "sleep", 0.05, "mousemove", x + 60, y)
    screen.until(lambda s: s["x"] != before)
    screen.do("key", "Escape", "mouseup", 1)
    screen.until(lambda s: s["x"] == before)


def test_the_psi_slider_by_drag_wheel_and_typing(screen: Screen) -> None:
    told = screen.state()
    x, y, width, height = told["psi_box"]  # type: ignore[misc]
    handle = x + told["psi_handle"]  # type: ignore[operator]
    screen.drag((handle, y + height / 2), (-40, 0))
    moved = screen.until(lambda s: s["psi"] < 0.9 and s["undo"] == "Truncation psi")
    screen.do("click", 4)
    screen.until(lambda s: s["psi"] > moved["psi"])  # type: ignore[operator]
    screen.do("mousemove", x + width - 12, y + height // 2, "click", 1, "sleep", 0.2)
    screen.do("type", "--delay", 30, "0.25")
    screen.do("key", "Return")
    screen.until(lambda s: s["psi"] == 0.25)


def test_keys_and_wheel(screen: Screen) -> None:
    at = middle(screen.state()["boxes"][0])  # type: ignore[index]
    screen.do("mousemove", round(at[0]), round(at[1]), "click", 1, "key", "r")
    seed = screen.until(lambda s: s["undo"] == "Random seed")["seed"]
    screen.do("key", "ctrl+z")
    screen.until(lambda s: s["seed"] != seed)
    screen.do("key", "ctrl+shift+z")
    screen.until(lambda s: s["seed"] == seed)
    for key, layout in (("1", "single"), ("w", "wipe"), ("3", "grid")):
        screen.do("key", key)
        screen.until(lambda s, wanted=layout: s["layout"] == wanted)
    screen.do("click", 4, "click", 4)
    screen.until(lambda s: s["zoom"] > 1.2)
    screen.do("key", "0")
    screen.until(lambda s: s["zoom"] == 1)
    screen.do("key", "h")
    screen.until(lambda s: s["help"])
    screen.do("key", "Escape", "key", "f")
    screen.until(lambda s: s["full"])
    screen.do("key", "Escape")
    screen.until(lambda s: not s["full"])


def test_it_ends_cleanly(screen: Screen) -> None:
    """Last in the file: the program is gone afterwards."""
    assert screen.close() == 0
    assert not re.search(r"Traceback|QObject|QThread|destroyed", screen.log.read_text())
