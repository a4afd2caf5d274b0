"""Migrates layouts: projects of version 1 name one of five layouts of two views; now a layout is of any views."""

from __future__ import annotations

from typing import Any

__all__ = ["views_of_version_1"]


def views_of_version_1(data: dict[str, Any]) -> dict[str, Any]:
    """Return a project of version 1, as JSON values, with its layout renamed.

    The picture of A or B alone becomes the single picture of the active view, and both side by side a grid. Values
    of an unexpected shape are left unchanged, as is the argument.
    """
    state = data.get("state")
    if not isinstance(state, dict):
        return data
    layout = state.get("layout", "both")
    if layout not in ("a", "b", "both"):
        return data
    made = {name: value for name, value in state.items() if name != "layout"}
    if layout != "both":
        views = state.get("views")
        count = len(views) if isinstance(views, list) else 2  # default of states that do not have them
        made |= {"layout": "single", "active": 1 if layout == "b" and count > 1 else 0}
    return data | {"state": made}
