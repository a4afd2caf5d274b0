"""Projects of version 1 name one of five layouts of two views; now a layout is of any views."""

from __future__ import annotations

from typing import Any

__all__ = ["views_of_version_1"]


def views_of_version_1(data: dict[str, Any]) -> dict[str, Any]:
    """Return a project of version 1, as JSON values, with its layout as it is named now.

    The picture of A or B alone becomes the single picture of the active view, and both side by side a grid. What
    has another shape than expected is left as it is. The argument is not changed.
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
        count = len(views) if isinstance(views, list) else 2  # of a state that does not name them
        made |= {"layout": "single", "active": 1 if layout == "b" and count > 1 else 0}
    return data | {"state": made}
