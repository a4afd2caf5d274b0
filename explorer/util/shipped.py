"""Paths of files that are distributed with the program but are not part of the package."""

from __future__ import annotations

from pathlib import Path

__all__ = ["shipped"]

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(name: str) -> Path:
    """Return the path of a shipped file or folder such as `assets` or `benchmarks`; it may be missing.

    In a clone of the repository they are beside the package; in a wheel they are in `explorer/_shipped` (see
    `setup.py`), because only the package itself may be in `site-packages`.
    """
    inside = _PACKAGE / "_shipped"
    return (inside if inside.is_dir() else _PACKAGE.parent) / name
