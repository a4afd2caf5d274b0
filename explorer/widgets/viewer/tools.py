"""Tools over a picture that receive pointer input before it: handles, dividers, substitutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, QPointF, QRectF, Qt

if TYPE_CHECKING:
    from PySide6.QtGui import QImage, QPainter

__all__ = ["PassiveTool", "PictureView", "SubstituteTool", "Tool"]


class PictureView(Protocol):
    """The interface of the picture widget for tools. Rectangles are in widget coordinates.

    Attributes:
        image: The picture of the newest frame; None if there is none.
        matrix: Forward motion of that frame, 9 numbers by rows; None if it is not moved.
    """

    image: QImage | None
    matrix: tuple[float, ...] | None

    def update(self) -> None:
        """Schedule a repaint."""

    def area(self) -> QRectF:
        """Return the part of the widget that pictures may fill."""

    def picture_rect(self) -> QRectF:
        """Return the rectangle of the picture."""

    def rect_of(self, image: QImage) -> QRectF:
        """Return the rectangle of another picture."""

    def paint_image(self, p: QPainter, image: QImage, rect: QRectF) -> None:
        """Paint a picture like the view's own, smoothed or as squares."""


class Tool(Protocol):
    """A tool over a picture. The first tool that is hit receives a drag with the left button.

    Attributes:
        undo_name: Name of the undo step of a drag; empty if a drag does not change the state.
        takes_other_button: Whether it receives drags with the right button, or with Alt, too.
    """

    undo_name: str
    takes_other_button: bool

    def substitute(self) -> QImage | None:
        """Return what is shown instead of the picture; None for the picture itself."""

    def caption(self) -> str:
        """Return a short text for the picture's upper edge; empty for none."""

    def hit(self, at: QPointF) -> bool:
        """Return whether a press at this point of the widget belongs to the tool."""

    def cursor(self, at: QPointF) -> Qt.CursorShape:
        """Return the cursor over a point that is hit."""

    def set_other(self, is_other: bool) -> None:
        """Say whether the next press is with the right button, or with Alt."""

    def press(self, at: QPointF) -> None:
        """Begin a drag at a point that is hit."""

    def move(self, at: QPointF) -> None:
        """Continue the drag."""

    def release(self) -> None:
        """End the drag."""

    def cancel(self) -> None:
        """Cancel the drag, whose undo step is reverted by the view's owner."""

    def paint_picture(self, p: QPainter, rect: QRectF) -> None:
        """Paint over the picture in `rect`, below the pixel grid."""

    def paint(self, p: QPainter) -> None:
        """Paint handles and marks over everything."""


class PassiveTool(QObject):
    """A tool that does nothing; subclasses override what they need."""

    undo_name = ""
    takes_other_button = False

    def __init__(self, picture: PictureView) -> None:
        super().__init__(picture if isinstance(picture, QObject) else None)
        self.picture = picture

    def substitute(self) -> QImage | None:
        """Return None: the picture is shown."""
        return None

    def caption(self) -> str:
        """Return an empty text."""
        return ""

    def hit(self, at: QPointF) -> bool:
        """Return False."""
        return False

    def cursor(self, at: QPointF) -> Qt.CursorShape:
        """Return the arrow."""
        return Qt.CursorShape.ArrowCursor

    def set_other(self, is_other: bool) -> None:
        """Do nothing."""

    def press(self, at: QPointF) -> None:
        """Do nothing."""

    def move(self, at: QPointF) -> None:
        """Do nothing."""

    def release(self) -> None:
        """Do nothing."""

    def cancel(self) -> None:
        """End the drag as a release does."""
        self.release()

    def paint_picture(self, p: QPainter, rect: QRectF) -> None:
        """Paint nothing."""

    def paint(self, p: QPainter) -> None:
        """Paint nothing."""


class SubstituteTool(PassiveTool):
    """Shows another picture instead, with a caption: the one before edits, or an average."""

    def __init__(self, picture: PictureView) -> None:
        super().__init__(picture)
        self.image: QImage | None = None
        self.text = ""

    def show(self, image: QImage | None, text: str = "") -> None:
        """Show a picture with a caption; None shows the view's own."""
        self.image, self.text = image, text
        self.picture.update()

    def substitute(self) -> QImage | None:
        """Return the other picture."""
        return self.image

    def caption(self) -> str:
        """Return the caption of the other picture."""
        return self.text if self.image is not None else ""
