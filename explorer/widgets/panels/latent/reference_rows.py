"""ReferenceRows: the pictures whose styles are the latent, each with its weight."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.util.plain_text import visible
from explorer.widgets.controls.basic import IconButton, row
from explorer.widgets.controls.drops import dropped_files, take_copy
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.controls.thumbnails import paint_thumbnail, picture_image

if TYPE_CHECKING:
    from explorer.assets.picture import StoredPicture
    from explorer.session import Session
    from explorer.widgets.controls.bindings import Binder

__all__ = ["ReferenceRows"]

_PX = 32
_MOST_NAME = 24


class _Face(QWidget):
    """A small reference picture."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(QSize(_PX, _PX))
        self._key = ""
        self._image: QImage | None = None

    def show_picture(self, picture: StoredPicture) -> None:
        if picture.key != self._key:
            image = picture_image(picture.array)
            side = min(image.width(), image.height())
            middle = image.copy((image.width() - side) // 2, (image.height() - side) // 2, side, side)
            self._image = middle.scaled(2 * _PX, 2 * _PX, mode=Qt.TransformationMode.SmoothTransformation)
            self._key = picture.key
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        paint_thumbnail(p, self._image, QRectF(self.rect()))
        p.end()


class _Row(QWidget):
    """One reference."""

    def __init__(self, owner: ReferenceRows, session: Session, bind: Binder, index: int) -> None:
        super().__init__()
        self.face = _Face()
        self.slider = ValueSlider("", 0.0, 1.0, 0.0, step=0.05, label_width=64, value_width=36)
        self.slider.set_tip("Share of this picture's style in the blend.")
        self.remove = IconButton("x", "Remove this reference", partial(session.references.remove, index), size=12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        line = row(self.face, self.slider, self.remove)
        line.layout().setStretch(1, 1)  # type: ignore[union-attr]  # `row` made one
        layout.addWidget(line)
        bind.stroke(self.slider, "Weight of a reference", partial(session.references.weigh, index))


class ReferenceRows(QWidget):
    """The references of the active view, and buttons that ask for more; pictures can be dropped here.

    Signals: `asked(is_more)`: a picture is wanted, beside the others or instead of them.
    """

    asked = Signal(bool)

    def __init__(self, session: Session, bind: Binder) -> None:
        super().__init__()
        self._session, self._binder = session, bind
        self.rows: list[_Row] = []
        self.choose = IconButton(
            "palette", "Take the style of a picture, for the chosen classes, instead of that of a seed",
            partial(self.asked.emit, False), text="Style of a picture",
        )  # fmt: skip
        self.more = IconButton("plus", "Blend the style of another picture in", partial(self.asked.emit, True))
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        line = row(self.choose, self.more)
        line.layout().setStretch(0, 1)  # type: ignore[union-attr]  # `row` made one
        self._layout.addWidget(line)
        self.setAcceptDrops(True)
        bind.look(lambda look: look.latent, lambda _: self._show(session.references.all))
        bind.available("source.style", self.choose, self.more)

    def _show(self, references: Sequence[tuple[StoredPicture, float]]) -> None:
        while len(self.rows) < len(references):
            made = _Row(self, self._session, self._binder, len(self.rows))
            self.rows.append(made)
            self._layout.addWidget(made)
        for index, made in enumerate(self.rows):
            made.setVisible(index < len(references))
            if index < len(references):
                picture, weight = references[index]
                name = visible(picture.name or "picture")
                made.face.show_picture(picture)
                set_tip(made.face, name)
                made.slider.set_label(name if len(name) <= _MOST_NAME else f"{name[:_MOST_NAME]}\u2026")
                made.slider.set_value(weight)
                made.slider.set_reason("" if len(references) > 1 else "A single reference has all of the weight")
        self.more.setVisible(bool(references))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if not (self.choose.isEnabled() and dropped_files(event) and take_copy(event)):
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = dropped_files(event)
        if paths and take_copy(event):
            self._session.references.open_more(paths[0])
