"""Disabling with a reason: a control that does nothing says why."""

from __future__ import annotations

from PySide6.QtWidgets import QAbstractButton, QWidget

from explorer.widgets.controls.basic import Segments
from explorer.widgets.controls.slider import ValueSlider

__all__ = ["grey"]

_TIP = "tip before it was disabled"


def grey(widget: QWidget, reason: str) -> None:
    """Disable a widget and let its tooltip say why; an empty reason gives both back."""
    if isinstance(widget, ValueSlider):  # its tooltip also says how it is used
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
        if target.toolTip() != tip:
            target.setToolTip(tip)
