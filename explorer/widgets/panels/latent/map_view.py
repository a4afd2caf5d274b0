"""The latent map: an endless plane of pictures to pan and zoom; a click travels, Shift and a drag draw a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from explorer.latents.map_path import along
from explorer.latents.map_tiles import level_of, nearest_first, tiles_in
from explorer.state import Latent
from explorer.widgets.controls.event_filters import claim_keys, positional_tooltip
from explorer.widgets.controls.look_drag import is_drag
from explorer.widgets.controls.plain_text import menu_text
from explorer.widgets.controls.theme import color, value_font
from explorer.widgets.controls.wheel import Wheel
from explorer.widgets.panels.latent.map_camera import MapCamera, Place
from explorer.widgets.panels.latent.map_paint import (
    number_text,
    paint_mark,
    paint_path,
    paint_pins,
    paint_rulers,
    paint_seeds,
    paint_tiles,
    paint_trail,
)
from explorer.widgets.panels.latent.map_pictures import MapPictures

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = ["MapView"]

_LEAST_PX, _MOST_PX = 220, 480
_NEAR_PIN = 9.0  # px
_SNAP = 0.3  # of a picture's side around its middle, where a click means that picture
_NOTCH = 1.25  # zoom of a notch of the wheel
_STEP = 1.5  # zoom of a key or a button
_KEYS = {
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home,
    Qt.Key.Key_Plus, Qt.Key.Key_Minus, Qt.Key.Key_Equal,
}  # fmt: skip
_WAYS = {
    Qt.Key.Key_Left: (1, 0), Qt.Key.Key_Right: (-1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1),
}  # fmt: skip


class MapView(QWidget):
    """Shows the plane of `session.latent_map`; where it is looked at is its own.

    Signals: `travelled(place)`, `path_drawn(places)`, `pin_chosen(number)`, and from the menu `pin_wanted`,
    `rename_wanted(number)`, `remove_wanted(number)`.
    """

    travelled = Signal(object)
    path_drawn = Signal(object)
    pin_chosen = Signal(int)
    pin_wanted = Signal()
    rename_wanted = Signal(int)
    remove_wanted = Signal(int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._map = session, session.latent_map
        self.pictures = MapPictures(session, self.update, self)
        self._cameras: dict[tuple[str, str], MapCamera] = {}  # by the model's hash and the axes
        self._wheel = Wheel(self, needs_focus=False)
        self._press: QPointF | None = None
        self._last = QPointF()
        self._is_panning = False
        self._path: list[Place] = []
        self._pointer: QPointF | None = None
        self.message = ""
        self.setMinimumSize(160, _LEAST_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)  # all of a window of its own
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Latent map")
        claim_keys(self, lambda event: event.key() in _KEYS and not event.modifiers() & ~_HARMLESS)
        positional_tooltip(self, self._tip)
        self._map.changed.connect(self._on_changed)
        self._map.moved.connect(self.update)

    @property
    def camera(self) -> MapCamera:
        """Where the plane is looked at."""
        axes = self._map.settings.axes
        camera = self._cameras.get((self._map.sha, axes)) or _new_camera(axes)
        camera.width, camera.height = self.width(), self.height()
        return camera

    @property
    def path(self) -> list[Place]:
        """The path that is being drawn; empty if none is."""
        return list(self._path)

    def show_message(self, text: str) -> None:
        """Show why there is no map; "" shows the map."""
        self.message = text
        self.update()

    def home(self) -> None:
        """Show the current latent in the middle, or its seed where it has no place itself."""
        near, here = (self.camera.x, self.camera.y), self._map.here
        place = self._map.place(here, near) or self._map.place(Latent(here.seed), near)
        if place is not None:
            self.camera.look_at(place)
        self.update()

    def zoom(self, steps: int) -> None:
        """Enlarge or shrink about the middle, by steps of a key."""
        self.camera.zoom(_STEP**steps, QPointF(self.width() / 2, self.height() / 2))
        self.update()

    def _on_changed(self) -> None:
        key = (self._map.sha, self._map.settings.axes)
        if self._map.plane is not None and key not in self._cameras:
            self._cameras[key] = _new_camera(key[1])
            self.home()
        self.update()

    def pin_at(self, at: QPointF) -> int:
        """Return the number of the pin at a point; -1 if there is none."""
        near = [((self._pixel_of_pin(i) or QPointF(1e9, 0)) - at).manhattanLength() for i in range(self._pins)]
        best = min(range(self._pins), key=near.__getitem__, default=-1)
        return best if best >= 0 and near[best] <= _NEAR_PIN else -1

    def place_clicked(self, at: QPointF) -> Place:
        """Return the place that a click means: that of the picture below it, or between pictures its own."""
        camera = self.camera
        place = camera.place(at)
        tile = nearest_first(tiles_in(level_of(camera.scale), *place, *place), *place)[0]
        near = _SNAP * tile.step * camera.scale
        away = camera.pixel(tile.place) - at
        return tile.place if max(abs(away.x()), abs(away.y())) <= near else place

    @property
    def _pins(self) -> int:
        return len(self._map.settings.pins)

    def _pixel_of_pin(self, number: int) -> QPointF | None:
        place = self._map.place(self._map.settings.pins[number].latent, (self.camera.x, self.camera.y))
        return None if place is None else self.camera.pixel(place)

    # input -----------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._press is not None or self._map.plane is None:
            return
        left = event.button() == Qt.MouseButton.LeftButton
        if not left and event.button() != Qt.MouseButton.MiddleButton:
            return
        self._press = self._last = event.position()
        self._is_panning = not left
        if left and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._path = [self.camera.place(event.position())]
        self._show_cursor()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = self._pointer = event.position()
        if self._press is None:
            return
        if self._path:
            self._path.append(self.camera.place(at))
        elif self._is_panning or is_drag(self._press, at):
            self._is_panning = True
            self.camera.pan(at - self._last)
            self._last = at
            self._show_cursor()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._press is None or event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            return
        path, was_panning, press = self._path, self._is_panning, self._press
        self._end_gesture()
        if path:
            if is_drag(press, event.position()) or len(path) > 8:
                self.path_drawn.emit(path)
        elif not was_panning and self._map.plane is not None:
            pin = self.pin_at(press)
            if pin >= 0:
                self.pin_chosen.emit(pin)
            else:
                self.travelled.emit(self.place_clicked(press))

    def _end_gesture(self) -> None:
        self._press, self._is_panning, self._path = None, False, []
        self._show_cursor()
        self.update()

    def _show_cursor(self) -> None:
        shape = Qt.CursorShape.ArrowCursor
        if self._path:
            shape = Qt.CursorShape.CrossCursor
        elif self._is_panning:
            shape = Qt.CursorShape.ClosedHandCursor
        self.setCursor(shape)

    def leaveEvent(self, event: object) -> None:
        self._pointer = None

    def hideEvent(self, event: QHideEvent) -> None:
        self._end_gesture()  # a hidden widget receives no release event
        super().hideEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._map.plane is None or not self._wheel.is_meant(event):
            event.ignore()
            return
        self.camera.zoom(_NOTCH ** self._wheel.notches(event), event.position())
        event.accept()
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape and self._press is not None:
            self._end_gesture()
        elif key in _WAYS:
            x, y = _WAYS[key]
            self.camera.pan(QPointF(x * self.width() / 4, y * self.height() / 4))
            self.update()
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.zoom(-1 if key == Qt.Key.Key_Minus else 1)
        elif key == Qt.Key.Key_Home:
            self.home()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._map.plane is None:
            return
        at = QPointF(event.pos())
        place, pin = self.camera.place(at), self.pin_at(at)
        menu = QMenu(self)
        if pin >= 0:
            name = menu_text(self._map.settings.pins[pin].name)
            menu.addAction(f"Travel to {name}").triggered.connect(lambda: self.pin_chosen.emit(pin))
            menu.addAction("Rename \u2026").triggered.connect(lambda: self.rename_wanted.emit(pin))
            menu.addAction("Remove pin").triggered.connect(lambda: self.remove_wanted.emit(pin))
            menu.addSeparator()
        menu.addAction("Travel here").triggered.connect(lambda: self.travelled.emit(place))
        menu.addAction("Pin the current latent").triggered.connect(self.pin_wanted.emit)
        menu.addAction("Show the current latent").triggered.connect(self.home)
        menu.exec(event.globalPos())
        menu.deleteLater()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setMinimumHeight(min(max(self.width(), _LEAST_PX), _MOST_PX))

    def _tip(self, at: QPointF) -> str:
        if self._map.plane is None:
            return self.message
        pin = self.pin_at(at)
        if pin >= 0:
            return f"{self._map.settings.pins[pin].name}: click to go there, right-click for more"
        x, y = self.camera.place(at)
        what = f"{number_text(x)} \u03c3, {number_text(y)} \u03c3" if self.camera.is_up else "Seeds and blends"
        return f"{what}. Click: travel. Drag: pan. Wheel: zoom. Shift+drag: a path of keys. Right-click: more"

    # painting --------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        clip = QPainterPath()
        clip.addRoundedRect(box, 4, 4)
        p.setClipPath(clip)
        p.fillPath(clip, color("sunken"))
        p.setFont(value_font(self.font()))
        if self._map.plane is None:
            p.setPen(color("caption"))
            middle = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            p.drawText(box.adjusted(16, 16, -16, -16), middle, self.message)
        else:
            self._paint_plane(p)
        p.setClipping(False)
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.setPen(QPen(color("accent" if self.hasFocus() else "border"), 1))
        p.drawRoundedRect(box, 4, 4)
        p.end()

    def _paint_plane(self, p: QPainter) -> None:
        camera, intents = self.camera, self._map
        tiles = tiles_in(level_of(camera.scale), *camera.bounds())
        missing = paint_tiles(p, camera, tiles, self.pictures.get, self.pictures.others)
        focus = camera.place(self._pointer) if self._pointer is not None else (camera.x, camera.y)
        self.pictures.want(nearest_first(missing, *focus))
        if camera.is_up:
            first, second = intents.pair
            paint_rulers(p, camera, (f"PC {first + 1}", f"PC {second + 1}"))
        else:
            paint_seeds(p, camera, tiles)
        near = (camera.x, camera.y)
        places = [intents.place(latent, near) for latent in intents.trail()]
        paint_trail(p, [camera.pixel(place) for place in places if place is not None])
        pins = [(self._pixel_of_pin(i), pin.name) for i, pin in enumerate(intents.settings.pins)]
        paint_pins(p, [(at, name) for at, name in pins if at is not None])
        here = intents.place(intents.here, near)
        if here is not None:
            paint_mark(p, camera, camera.pixel(here))
        if self._path:
            keys = along(self._path, min(max(intents.settings.keys, 2), 60))
            paint_path(p, [camera.pixel(at) for at in self._path], [camera.pixel(at) for at in keys])


def _new_camera(axes: str) -> MapCamera:
    return MapCamera(72.0, True) if axes == "components" else MapCamera(84.0, False)


_HARMLESS = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
