"""A crash below Python leaves its trace beside the autosave; the next start and the doctor know of it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from explorer.util import crash_log
from explorer.util.revocable import RevocableCallback

ROOT = Path(__file__).resolve().parents[1]

CRASH = """
import sys
from pathlib import Path
from explorer.util import crash_log
crash_log.begin()
print(crash_log.write_to(Path(sys.argv[1])), flush=True)
if sys.argv[2] == "crash":
    import faulthandler
    def deep(): faulthandler._sigsegv()
    deep()
"""


def _run(folder: Path, what: str) -> tuple[int, str, str]:
    command = [sys.executable, "-c", CRASH, str(folder), what]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip(), done.stderr


def test_a_crash_is_noted_and_the_next_start_reports_it_once(tmp_path: Path) -> None:
    folder = tmp_path / "settings"
    assert _run(folder, "well")[:2] == (0, "None")
    assert crash_log.last_crash(folder) is None
    code, said, _ = _run(folder, "crash")
    assert code != 0
    assert said == "None"
    found = crash_log.last_crash(folder)
    assert found is not None
    assert "in deep" in found[0].read_text()
    assert abs(found[1] - time.time()) < 600
    assert _run(folder, "well")[1] == str(folder / "crash-last.log")
    assert _run(folder, "well")[1] == "None"
    for _ in range(3):
        _run(folder, "crash")
    assert sorted(p.name for p in folder.iterdir()) == ["crash-last.log", "crash.log"]


@pytest.mark.parametrize("kind", ["file", "fifo", "link"])
def test_where_it_cannot_be_written_stderr_has_it(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "settings"
    if kind == "file":
        folder.write_text("not a folder")
    elif kind == "fifo":
        folder.mkdir()
        os.mkfifo(folder / "crash.log")
    else:
        folder.mkdir()
        (folder / "crash.log").symlink_to(tmp_path / "elsewhere")
    code, said, errors = _run(folder, "crash")
    assert code != 0
    assert said == "None"
    assert "in deep" in errors
    assert not (tmp_path / "elsewhere").exists()


def test_the_command_line_tells_crashes_from_its_start(tmp_path: Path) -> None:
    script = "import faulthandler; from explorer.cli import main; main(['--version']); faulthandler._sigsegv()"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Segmentation fault" in done.stderr
    without = "import sys; sys.stderr = None; from explorer.cli import main; raise SystemExit(main(['--version']))"
    subprocess.run([sys.executable, "-c", without], cwd=ROOT, check=True)


def test_a_process_ends_with_its_code_and_all_its_output() -> None:
    script = (
        "import atexit, sys; from explorer.util.crash_log import finish_process\n"
        "atexit.register(print, 'taken apart')\n"
        "print('said'); finish_process(3)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "said\n")


def test_a_revoked_callback_says_nothing_and_revoking_waits_for_running_calls() -> None:
    said: list[str] = []
    speaking, go_on = threading.Event(), threading.Event()

    def say(word: str) -> None:
        speaking.set()
        go_on.wait(10)
        said.append(word)

    callback = RevocableCallback(say)
    thread = threading.Thread(target=callback, args=("one",))
    thread.start()
    speaking.wait(10)
    closing = threading.Thread(target=callback.revoke)
    closing.start()
    assert closing.is_alive()
    go_on.set()
    closing.join(10)
    assert said == ["one"]
    callback("two")
    assert said == ["one"]
    thread.join(10)
