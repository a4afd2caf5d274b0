"""With which settings a run went on from where: written at every start, read back as phases for its card."""

from __future__ import annotations

import json
from itertools import zip_longest
from pathlib import Path
from typing import Any

from explorer.training.settings import FIXED

__all__ = ["phases", "record"]

_FILE = "history.jsonl"


def record(out: Path, settings: dict[str, Any], shown: int) -> None:
    """Note that the run in `out` goes on with `settings` after `shown` pictures; nothing if they are as before."""
    entry = json.dumps({"kimg": shown / 1000, "settings": settings}, default=str)
    old = _read(out)
    if not old or old[-1]["settings"] != json.loads(entry)["settings"]:
        with (out / _FILE).open("a", encoding="utf-8") as file:
            file.write(entry + "\n")


def phases(out: Path, end_kimg: float) -> list[tuple[float, dict[str, Any]]]:
    """What changed at which kimg until `end_kimg`, planned phases included; empty without a history.

    The first entry holds every setting that may change, later ones what differs from before.
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


def _read(out: Path) -> list[dict[str, Any]]:
    path = out / _FILE
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
