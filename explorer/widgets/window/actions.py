"""Every entry of the menus in one table: name, shortcut, what it does. The help sheet is made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

from explorer.state.view_layout import MAX_VIEWS
from explorer.util.view_marks import letter

if TYPE_CHECKING:
    from explorer.widgets.window.file_commands import FileCommands
    from explorer.widgets.window.main_window import MainWindow
    from explorer.widgets.window.menu_commands import MenuCommands

__all__ = ["MenuAction", "build_menus", "menu_actions"]


@dataclass(frozen=True, slots=True)
class MenuAction:
    """One menu entry. `keys` are portable key names, the first is shown; an empty `text` is a separator.

    `needs` tells what must be there for it to be possible: "session", "picture", or nothing.
    """

    key: str
    menu: str
    text: str = ""
    keys: tuple[str, ...] = ()
    run: Callable[[], object] | None = None
    tip: str = ""
    checkable: bool = False
    needs: str = "session"


def menu_actions(w: MainWindow) -> list[MenuAction]:
    """All menu entries in order."""
    f, v, lab = w.files, w.commands, w.lab_commands
    bar = MenuAction
    return [
        MenuAction("new", "File", "New project", ("Ctrl+N",), f.new_project),
        MenuAction(
            "open",
            "File",
            "Open \u2026",
            ("Ctrl+O",),
            f.ask_open,
            "A project, a picture with its project, a model or a latent",
        ),
        MenuAction("recent", "File", "Open recent"),
        bar("", "File"),
        MenuAction("save", "File", "Save project", ("Ctrl+S",), f.save),
        MenuAction("save_as", "File", "Save project as \u2026", ("Ctrl+Shift+S",), f.ask_save),
        MenuAction(
            "save_picture",
            "File",
            "Save picture \u2026",
            ("Ctrl+E",),
            f.ask_save_picture,
            "A PNG that carries its project",
            needs="picture",
        ),
        bar("", "File"),
        MenuAction("quit", "File", "Quit", ("Ctrl+Q",), w.close, needs=""),
        MenuAction("undo", "Edit", "Undo", ("Ctrl+Z",), v.undo),
        MenuAction("redo", "Edit", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), v.redo),
        bar("", "Edit"),
        MenuAction("copy_picture", "Edit", "Copy picture", ("Ctrl+C",), v.copy_picture, needs="picture"),
        MenuAction(
            "copy_state",
            "Edit",
            "Copy state as text",
            ("Ctrl+Shift+C",),
            v.copy_state,
            "The whole state as a short text, to paste here or into a message",
        ),
        MenuAction("paste", "Edit", "Paste", ("Ctrl+V",), v.paste, "A state or a latent from text, or files"),
        bar("", "Edit"),
        MenuAction(
            "reset",
            "Edit",
            "Reset all controls",
            ("Ctrl+Backspace",),
            v.reset,
            "Back to defaults; the latent stays where it is",
        ),
        *_singles(v),
        MenuAction("view_grid", "View", "All pictures", ("3",), lambda: v.layout("grid"), checkable=True),
        MenuAction("view_wipe", "View", "Wipe between two pictures", ("W",), v.toggle_wipe, checkable=True),
        MenuAction(
            "view_flicker", "View", "Flicker between two pictures", ("Shift+W",), lab.toggle_flicker, checkable=True
        ),
        MenuAction("pair", "View", "Compare"),
        bar("", "View"),
        MenuAction(
            "add_view",
            "View",
            "Add view",
            ("Ctrl+T",),
            v.add_view,
            "One more view, linked to the others, with the model of the active one",
        ),
        MenuAction(
            "remove_view", "View", "Remove view", ("Ctrl+W",), v.remove_view, "Remove the active view, and its keys"
        ),
        bar("", "View"),
        MenuAction(
            "before",
            "View",
            "Before / after",
            ("B",),
            v.toggle_before,
            "The picture without mixing, edits and transform",
            True,
            "picture",
        ),
        MenuAction(
            "fullscreen", "View", "Full screen", ("F", "F11"), v.toggle_full_screen, checkable=True, needs=""
        ),
        bar("", "View"),
        MenuAction("zoom_in", "View", "Zoom in", ("+", "="), lambda: v.zoom(1.25)),
        MenuAction("zoom_out", "View", "Zoom out", ("-",), lambda: v.zoom(0.8)),
        MenuAction("zoom_fit", "View", "Fit", ("0",), v.zoom_fit),
        MenuAction(
            "zoom_pixels", "View", "Pixel for pixel", ("P",), v.zoom_pixels, "One picture pixel on one screen pixel"
        ),
        MenuAction(
            "smooth",
            "View",
            "Smooth pixels",
            ("N",),
            v.toggle_smooth,
            "Interpolate, or show pixels as squares",
            True,
        ),
        MenuAction("grid", "View", "Pixel grid", ("G",), v.toggle_grid, "Lines between pixels at high zoom", True),
        bar("", "View"),
        MenuAction(
            "link", "View", "Link views", ("L",), v.toggle_link, "Link or unlink everything in all views", True
        ),
        MenuAction("swap", "View", "Swap two views", ("X",), v.swap, "The two that a wipe compares change places"),
        bar("", "View"),
        MenuAction("theme", "View", "Dark theme", ("D",), v.toggle_theme, checkable=True, needs=""),
        MenuAction("panels", "View", "Panels"),
        MenuAction("reset_panels", "View", "Reset panels", (), w.reset_panels),
        *_openers(f),
        MenuAction("bundled", "Model", "Bundled models"),
        bar("", "Model"),
        MenuAction("close_model", "Model", "Close model", (), v.close_model, needs="picture"),
        MenuAction("random", "Animate", "Random seed", ("R",), v.random),
        MenuAction("snap", "Animate", "Snap to the nearest seed", ("S",), v.snap),
        bar("", "Animate"),
        MenuAction(
            "play",
            "Animate",
            "Play",
            ("Space",),
            v.toggle_play,
            "Start or stop drift and motion",
            True,
        ),
        MenuAction(
            "drift", "Animate", "Drift", ("Shift+R",), v.toggle_drift, "Walk slowly without being steered", True
        ),
        bar("", "Animate"),
        MenuAction("timeline", "Animate", "Timeline", ("T",), v.toggle_timeline, "Show or hide the timeline", True),
        MenuAction(
            "key", "Animate", "Add key", ("K",), v.add_key, "Key the current state at the playhead", needs="picture"
        ),
        MenuAction("key_before", "Animate", "Previous key", (",",), lambda: v.step_to_key(-1)),
        MenuAction("key_after", "Animate", "Next key", (".",), lambda: v.step_to_key(1)),
        MenuAction("start", "Animate", "To the start", ("Home",), v.go_to_start),
        MenuAction(
            "record",
            "Animate",
            "Record performance",
            ("Ctrl+R",),
            v.toggle_record,
            "Record what you do as a film",
            True,
            "picture",
        ),
        MenuAction(
            "film",
            "Animate",
            "Render film \u2026",
            ("Ctrl+M",),
            v.render_film,
            "A video, GIF or pictures of the timeline",
            needs="picture",
        ),
        bar("", "Animate"),
        MenuAction("still", "Animate", "Still", (), lambda: v.motion("none"), checkable=True),
        MenuAction("circle", "Animate", "Circle", (), lambda: v.motion("circle"), checkable=True),
        MenuAction("spin", "Animate", "Spin", (), lambda: v.motion("spin"), checkable=True),
        MenuAction("shake", "Animate", "Shake", (), lambda: v.motion("shake"), checkable=True),
        MenuAction(
            "scan",
            "Lab",
            "Slit-scan",
            ("Shift+S",),
            lab.toggle_scan,
            "The pixels under a line of each picture, scrolling under it",
            True,
        ),
        MenuAction(
            "scan_follow",
            "Lab",
            "Line follows the picture",
            (),
            lab.toggle_follow,
            "The line moves and turns with the picture's transform",
            True,
        ),
        MenuAction("scan_clear", "Lab", "Clear slit-scan", (), lab.clear_scan),
        MenuAction(
            "scan_save",
            "Lab",
            "Save slit-scan \u2026",
            ("Ctrl+Shift+E",),
            lab.ask_save_scan,
            "A PNG that carries its project",
        ),
        bar("", "Lab"),
        MenuAction("average", "Lab", "Average of neighbours", ("A",), lab.toggle_average, checkable=True),
        MenuAction("undone", "Lab", "Undo the motion", ("U",), lab.toggle_undone, checkable=True),
        MenuAction("heat", "Lab", "Sticking as heat", ("Shift+U",), lab.toggle_heat, checkable=True),
        MenuAction("meter", "Lab", "Equivariance meter", (), lambda: w.reveal("meter")),
        MenuAction("spectrum", "Lab", "Average spectrum", (), lambda: w.reveal("spectrum")),
        bar("", "Lab"),
        MenuAction("tour", "Lab", "Guided tour", (), lab.tour, "Six steps: why StyleGAN2 sticks", True),
        MenuAction("help", "Help", "Keys and gestures", ("H", "F1"), w.show_help, needs=""),
        MenuAction("device", "Help", "Device and precision", (), w.show_device),
        MenuAction("about", "Help", "About Latentwalk", (), w.show_about, needs=""),
    ]


def _singles(v: MenuCommands) -> list[MenuAction]:
    """Each view alone. The key 3 was that of all pictures before there were more than two."""
    keys = [("1", "Alt+1"), ("2", "Alt+2"), *((f"Alt+{view + 1}",) for view in range(2, MAX_VIEWS))]
    return [
        MenuAction(
            f"view_{view + 1}", "View", f"Picture {letter(view)}", keys[view], partial(v.show_view, view), "", True
        )
        for view in range(MAX_VIEWS)
    ]


def _openers(f: FileCommands) -> list[MenuAction]:
    """A model for each view."""
    return [
        MenuAction(
            f"open_{view + 1}",
            "Model",
            f"Open a model in {letter(view)} \u2026",
            (f"Ctrl+{view + 1}",),
            partial(f.ask_model, view),
        )
        for view in range(MAX_VIEWS)
    ]


def build_menus(w: MainWindow) -> tuple[dict[str, QAction], dict[str, QMenu]]:
    """Fill the menu bar; returns the actions by key, and the menus by title or, for submenus, by key."""
    menus: dict[str, QMenu] = {}
    actions: dict[str, QAction] = {}
    for entry in menu_actions(w):
        menu = menus.get(entry.menu)
        if menu is None:
            menu = menus[entry.menu] = w.menuBar().addMenu(f"&{entry.menu}")
            menu.setToolTipsVisible(True)
        if not entry.text:
            menu.addSeparator()
        elif entry.run is None:
            menus[entry.key] = menu.addMenu(entry.text)
            actions[entry.key] = menus[entry.key].menuAction()
        else:
            actions[entry.key] = _action(w, menu, entry)
    return actions, menus


def _action(w: MainWindow, menu: QMenu, entry: MenuAction) -> QAction:
    action = QAction(entry.text, w)
    action.setShortcuts([QKeySequence(key) for key in entry.keys])
    action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
    action.setCheckable(entry.checkable)
    action.setToolTip(entry.tip or entry.text)
    action.setData(entry.text)  # the text itself may say more, as in "Undo Walk"
    run = entry.run
    assert run is not None
    action.triggered.connect(lambda _=False: run())
    action.setProperty("needs", entry.needs)
    # Also on the window, so that shortcuts work while the menu bar is hidden in full screen.
    w.addAction(action)
    menu.addAction(action)
    return action
