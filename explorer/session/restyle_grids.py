"""RestyleGrids: every source in every style as one picture, and keys that walk the styles. GUI thread only."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from explorer.animation.player import snapshot_of
from explorer.animation.restyle_grid import check_size, grid_spec, head_of, shown, tiled
from explorer.assets.picture import StoredPicture
from explorer.assets.picture_files import load_picture
from explorer.errors import ProjectError, UsageError
from explorer.project.document import write_png
from explorer.session.job_runner import JobRunner
from explorer.state import Crop, Keyframe, Segment, with_look
from explorer.state.restyle_grid import RestyleGrid, sources_of, styles_of
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from explorer.generators.base import GeneratorInfo
    from explorer.session.class_names import ClassNameIntents
    from explorer.session.core import SessionCore
    from explorer.session.file_writer import FileWorker
    from explorer.session.reading import Reading
    from explorer.state import Source
    from explorer.state.restyle_grid import GridStyle
    from explorer.util.control import Control

__all__ = ["RestyleGrids"]

MAX_CELLS = 4096


class RestyleGrids(QObject):
    """The grid of sources against styles of a view, and its settings, which are in the state.

    Signals: `progress(Report)`; then one of `finished()`, when the file is being written, or `failed(error)`, also
    for a grid that was cancelled and for a picture that cannot be read.
    """

    progress = Signal(object)
    finished = Signal()
    failed = Signal(object)

    def __init__(
        self, session: SessionCore, files: FileWorker, reading: Reading, class_names: ClassNameIntents
    ) -> None:
        super().__init__(session)
        self._session, self._files, self._reading, self._names = session, files, reading, class_names
        self._runner = JobRunner(self, session)
        self._runner.reported.connect(self.progress)
        self._runner.finished.connect(self._on_finished)
        self._runner.failed.connect(self.failed)
        self._write: Callable[[Sequence[NDArray[np.uint8]]], None] = lambda found: None

    # -- settings ------------------------------------------------------------------------------------------

    @property
    def settings(self) -> RestyleGrid:
        """The settings."""
        return self._session.state.restyle_grid

    def edit(self, name: str, **fields: Any) -> None:
        """Change settings, for the active view, as one undo step."""
        state = self._session.state
        made = replace(state.restyle_grid, view=self._session.active, **fields)
        self._session.store.update(replace(state, restyle_grid=made), name)

    def open(self, paths: Sequence[str], field: str) -> None:
        """Read pictures in the background and add them to `sources` or `references`."""
        if paths:
            text = f"Reading {visible(Path(paths[0]).name)}"
            work = partial(_read, tuple(str(path) for path in paths))
            self._reading.start(text, work, lambda found: self.add(found, field), self.failed.emit)

    def add(self, pictures: Sequence[StoredPicture], field: str) -> None:
        """Add pictures to `sources` or `references`."""
        keys = [self._session.table.add(picture) for picture in pictures]
        before = getattr(self.settings, field)
        self.edit(f"Add {field}", **{field: tuple(dict.fromkeys((*before, *keys)))})

    def remove(self, index: int, field: str) -> None:
        """Remove a picture of `sources` or `references`."""
        before = getattr(self.settings, field)
        self.edit(f"Remove from {field}", **{field: before[:index] + before[index + 1 :]})

    def pictures(self, field: str) -> tuple[StoredPicture, ...]:
        """Return the pictures of `sources` or `references`."""
        found = (self._session.table.find(StoredPicture, key) for key in getattr(self.settings, field))
        return tuple(picture for picture in found if picture is not None)

    # -- cells ---------------------------------------------------------------------------------------------

    def rows(self) -> tuple[Source, ...]:
        """Return the sources: those that were chosen, or the view's own."""
        return sources_of(self.settings, self._session.look_of().source)

    def columns(self) -> tuple[GridStyle, ...]:
        """Return the styles: those that were chosen, or the view's own."""
        info = self._session.info(self._session.active)
        classes = range(info.c_dim) if info is not None else ()
        return styles_of(self.settings, self._session.look_of().latent, classes)

    def name_of(self, style: GridStyle) -> str:
        """Return what stands above a column without a reference."""
        names = self._names.of(self._session.active)
        label = style.label
        of_class = "" if label < 0 else names[label] if label < len(names) and names[label] else f"class {label}"
        of_seed = f"seed {style.seed}" if style.seed >= 0 else ""
        return "  ".join(part for part in (of_seed, of_class) if part)

    def start(self, path: Path, px: int) -> None:
        """Begin the grid; its file carries the project.

        Args:
            path: Ends in .png.
            px: Pixels of the longer side of each cell; 0 for as many as it has.

        Raises:
            LatentwalkError: A cell cannot be rendered, there are too many, or another grid is being made.
        """
        if path.suffix.lower() != ".png":
            raise ProjectError(f"{path.name} is not a PNG.", "Grids are saved as .png.")
        session, view = self._session, self._session.active
        info, look = session.info(view), session.look_of()
        if info is None or not info.source_channels:
            raise UsageError("The model of this view takes no source picture.", "Open an image-to-image model.")
        rows, columns = self.rows(), self.columns()
        if len(rows) * len(columns) > MAX_CELLS:
            raise UsageError(f"The grid would have {len(rows) * len(columns)} pictures.", f"At most {MAX_CELLS}.")
        scale = px / max(info.img_size) if px else 1.0
        size = max(1, round(info.img_size[0] * scale)), max(1, round(info.img_size[1] * scale))
        check_size(len(rows), len(columns), size)
        sources = [session.resolve_look(replace(look, source=source, drift=0.0), view) for source in rows]
        styles = [session.resolve_look(style.of(replace(look, source=rows[0])), view) for style in columns]
        write = self._writer(path, info, size)
        self._runner.start(grid_spec(sources, styles), view)
        self._write = write

    def _writer(
        self, path: Path, info: GeneratorInfo, size: tuple[int, int]
    ) -> Callable[[Sequence[NDArray[np.uint8]]], None]:
        """Return what writes the page of finished cells, with the state as it is now."""
        session, rows, columns = self._session, self.rows(), self.columns()
        state, table, digests = session.state, session.table, session.digests()
        heads = [self._head(style, info, size) for style in columns]
        lefts = [self._input(source, info, size) for source in rows]

        def write(found: Sequence[NDArray[np.uint8]]) -> None:
            page: list[list[NDArray[np.uint8] | None]] = [[None, *heads]]
            for i, left in enumerate(lefts):
                page.append([left, *found[i * len(columns) : (i + 1) * len(columns)]])
            pixels = tiled(page, size)
            write_png(path, np.ascontiguousarray(pixels[:, :, ::-1]), state, table, digests)

        return lambda found: self._files.write(path, lambda: write(found))

    def _head(self, style: GridStyle, info: GeneratorInfo, size: tuple[int, int]) -> NDArray[np.uint8]:
        reference = self._session.table.find(StoredPicture, style.reference)
        return head_of(self.name_of(style), size, None if reference is None else shown(reference.array, info))

    def _input(self, source: Source, info: GeneratorInfo, size: tuple[int, int]) -> NDArray[np.uint8]:
        """Return the picture beside a row."""
        frame = self._session.last_frame(source.view) if source.view >= 0 else None
        if frame is not None:
            return np.ascontiguousarray(frame.pixels[:, :, 2::-1])
        picture = self._session.table.find(StoredPicture, source.picture)
        crop = None if source.crop == Crop() else source.crop
        return head_of("", size) if picture is None else shown(picture.array, info, crop)

    def cancel(self) -> None:
        """Cancel the grid."""
        self._runner.cancel()

    def close(self) -> bool:
        """Cancel, and return True once that has ended."""
        return self._runner.close()

    @Slot(object)
    def _on_finished(self, found: tuple[NDArray[np.uint8], ...]) -> None:
        self._write(found)
        self.finished.emit()

    # -- the film ------------------------------------------------------------------------------------------

    def make_keys(self, seconds: float) -> None:
        """Replace the timeline's keys by one for each style, that many seconds apart, in a seamless loop.

        The sources stay as they are, so that a film in the layout "sources" shows the styles walk over them.

        Raises:
            LatentwalkError: There is a single style.
        """
        session, styles = self._session, self.columns()
        if len(styles) < 2:
            raise UsageError(
                "There is one style only, which cannot walk.", "Add references or seeds, or each class."
            )
        state, view = session.state, session.active
        keys = []
        for i, style in enumerate(styles):
            look = style.of(session.look_of())
            posed = with_look(state, view, latent=look.latent, classes=look.classes, drift=0.0)
            keys.append(Keyframe(i * seconds, snapshot_of(posed), Segment("linear", "w", "in-out")))
        before = replace(state.timeline, aside=None)
        timeline = replace(
            before, keys=tuple(keys), tracks=(), performance=(), duration=len(styles) * seconds, loop="seamless",
            aside=before if before.keys or before.performance else state.timeline.aside,
        )  # fmt: skip
        grid = replace(state.restyle_grid, view=view)
        session.store.update(replace(state, restyle_grid=grid, timeline=timeline), "Keys of the styles")


def _read(paths: Sequence[str], control: Control) -> list[StoredPicture]:
    found = []
    for path in paths:
        control.check()
        found.append(load_picture(path))
    return found
