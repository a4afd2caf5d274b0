"""The panel of style channels: mark a region, find the channels that change it, and move them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Slot

from explorer.util.brush import BRUSH
from explorer.util.plain_text import LIMIT
from explorer.util.view_marks import letter
from explorer.widgets.controls.basic import IconButton, label, row
from explorer.widgets.controls.disable import disable
from explorer.widgets.controls.plain_text import error_text
from explorer.widgets.controls.progress_line import ProgressLine
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.panels.edits.channel_preview import ChannelPreview
from explorer.widgets.panels.edits.channel_row import ChannelRow
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from explorer.errors import LatentwalkError
    from explorer.generators.base import GeneratorInfo
    from explorer.session import Session
    from explorer.util.report import Report

__all__ = ["ChannelsPanel"]

SHOWN = 8
"""Channels in the list."""


class ChannelsPanel(Panel):
    """Finds the style channels that change a marked region and little else, and has a slider for each."""

    key = "style-channels"
    title = "Style channels"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        channels = session.channels
        self.mark = IconButton(
            "paint-brush", "Mark on the picture what should change (M): drag; the right button erases; Esc ends",
            lambda: channels.set_marking(self.mark.isChecked()), text="Mark", checkable=True,
        )  # fmt: skip
        self.clear = IconButton("eraser", "Remove the marked region", channels.clear)
        self.brush = ValueSlider(
            "Brush", 1.0, 25.0, 100.0 * BRUSH, unit="%", decimals=0, step=1.0, label_width=44, value_width=44,
            tip="Radius of the brush, in percent of the picture's width.",
        )  # fmt: skip
        self.search = IconButton(
            "magnifying-glass", "Compare all style channels, and try those that should change the region most",
            self._toggle, text="Find channels",
        )  # fmt: skip
        self.line = ProgressLine()
        self.note = label("", "caption", wrap=True)
        self.message = label("", "caption", wrap=True, limit=2 * LIMIT)
        self.rows = [ChannelRow() for _ in range(SHOWN)]
        self.preview = ChannelPreview(session, self)
        self.add(row(self.mark, self.brush, self.clear))
        self.add(self.search)
        for item in (self.line, self.note, self.message, *self.rows):
            self.add(item)
        self.message.hide()
        self._bind()

    def _bind(self) -> None:
        session, channels = self.session, self.session.channels
        channels.marking_changed.connect(self.mark.setChecked)
        channels.region_changed.connect(self._show_region)
        channels.progress.connect(self._show_progress)
        channels.found_changed.connect(self._show_found)
        channels.failed.connect(self._show_error)
        self.brush.moving.connect(lambda percent: channels.set_brush(percent / 100.0))
        for item in self.rows:
            item.pointed.connect(channels.point_at)
            item.hovered.connect(partial(self._hover, item))
            item.pressed.connect(partial(self._begin, item))
            item.moving.connect(partial(self._move, item))
            item.released.connect(session.commit)
            item.cancelled.connect(session.cancel)
        session.lab.rested.connect(self.preview.update_pictures)
        self.bind.look(lambda look: look.edits, lambda _: self._show_strengths())
        self.bind.state(lambda state: state.active, lambda _: self._show_view())
        self.bind.model(self._show_model)
        self._show_progress(None)
        self._show_found()

    # display ---------------------------------------------------------------------------------------------

    def _show_model(self, info: GeneratorInfo | None) -> None:
        reason = "" if info else "No model is loaded"
        if info is not None and not any(layer.style_dim and not layer.is_rgb for layer in info.layers):
            reason = "This model has no style channels"
        for widget in (self.mark, self.clear, self.search):
            disable(widget, reason)
        self.brush.set_reason(reason)

    def _show_region(self) -> None:
        self.message.hide()
        self._show_note()

    def _show_note(self) -> None:
        channels = self.session.channels
        region, several = channels.region, len(self.session.state.views) > 1
        where = f" of {letter(channels.view)}" if several else ""
        self.clear.setVisible(region is not None)
        if region is None:
            text = "Mark what should change, then find its channels."
        else:
            text = f"Marked: {_percent(float(region.mean()))} of the picture{where}."
        self.note.setText(text)

    def _show_progress(self, report: Report[Any] | None) -> None:
        is_running = self.session.channels.is_running and report is not None
        self.search.setText("Cancel" if is_running else "Find channels")
        self.search.set_icon_name("x" if is_running else "magnifying-glass")
        self.line.setVisible(is_running)
        if report is None or not is_running:
            self._show_note()
            return
        self.message.hide()
        self.line.set_fraction(report.fraction)
        left = f"  {_time_text(report.seconds_left)} left" if report.seconds_left else ""
        self.note.setText(f"{report.stage or 'Starting'} \u2026{left}")

    def _hover(self, item: ChannelRow, is_over: bool) -> None:
        if is_over and item.channel is not None and item.slider.isEnabled():
            self.preview.show_soon(item, item.channel)
        else:
            self.preview.end()

    def _show_found(self) -> None:
        found = self.session.channels.found
        for number, item in enumerate(self.rows):
            item.setVisible(number < len(found))
            if number < len(found):
                item.show_channel(found[number])
        self._show_view()
        self._show_strengths()

    def _show_view(self) -> None:
        """Disable the sliders while another view than that of the search is active: they would change its look."""
        view = self.session.channels.found_in
        reason = "" if view == self.session.active else f"These channels were found in view {letter(view)}"
        for item in self.rows:
            item.slider.set_reason(reason)

    def _show_strengths(self) -> None:
        for item in self.rows:
            if item.channel is not None:
                item.slider.set_value(self.session.channels.strength(item.channel))

    @Slot(object)
    def _show_error(self, error: LatentwalkError) -> None:
        self.message.setText(error_text(error))
        self.message.show()

    # actions ---------------------------------------------------------------------------------------------

    def _toggle(self) -> None:
        channels = self.session.channels
        if channels.is_running:
            channels.cancel()
        else:
            channels.find()

    def _begin(self, item: ChannelRow) -> None:
        self.preview.end()  # the picture itself shows what the drag does
        if item.channel is not None:
            self.session.begin(f"Channel {item.channel.channel} of {item.channel.layer}")

    def _move(self, item: ChannelRow, strength: float) -> None:
        if item.channel is not None:
            self.session.channels.set_strength(item.channel, strength)


def _percent(fraction: float) -> str:
    return f"{100.0 * fraction:.1f} %" if fraction < 0.1 else f"{100.0 * fraction:.0f} %"


def _time_text(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90.0 else f"{seconds / 60.0:.0f} min"
