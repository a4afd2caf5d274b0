"""The program as a user meets it: it opens, the picture follows the hand, undo brings it back, it closes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.cli.conftest import models
from tests.window.driver import Driver, Picture

__all__ = ["models"]

pytestmark = pytest.mark.window


def middle_of_left_view(picture: Picture) -> Picture:
    """A square inside the left picture of the default layout."""
    height, width = picture.shape[:2]
    x, y = round(0.36 * width), round(0.5 * height)
    return picture[y - 60 : y + 60, x - 60 : x + 60]


def is_picture(part: Picture) -> bool:
    """Generated pictures vary; panels and empty views do not."""
    return float(part.astype(np.float32).std(axis=(0, 1)).max()) > 8


def looks_like(part: Picture, other: Picture) -> bool:
    """The same but for rounding: native kernels may have taken over from PyTorch between the two."""
    return int(np.abs(part.astype(np.int16) - other).max()) <= 3


def test_drag_and_undo(open_window: Callable[..., Driver], models: dict[str, str]) -> None:
    window = open_window((models["tiny"], models["stylegan2"]))
    window.wait_for(lambda picture: is_picture(middle_of_left_view(picture)), "the first picture shows")
    before = window.settled(middle_of_left_view, "the first picture stands still")
    height, width = window.look().shape[:2]
    start = (round(0.36 * width), round(0.5 * height))
    window.drag(start, (start[0] + 90, start[1] - 40))
    window.wait_for(lambda p: not looks_like(middle_of_left_view(p), before), "the picture follows the drag")
    window.settled(middle_of_left_view, "the picture stands still after the drag")
    window.key("ctrl+z")
    window.wait_for(lambda p: looks_like(middle_of_left_view(p), before), "undo brings the first picture back")
    assert window.close() == 0
    assert "Traceback" not in window.errors
