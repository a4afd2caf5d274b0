"""Read the code without running it: ruff, its formatter, the import rules, and mypy; fail if one complains."""

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
    ("import rules", ["importlinter", "lint"]),
    ("mypy", ["mypy"]),
)


def main() -> int:
    """Runs every check, also after one failed, and gives the first exit code that is not zero."""
    first = 0
    for name, (module, *arguments) in CHECKS:
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
    raise SystemExit(main())
