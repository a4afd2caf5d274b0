"""The two columns beside the pictures: position of every panel, folded, hidden or floating."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

from explorer.widgets.panels.panel import Panel
from explorer.widgets.window.sidebar_sections import Column, Section

if TYPE_CHECKING:
    from PySide6.QtGui import QAction, QCloseEvent

    from explorer.session.settings import Settings

__all__ = ["Sidebars"]

LEFT = (
    "model", "latent", "directions", "latent-map", "breed", "favourites", "source", "drag", "w", "style-channels",
    "bend",
)  # fmt: skip
FOLDED_AT_FIRST = (
    "latent-map", "breed", "favourites", "source", "drag", "style-channels", "bend", "sticking", "meter",
    "spectrum", "layers", "performance",
)  # fmt: skip
MIN_WIDTH = 256


class _OwnWindow(QDockWidget):
    """A floating panel; closing it moves the panel back to its column. Reused the next time."""

    def __init__(self, section: Section, owner: QMainWindow, give_back: Callable[[Section], None]) -> None:
        super().__init__(section.title, owner)
        self.setObjectName(f"own-{section.key}")
        self.section, self._give_back = section, give_back
        owner.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self)
        self.setFloating(True)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._give_back(self.section)
        super().closeEvent(event)


class Sidebars:
    """Owns the left and the right column of a main window. GUI thread only."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self.left, self.right = Column("left"), Column("right")
        self.sections: dict[str, Section] = {}
        self._docks: dict[str, QDockWidget] = {}
        self._own: dict[str, _OwnWindow] = {}
        for column, area in (
            (self.left, Qt.DockWidgetArea.LeftDockWidgetArea),
            (self.right, Qt.DockWidgetArea.RightDockWidgetArea),
        ):
            dock = QDockWidget(column.name, window)
            dock.setObjectName(column.name)
            dock.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
            dock.setTitleBarWidget(QWidget())
            dock.setWidget(column)
            dock.setMinimumWidth(MIN_WIDTH)
            window.addDockWidget(area, dock)
            self._docks[column.name] = dock
            column.dropped.connect(lambda key, index, c=column: self._move_to(key, c, index))

    def fill(self, panels: Iterable[Panel], settings: Settings, on_problem: Callable[[object], None]) -> None:
        """Put every panel into a section at its saved position."""
        for panel in panels:
            section = Section(panel.key, panel.title, panel)
            section.move_requested.connect(self._on_move_requested)
            panel.problem.connect(on_problem)
            self.sections[panel.key] = section
        self._arrange(settings.strings("columns/left"), settings.strings("columns/right"))
        known = {*settings.strings("columns/left"), *settings.strings("columns/right")}
        folded = {*settings.strings("columns/folded"), *(key for key in FOLDED_AT_FIRST if key not in known)}
        hidden = settings.strings("columns/hidden")
        for key, section in self.sections.items():
            section.set_folded(key in folded)
            if key in hidden:
                section.set_shown(False)

    def _arrange(self, left: list[str], right: list[str]) -> None:
        placed: set[str] = set()
        for column, keys in ((self.left, left), (self.right, right)):
            for key in keys:
                if key in self.sections and key not in placed:
                    column.insert(self.sections[key])
                    placed.add(key)
        for key, section in self.sections.items():  # panels that the saved layout does not know
            if key not in placed:
                (self.left if key in LEFT else self.right).insert(section)

    def remember(self, settings: Settings) -> None:
        """Save the layout to the settings."""
        if not self.sections:
            return
        for section in self.sections.values():
            self._give_back_if_out(section)
        settings.set("columns/left", [s.key for s in self.left.sections()])
        settings.set("columns/right", [s.key for s in self.right.sections()])
        settings.set("columns/folded", [k for k, s in self.sections.items() if s.is_folded])
        settings.set("columns/hidden", [k for k, s in self.sections.items() if s.isHidden()])

    def reset(self) -> None:
        """Restore the default layout."""
        for section in self.sections.values():
            self._give_back_if_out(section)
        self._arrange([], [])
        for key, section in self.sections.items():
            section.set_shown(True)
            section.set_folded(key in FOLDED_AT_FIRST)

    def toggles(self) -> list[QAction]:
        """Return one checkable action for each panel."""
        return [section.toggle for section in self.sections.values()]

    def reveal(self, key: str) -> None:
        """Show a panel: unfold it and scroll to it."""
        section = self.sections.get(key)
        if section is None:
            return
        section.set_shown(True)
        for column in (self.left, self.right):
            if section in column.sections():
                column.reveal(section)

    def show_active(self, view: int | None) -> None:
        """Show in the title of each panel which view it changes; None if there is only one view."""
        for section in self.sections.values():
            of_one = isinstance(section.body, Panel) and section.body.is_of_active_view
            section.show_view(view if of_one else None)

    def arrangement(self) -> Callable[[], None]:
        """Return a function that restores the current folding, visibility and scroll positions."""
        sections = [(s, s.is_folded, s.isHidden()) for s in self.sections.values()]
        scroll_positions = [(column, column.verticalScrollBar().value()) for column in (self.left, self.right)]

        def restore() -> None:
            for section, is_folded, is_hidden in sections:
                section.set_shown(not is_hidden)
                section.set_folded(is_folded)
            for column, value in scroll_positions:
                column.scroll_soon(value)

        return restore

    def limit(self, width: int) -> None:
        """Limit the width of each column, so that the pictures keep half the window."""
        for dock in self._docks.values():
            dock.setMaximumWidth(max(MIN_WIDTH, width))

    def set_visible(self, shown: bool) -> None:
        """Show or hide both columns."""
        for dock in self._docks.values():
            dock.setVisible(shown)

    def _column_of(self, section: Section) -> Column | None:
        return next((c for c in (self.left, self.right) if section in c.sections()), None)

    def _move_to(self, key: str, column: Column, index: int) -> None:
        section = self.sections.get(key)
        if section is None:
            return
        here = column.sections()
        if section in here and index > here.index(section):
            index -= 1  # removing it shifts the following ones
        column.insert(section, index)

    def _on_move_requested(self, key: str, where: str) -> None:
        section = self.sections[key]
        column = self._column_of(section)
        if where == "float":
            self._float(section)
        elif column is None:
            return
        elif where == "other":
            (self.right if column is self.left else self.left).insert(section, 0)
        else:
            order = column.sections()
            column.insert(section, max(0, order.index(section) + (-1 if where == "up" else 1)))

    def _float(self, section: Section) -> None:
        if self._column_of(section) is None:
            return
        section.setProperty("home", (self._column_of(section) or self.right).name)
        own = self._own.get(section.key)
        if own is None:
            own = self._own[section.key] = _OwnWindow(section, self._window, self._take_back)
        own.setWidget(section)
        own.resize(320, max(240, section.sizeHint().height()))
        own.show()
        section.show()

    def _take_back(self, section: Section) -> None:
        (self.left if section.property("home") == "left" else self.right).insert(section)
        section.show()

    def _give_back_if_out(self, section: Section) -> None:
        own = section.parent()
        if isinstance(own, _OwnWindow):
            own.close()
