"""Drags as JSON, and FreeDragBench's files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from explorer.dragging.benchmark_files import SeededDrag, read_drags, write_drags
from explorer.dragging.problem import Drag, DragSettings
from explorer.errors import UsageError


def test_a_drag_comes_back_from_json() -> None:
    mask = np.random.RandomState(0).rand(13, 7) > 0.5
    drag = Drag(((1.5, 2.0), (3.0, 4.0)), ((2.0, 2.0), (0.0, 0.0)), mask, DragSettings("draggan", rows=(1, 2)))
    again = Drag.from_json(json.loads(json.dumps(drag.to_json())))
    assert (again.handles, again.targets, again.settings) == (drag.handles, drag.targets, drag.settings)
    np.testing.assert_array_equal(again.mask, mask)
    assert Drag.from_json({"handles": [[1, 2]], "targets": [[1, 3]]}).settings == DragSettings()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"handles": [[1, 2]], "targets": []}, "1 points to drag and 0 targets"),
        ({"handles": [[1, 2]], "targets": [[1]]}, "should be handles"),
        ({"handles": [[1, float("nan")]], "targets": [[1, 2]]}, "not finite"),
        ({"handles": [[1, 2]], "targets": [[1, 2]], "settings": {"speed": 1}}, "unknown names"),
        ({"handles": [[1, 2]], "targets": [[1, 2]], "settings": {"rate": "fast"}}, "rate of a drag"),
        ({"handles": [[1, 2]], "targets": [[1, 2]], "settings": {"method": "magic"}}, "no method"),
        ([], "should be handles"),
    ],
)
def test_json_that_is_no_drag_is_refused(data: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Drag.from_json(data)


def test_files_of_drags_are_written_and_read(tmp_path: Path) -> None:
    drags = (
        SeededDrag(7, ((1.0, 2.0),), ((3.5, 4.0),)),
        SeededDrag(0, ((1.0, 2.0), (5.0, 6.0)), ((3.0, 4.0), (0.0, 0.0))),
    )
    path = tmp_path / "drags.jsonl"
    write_drags(path, drags)
    assert read_drags(path) == drags
    first = json.loads(path.read_text().splitlines()[0])
    assert first == {"seed": 7, "points": {"handle": [[1.0, 2.0]], "target": [[3.5, 4.0]]}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"seed": 1}', "line 2 has no points"),
        ('{"seed": -1, "points": {}}', "no seed"),
        ("{", "line 2 is not JSON"),
        ('{"seed": 1, "points": {"handle": [[1, 2]], "target": [[1, 2], [3, 4]]}}', "1 handles and 2 targets"),
        (
            '{"seed": 1, "points": {"handle": [[1, 2]], "target": [[1, "2"]]}}',
            r"target has a point that is not \[y, x\]",
        ),
        ('{"seed": 1, "points": {"handle": [[1, 1e999]], "target": [[1, 2]]}}', "finite"),
        ('{"seed": 1, "points": {"handle": [], "target": []}}', "list of 1 to"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "drags.jsonl"
    path.write_text(f'{{"seed": 7, "points": {{"handle": [[1, 2]], "target": [[3, 4]]}}}}\n{text}\n')
    with pytest.raises(UsageError, match=message):
        read_drags(path)


def test_a_file_without_drags_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(UsageError, match="no drags"):
        read_drags(tmp_path / "empty")
    with pytest.raises(UsageError, match="cannot be read"):
        read_drags(tmp_path / "missing")
