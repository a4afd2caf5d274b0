"""The letter and the colours that mark the views, in the window, in plots and on exported pages alike."""

from __future__ import annotations

__all__ = ["ON_DARK", "ON_LIGHT", "letter"]

ON_DARK = ("#f08a5d", "#7da2f5")
"""Colours of A and B on a dark ground; told apart by all kinds of colour vision."""

ON_LIGHT = ("#c9572a", "#3f68cf")
"""Colours of A and B on a light ground."""


def letter(view: int) -> str:
    """Return the letter of a view, counted from 0: A, B, C, ..."""
    return chr(ord("A") + view % 26)
