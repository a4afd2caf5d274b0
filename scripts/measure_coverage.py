"""Run the tests and say which lines of `explorer` they reach; fail if a file that must be whole is not.

`start.py test --coverage` calls this; further options go to pytest. A selection of tests is only reported on.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

WHOLE = (
    "explorer/render/cache.py",
    "explorer/render/keys.py",
    "explorer/render/mailbox.py",
    "explorer/render/resolve.py",
    "explorer/state/codec.py",
    "explorer/state/migrations.py",
    "explorer/state/store.py",
)
"""A fault in one of these shows a wrong picture or loses work without a word: every line and branch is tested."""


def run(*command: str) -> int:
    """Run a module of this Python in the repository."""
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    return subprocess.call([sys.executable, "-m", *command], cwd=ROOT, env=environment)


def main(options: list[str]) -> int:
    """Run the tests, then report; gives the first exit code that is not zero."""
    tests = run("pytest", "--cov", "--cov-report=term:skip-covered", *options)
    if any((ROOT / option.partition("::")[0]).exists() for option in options if not option.startswith("-")):
        return tests
    here = [name for name in WHOLE if (ROOT / name).is_file()]
    whole = run("coverage", "report", "--show-missing", "--fail-under=100", f"--include={','.join(here)}")
    if whole:
        sys.stderr.write("coverage: a file that must be whole is not (scripts/measure_coverage.py says why)\n")
    return tests or whole


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
