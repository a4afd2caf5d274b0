"""The row of an edit of style channels, named by channel first, because rows are narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.edits.registry import describe
from explorer.edits.style_channels import StyleChannels
from explorer.widgets.panels.edits.edit_rows import EditRow

if TYPE_CHECKING:
    from explorer.state import Edit

__all__ = ["ChannelEditRow"]


class ChannelEditRow(EditRow):
    """The row of an edit of style channels."""

    def label_of(self, edit: Edit) -> str:
        """Return its name, or its channels and layer."""
        value = edit.value
        assert isinstance(value, StyleChannels)
        return describe(edit) if value.name else f"{', '.join(map(str, value.channels))} {value.layer}"

    def tip_of(self, edit: Edit) -> str:
        """Return the tooltip with layer, channels and unit."""
        value = edit.value
        assert isinstance(value, StyleChannels)
        several = "channels" if len(value.channels) > 1 else "channel"
        numbers = ", ".join(map(str, value.channels))
        return (
            f"Style {several} {numbers} of layer {value.layer}, in standard deviations (\u03c3) of the model's "
            "random latents. 0 means no edit."
        )
