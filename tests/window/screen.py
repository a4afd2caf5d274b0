"""An X server of one's own: what the window tests type and click never reaches the user's screen."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

__all__ = ["private_screen"]


@contextmanager
def private_screen() -> Iterator[str]:
    """An X server of 1920x1080 with a window manager, and its name such as ':1'; '' where programs are missing."""
    if not all(shutil.which(name) for name in ("Xvfb", "xdotool", "icewm", "import")):
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
        # Without a window manager keyboard focus is lost after a dialog.
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
