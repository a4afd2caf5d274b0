"""Sliders created from the declaration of a parameter."""

from __future__ import annotations

from collections.abc import Callable

from explorer.state.parameters import CONTROLS, Parameter
from explorer.widgets.controls.slider import ValueSlider

__all__ = ["parameter_slider"]


def parameter_slider(
    declared: str | Parameter,
    *,
    label_width: int = 72,
    value_width: int = 58,
    text_of: Callable[[float], str] | None = None,
) -> ValueSlider:
    """Create a slider with the range, default, step, unit and tooltip of a parameter.

    Args:
        declared: The parameter, or its path in `CONTROLS`, such as "transform.x".
        label_width: Width of the name in pixels.
        value_width: Width of the value in pixels.
        text_of: Formats a value, instead of the number with its unit.
    """
    p = CONTROLS[declared] if isinstance(declared, str) else declared
    return ValueSlider(
        p.label or p.title, p.low, p.high, p.default, unit=p.unit, decimals=p.decimals, step=p.step, tip=p.tip,
        label_width=label_width, value_width=value_width, text_of=text_of, is_open=p.is_open,
    )  # fmt: skip
