"""With which settings a run went on from where: written at every start, read back as phases for its card."""

from __future__ import annotations

import argparse
import json
from itertools import zip_longest
from pathlib import Path
from typing import Any

from explorer.training.settings import FIXED

__all__ = ["insert", "main", "phases", "record"]

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


def insert(out: Path, kimg: float, settings: dict[str, Any]) -> None:
    """Note afterwards that the run in `out` went on with `settings` from `kimg` on, for runs from before."""
    entries = [entry for entry in _read(out) if entry["kimg"] != kimg] + [{"kimg": kimg, "settings": settings}]
    lines = [json.dumps(entry) + "\n" for entry in sorted(entries, key=lambda entry: float(entry["kimg"]))]
    (out / _FILE).write_text("".join(lines), encoding="utf-8")


def _read(out: Path) -> list[dict[str, Any]]:
    path = out / _FILE
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def main(argv: list[str] | None = None) -> int:
    """Command line: `python -m explorer.training.history RUN --at KIMG --settings OLD/settings.json`."""
    parser = argparse.ArgumentParser(description="Note with which settings a run went on from where.")
    parser.add_argument("run", type=Path)
    parser.add_argument("--at", type=float, required=True, metavar="KIMG")
    parser.add_argument("--settings", type=Path, required=True, help="the settings.json that held from there on")
    options = parser.parse_args(argv)
    insert(options.run, options.at, json.loads(options.settings.read_text(encoding="utf-8")))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
