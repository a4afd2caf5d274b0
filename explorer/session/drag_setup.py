"""What is to be dragged: points, what may move, and settings, as the user sets them and as they are saved."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PySide6.QtCore import QObject, Signal

from explorer.assets.picture import StoredMask
from explorer.dragging.benchmark_files import SeededDrag
from explorer.dragging.problem import Drag
from explorer.errors import RequestError, UsageError
from explorer.state import Latent, look_of, with_look
from explorer.state.parameters import DRAG_PARAMETERS
from explorer.util.brush import BRUSH, brushed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from explorer.generators.base import GeneratorInfo
    from explorer.session.core import SessionCore
    from explorer.state.dragging import DragSettings, DragSetup, Point
    from explorer.util.brush import Place

__all__ = ["DragSetupIntents", "Editing"]

Editing = Literal["", "points", "mask"]


class DragSetupIntents(QObject):
    """The part of the state that says what is to be dragged; every change is an undo step. GUI thread only.

    Points are (y, x) in pixels of the network's picture here, and in picture widths in the state.

    Attributes:
        editing: What presses on the picture set: points, what may move, or nothing.
        brush: Radius of the brush in picture widths.
        is_erasing: Whether the brush takes away from what may move.
        opened: The drags of the last file.
        number: Of the one that was chosen.
    """

    changed = Signal()

    def __init__(self, session: SessionCore) -> None:
        super().__init__(session)
        self._session = session
        self.editing: Editing = ""
        self.brush, self.is_erasing = BRUSH, False
        self.opened: tuple[SeededDrag, ...] = ()
        self.number = 0
        self._stroke: tuple[NDArray[np.bool_] | None, bool] | None = None  # the mask so far, whether it is erased
        self._known: tuple[tuple[object, ...], NDArray[np.bool_] | None] = ((), None)

    # -- reading -------------------------------------------------------------------------------------------

    @property
    def setup(self) -> DragSetup:
        """What the state says."""
        return self._session.store.base.drag

    @property
    def view(self) -> int:
        """The view whose picture it is."""
        return self.setup.view

    @property
    def settings(self) -> DragSettings:
        """How to drag, within the limits of each number."""
        settings = self.setup.settings
        numbers = {p.path.removeprefix("drag."): p for p in DRAG_PARAMETERS}
        fitted: dict[str, Any] = {name: p.clamped(getattr(settings, name)) for name, p in numbers.items()}
        return replace(settings, **fitted | {"steps": int(fitted["steps"])})

    @property
    def handles(self) -> tuple[Point, ...]:
        """The points, in pixels; none without a model."""
        return self._pixels(self.setup.handles)

    @property
    def targets(self) -> tuple[Point, ...]:
        """Where they should be."""
        return self._pixels(self.setup.targets)

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """What may move, bool `[H, W]`; None: everything. During a stroke of the brush with what it covers."""
        if self._stroke is not None:
            return self._stroke[0]
        info, table, key = self._info(), self._session.table, self.setup.mask
        if not key or info is None:
            return None
        of = (key, info.img_size, key in table)
        if self._known[0] != of:
            self._known = of, _fitted(table.get(key), info.img_size)
        return self._known[1]

    def _info(self) -> GeneratorInfo | None:
        return self._session.info(self.view) if self.view < len(self._session.state.views) else None

    def _pixels(self, points: Sequence[Point]) -> tuple[Point, ...]:
        info = self._info()
        if info is None:
            return ()
        width = info.img_size[1]
        return tuple((y * width - 0.5, x * width - 0.5) for y, x in points)

    def _widths(self, points: Sequence[Point], view: int) -> tuple[Point, ...]:
        info = self._session.info(view)
        if info is None:
            return ()
        width = info.img_size[1]
        return tuple(((y + 0.5) / width, (x + 0.5) / width) for y, x in points)

    def _edit(self, name: str, **fields: Any) -> None:
        state = self._session.store.state
        self._session.store.update(replace(state, drag=replace(state.drag, **fields)), name)
        self._session.notify_saved()

    # -- points --------------------------------------------------------------------------------------------

    def set_points(self, view: int, handles: Sequence[Point], targets: Sequence[Point]) -> None:
        """Set the points of a view, one target for each handle; a mask of another view is removed."""
        fields = {"handles": self._widths(handles, view), "targets": self._widths(targets, view)}
        mask = self.setup.mask if view == self.view else ""
        name = "Set points" if handles or not self.setup.handles else "Remove points"
        self._edit(name, view=view, mask=mask, **fields)

    def set_editing(self, editing: Editing, view: int) -> None:
        """Let presses on a view's picture set points or paint; those of another view are removed."""
        if editing and view != self.view:
            self.set_points(view, (), ())
        self.editing = editing
        self.changed.emit()

    def set_settings(self, **fields: Any) -> None:
        """Change fields of the settings. They hold from the next step that is asked for."""
        self._edit("Drag settings", settings=replace(self.setup.settings, **fields))

    # -- what may move -------------------------------------------------------------------------------------

    def set_brush(self, radius: float) -> None:
        """Set the radius of the brush, in picture widths."""
        self.brush = radius

    def set_erasing(self, is_erasing: bool) -> None:
        """Let the brush add to what may move, or take away from it."""
        self.is_erasing = is_erasing
        self.changed.emit()

    def begin_stroke(self, is_other: bool = False) -> None:
        """Begin a stroke of the brush; `is_other`: it erases instead of painting, or the other way round."""
        is_erasing, info, mask = self.is_erasing != is_other, self._info(), self.mask
        if mask is None and is_erasing and info is not None:
            mask = np.ones(info.img_size, bool)  # everything may move
        self._stroke = mask, is_erasing

    def paint(self, start: Place, end: Place) -> None:
        """Paint between two points, in picture widths from the upper left corner."""
        info = self._info()
        if self._stroke is not None and info is not None:
            mask, is_erasing = self._stroke
            mask = brushed(mask, info.img_size, start, end, self.brush, is_erasing=is_erasing)
            self._stroke = mask, is_erasing
            self.changed.emit()

    def end_stroke(self) -> None:
        """End the stroke: one undo step."""
        if self._stroke is not None:
            mask, self._stroke = self._stroke[0], None
            self.set_mask(mask)

    def cancel_stroke(self) -> None:
        """End the stroke without a change."""
        self._stroke = None
        self.changed.emit()

    def set_mask(self, mask: NDArray[np.bool_] | None) -> None:
        """Set what may move, bool `[H, W]`; None: everything. It holds from the next step that is asked for."""
        key = ""
        if mask is not None and mask.any() and not mask.all():
            key = self._session.table.add(StoredMask(np.where(mask, 255, 0).astype(np.uint8), "May move"))
        self._edit("Paint what may move" if key else "Let everything move", mask=key)
        self.changed.emit()

    # -- files ---------------------------------------------------------------------------------------------

    def open_drags(self, drags: Sequence[SeededDrag], view: int) -> None:
        """Show the first of the drags of a file in a view. Raises LatentwalkError as `choose`."""
        self.opened = tuple(drags)
        self.choose(0, view)

    def choose(self, number: int, view: int | None = None) -> None:
        """Show one of the opened drags: the seed's picture and its points, as one undo step.

        Raises:
            LatentwalkError: No model is loaded, or a point lies outside its picture.
        """
        view = self.view if view is None else view
        info, drag = self._session.info(view), self.opened[number]
        if info is None:
            raise RequestError("No model is loaded.", "Open the model of these points first.")
        Drag(drag.handles, drag.targets).check(info.img_size)
        handles, targets = self._widths(drag.handles, view), self._widths(drag.targets, view)
        state = with_look(self._session.store.state, view, latent=Latent(drag.seed))
        setup = replace(state.drag, view=view, handles=handles, targets=targets, mask="")
        self._session.store.update(replace(state, drag=setup), "Open points")
        self._session.notify_saved()
        self.number = number
        self.changed.emit()

    def seeded(self) -> SeededDrag:
        """Return the points with the seed of their picture, for a file.

        Raises:
            UsageError: There are none, or the picture is not that of a seed.
        """
        latent = look_of(self._session.store.base, self.view).latent
        if not self.handles:
            raise UsageError("There are no points to save.", "Set points first.")
        if latent != Latent(latent.seed):
            raise UsageError(
                "The picture is not that of a seed alone, which such a file names it by.",
                "Go to a seed, or save the project, which holds the points too.",
            )
        handles, targets = (tuple(map(_rounded, points)) for points in (self.handles, self.targets))
        return SeededDrag(latent.seed, handles, targets)


def _rounded(point: Point) -> Point:
    return round(point[0], 3), round(point[1], 3)


def _fitted(asset: object, size: tuple[int, int]) -> NDArray[np.bool_] | None:
    """Return a stored mask as bool of a picture's size, by the nearest pixel."""
    if not isinstance(asset, StoredMask):
        return None
    mask = asset.array > 127
    down, across = (np.arange(n) * m // n for n, m in zip(size, mask.shape, strict=True))
    return np.ascontiguousarray(mask[np.ix_(down, across)])
