"""From the command to the first paint of the window and the first picture of a bundled generator, on a warm disk.

    python benchmarks/startup.py [--repeat 3] [--json] [MODEL_A MODEL_B]

Every start is a new process; the fastest one counts, and the disk is warm from the second one on. Times run from
the start of the process, so the interpreter's own start is included. Beside each stands the processor time of the
process until then, which other work on the machine hardly changes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Time stamps are read against the start of the process, as the operating system knows it.
CHILD = """
import json, sys, time
begin = float(sys.argv[1])
marks = {}
def mark(name):
    marks.setdefault(name, round(time.time() - begin, 3))
    marks.setdefault(name + "_cpu", round(time.process_time(), 3))
mark("interpreter_s")
import explorer.app
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication
from explorer.session.settings import Settings
from explorer.widgets.controls.theme import apply_theme
app = QApplication([])
apply_theme(app, True)
settings = Settings(sys.argv[2])
settings.set("welcomed", True)
program = explorer.app.Program(app, settings, sys.argv[3:])
program.window.asks_before_discarding = False
class Watch(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            mark("window_painted_s")
            marks.setdefault("torch_at_paint", "torch" in sys.modules)
        return False
watch = Watch()
program.window.installEventFilter(watch)
def look():
    session = program.window.session
    if session is not None:
        mark("session_s")
        shown = [view for view in session.visible_views() if session.last_frame(view) is not None]
        if shown:
            mark("first_picture_s")
        if len(shown) == len(session.visible_views()):
            mark("all_pictures_s")
            timer.stop()
            program.window.close()
timer = QTimer(interval=5)
timer.timeout.connect(look)
timer.start()
QTimer.singleShot(60000, app.quit)
program.start()
app.exec()
program.close()
print(json.dumps(marks))
"""


def start_once(models: list[str], folder: str) -> dict[str, float]:
    """Return the time stamps of one start, in seconds."""
    import time

    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    command = [sys.executable, "-c", CHILD, repr(time.time()), str(Path(folder) / "settings.json"), *models]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode or not done.stdout.strip():
        raise SystemExit(f"the program did not start: {done.stderr.strip()[-500:]}")
    marks: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return marks


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("models", nargs="*", help="up to two models instead of the bundled pair")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = [start_once(options.models, folder) for _ in range(max(1, options.repeat))]
    if any(run.pop("torch_at_paint", False) for run in runs):
        raise SystemExit("torch was imported before the window was painted")
    best = {name: min(run[name] for run in runs) for name in runs[0]}
    result = {"runs": runs, "best": best}
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        print(f"seconds since the process began, best of {len(runs)}; torch is imported after the first paint")
        for name in [name for name in best if not name.endswith("_cpu")]:
            print(f"  {name:20} {best[name]:6.2f}   processor {best[name + '_cpu']:6.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
