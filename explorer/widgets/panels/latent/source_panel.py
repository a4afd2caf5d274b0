"""The source panel: the picture that an image-to-image network changes, crop and mask, and styles of pictures."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFileDialog, QMenu, QVBoxLayout, QWidget

from explorer.project.file_kinds import PICTURE_FILTER
from explorer.util.plain_text import visible
from explorer.util.view_marks import letter
from explorer.widgets.controls.basic import ElidedLabel, IconButton, label, row
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.thumbnails import picture_image, thumbnail_image
from explorer.widgets.controls.wrap_row import wrap_row
from explorer.widgets.panels.latent.grid_dialog import GridDialog
from explorer.widgets.panels.latent.mask_rows import MaskRows
from explorer.widgets.panels.latent.reference_rows import ReferenceRows
from explorer.widgets.panels.latent.source_cost import cost_text
from explorer.widgets.panels.latent.source_well import SourceWell
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QImage

    from explorer.generators.base import GeneratorInfo
    from explorer.render.results import Frame
    from explorer.session import Session
    from explorer.state import Source

__all__ = ["SourcePanel"]


class SourcePanel(Panel):
    """The source of image-to-image networks; others have none, and say so.

    Args:
        session: The session.
        on_film: Opens the dialog of films with the layout of that name.
        parent: Owner.
    """

    key = "source"
    title = "Source"

    def __init__(self, session: Session, on_film: Callable[[str], None], parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._on_film = on_film
        self._image: tuple[str, QImage | None] = ("", None)
        self.well = SourceWell()
        self.name = ElidedLabel()
        self.name.setProperty("role", "muted")
        self.load = IconButton("folder-open", "Choose the source picture", self.ask_source, text="Open")
        self.view = IconButton(
            "squares-four",
            "The picture of another view as the source, as it changes",
            self._open_views,
            text="View",
        )
        self.remove = IconButton("trash", "Remove the source and its mask", session.sources.remove)
        self.camera = IconButton(
            "camera", "The camera as the source (needs OpenCV); again: keep its last picture", self._toggle_camera,
            checkable=True,
        )  # fmt: skip
        self.crop = IconButton(
            "crop", "Crop and turn the source on the picture itself; Esc ends it", self._toggle_crop,
            text="Crop", checkable=True,
        )  # fmt: skip
        self.whole = IconButton(
            "arrow-counter-clockwise", "Give the network the largest part in the middle", session.sources.reset_crop
        )
        self.masks = MaskRows(session, self.bind)
        self.references = ReferenceRows(session, self.bind)
        self.grid = IconButton(
            "grid-four",
            "Every source in every style, as one picture or as a film",
            self.open_grid,
            text="Grid \u2026",
        )
        self.cost = label("", "caption", wrap=True)
        self.menu = QMenu(self)
        self._lay_out()
        self._bind()

    def _lay_out(self) -> None:
        beside = QWidget()
        column = QVBoxLayout(beside)
        column.setContentsMargins(4, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.name)
        column.addWidget(wrap_row(self.load, self.view, self.camera, self.crop, self.whole, self.remove))
        column.addStretch(1)
        line = row(self.well, beside)
        line.layout().setStretch(1, 1)  # type: ignore[union-attr]  # `row` made one
        for item in (line, self.masks, self.references, self.grid, self.cost):
            self.add(item)

    def _bind(self) -> None:
        session, sources = self.session, self.session.sources
        self.well.clicked.connect(self.ask_source)
        self.well.dropped.connect(sources.open)
        self.masks.asked.connect(self.ask_mask)
        self.references.asked.connect(self.ask_style)
        sources.failed.connect(self.problem)
        session.references.failed.connect(self.problem)
        session.camera.failed.connect(self.problem)
        session.camera.changed.connect(self._show_camera)
        sources.editing_changed.connect(self._show_editing)
        session.frame.connect(self._on_frame)
        self.bind.look(lambda look: look.source, self._show)
        self.bind.model(self._show_model)
        self.bind.available("source.picture", self.well, self.load, self.view, self.camera, self.remove)
        self.bind.available("source.picture", self.grid)
        self.bind.available("source.crop", self.crop, self.whole)
        self._show_editing()

    # display ---------------------------------------------------------------------------------------------

    def _show_model(self, info: GeneratorInfo | None) -> None:
        self._show(self.session.look_of().source)
        frame = self.session.last_frame(self.session.active)
        self.cost.setText("" if info is None or frame is None else cost_text(frame, info))

    def _show(self, source: Source) -> None:
        picture, info = self.session.sources.picture, self.session.info(self.session.active)
        size = info.img_size if info is not None else (1, 1)
        self.remove.setVisible(bool(source.picture) or source.view >= 0)
        self.whole.setVisible(source.crop.x != 0 or source.crop.y != 0 or source.crop != type(source.crop)())
        is_taken = info is not None and bool(info.source_channels)
        camera = self.session.camera
        if camera.is_on and camera.view == self.session.active:
            image = None if camera.picture is None else picture_image(camera.picture.array)
            self.well.show_picture(image, source.crop, size)
            self.name.set_text("Camera, live" if camera.picture is not None else "Opening the camera \u2026")
            set_tip(self.well, "What the camera sees")
            return
        if source.view >= 0 and is_taken:
            self._show_live(source)
            return
        if picture is None or not is_taken:
            self.well.show_picture(None, None, size)
            self.name.set_text("No source")
            set_tip(self.well, "Drop a picture, or click")
            return
        if self._image[0] != source.picture:
            self._image = source.picture, picture_image(picture.array)
        self.well.show_picture(self._image[1], source.crop, size)
        self.name.set_text(visible(picture.name or "picture"))
        height, width = picture.array.shape[:2]
        set_tip(self.well, f"{width}\u00d7{height} px")

    def _show_live(self, source: Source) -> None:
        frame, info = self.session.last_frame(source.view), self.session.info(self.session.active)
        size = info.img_size if info is not None else (1, 1)
        image = None if frame is None else thumbnail_image(frame)
        self.well.show_picture(image, source.crop, size)
        self.name.set_text(f"View {letter(source.view)}, live")
        set_tip(self.well, f"The picture of view {letter(source.view)}, as it changes")

    @Slot(object)
    def _on_frame(self, frame: Frame) -> None:
        """Show the cost of the active view's picture, and a live source as it changes."""
        info, source = self.session.info(self.session.active), self.session.look_of().source
        if info is None or not info.source_channels or not self.isVisible():
            return
        if frame.view == self.session.active:
            if self.session.camera.is_on:
                self._show(source)
            self.cost.setText(cost_text(frame, info))
        if frame.view == source.view:
            self._show_live(source)

    @Slot()
    def _show_editing(self) -> None:
        self.crop.setChecked(self.session.sources.editing == "crop")

    @Slot()
    def _show_camera(self) -> None:
        camera = self.session.camera
        self.camera.setChecked(camera.is_on and camera.view == self.session.active)
        self._show(self.session.look_of().source)

    # input -----------------------------------------------------------------------------------------------

    def _toggle_camera(self) -> None:
        camera = self.session.camera
        self.attempt(camera.start if self.camera.isChecked() else camera.stop)
        self._show_camera()

    def _toggle_crop(self) -> None:
        self.session.sources.set_editing("crop" if self.crop.isChecked() else "")
        self._show_editing()

    def fill_views(self) -> None:
        """List the views whose pictures can be the source."""
        self.menu.clear()
        for view in self.session.sources.views_to_use():
            model = self.session.model_info(view)
            text = f"View {letter(view)}   {visible(model.name if model is not None else '', 40)}"
            self.menu.addAction(text.replace("&", "&&"), partial(self.session.sources.use_view, view))
        if self.menu.isEmpty():
            self.menu.addAction("Open another model in a further view first").setEnabled(False)

    def _open_views(self) -> None:
        self.fill_views()
        self.menu.popup(self.view.mapToGlobal(self.view.rect().bottomLeft()))

    def open_grid(self) -> GridDialog:
        """Open the dialog of the grid, and return it."""
        dialog = GridDialog(self, self.session)
        dialog.problem.connect(self.problem)
        dialog.film_requested.connect(self._on_film)
        dialog.finished.connect(dialog.deleteLater)
        dialog.show()
        return dialog

    def ask_source(self) -> None:
        """Ask for the source picture."""
        self._ask("Choose the source picture", self.session.sources.open)

    def ask_mask(self) -> None:
        """Ask for the mask."""
        self._ask("Open a mask", self.session.sources.open_masks)

    def ask_style(self, is_more: bool) -> None:
        """Ask for a picture whose style is taken, or blended in."""
        references = self.session.references
        self._ask("Take the style of a picture", references.open_more if is_more else references.open)

    def _ask(self, title: str, then: Callable[[str], None]) -> None:
        path, _ = QFileDialog.getOpenFileName(self, title, "", PICTURE_FILTER)
        if path:
            then(path)
