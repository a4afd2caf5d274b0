"""A recorded performance within a project: as changes in files, in full for `decode` and migrations."""

from __future__ import annotations

from typing import Any

from explorer.errors import ProjectError
from explorer.project.delta import delta_decode, delta_encode

__all__ = ["thinned", "whole"]


def thinned(state: dict[str, Any]) -> dict[str, Any]:
    """Encode a performance by its changes: of sixty moments a second, each differs in a number or two."""
    return state | {"timeline": _thin(state["timeline"])} if "timeline" in state else state


def _thin(timeline: dict[str, Any]) -> dict[str, Any]:
    thin = {name: value for name, value in timeline.items() if name != "performance"}
    if "performance" in timeline:
        thin["changes"] = delta_encode(timeline["performance"])
    if thin.get("aside"):
        thin["aside"] = _thin(thin["aside"])
    return thin


def whole(state: Any) -> Any:
    """Return the state that `thinned` was given; values of another shape are left for `decode` to refuse."""
    has_timeline = isinstance(state, dict) and "timeline" in state
    return state | {"timeline": _thick(state["timeline"])} if has_timeline else state


def _thick(timeline: Any) -> Any:
    """Return a timeline with its performance and that of the timeline kept aside, which has none aside itself."""
    if not isinstance(timeline, dict):
        return timeline
    thick = {name: value for name, value in timeline.items() if name != "changes"}
    if "changes" in timeline:
        row = timeline["changes"]
        thick["performance"] = delta_decode(row) if isinstance(row, list) else row
    aside = thick.get("aside")
    if isinstance(aside, dict):
        if aside.get("aside"):
            raise ProjectError("The project keeps more than two timelines.", "The file is damaged.")
        thick["aside"] = _thick(aside)
    return thick
