"""Layouts of projects of version 1 are read as they are named now."""

from __future__ import annotations

from typing import Any

import pytest

from explorer.project.document import from_json, to_json
from explorer.state import ExplorerState, ViewState
from explorer.state.view_layout import visible_views
from explorer.state.view_migration import views_of_version_1


def project(state: dict[str, Any]) -> dict[str, Any]:
    return {"format": "latentwalk-project", "version": 1, "state": state}


@pytest.mark.parametrize(
    ("old", "layout", "active", "shown"),
    [
        ({}, "grid", 0, (0, 1)),
        ({"layout": "both", "active": 1}, "grid", 1, (0, 1)),
        ({"layout": "a", "active": 1}, "single", 0, (0,)),
        ({"layout": "b"}, "single", 1, (1,)),
        ({"layout": "b", "views": [{}]}, "single", 0, (0,)),
        ({"layout": "wipe"}, "wipe", 0, (0, 1)),
        ({"layout": "flicker"}, "flicker", 0, (0, 1)),
        ({"layout": "both", "views": [{}, {}, {}]}, "grid", 0, (0, 1, 2)),
    ],
)
def test_layouts_of_version_1(old: dict[str, Any], layout: str, active: int, shown: tuple[int, ...]) -> None:
    before = dict(old)
    state = from_json(project(old))[0]
    assert (state.layout, state.active, visible_views(state)) == (layout, active, shown)
    assert old == before


@pytest.mark.parametrize("data", [{}, {"state": 3}, {"state": {"layout": ["a"]}}, {"state": {"layout": 1}}])
def test_other_shapes_are_left_to_be_refused(data: dict[str, Any]) -> None:
    assert views_of_version_1(data) == data


@pytest.mark.parametrize("count", [1, 3, 6])
def test_as_many_views_as_there_are_survive_a_project(count: int) -> None:
    state = ExplorerState(views=(ViewState(),) * count, layout="wipe", pair=(count - 1, 0), active=count - 1)
    assert from_json(to_json(state))[0] == state
