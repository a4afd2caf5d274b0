"""Every deed of the menus in one table: name, shortcut, what it does. The help sheet is made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from explorer.widgets.window.main_window import MainWindow

__all__ = ["Deed", "build_menus", "deeds"]


@dataclass(frozen=True, slots=True)
class Deed:
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


def deeds(w: MainWindow) -> list[Deed]:
    """All menu entries in order."""
    f, v, lab = w.files, w.deeds, w.lab_deeds
    bar = Deed
    return [
        Deed("new", "File", "New project", ("Ctrl+N",), f.new_project),
        Deed(
            "open",
            "File",
            "Open \u2026",
            ("Ctrl+O",),
            f.ask_open,
            "A project, a picture with its project, a model or a latent",
        ),
        Deed("recent", "File", "Open recent"),
        bar("", "File"),
        Deed("save", "File", "Save project", ("Ctrl+S",), f.save),
        Deed("save_as", "File", "Save project as \u2026", ("Ctrl+Shift+S",), f.ask_save),
        Deed(
            "save_picture",
            "File",
            "Save picture \u2026",
            ("Ctrl+E",),
            f.ask_save_picture,
            "A PNG that carries its project",
            needs="picture",
        ),
        bar("", "File"),
        Deed("quit", "File", "Quit", ("Ctrl+Q",), w.close, needs=""),
        Deed("undo", "Edit", "Undo", ("Ctrl+Z",), v.undo),
        Deed("redo", "Edit", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), v.redo),
        bar("", "Edit"),
        Deed("copy_picture", "Edit", "Copy picture", ("Ctrl+C",), v.copy_picture, needs="picture"),
        Deed(
            "copy_state",
            "Edit",
            "Copy state as text",
            ("Ctrl+Shift+C",),
            v.copy_state,
            "The whole state as a short text, to paste here or into a message",
        ),
        Deed("paste", "Edit", "Paste", ("Ctrl+V",), v.paste, "A state or a latent from text, or files"),
        bar("", "Edit"),
        Deed(
            "reset",
            "Edit",
            "Reset all controls",
            ("Ctrl+Backspace",),
            v.reset,
            "Back to defaults; the latent stays where it is",
        ),
        Deed("view_a", "View", "Picture A", ("1",), lambda: v.layout("a"), checkable=True),
        Deed("view_b", "View", "Picture B", ("2",), lambda: v.layout("b"), checkable=True),
        Deed("view_both", "View", "A and B side by side", ("3",), lambda: v.layout("both"), checkable=True),
        Deed("view_wipe", "View", "Wipe between A and B", ("W",), v.toggle_wipe, checkable=True),
        Deed("view_flicker", "View", "Flicker between A and B", ("Shift+W",), lab.toggle_flicker, checkable=True),
        bar("", "View"),
        Deed(
            "before",
            "View",
            "Before / after",
            ("B",),
            v.toggle_before,
            "The picture without mixing, edits and transform",
            True,
            "picture",
        ),
        Deed("fullscreen", "View", "Full screen", ("F", "F11"), v.toggle_full_screen, checkable=True, needs=""),
        bar("", "View"),
        Deed("zoom_in", "View", "Zoom in", ("+", "="), lambda: v.zoom(1.25)),
        Deed("zoom_out", "View", "Zoom out", ("-",), lambda: v.zoom(0.8)),
        Deed("zoom_fit", "View", "Fit", ("0",), v.zoom_fit),
        Deed(
            "zoom_pixels", "View", "Pixel for pixel", ("P",), v.zoom_pixels, "One picture pixel on one screen pixel"
        ),
        Deed(
            "smooth",
            "View",
            "Smooth pixels",
            ("N",),
            v.toggle_smooth,
            "Interpolate, or show pixels as squares",
            True,
        ),
        Deed("grid", "View", "Pixel grid", ("G",), v.toggle_grid, "Lines between pixels at high zoom", True),
        bar("", "View"),
        Deed("link", "View", "Link views", ("L",), v.toggle_link, "Link or unlink everything in both views", True),
        Deed("swap", "View", "Swap A and B", ("X",), v.swap),
        bar("", "View"),
        Deed("theme", "View", "Dark theme", ("D",), v.toggle_theme, checkable=True, needs=""),
        Deed("panels", "View", "Panels"),
        Deed("reset_panels", "View", "Reset panels", (), w.reset_panels),
        Deed("open_a", "Model", "Open a model in A \u2026", ("Ctrl+1",), lambda: f.ask_model(0)),
        Deed("open_b", "Model", "Open a model in B \u2026", ("Ctrl+2",), lambda: f.ask_model(1)),
        Deed("bundled", "Model", "Bundled models"),
        bar("", "Model"),
        Deed("close_model", "Model", "Close model", (), v.close_model, needs="picture"),
        Deed("random", "Animate", "Random seed", ("R",), v.random),
        Deed("snap", "Animate", "Snap to the nearest seed", ("S",), v.snap),
        bar("", "Animate"),
        Deed(
            "play",
            "Animate",
            "Play",
            ("Space",),
            v.toggle_play,
            "Start or stop drift and motion",
            True,
        ),
        Deed("drift", "Animate", "Drift", ("Shift+R",), v.toggle_drift, "Walk slowly without being steered", True),
        bar("", "Animate"),
        Deed("timeline", "Animate", "Timeline", ("T",), v.toggle_timeline, "Show or hide the timeline", True),
        Deed(
            "key", "Animate", "Add key", ("K",), v.add_key, "Key the current state at the playhead", needs="picture"
        ),
        Deed("key_before", "Animate", "Previous key", (",",), lambda: v.step_to_key(-1)),
        Deed("key_after", "Animate", "Next key", (".",), lambda: v.step_to_key(1)),
        Deed("start", "Animate", "To the start", ("Home",), v.go_to_start),
        Deed(
            "record",
            "Animate",
            "Record performance",
            ("Ctrl+R",),
            v.toggle_record,
            "Record what you do as a film",
            True,
            "picture",
        ),
        Deed(
            "film",
            "Animate",
            "Render film \u2026",
            ("Ctrl+M",),
            v.render_film,
            "A video, GIF or pictures of the timeline",
            needs="picture",
        ),
        bar("", "Animate"),
        Deed("still", "Animate", "Still", (), lambda: v.motion("none"), checkable=True),
        Deed("circle", "Animate", "Circle", (), lambda: v.motion("circle"), checkable=True),
        Deed("spin", "Animate", "Spin", (), lambda: v.motion("spin"), checkable=True),
        Deed("shake", "Animate", "Shake", (), lambda: v.motion("shake"), checkable=True),
        Deed(
            "scan",
            "Lab",
            "Slit-scan",
            ("Shift+S",),
            lab.toggle_scan,
            "The pixels under a line of each picture, scrolling under it",
            True,
        ),
        Deed(
            "scan_follow",
            "Lab",
            "Line follows the picture",
            (),
            lab.toggle_follow,
            "The line moves and turns with the picture's transform",
            True,
        ),
        Deed("scan_clear", "Lab", "Clear slit-scan", (), lab.clear_scan),
        Deed(
            "scan_save",
            "Lab",
            "Save slit-scan \u2026",
            ("Ctrl+Shift+E",),
            lab.ask_save_scan,
            "A PNG that carries its project",
        ),
        bar("", "Lab"),
        Deed("average", "Lab", "Average of neighbours", ("A",), lab.toggle_average, checkable=True),
        Deed("undone", "Lab", "Undo the motion", ("U",), lab.toggle_undone, checkable=True),
        Deed("heat", "Lab", "Sticking as heat", ("Shift+U",), lab.toggle_heat, checkable=True),
        Deed("meter", "Lab", "Equivariance meter", (), lambda: w.reveal("meter")),
        Deed("spectrum", "Lab", "Average spectrum", (), lambda: w.reveal("spectrum")),
        bar("", "Lab"),
        Deed("tour", "Lab", "Guided tour", (), lab.tour, "Six steps: why StyleGAN2 sticks", True),
        Deed("help", "Help", "Keys and gestures", ("H", "F1"), w.show_help, needs=""),
        Deed("device", "Help", "Device and precision", (), w.show_device),
        Deed("about", "Help", "About Latentwalk", (), w.show_about, needs=""),
    ]


def build_menus(w: MainWindow) -> tuple[dict[str, QAction], dict[str, QMenu]]:
    """Fill the menu bar; returns the actions by key, and the menus by title or, for submenus, by key."""
    menus: dict[str, QMenu] = {}
    actions: dict[str, QAction] = {}
    for deed in deeds(w):
        menu = menus.get(deed.menu)
        if menu is None:
            menu = menus[deed.menu] = w.menuBar().addMenu(f"&{deed.menu}")
            menu.setToolTipsVisible(True)
        if not deed.text:
            menu.addSeparator()
        elif deed.run is None:
            menus[deed.key] = menu.addMenu(deed.text)
            actions[deed.key] = menus[deed.key].menuAction()
        else:
            actions[deed.key] = _action(w, menu, deed)
    return actions, menus


def _action(w: MainWindow, menu: QMenu, deed: Deed) -> QAction:
    action = QAction(deed.text, w)
    action.setShortcuts([QKeySequence(key) for key in deed.keys])
    action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
    action.setCheckable(deed.checkable)
    action.setToolTip(deed.tip or deed.text)
    action.setData(deed.text)  # the text itself may say more, as in "Undo Walk"
    run = deed.run
    assert run is not None
    action.triggered.connect(lambda _=False: run())
    action.setProperty("needs", deed.needs)
    # Also on the window, so that shortcuts work while the menu bar is hidden in full screen.
    w.addAction(action)
    menu.addAction(action)
    return action
