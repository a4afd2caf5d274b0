"""Sliders made from the declaration of the number that they show."""

from __future__ import annotations

from collections.abc import Callable

from explorer.state.parameters import CONTROLS
from explorer.widgets.controls.slider import ValueSlider

__all__ = ["parameter_slider"]


def parameter_slider(
    path: str,
    *,
    label_width: int = 72,
    value_width: int = 58,
    text_of: Callable[[float], str] | None = None,
) -> ValueSlider:
    """Make a slider with the range, default, step, unit and tooltip of a parameter.

    Args:
        path: As in `CONTROLS`, "transform.x".
        label_width: Pixels for the name.
        value_width: Pixels for the value.
        text_of: The text for a value, instead of the number with its unit.
    """
    p = CONTROLS[path]
    return ValueSlider(
        p.label or p.title, p.low, p.high, p.default, unit=p.unit, decimals=p.decimals, step=p.step, tip=p.tip,
        label_width=label_width, value_width=value_width, text_of=text_of, is_open=p.is_open,
    )  # fmt: skip
