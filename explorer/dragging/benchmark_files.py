"""Files of drags as JSON lines, as in FreeDragBench (Ling et al. 2024): a seed, handles and targets on each line.

A line is `{"seed": 7, "points": {"handle": [[y, x], ...], "target": [[y, x], ...]}}`, in pixels of the picture.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.dragging.problem import MAX_POINTS, Point
from explorer.errors import UsageError
from explorer.util.atomic_write import atomic_write_bytes
from explorer.util.file_errors import reason
from explorer.util.plain_text import visible
from explorer.util.regular_file import read_regular
from explorer.util.strict_json import parse_json

__all__ = ["MAX_BYTES", "MAX_LINES", "SeededDrag", "read_drags", "write_drags"]

MAX_LINES = 100_000
MAX_BYTES = 64 << 20

_HINT = 'A line is {"seed": 7, "points": {"handle": [[y, x]], "target": [[y, x]]}}.'


@dataclass(frozen=True, slots=True)
class SeededDrag:
    """The points of one picture.

    Attributes:
        seed: Of the picture's latent.
        handles: Points (y, x) in pixels.
        targets: Where they should be, one for each.
    """

    seed: int
    handles: tuple[Point, ...]
    targets: tuple[Point, ...]


def read_drags(path: str | Path) -> tuple[SeededDrag, ...]:
    """Read a file of drags; empty lines are skipped.

    Raises:
        UsageError: The file cannot be read or a line is no drag; the message names the line.
    """
    path = Path(path)
    try:
        lines = read_regular(path, MAX_BYTES).decode("utf-8-sig").splitlines()
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {reason(error)}.", "Choose another file.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path.name} is not text in UTF-8.", _HINT) from error
    if len(lines) > MAX_LINES:
        raise UsageError(f"{path.name} has {len(lines):,} lines.", f"At most {MAX_LINES:,} are read.")
    found = [_drag(f"{path.name}, line {i}", line) for i, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise UsageError(f"{path.name} holds no drags.", _HINT)
    return tuple(found)


def write_drags(path: str | Path, drags: Sequence[SeededDrag]) -> None:
    """Write drags, one on a line.

    Raises:
        UsageError: The file cannot be written.
    """
    path = Path(path)
    lines = [json.dumps(_line(drag), allow_nan=False) + "\n" for drag in drags]
    try:
        atomic_write_bytes(path, "".join(lines).encode())
    except OSError as error:
        raise UsageError(f"{path.name} cannot be written: {reason(error)}.", "Choose another folder.") from error


def _line(drag: SeededDrag) -> dict[str, Any]:
    points = {"handle": [list(p) for p in drag.handles], "target": [list(p) for p in drag.targets]}
    return {"seed": drag.seed, "points": points}


def _drag(where: str, line: str) -> SeededDrag:
    try:
        data = parse_json(line)
    except ValueError as error:
        raise UsageError(f"{where} is not JSON: {visible(str(error), 120)}.", _HINT) from error
    points = data.get("points") if isinstance(data, dict) else None
    seed = data.get("seed") if isinstance(data, dict) else None
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**63:
        raise UsageError(f"{where} has no seed that is a whole number from 0 on.", _HINT)
    if not isinstance(points, dict):
        raise UsageError(f"{where} has no points.", _HINT)
    handles, targets = (_points(f"{where}, {name}", points.get(name)) for name in ("handle", "target"))
    if len(handles) != len(targets):
        raise UsageError(f"{where} has {len(handles)} handles and {len(targets)} targets.", _HINT)
    return SeededDrag(seed, handles, targets)


def _points(where: str, data: Any) -> tuple[Point, ...]:
    if not isinstance(data, list) or not 1 <= len(data) <= MAX_POINTS:
        raise UsageError(f"{where} should be a list of 1 to {MAX_POINTS} points.", _HINT)
    return tuple(_point(where, point) for point in data)


def _point(where: str, data: Any) -> Point:
    is_pair = isinstance(data, list) and len(data) == 2
    if not is_pair or not all(isinstance(v, int | float) and not isinstance(v, bool) for v in data):
        raise UsageError(f"{where} has a point that is not [y, x].", _HINT)
    try:
        y, x = float(data[0]), float(data[1])
    except OverflowError:
        y = x = math.inf
    if not (math.isfinite(y) and math.isfinite(x)):
        raise UsageError(f"{where} has a point that is not finite.", _HINT)
    return y, x
