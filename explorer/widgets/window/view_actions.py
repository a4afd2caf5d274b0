"""Menu entries that depend on the views: their names, check marks, and visibility."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

from explorer.state.view_layout import MAX_VIEWS, compared, visible_views
from explorer.util.view_marks import letter

if TYPE_CHECKING:
    from PySide6.QtGui import QAction
    from PySide6.QtWidgets import QMenu

    from explorer.state import ExplorerState
    from explorer.widgets.window.menu_commands import MenuCommands

__all__ = ["fill_pairs", "show_view_actions"]


def show_view_actions(actions: Mapping[str, QAction], state: ExplorerState) -> None:
    """Name the existing views, check the visible ones, and disable entries that need more views."""
    count, both = len(state.views), " and ".join(letter(view) for view in compared(state))
    for view in range(MAX_VIEWS):
        alone = actions[f"view_{view + 1}"]
        alone.setVisible(view < count)
        alone.setEnabled(view < count)
        alone.setChecked(state.layout == "single" and visible_views(state) == (view,))
        actions[f"open_{view + 1}"].setVisible(view < count)
        actions[f"open_{view + 1}"].setEnabled(view < count)
    for layout in ("grid", "wipe", "flicker", "difference"):
        actions[f"view_{layout}"].setChecked(state.layout == layout and count > 1)
    for key in ("view_grid", "view_wipe", "view_flicker", "view_difference", "link", "swap", "remove_view"):
        actions[key].setEnabled(count > 1)
    actions["add_view"].setEnabled(count < MAX_VIEWS)
    actions["pair"].setVisible(count > 2)
    actions["remove_view"].setText(f"Remove view {letter(state.active)}")
    if count > 1:
        actions["view_grid"].setText("A and B side by side" if count == 2 else "All pictures")
        actions["view_wipe"].setText(f"Wipe between {both}")
        actions["view_flicker"].setText(f"Flicker between {both}")
        actions["view_difference"].setText(f"Difference between {both}")
        actions["swap"].setText(f"Swap {both}")


def fill_pairs(menu: QMenu, commands: MenuCommands) -> None:
    """Fill the menu with all pairs of views to compare."""
    menu.clear()
    state = commands.session.state
    for pair in combinations(range(len(state.views)), 2):
        action = menu.addAction(" and ".join(letter(view) for view in pair), partial(commands.compare, *pair))
        action.setCheckable(True)
        action.setChecked(set(pair) == set(compared(state)))
