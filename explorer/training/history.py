"""The history of a run: the settings it was started or resumed with, read back as phases, and its metrics.

A full disk or a kill may leave a truncated line: it is skipped with a warning, and the next line starts afresh.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
from itertools import zip_longest
from pathlib import Path
from typing import Any

from explorer.training.settings import FIXED
from explorer.util.regular_file import read_regular

__all__ = ["append", "metrics", "phases", "record", "text_of"]

log = logging.getLogger("explorer.training")

_FILE = "history.jsonl"
_LIMIT = 1 << 30  # bytes; a row every 20 s for a year is 0.2 GB


def record(out: Path, settings: dict[str, Any], images_seen: int) -> None:
    """Record that the run in `out` continues with `settings` after `images_seen` pictures, if they changed.

    Raises:
        OSError: The disk is full, for example; it names the file.
    """
    entry = json.dumps({"kimg": images_seen / 1000, "settings": settings}, default=str)
    old = _read(out)
    if not old or old[-1]["settings"] != json.loads(entry)["settings"]:
        append(out / _FILE, entry + "\n")


def phases(out: Path, end_kimg: float) -> list[tuple[float, dict[str, Any]]]:
    """Return the (kimg, changed settings) up to `end_kimg`, planned phases included; empty without a history.

    The first entry holds every setting that may change, later ones only what changed.
    """
    points: dict[float, dict[str, Any]] = {}
    entries = _read(out)
    for entry, later in zip_longest(entries, entries[1:]):
        start, settings = entry["kimg"], entry["settings"]
        stop = later["kimg"] if later else end_kimg
        ahead = [(kimg, changes) for kimg, changes in settings.get("phases", []) if kimg < stop]
        plan = [(start, {}), *sorted(ahead, key=lambda phase: phase[0])]
        now = {key: value for key, value in settings.items() if key not in FIXED}
        for kimg, changes in plan:
            now = now | changes
            points[max(kimg, start)] = now
    result: list[tuple[float, dict[str, Any]]] = []
    before: dict[str, Any] = {}
    for kimg in sorted(points):
        changes = {key: value for key, value in points[kimg].items() if before.get(key) != value}
        before = points[kimg]
        if changes:
            result.append((kimg, changes))
    return result


def append(path: Path, text: str) -> None:
    """Append `text` (whole lines) to a file, all or nothing; a truncated last line is terminated first.

    Raises:
        OSError: The disk is full, for example; it names the file.
    """
    size = path.stat().st_size if path.exists() else 0
    try:
        with path.open("ab+") as file:
            if size and file.seek(size - 1) and file.read(1) != b"\n":
                text = "\n" + text
            file.write(text.encode())
    except OSError as error:
        with contextlib.suppress(OSError):
            os.truncate(path, size)
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def text_of(path: Path) -> str:
    """Return a log's text; bytes that are not UTF-8 are replaced. Raises OSError."""
    return read_regular(path, _LIMIT).decode("utf-8", "replace").replace("\r\n", "\n")


def metrics(path: Path) -> list[str]:
    """Return the header and the complete rows of a `metrics.csv`; every row begins with its kimg.

    Empty without a file or a header.
    """
    if not path.exists():
        return []
    *lines, cut = text_of(path).split("\n")
    header, *rows = lines or [""]
    if not header.startswith("kimg,"):
        log.warning("%s has no readable header; a new file is started.", path)
        return []
    columns = header.count(",")
    whole = [row for row in rows if row.count(",") == columns and _is_number(row.split(",")[0])]
    if lost := len(rows) - len(whole) + bool(cut):
        log.warning("%s: skipped %d unreadable rows.", path, lost)
    return [header, *whole]


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _read(out: Path) -> list[dict[str, Any]]:
    path = out / _FILE
    if not path.exists():
        return []
    lines = text_of(path).splitlines()
    entries = [entry for line in lines if (entry := _entry(line))]
    if lost := len(lines) - len(entries):
        log.warning("%s: skipped %d unreadable lines.", path, lost)
    return entries


def _entry(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and {"kimg", "settings"} <= entry.keys() else None
