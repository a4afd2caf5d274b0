"""The timeline dock: transport controls, timing, the lanes, and interpolation between keys."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenu, QVBoxLayout, QWidget

from explorer.edits.registry import describe
from explorer.state.parameters import PARAMETERS
from explorer.state.timeline_edits import contents
from explorer.widgets.controls.basic import Choice, IconButton, label, value_label
from explorer.widgets.controls.number_field import NumberField
from explorer.widgets.controls.plain_text import menu_text, set_tip, tip_text
from explorer.widgets.controls.theme import GRID, ROW
from explorer.widgets.controls.wrap_row import wrap_row
from explorer.widgets.timeline.curve_editor import CurveEditor
from explorer.widgets.timeline.view import TimelineView

if TYPE_CHECKING:
    from explorer.jobs.job import Report
    from explorer.session import Session
    from explorer.state import ExplorerState

__all__ = ["TimelineDock"]

LOOPS = (
    ("once", "Once", "Play to the end and stop"),
    ("loop", "Loop", "Start again at the end"),
    ("ping-pong", "Back and forth", "Reverse at both ends; the film is twice as long"),
    ("seamless", "Seamless", "Continue from the last key to the first, so that the film loops seamlessly"),
)
INTERPOLATIONS = (
    ("hold", "Hold"),
    ("linear", "Straight"),
    ("spherical", "Spherical"),
    ("cubic", "Cubic"),
    ("catmull-rom", "Catmull-Rom"),
)
SPACES = (("z", "in z"), ("w", "in w"), ("ws", "in ws"))
EASES = (
    ("linear", "Even"),
    ("in", "Ease in"),
    ("out", "Ease out"),
    ("in-out", "Ease in and out"),
    ("curve", "Curve"),
)
RATES = ("23.976", "24", "25", "29.97", "30", "50", "60")
EVEN_TIP = "Even speed: equal change of the picture in equal time"
WANDERS = (("none", "No wander"), ("circle", "Circle"), ("noise", "Noise"))


def _number(
    low: float, high: float, decimals: int, unit: str, tip: str, width: int, special: str = ""
) -> NumberField:
    field = NumberField(low, high, decimals=decimals, unit=unit, tip=tip, special=special)
    field.setFixedSize(width, ROW)
    field.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    def fit() -> None:
        if not field.isModified():  # not while the user types
            field.setFixedWidth(max(width, field.fontMetrics().horizontalAdvance(field.text()) + 2 * GRID))

    field.textChanged.connect(fit)
    return field


def _choice(items: tuple[tuple[str, str], ...], tip: str) -> Choice:
    box = Choice()
    for key, text in items:
        box.addItem(text, key)
    # As wide as the current text only: with the longest one the row would wrap in windows of common size.
    box.setSizeAdjustPolicy(Choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(5)
    set_tip(box, tip)
    box.setAccessibleName(tip.partition(":")[0].partition(";")[0])
    box.setFixedHeight(ROW)

    def fit() -> None:
        text = box.fontMetrics().horizontalAdvance(box.currentText())
        box.setMinimumWidth(text + 2 * GRID + 20)  # padding, frame and arrow

    box.currentIndexChanged.connect(fit)
    fit()
    return box


class TimelineDock(QDockWidget):
    """The whole timeline. `film_requested` is emitted when the user asks to render a film."""

    film_requested = Signal()

    def __init__(self, session: Session, owner: QMainWindow) -> None:
        super().__init__("Timeline", owner)
        self.setObjectName("timeline")
        self.session, self.transport = session, session.transport
        self.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        self.setTitleBarWidget(QWidget())
        self._clock = QTimer(self, interval=100)
        self._clock.timeout.connect(self._show_time)
        self.view = TimelineView(session)
        self.curve = CurveEditor(session, self.view)
        # Created once and refilled: deleted menus leave PySide with wrappers of freed objects.
        self._menus = QMenu(self), QMenu("Add key for one parameter", self), QMenu("Latent wander", self)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(GRID // 2, 0, GRID // 2, GRID // 2)
        column.setSpacing(GRID // 2)
        column.addWidget(self._make_transport())
        column.addWidget(self.view, 1)
        column.addWidget(self._make_segment_row())
        self.setWidget(body)
        self._connect()
        self._show()
        self._show_segment()

    # -- rows ----------------------------------------------------------------------------------------------

    def _make_transport(self) -> QWidget:
        transport = self.transport
        self.start = IconButton("skip-back", "To the start (Home)", lambda: transport.seek(0.0))
        self.play = IconButton("play", "Play or stop (Space)", self.toggle_play)
        self.record = IconButton("record", "Record what you do; press again to stop (Ctrl+R)", self.toggle_record)
        self.loop = _choice(tuple((k, t) for k, t, _ in LOOPS), "At the end")
        for i, (_, _, tip) in enumerate(LOOPS):
            self.loop.setItemData(i, tip_text(tip), Qt.ItemDataRole.ToolTipRole)
        self.time = value_label("0:00.00")
        set_tip(self.time, "Playhead and duration, in minutes and seconds")
        self.time.setMinimumWidth(96)
        self.duration = _number(0.1, 36_000.0, 2, "s", "Duration, in seconds", 66)
        self.rate = _choice(tuple((r, f"{r} fps") for r in RATES), "Frames per second of the film")
        self.snap = IconButton("magnet", "Snap to frames, or to quarter beats", self._toggle_snap, checkable=True)
        tip = "Beats per minute: the grid's tempo; 0 shows seconds"
        self.bpm = _number(0.0, 999.0, 1, "bpm", tip, 74, "no tempo")
        self.add = IconButton("diamond", "Add a key of the whole state at the playhead (K)", transport.keys.add)
        self.more = IconButton("dots-three", "Single parameters, latent wander, performance", self._open_more)
        self.film = IconButton("film-strip", "Render a film of this timeline (Ctrl+M)", self.film_requested.emit)
        return wrap_row(
            self.start, self.play, self.record, self.add, self.time, None, self.duration, self.loop, self.rate,
            self.snap, self.bpm, self.more, self.film,
        )  # fmt: skip

    def _make_segment_row(self) -> QWidget:
        self.segment_label = label("After this key:", "muted")
        self.interpolation = _choice(
            INTERPOLATIONS, "Interpolation to the next key; cubic and Catmull-Rom pass smoothly through keys"
        )
        self.space = _choice(SPACES, "Space in which latents are blended; ws also blends mixing and edits")
        self.ease = _choice(EASES, "Easing between this key and the next")
        self.edit_curve = IconButton("pen-nib", "Draw the easing curve", self._open_curve)
        self.update_key = IconButton("arrows-clockwise", "Update the key to the current state", self._update_key)
        self.even = IconButton("equals", EVEN_TIP, self._toggle_even)
        self.measured = value_label("")
        set_tip(self.measured, "Progress of the measurement, and the time left")
        self.remove = IconButton("trash", "Delete the selected keys (Del)", self.view.delete_chosen)
        return wrap_row(
            self.segment_label, self.interpolation, self.space, self.ease, self.edit_curve, None, self.update_key,
            self.remove, self.measured, self.even,
        )  # fmt: skip

    def _connect(self) -> None:
        transport = self.transport
        self.session.changed.connect(self._on_changed)
        transport.playhead_moved.connect(self._on_playhead)
        transport.playing_changed.connect(self._show_transport)
        transport.recording_changed.connect(self._show_transport)
        transport.even_speed.progress.connect(self._on_measured)
        self.loop.activated.connect(lambda i: transport.set_timeline(loop=self.loop.itemData(i)))
        self.rate.activated.connect(lambda i: transport.set_timeline(fps=_exact(str(self.rate.itemData(i)))))
        self.duration.chosen.connect(lambda value: transport.set_timeline(duration=value))
        self.bpm.chosen.connect(lambda value: transport.set_timeline(bpm=value))
        for box, field in ((self.interpolation, "interpolation"), (self.space, "space"), (self.ease, "ease")):
            box.activated.connect(lambda i, b=box, f=field: self._set_segment(f, str(b.itemData(i))))
        self.view.selected.connect(self._show_segment)
        self.view.menu_requested.connect(self._open_menu)

    # -- actions -------------------------------------------------------------------------------------------

    def toggle_play(self) -> None:
        """Start or stop playing the timeline."""
        if self.transport.is_playing:
            self.transport.pause()
        else:
            self.transport.play()

    def toggle_record(self) -> None:
        """Start or stop recording a performance."""
        if self.transport.is_recording:
            self.transport.stop_recording()
        else:
            self.transport.start_recording()

    def _toggle_snap(self) -> None:
        self.transport.set_timeline(snap=not self.transport.timeline.snap)

    def _set_segment(self, field: str, value: str) -> None:
        self.transport.keys.set_segments(self.view.chosen, **{field: value})
        if field == "ease" and value == "curve":
            self._open_curve()

    def _open_curve(self) -> None:
        if self.view.chosen:
            self.curve.open_at(self.edit_curve.mapToGlobal(QPoint(0, -4)))

    def _update_key(self) -> None:
        numbers = [number for lane, number in self.view.chosen if lane < 0]
        if len(numbers) == 1:
            self.transport.keys.update(numbers[0])

    def _toggle_even(self) -> None:
        even = self.transport.even_speed
        if even.is_running:
            even.cancel()
        else:
            even.start()

    def _open_more(self) -> None:
        self._menu().popup(self.more.mapToGlobal(QPoint(0, self.more.height())))

    def _open_menu(self, at: QPoint) -> None:
        self._menu(keys=True).popup(at)

    def _menu(self, *, keys: bool = False) -> QMenu:
        transport, look, chosen = self.transport, self.session.look_of(), self.view.chosen
        menu, tracks, wander = self._menus
        for each in self._menus:
            each.clear()
        if keys and chosen:
            menu.addAction("Copy to the playhead", lambda: transport.keys.copy(chosen))
            menu.addAction("Delete", self.view.delete_chosen)
            menu.addSeparator()
        menu.addMenu(tracks)
        for name, parameter in PARAMETERS.items():
            tracks.addAction(parameter.title, partial(transport.keys.add_value, name))
        rows = sorted({r.layer for r in look.mixing.rows})
        for layer in rows:
            tracks.addAction(f"Mixing, entry {layer}", partial(transport.keys.add_value, f"mixing.{layer}"))
        for number, edit in enumerate(look.edits):
            text = f"Edit {number}: {describe(edit)}"
            tracks.addAction(menu_text(text), partial(transport.keys.add_value, f"edits.{number}"))
        menu.addMenu(wander)
        now = transport.timeline.wander
        for kind, text in WANDERS:
            action = wander.addAction(text, partial(transport.set_wander, kind=kind))
            action.setCheckable(True)
            action.setChecked(now.kind == kind)
        wander.addSeparator()
        for radius in (0.15, 0.3, 0.6, 1.0):
            action = wander.addAction(f"Radius {radius} latents", partial(transport.set_wander, radius=radius))
            action.setCheckable(True)
            action.setChecked(now.radius == radius)
        wander.addSeparator()
        for turns in (1, 2, 4):
            text = f"{turns} turn{'s' * (turns > 1)}"
            action = wander.addAction(text, partial(transport.set_wander, turns=turns))
            action.setCheckable(True)
            action.setChecked(now.turns == turns)
        wander.addSeparator()
        wander.addAction(
            "New random direction", lambda: transport.set_wander(seed=transport.timeline.wander.seed + 1)
        )
        if transport.timeline.performance and not transport.timeline.keys:
            menu.addAction("Convert performance to keys (2 per second)", lambda: transport.performance_to_keys(0.5))
        if transport.timeline.aside is not None:
            menu.addAction(f"Use the {contents(transport.timeline.aside).removeprefix('a ')}", transport.exchange)
        menu.addSeparator()
        menu.addAction("Clear the timeline", transport.clear)
        return menu

    # -- showing -------------------------------------------------------------------------------------------

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if old.timeline is not new.timeline:
            self._show()

    @Slot(float)
    def _on_playhead(self, position: float) -> None:
        self._show_time()

    def _show(self) -> None:
        t = self.transport.timeline
        self.loop.setCurrentIndex(self.loop.findData(t.loop))
        self.rate.setCurrentIndex(max(0, min(range(len(RATES)), key=lambda i: abs(_exact(RATES[i]) - t.fps))))
        self.duration.set_number(t.duration)
        self.bpm.set_number(t.bpm)
        self.snap.setChecked(t.snap)
        self._show_transport()

    @Slot()
    def _show_transport(self, _: bool = False) -> None:
        transport = self.transport
        self.play.set_icon_name("pause" if transport.is_playing else "play")
        self.record.set_icon_name("stop" if transport.is_recording else "record")
        if transport.is_recording:
            self._clock.start()
        else:
            self._clock.stop()
        self.film.setEnabled(not transport.is_recording)
        self.add.setEnabled(not transport.is_recording)
        self._show_time()

    def _show_time(self) -> None:
        transport = self.transport
        now = transport.recorded_seconds if transport.is_recording else transport.playhead
        self.time.setText(f"{_clock(now)} / {_clock(transport.timeline.duration)}")

    @Slot(object)
    def _on_measured(self, measured: Report[object] | None) -> None:
        self.even.set_icon_name("x" if measured else "equals")
        set_tip(self.even, "Cancel the measurement; the timeline stays as it is" if measured else EVEN_TIP)
        left = f"{100 * measured.fraction:.0f} %   {_clock(measured.seconds_left)[:-3]} left" if measured else ""
        self.measured.setText(left)

    @Slot()
    def _show_segment(self) -> None:
        segment = self.view.first_segment()
        for widget in (self.segment_label, self.interpolation, self.space, self.ease, self.edit_curve, self.remove):
            widget.setEnabled(segment is not None)
        whole = [number for lane, number in self.view.chosen if lane < 0]
        self.update_key.setEnabled(len(whole) == 1)
        self.space.setEnabled(bool(whole))
        self.even.setEnabled(len(self.transport.timeline.keys) > 1)
        shown = (segment.interpolation, segment.space, segment.ease) if segment is not None else (None,) * 3
        for box, value in zip((self.interpolation, self.space, self.ease), shown, strict=True):
            box.setCurrentIndex(box.findData(value) if value is not None else -1)  # -1: nothing is selected


def _exact(text: str) -> float:
    from explorer.animation.film import rate_of

    top, bottom = rate_of(text)
    return top / bottom


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(seconds, 0.0), 60.0)
    return f"{int(minutes)}:{rest:05.2f}"
