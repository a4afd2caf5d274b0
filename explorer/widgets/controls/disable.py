"""Disabling of widgets, with the reason in their tooltip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.widgets.controls.basic import Segments
from explorer.widgets.controls.plain_text import set_tip, tip_text
from explorer.widgets.controls.slider import ValueSlider

if TYPE_CHECKING:
    from PySide6.QtWidgets import QAbstractButton, QWidget

__all__ = ["disable"]

_TIP = "tip before it was disabled"


def disable(widget: QWidget, reason: str) -> None:
    """Disable a widget and show the reason in its tooltip; an empty reason restores both."""
    if isinstance(widget, ValueSlider):  # its tooltip also explains its use
        widget.set_reason(reason)
        return
    targets: list[QWidget | QAbstractButton] = [widget]
    if isinstance(widget, Segments):
        targets += list(widget.buttons.values())
    widget.setEnabled(not reason)
    for target in targets:
        if target.property(_TIP) is None:
            target.setProperty(_TIP, target.toolTip())
        tip = reason or str(target.property(_TIP))
        if target.toolTip() != tip_text(tip, None):
            set_tip(target, tip)
