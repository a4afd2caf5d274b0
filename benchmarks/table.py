"""Rows of figures as columns for people."""

from __future__ import annotations

__all__ = ["columns"]


def columns(rows: object) -> str:
    """Return a line of names and one for each row, aligned; `rows` is a list of dictionaries with the same keys."""
    assert isinstance(rows, list)
    names = list(rows[0])
    widths = [max(len(name), *(len(str(row[name])) for row in rows)) for name in names]
    lines = [names, *([str(row[name]) for name in names] for row in rows)]
    padded = ([word.ljust(width) for word, width in zip(line, widths, strict=True)] for line in lines)
    return "\n".join("  ".join(line) for line in padded)
