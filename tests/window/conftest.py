"""A private X server for the window tests; the user's own screen is never touched."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.window.driver import Driver
from tests.window.screen import private_screen


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """The name of an X server with a window manager; skips where the programs for it are missing."""
    if sys.platform != "linux":
        pytest.skip("real windows are driven on Linux only")
    with private_screen() as name:
        if not name:
            pytest.skip("Xvfb, xdotool or icewm is missing: apt-get install xvfb xdotool icewm imagemagick")
        yield name


@pytest.fixture
def open_window(display: str, tmp_path: Path) -> Iterator[Callable[..., Driver]]:
    """Starts the program: `open_window(files, size)`; ends it after the test whatever happens."""
    drivers: list[Driver] = []

    def start(files: tuple[str, ...] = (), size: tuple[int, int] = (1240, 760)) -> Driver:
        drivers.append(Driver(display, tmp_path, files, size))
        return drivers[-1]

    yield start
    for driver in drivers:
        driver.kill()
