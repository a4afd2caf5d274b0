"""The name by which the user started the program, for hints with commands."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["program_name"]


def program_name() -> str:
    """Return `latentwalk` if an installed package was started by that name, otherwise `main.py`."""
    return "latentwalk" if sys.argv and Path(sys.argv[0]).stem == "latentwalk" else "main.py"
