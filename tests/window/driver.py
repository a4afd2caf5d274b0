"""Drives the real program on a real X server with a real mouse and keyboard, and looks at its pixels."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Driver", "Picture"]

ROOT = Path(__file__).resolve().parents[2]
Picture = NDArray[np.uint8]


class Driver:
    """The program in a process of its own, its settings in a folder of the test.

    Args:
        display: X server, such as ':1'.
        folder: For settings and data.
        files: Opened at the start.
        size: Of the window's inside, in pixels.
    """

    def __init__(
        self, display: str, folder: Path, files: Sequence[str] = (), size: tuple[int, int] = (1240, 760)
    ) -> None:
        homes = {f"XDG_{kind}_HOME": str(folder) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
        self._environment = dict(os.environ, **homes, DISPLAY=display, QT_QPA_PLATFORM="xcb")
        self._log = (folder / "stderr.txt").open("w+", encoding="utf-8")
        command = [sys.executable, str(ROOT / "main.py"), *files]
        self.process = subprocess.Popen(command, env=self._environment, stderr=self._log, cwd=folder)
        found = self._xdotool("search", "--sync", "--onlyvisible", "--name", "Latentwalk")
        self.window = found.split()[0]
        self._xdotool("windowsize", "--sync", self.window, *map(str, size))
        self._xdotool("windowactivate", "--sync", self.window)

    @property
    def errors(self) -> str:
        """What the program has written to stderr so far."""
        self._log.flush()
        return Path(self._log.name).read_text(encoding="utf-8")

    def look(self) -> Picture:
        """The window's inside, `[H, W, 3]`."""
        png = self._run("import", "-window", self.window, "png:-")
        with Image.open(io.BytesIO(png)) as image:
            return np.array(image.convert("RGB"))

    def wait_for(self, condition: Callable[[Picture], bool], what: str, seconds: float = 30.0) -> Picture:
        """Looks until the condition holds; fails with `what` and the program's errors if it never does."""
        until = time.monotonic() + seconds
        while True:
            picture = self.look()
            if condition(picture):
                return picture
            code = self.process.poll()
            if code is not None:
                raise AssertionError(f"the program ended with {code} before {what}\n{self.errors}")
            if time.monotonic() > until:
                raise AssertionError(f"not within {seconds:.0f} s: {what}\n{self.errors}")

    def settled(self, part: Callable[[Picture], Picture], what: str, seconds: float = 1.5) -> Picture:
        """The part of the window once it has shown the same for `seconds`: drafts have been refined by then."""
        still: Picture | None = None
        since = time.monotonic()

        def is_still(picture: Picture) -> bool:
            nonlocal still, since
            if still is None or not np.array_equal(part(picture), still):
                still, since = part(picture), time.monotonic()
            return time.monotonic() - since >= seconds

        return part(self.wait_for(is_still, what))

    def drag(self, start: tuple[int, int], end: tuple[int, int], steps: int = 8) -> None:
        """Presses the left button at `start`, moves to `end` in steps, and lets go."""
        self._move(start)
        self._xdotool("mousedown", "1")
        for i in range(1, steps + 1):
            self._move(tuple(round(a + (b - a) * i / steps) for a, b in zip(start, end, strict=True)))
        self._xdotool("mouseup", "1")

    def key(self, name: str) -> None:
        """Presses a key such as 'r' or 'ctrl+z'."""
        self._xdotool("key", name)

    def close(self) -> int:
        """Closes the window as the window manager's key does, and gives the program's exit code."""
        self._xdotool("windowfocus", "--sync", self.window)
        self.key("alt+F4")
        while self.process.poll() is None:
            if self._is_shown("Unsaved changes"):
                self.key("Tab")  # from Save to Discard
                self.key("Return")
                break
        return self.process.wait(30)

    def _is_shown(self, title: str) -> bool:
        command = ["xdotool", "search", "--onlyvisible", "--name", title]
        return subprocess.run(command, env=self._environment, capture_output=True, check=False).returncode == 0

    def kill(self) -> None:
        """Ends the program whatever it does."""
        self.process.kill()
        self.process.wait()
        self._log.close()

    def _move(self, place: Sequence[int]) -> None:
        self._xdotool("mousemove", "--sync", "--window", self.window, *map(str, place))

    def _xdotool(self, *arguments: str) -> str:
        return self._run("xdotool", *arguments).decode()

    def _run(self, *command: str) -> bytes:
        done = subprocess.run(command, env=self._environment, capture_output=True, timeout=60, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: {done.stderr.decode()}\n{self.errors}")
        return done.stdout
