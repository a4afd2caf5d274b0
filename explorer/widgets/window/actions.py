"""All menu entries in one table: name, shortcut and callback. The shortcut sheet is built from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence

from explorer.state.view_layout import MAX_VIEWS
from explorer.util.view_marks import letter
from explorer.widgets.controls.plain_text import set_tip

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMainWindow, QMenu

__all__ = ["MENU_ACTIONS", "MenuAction", "build_menus", "resolve_callback"]


@dataclass(frozen=True, slots=True)
class MenuAction:
    """One menu entry; a separator if `text` is empty, a submenu if `callback` is empty.

    Attributes:
        key: Identifier of the entry in code.
        menu: Title of its menu.
        text: Label of the entry.
        keys: Shortcuts as portable key names; the first is shown.
        callback: Dotted name of a method of the window, such as "files.save"; see `resolve_callback`.
        tip: Tooltip; defaults to the text.
        checkable: Whether it has a check mark.
        needs: What the entry requires to be enabled: "session", "picture", or nothing.
        args: Arguments passed to the callback.
    """

    key: str
    menu: str
    text: str = ""
    keys: tuple[str, ...] = ()
    callback: str = ""
    tip: str = ""
    checkable: bool = False
    needs: str = "session"
    args: tuple[object, ...] = ()


_SINGLE_KEYS = (("1", "Alt+1"), ("2", "Alt+2"), *((f"Alt+{view + 1}",) for view in range(2, MAX_VIEWS)))
"""Shortcuts that show a single view. The key 3 shows all pictures."""

_SINGLES = tuple(
    MenuAction(
        f"view_{view + 1}",
        "View",
        f"Picture {letter(view)}",
        keys,
        callback="commands.show_view",
        args=(view,),
        checkable=True,
    )
    for view, keys in enumerate(_SINGLE_KEYS)
)

_OPENERS = tuple(
    MenuAction(
        f"open_{view + 1}",
        "Model",
        f"Open a model in {letter(view)} \u2026",
        (f"Ctrl+{view + 1}",),
        callback="files.ask_model",
        args=(view,),
    )
    for view in range(MAX_VIEWS)
)

MENU_ACTIONS = (
    MenuAction("new", "File", "New project", ("Ctrl+N",), "files.new_project"),
    MenuAction(
        "open",
        "File",
        "Open \u2026",
        ("Ctrl+O",),
        "files.ask_open",
        "A project, a picture with its project, a model or a latent",
    ),
    MenuAction("recent", "File", "Open recent"),
    MenuAction("", "File"),
    MenuAction("save", "File", "Save project", ("Ctrl+S",), "files.save"),
    MenuAction("save_as", "File", "Save project as \u2026", ("Ctrl+Shift+S",), "files.ask_save"),
    MenuAction(
        "save_picture",
        "File",
        "Save picture \u2026",
        ("Ctrl+E",),
        "files.ask_save_picture",
        "A PNG that carries its project",
        needs="picture",
    ),
    MenuAction("", "File"),
    MenuAction("quit", "File", "Quit", ("Ctrl+Q",), "close", needs=""),
    MenuAction("undo", "Edit", "Undo", ("Ctrl+Z",), "commands.undo"),
    MenuAction("redo", "Edit", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "commands.redo"),
    MenuAction("", "Edit"),
    MenuAction("copy_picture", "Edit", "Copy picture", ("Ctrl+C",), "commands.copy_picture", needs="picture"),
    MenuAction(
        "copy_state",
        "Edit",
        "Copy state as text",
        ("Ctrl+Shift+C",),
        "commands.copy_state",
        "The whole state as a short text, to paste here or into a message",
    ),
    MenuAction("paste", "Edit", "Paste", ("Ctrl+V",), "commands.paste", "A state or a latent from text, or files"),
    MenuAction("", "Edit"),
    MenuAction(
        "star",
        "Edit",
        "Add to favourites",
        ("Ctrl+D",),
        "commands.star",
        "Star the picture, to find it again in every project with its model",
        needs="picture",
    ),
    MenuAction("favourites", "Edit", "Favourites", callback="reveal", args=("favourites",)),
    MenuAction("breed", "Edit", "Breed", callback="reveal", args=("breed",), tip="Children of the picture"),
    MenuAction("", "Edit"),
    MenuAction(
        "mark",
        "Edit",
        "Mark a region",
        ("M",),
        "commands.toggle_marking",
        "Mark what should change, to find its style channels",
        True,
        "picture",
    ),
    MenuAction("", "Edit"),
    MenuAction(
        "reset",
        "Edit",
        "Reset all controls",
        ("Ctrl+Backspace",),
        "commands.reset",
        "Back to defaults; the latent stays where it is",
    ),
    *_SINGLES,
    MenuAction(
        "view_grid", "View", "All pictures", ("3",), callback="commands.layout", args=("grid",), checkable=True
    ),
    MenuAction("view_wipe", "View", "Wipe between two pictures", ("W",), "commands.toggle_wipe", checkable=True),
    MenuAction(
        "view_flicker",
        "View",
        "Flicker between two pictures",
        ("Shift+W",),
        "commands.toggle_flicker",
        checkable=True,
    ),
    MenuAction(
        "view_difference",
        "View",
        "Difference between two pictures",
        ("Shift+D",),
        "commands.toggle_difference",
        "Two pictures and their difference, with the time of each",
        True,
    ),
    MenuAction("pair", "View", "Compare"),
    MenuAction("", "View"),
    MenuAction(
        "add_view",
        "View",
        "Add view",
        ("Ctrl+T",),
        "commands.add_view",
        "Add a view, linked to the others, with the active view's model",
    ),
    MenuAction(
        "remove_view",
        "View",
        "Remove view",
        ("Ctrl+W",),
        "commands.remove_view",
        "Remove the active view and its keys",
    ),
    MenuAction("", "View"),
    MenuAction(
        "before",
        "View",
        "Before / after",
        ("B",),
        "commands.toggle_before",
        "The picture without mixing, edits and transform",
        True,
        "picture",
    ),
    MenuAction(
        "fullscreen", "View", "Full screen", ("F", "F11"), "commands.toggle_full_screen", checkable=True, needs=""
    ),
    MenuAction("", "View"),
    MenuAction("zoom_in", "View", "Zoom in", ("+", "="), callback="commands.zoom", args=(1.25,)),
    MenuAction("zoom_out", "View", "Zoom out", ("-",), callback="commands.zoom", args=(0.8,)),
    MenuAction("zoom_fit", "View", "Fit", ("0",), "commands.zoom_fit"),
    MenuAction(
        "zoom_pixels",
        "View",
        "Pixel for pixel",
        ("P",),
        "commands.zoom_pixels",
        "One picture pixel on one screen pixel",
    ),
    MenuAction(
        "smooth",
        "View",
        "Smooth pixels",
        ("N",),
        "commands.toggle_smooth",
        "Interpolate, or show pixels as squares",
        True,
    ),
    MenuAction(
        "grid", "View", "Pixel grid", ("G",), "commands.toggle_grid", "Lines between pixels at high zoom", True
    ),
    MenuAction("", "View"),
    MenuAction(
        "link",
        "View",
        "Link views",
        ("L",),
        "commands.toggle_link",
        "Link or unlink everything in all views",
        True,
    ),
    MenuAction(
        "swap",
        "View",
        "Swap two views",
        ("X",),
        "commands.swap",
        "Swap the two views that a wipe compares",
    ),
    MenuAction("", "View"),
    MenuAction("theme", "View", "Dark theme", ("D",), "commands.toggle_theme", checkable=True, needs=""),
    MenuAction("panels", "View", "Panels"),
    MenuAction("reset_panels", "View", "Reset panels", (), "reset_panels"),
    *_OPENERS,
    MenuAction("bundled", "Model", "Bundled models"),
    MenuAction("", "Model"),
    MenuAction(
        "compare_teacher",
        "Model",
        "Compare with its teacher",
        (),
        "commands.compare_with_teacher",
        "The model that the active one was distilled from, the active one, and their difference",
        needs="picture",
    ),
    MenuAction("close_model", "Model", "Close model", (), "commands.close_model", needs="picture"),
    MenuAction("random", "Animate", "Random seed", ("R",), "commands.random"),
    MenuAction("snap", "Animate", "Snap to the nearest seed", ("S",), "commands.snap"),
    MenuAction("", "Animate"),
    MenuAction(
        "play",
        "Animate",
        "Play",
        ("Space",),
        "commands.toggle_play",
        "Start or stop drift and motion",
        True,
    ),
    MenuAction(
        "drift",
        "Animate",
        "Drift",
        ("Shift+R",),
        "commands.toggle_drift",
        "Walk slowly through the latent space by itself",
        True,
    ),
    MenuAction("", "Animate"),
    MenuAction(
        "timeline", "Animate", "Timeline", ("T",), "commands.toggle_timeline", "Show or hide the timeline", True
    ),
    MenuAction(
        "key",
        "Animate",
        "Add key",
        ("K",),
        "commands.add_key",
        "Key the current state at the playhead",
        needs="picture",
    ),
    MenuAction("key_before", "Animate", "Previous key", (",",), callback="commands.step_to_key", args=(-1,)),
    MenuAction("key_after", "Animate", "Next key", (".",), callback="commands.step_to_key", args=(1,)),
    MenuAction("start", "Animate", "To the start", ("Home",), "commands.go_to_start"),
    MenuAction(
        "record",
        "Animate",
        "Record performance",
        ("Ctrl+R",),
        "commands.toggle_record",
        "Record what you do as a film",
        True,
        "picture",
    ),
    MenuAction(
        "film",
        "Animate",
        "Render film \u2026",
        ("Ctrl+M",),
        "commands.render_film",
        "A video, GIF or pictures of the timeline",
        needs="picture",
    ),
    MenuAction("", "Animate"),
    MenuAction("still", "Animate", "Still", (), callback="commands.motion", args=("none",), checkable=True),
    MenuAction("circle", "Animate", "Circle", (), callback="commands.motion", args=("circle",), checkable=True),
    MenuAction("spin", "Animate", "Spin", (), callback="commands.motion", args=("spin",), checkable=True),
    MenuAction("shake", "Animate", "Shake", (), callback="commands.motion", args=("shake",), checkable=True),
    MenuAction(
        "scan",
        "Lab",
        "Slit-scan",
        ("Shift+S",),
        "lab_commands.toggle_scan",
        "The pixels under a line of each picture, scrolling below it",
        True,
    ),
    MenuAction(
        "scan_follow",
        "Lab",
        "Line follows the picture",
        (),
        "lab_commands.toggle_follow",
        "The line moves and turns with the picture's transform",
        True,
    ),
    MenuAction("scan_clear", "Lab", "Clear slit-scan", (), "lab_commands.clear_scan"),
    MenuAction(
        "scan_save",
        "Lab",
        "Save slit-scan \u2026",
        ("Ctrl+Shift+E",),
        "lab_commands.ask_save_scan",
        "A PNG that carries its project",
    ),
    MenuAction("", "Lab"),
    MenuAction("average", "Lab", "Average of neighbours", ("A",), "lab_commands.toggle_average", checkable=True),
    MenuAction("undone", "Lab", "Undo the motion", ("U",), "lab_commands.toggle_undone", checkable=True),
    MenuAction("heat", "Lab", "Sticking as heat", ("Shift+U",), "lab_commands.toggle_heat", checkable=True),
    MenuAction("meter", "Lab", "Equivariance meter", (), callback="reveal", args=("meter",)),
    MenuAction("spectrum", "Lab", "Average spectrum", (), callback="reveal", args=("spectrum",)),
    MenuAction("", "Lab"),
    MenuAction("tour", "Lab", "Guided tour", (), "lab_commands.tour", "Six steps: why StyleGAN2 sticks", True),
    MenuAction("help", "Help", "Keys and gestures", ("H", "F1"), "show_help", needs=""),
    MenuAction("device", "Help", "Device and precision", (), "show_device"),
    MenuAction("about", "Help", "About Latentwalk", (), "show_about", needs=""),
)
"""All menu entries in order."""


def resolve_callback(window: object, name: str) -> Callable[..., object]:
    """Return the method of the window that a dotted name such as "files.save" refers to."""
    callback: Callable[..., object] = attrgetter(name)(window)
    return callback


def build_menus(window: QMainWindow) -> tuple[dict[str, QAction], dict[str, QMenu]]:
    """Fill the menu bar; return the actions by key, and the menus by title or, for submenus, by key."""
    menus: dict[str, QMenu] = {}
    actions: dict[str, QAction] = {}
    for entry in MENU_ACTIONS:
        menu = menus.get(entry.menu)
        if menu is None:
            menu = menus[entry.menu] = window.menuBar().addMenu(f"&{entry.menu}")
            menu.setToolTipsVisible(True)
        if not entry.text:
            menu.addSeparator()
        elif not entry.callback:
            menus[entry.key] = menu.addMenu(entry.text)
            actions[entry.key] = menus[entry.key].menuAction()
        else:
            actions[entry.key] = _action(window, menu, entry)
    return actions, menus


def _action(window: QMainWindow, menu: QMenu, entry: MenuAction) -> QAction:
    action = QAction(entry.text, window)
    action.setShortcuts([QKeySequence(key) for key in entry.keys])
    action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
    action.setCheckable(entry.checkable)
    set_tip(action, entry.tip or entry.text)
    action.setData(entry.text)  # the text itself may change, for example to "Undo Walk"
    # Qt passes the checked state as an extra argument; the lambda drops it.
    run: Callable[[], Any] = partial(resolve_callback(window, entry.callback), *entry.args)
    action.triggered.connect(lambda _=False: run())
    action.setProperty("needs", entry.needs)
    # Added to the window as well, so that shortcuts work while the menu bar is hidden in full screen.
    window.addAction(action)
    menu.addAction(action)
    return action
