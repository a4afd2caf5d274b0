"""SourceTools: connects the crop and the mask over a view's picture with the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from explorer.state import look_of
from explorer.widgets.controls.thumbnails import picture_image

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

    from explorer.session import Session
    from explorer.state import ExplorerState
    from explorer.widgets.viewer.image_view import ImageView

__all__ = ["SourceTools"]


class SourceTools(QObject):
    """Shows the source of a view where it is edited on the picture, and tells the session what the user does."""

    def __init__(self, session: Session, view: int, image: ImageView) -> None:
        super().__init__(image)
        self._session, self._view, self._image = session, view, image
        self._original: tuple[str, QImage | None] = ("", None)
        image.crop.moved.connect(session.sources.set_crop)
        image.crop.reset.connect(session.sources.reset_crop)
        image.crop.left.connect(self._leave)
        image.keep.began.connect(session.masks.begin_stroke)
        image.keep.marked.connect(session.masks.paint)
        image.keep.ended.connect(session.masks.end_stroke)
        image.keep.reverted.connect(session.masks.cancel_stroke)
        image.keep.left.connect(self._leave)
        session.sources.editing_changed.connect(self.show)
        session.masks.changed.connect(self.show)
        session.changed.connect(self._on_changed)
        session.camera.changed.connect(self._show_camera)
        self.show()

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if self._is_edited and self._view < min(len(old.views), len(new.views)):
            before, now = look_of(old, self._view), look_of(new, self._view)
            if before.source != now.source:
                self.show()

    @property
    def _is_edited(self) -> bool:
        sources = self._session.sources
        return bool(sources.editing) and sources.editing_view == self._view

    @Slot()
    def show(self) -> None:
        """Show what is edited."""
        session, image = self._session, self._image
        editing = session.sources.editing if self._is_edited else ""
        info = session.info(self._view) if editing else None
        if editing == "crop" and info is not None:
            crop = session.look_of(self._view).source.crop
            image.crop.show(self._picture(), crop, info.img_size)
        image.crop.set_on(editing == "crop")
        image.keep.set_on(editing == "mask")
        image.keep.set_region(session.masks.region(self._view) if editing == "mask" else None)

    @Slot()
    def _show_camera(self) -> None:
        camera = self._session.camera
        self._image.camera_mark.set_on(camera.is_on and camera.view == self._view)

    def _picture(self) -> QImage | None:
        """Return the original as an image, made once for each."""
        picture = self._session.sources.picture_of(self._view)
        key = picture.key if picture is not None else ""
        if key != self._original[0]:
            self._original = key, None if picture is None else picture_image(picture.array)
        return self._original[1]

    @Slot()
    def _leave(self) -> None:
        self._session.sources.set_editing("")
