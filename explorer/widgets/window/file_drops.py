"""Files dragged onto the window: the picture that would receive them is outlined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.project.file_kinds import Kind, is_picture, kind_of
from explorer.state.view_layout import MAX_VIEWS
from explorer.util.view_marks import letter
from explorer.widgets.controls.drops import DropFrame, dropped_files, take_copy
from explorer.widgets.window.part import WindowBase, WindowPart

if TYPE_CHECKING:
    from PySide6.QtCore import QPoint
    from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent

    from explorer.widgets.window.file_commands import FileCommands

__all__ = ["FileDrops"]


class FileDrops(WindowPart):
    """Handles the window's drag and drop events."""

    def __init__(self, window: WindowBase, files: FileCommands) -> None:
        super().__init__(window)
        self._files = files
        self.frame, self._carried, self._paths = DropFrame(window), list[Kind](), list[str]()

    def enter(self, event: QDragEnterEvent) -> None:
        """Accept files once a session exists."""
        paths = dropped_files(event) if self.window.session is not None else []
        if paths and take_copy(event):
            self._carried, self._paths = [kind_of(path) for path in paths], paths
            self._show_target(event)
        else:
            event.ignore()

    def move(self, event: QDragMoveEvent) -> None:
        """Outline the picture under the pointer."""
        if take_copy(event):
            self._show_target(event)

    def leave(self) -> None:
        """Remove the outline."""
        self.frame.leave()

    def drop(self, event: QDropEvent) -> None:
        """Open the files; a single file opens in the view under the pointer."""
        self.frame.leave()
        paths = dropped_files(event)
        if self.window.session is None or not take_copy(event):
            return
        view = self._view_at(event.position().toPoint()) if len(paths) == 1 else None
        if view is not None:  # so that an error about the file appears there
            self.session.views.set_active(view)
        if self._is_source(paths, self.session.active if view is None else view):
            self._files.open_source(paths[0], self.session.active if view is None else view)
            return
        self._files.open_many(paths, view)

    def _is_source(self, paths: list[str], view: int) -> bool:
        """Return whether what is dragged is a picture that the network of a view would take as its source."""
        return len(paths) == 1 and is_picture(paths[0]) and self.session.sources.takes_source(view)

    def _show_target(self, event: QDropEvent) -> None:
        """Outline the picture that would receive the dragged files."""
        at = self._view_at(event.position().toPoint()) if len(self._carried) == 1 else None
        view = self.session.active if at is None else at
        if self._carried.count("model") > 1:
            *first, last = [letter(v) for v in range(min(self._carried.count("model"), MAX_VIEWS))]
            message = f"Open in {', '.join(first)} and {last}"
        elif self._is_source(self._paths, view):
            message = f"Source of {letter(view)}"
        elif self._carried == ["directions"]:
            message = f"Add to the directions of {letter(view)}"
        else:
            message = f"Open in {letter(view)}" if {"model", "latent", "points"} & set(self._carried) else "Open"
        self.frame.show_over(self.window.views.panes[view].image, message)

    def _view_at(self, at: QPoint) -> int | None:
        for pane in self.window.views.panes:
            if pane.isVisible() and pane.rect().contains(pane.mapFrom(self.window, at)):
                return pane.view
        return None
