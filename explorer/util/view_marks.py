"""The letter and the colours that mark the views, in the window, in plots and on exported pages alike."""

from __future__ import annotations

__all__ = ["ON_DARK", "ON_LIGHT", "letter"]

ON_DARK = ("#f08a5d", "#7da2f5", "#d4cf55", "#ab78c4", "#b8eba0", "#eceef2")
"""Colours of A to F on a dark background, distinguishable with all types of colour vision."""

ON_LIGHT = ("#d05a1e", "#3d5fc4", "#615428", "#8f3c93", "#62885f", "#0d2129")
"""Colours of A to F on a light background, likewise distinguishable."""


def letter(view: int) -> str:
    """Return the letter of a view, counted from 0: A, B, C, ..."""
    return chr(ord("A") + view % 26)
