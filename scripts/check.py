"""Read the code without running it: ruff, its formatter, the import rules, and mypy; fail if one complains.

`check.py ruff format` runs only those.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CHECKS = (
    ("ruff", ["ruff", "check", "."]),
    ("format", ["ruff", "format", "--check", "-q", "."]),
    ("imports", ["importlinter", "lint"]),
    ("mypy", ["mypy"]),
)


def main(chosen: list[str]) -> int:
    """Run the chosen checks, or all; goes on after one failed, and gives the first exit code that is not zero."""
    names = [name for name, _ in CHECKS]
    if not set(chosen) <= set(names):
        sys.stderr.write(f"check: choose among {', '.join(names)}\n")
        return 2
    first = 0
    for name, (module, *arguments) in CHECKS:
        if chosen and name not in chosen:
            continue
        started = time.monotonic()
        command = [sys.executable, "-m", module, *arguments]
        if module == "importlinter":  # it has no __main__
            call = "import sys; from importlinter.cli import lint_imports_command as run; sys.exit(run())"
            command = [sys.executable, "-c", call]
        code = subprocess.call(command, cwd=ROOT, env=dict(os.environ, PYTHONPATH=str(ROOT)))
        seconds = time.monotonic() - started
        sys.stderr.write(f"{name}: {'ok' if code == 0 else f'exit {code}'} ({seconds:.1f} s)\n")
        first = first or code
    return first


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
