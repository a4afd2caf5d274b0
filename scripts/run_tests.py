"""Runs all tests in one pytest run: widgets offscreen, `window` tests on a private X server where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def private_screen() -> Iterator[str]:
    """An X server of 1920x1080 with a window manager, and its name such as ':1'; '' where Xvfb is missing.

    The user's own screen is never used: the tests move the mouse and type.
    """
    if not (shutil.which("Xvfb") and shutil.which("xdotool") and shutil.which("icewm")):
        yield ""
        return
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1920x1080x24", "-nolisten", "tcp"]
    null = subprocess.DEVNULL
    server = subprocess.Popen(command, pass_fds=[writer], stdout=null, stderr=null)
    os.close(writer)
    with ExitStack() as stack:
        stack.callback(_stop, server)
        with os.fdopen(reader) as pipe:
            number = pipe.readline().strip()  # empty if the server died: the window tests then skip
        if not number:
            yield ""
            return
        display = f":{number}"
        manager = subprocess.Popen(["icewm"], env=dict(os.environ, DISPLAY=display), stdout=null, stderr=null)
        stack.callback(_stop, manager)
        yield display


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main(arguments: list[str]) -> int:
    """pytest's exit code; "nothing collected" (5) is a success only where the caller asked for a selection."""
    variables = dict(os.environ, QT_QPA_PLATFORM="offscreen")
    variables.pop("WAYLAND_DISPLAY", None)
    with private_screen() as display:
        variables["DISPLAY"] = display
        if not display:
            del variables["DISPLAY"]
        command = [sys.executable, "-m", "pytest", *arguments]
        code = subprocess.call(command, cwd=ROOT, env=variables)
    return 0 if code == 5 and arguments else code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
