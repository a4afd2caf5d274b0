"""The right end of the menu bar: layout buttons, device and precision, frames per second."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMenu, QToolButton, QWidget

from explorer.errors import LatentwalkError
from explorer.state.view_layout import MAX_VIEWS, compared, visible_views
from explorer.util.view_marks import letter
from explorer.widgets.controls.basic import IconButton, Segments
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.theme import GRID, value_font

if TYPE_CHECKING:
    from explorer.animation.recorder import Progress
    from explorer.session import Session
    from explorer.state import ExplorerState

__all__ = ["TopBar", "device_text"]

FILM_STAGES = {"loading": "loading", "finishing": "finishing"}
_RATES = ("999 fps", "at rest", "computing")
DTYPE_NAMES = {"float32": "float32", "bfloat16": "bfloat16"}


def device_text(session: Session) -> str:
    """Return a text that names the device and the precision of rendering."""
    settings = session.devices.settings
    device = next((d.label for d in session.service.devices() if d.name == settings.device), settings.device)
    message = f"Pictures are computed on {device} in {settings.dtype}."
    if settings.device == "cpu":
        message += " No supported graphics card was found."
    if settings.dtype == "bfloat16":
        message += " bfloat16 is faster on some processors and shows small rounding differences."
    return message


def layout_choices(count: int, pair: tuple[int, ...]) -> list[tuple[str, str, str]]:
    """Return buttons for the layouts of `count` views; wipe, flicker and difference compare the views `pair`."""
    if count < 2:
        return []
    both = " and ".join(letter(view) for view in pair)
    keys = ["1", "2", *(f"Alt+{view + 1}" for view in range(2, count))]
    singles = [(str(v), letter(v), f"Picture {letter(v)} alone ({keys[v]})") for v in range(count)]
    grid = ("A|B", "Side by side (3)") if count == 2 else ("All", "All pictures in a grid (3)")
    return [
        *singles,
        ("grid", *grid),
        ("wipe", "Wipe", f"{both} in one frame with a draggable divider (W)"),
        ("flicker", "Flicker", f"{both} alternating in one frame (Shift+W)"),
        ("difference", "Diff", f"{both} and their difference (Shift+D)"),
    ]


def _reserve(button: QToolButton, texts: Iterable[str]) -> None:
    """Make `button` wide enough for each of `texts`, so that the bar does not shift and no text is clipped."""
    button.ensurePolished()  # the style sheet's border and padding count
    shown = button.text()
    for text in texts:
        button.setText(text)
        button.setMinimumWidth(max(button.minimumWidth(), button.sizeHint().width()))
    button.setText(shown)


class TopBar(QWidget):
    """Layout buttons, the badge of device and precision (click to explain and choose), and the frame rate.

    Signals: `action_requested(key)` for a menu entry, `panel_requested(key)` for a panel, `failed(error)`.
    """

    action_requested = Signal(str)
    panel_requested = Signal(str)
    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._session: Session | None = None
        self._menu: QMenu | None = None
        self._choices: dict[tuple[str, str], QAction] = {}
        self.layouts = Segments(layout_choices(2, (0, 1)))
        self.layouts.setEnabled(False)
        self.add_view = IconButton("plus", "Add a view (Ctrl+T)", lambda: self.action_requested.emit("add_view"))
        self.scan = IconButton(
            "barcode", "Slit-scan under the pictures (Shift+S)",
            lambda: self.action_requested.emit("scan"), checkable=True,
        )  # fmt: skip
        self.play = IconButton("pause", "Stop or start motion (Space)", lambda: self.action_requested.emit("play"))
        self.badge = QToolButton()
        self.badge.setObjectName("badge")
        set_tip(self.badge, "Device and precision: click to explain and choose")
        self.badge.clicked.connect(self.open_device_menu)
        self.fps = QToolButton()
        self.fps.setObjectName("badge")
        self.fps.setFont(value_font(self.fps.font()))
        set_tip(self.fps, "Pictures shown in the last second; click for the performance panel")
        _reserve(self.fps, _RATES)
        self.fps.clicked.connect(lambda: self.panel_requested.emit("performance"))
        self.film = QToolButton()
        self.film.setObjectName("badge")
        self.film.setFont(value_font(self.film.font()))
        set_tip(self.film, "The film being rendered; click for its dialog (Ctrl+M)")
        _reserve(self.film, ["Film 100 % finishing"])
        self.film.clicked.connect(lambda _=False: self.action_requested.emit("film"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 2, GRID, 2)
        layout.setSpacing(GRID)
        layout.addWidget(self.film)
        layout.addWidget(self.add_view)
        layout.addWidget(self.layouts)
        layout.addWidget(self.scan)
        layout.addWidget(self.play)
        layout.addSpacing(GRID)
        layout.addWidget(self.badge)
        layout.addWidget(self.fps)
        self._timer = QTimer(self, interval=500)
        self._timer.timeout.connect(self._show_fps)
        for late in (self.add_view, self.scan, self.play, self.badge, self.fps, self.film):
            late.hide()

    def attach(self, session: Session) -> None:
        """Show a session's state and frame rate."""
        self._session = session
        self.layouts.setEnabled(True)
        for late in (self.add_view, self.scan, self.play, self.badge, self.fps):
            late.show()
        self.layouts.chosen.connect(self._on_layout)
        session.changed.connect(self._on_changed)
        session.devices.changed.connect(self._show_device)
        session.films.progress.connect(self._on_film)
        session.films.finished.connect(self._on_film_ended)
        session.films.failed.connect(self._on_film_ended)
        self._show_layout(session.state)
        self.scan.setChecked(session.state.lab.scan)
        self._show_device()
        self._timer.start()

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if visible_views(old) != visible_views(new) or (old.layout, len(old.views)) != (new.layout, len(new.views)):
            self._show_layout(new)
        self.scan.setChecked(new.lab.scan)

    def _show_layout(self, state: ExplorerState) -> None:
        """Update the layout buttons for the number of views, and press the current one."""
        count = len(state.views)
        if self.layouts.set_choices(layout_choices(count, compared(state))):
            self.layouts.setVisible(count > 1)
            self._fit_menu_bar()
        self.add_view.setEnabled(count < MAX_VIEWS)
        set_tip(
            self.add_view, "Add a view (Ctrl+T)" if count < MAX_VIEWS else f"There can be at most {MAX_VIEWS} views"
        )
        self.layouts.set_choice(str(visible_views(state)[0]) if state.layout == "single" else state.layout)

    @Slot(str)
    def _on_layout(self, key: str) -> None:
        assert self._session is not None
        if key.isdecimal():
            self._session.views.show(int(key))
        else:
            self._session.views.set_layout(key)  # type: ignore[arg-type]

    @Slot(object)
    def _on_film(self, progress: Progress) -> None:
        assert self._session is not None
        percent = f"{100 * progress.done // max(progress.total, 1)} %"
        verb = "paused" if self._session.films.is_paused else FILM_STAGES.get(progress.stage, "")
        self.film.setText(" ".join(filter(None, ("Film", percent, verb))))
        self._show_film(self._session.films.is_running)

    @Slot(object)
    def _on_film_ended(self, _: object) -> None:
        self._show_film(False)

    def _show_film(self, shown: bool) -> None:
        if self.film.isHidden() != shown:
            return
        self.film.setVisible(shown)
        self._fit_menu_bar()

    def _fit_menu_bar(self) -> None:
        bar = self.parentWidget()
        if bar is not None:  # a menu bar updates its corner's width only when it is resized
            QApplication.sendEvent(bar, QResizeEvent(bar.size(), bar.size()))

    def _show_device(self) -> None:
        assert self._session is not None
        settings = self._session.devices.settings
        self.badge.setText(
            f"{settings.device.split(':')[0].upper()}  {DTYPE_NAMES.get(settings.dtype, settings.dtype)}"
        )

    def _show_fps(self) -> None:
        session = self._session
        if session is None:
            return
        rates = [session.performance(view).fps for view in session.visible_views() if session.info(view)]
        fps = min(rates, default=0.0)
        rest = "computing" if session.lab.is_measuring else "at rest"
        self.fps.setText(f"{fps:.0f} fps" if fps else rest if rates else "")
        moving = session.motion.clock.is_playing and any(
            session.motion.is_moving(v) for v in session.visible_views()
        )
        self.play.set_icon_name("pause" if moving or session.transport.is_playing else "play")

    def device_menu(self) -> QMenu:
        """Return the menu that explains the badge and offers other devices and precisions."""
        assert self._session is not None
        session = self._session
        if self._menu is None:
            menu = self._menu = QMenu(self)
            self._description = menu.addAction("")
            self._description.setEnabled(False)
            for device in session.service.devices():
                menu.addSection(device.label)
                for dtype in device.dtypes:
                    choose = partial(self.choose, device.name, dtype)
                    action = menu.addAction(f"{device.name}  {dtype}", choose)
                    action.setCheckable(True)
                    self._choices[device.name, dtype] = action
        settings = session.devices.settings
        # A menu entry is one line, so only the first sentence fits; the tooltip has the rest.
        self._description.setText(device_text(session).split(". ")[0].rstrip("."))
        set_tip(self._description, device_text(session))
        for choice, action in self._choices.items():
            action.setChecked(choice == (settings.device, settings.dtype))
        self._menu.setToolTipsVisible(True)
        return self._menu

    def open_device_menu(self) -> None:
        """Show the menu under the badge."""
        self.device_menu().popup(self.badge.mapToGlobal(self.badge.rect().bottomLeft()))

    def choose(self, device: str, dtype: str) -> None:
        """Render on another device or in another precision."""
        assert self._session is not None
        try:
            if device != self._session.devices.settings.device:
                self._session.devices.set_device(device)
            self._session.devices.set_dtype(dtype)
        except LatentwalkError as error:
            self.failed.emit(error)
