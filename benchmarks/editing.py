"""How well edits do what they promise, on the bundled critters, whose parts are known.

    python benchmarks/editing.py [--quick] [--json] [--parts NAMES] [MODEL ...]

Each row is a figure of one model with its goal (`benchmarks.editing_row`). With `--json` the rows are a list of
`{"name", "model", "value", "goal", "unit"}`.

A part is a function of a `Setting` that gives rows. To add one, write it in a module of its own and name it in
`PARTS`; parts share nothing but the setting.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.editing_row import Row, Setting
from benchmarks.table import columns

__all__ = ["PARTS", "Part", "main"]

MODELS = ("critters-stylegan2", "critters-stylegan3-t", "critters-stylegan3-r")


Part: TypeAlias = "Callable[[Setting], Iterable[Row]]"

PARTS: Mapping[str, str] = {
    "directions": "benchmarks.editing_directions:measure",
    "channels": "benchmarks.editing_channels:measure",
    "drag": "benchmarks.editing_drag:measure",
}
"""The parts by name, as "module:function"."""


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("models", nargs="*", default=MODELS, help="instead of the bundled ones")
    parser.add_argument("--quick", action="store_true", help="fewer pictures")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"some of: {', '.join(PARTS)}")
    chosen = parser.parse_args(argv)
    names = chosen.parts.split(",")
    if unknown := set(names) - set(PARTS):
        parser.error(f"unknown parts {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    setting = Setting(tuple(chosen.models), chosen.quick)
    rows: list[dict[str, object]] = []
    for name in names:
        module, _, function = PARTS[name].partition(":")
        part: Part = getattr(import_module(module), function)
        for row in part(setting):
            rows.append(asdict(row))
            print(f"{row.model}: {row.name} {row.value:.4g}", file=sys.stderr, flush=True)
    print(json.dumps(rows, indent=1) if chosen.json else columns(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
