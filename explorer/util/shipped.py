"""Where the files lie that come with the program but are not part of the package."""

from __future__ import annotations

from pathlib import Path

__all__ = ["shipped"]

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(name: str) -> Path:
    """Return the path of a shipped file or folder such as `assets` or `benchmarks`; it may be missing.

    In a clone of the repository these lie beside the package; a wheel carries them in `explorer/_shipped`
    (`setup.py` puts them there), since nothing else of ours may lie in `site-packages`.
    """
    inside = _PACKAGE / "_shipped"
    return (inside if inside.is_dir() else _PACKAGE.parent) / name
