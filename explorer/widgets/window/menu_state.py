"""Check marks, disabled entries and undo names of the menus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from explorer.widgets.controls.plain_text import menu_text
from explorer.widgets.controls.theme import theme
from explorer.widgets.window.view_actions import show_view_actions

if TYPE_CHECKING:
    from PySide6.QtGui import QAction

    from explorer.session import Session
    from explorer.widgets.window.menu_commands import MenuCommands
    from explorer.widgets.window.part import WindowBase

__all__ = ["show_menu_state", "show_undo"]


def show_menu_state(window: WindowBase, commands: MenuCommands, actions: Mapping[str, QAction]) -> None:
    """Update all entries from the window and its session."""
    session = window.session
    loaded = session is not None and session.info(session.active) is not None
    for action in actions.values():
        needs = action.property("needs")
        action.setEnabled(not needs or (session is not None and (needs != "picture" or loaded)))
    actions["theme"].setChecked(theme().name == "dark")
    actions["fullscreen"].setChecked(window.isFullScreen())
    if session is None:
        return
    show_view_actions(actions, session.state)
    model_info = session.model_info(session.active)
    actions["compare_teacher"].setEnabled(model_info is not None and bool(model_info.teacher))
    _show_undo_names(session, actions)
    for key, on in {
        "smooth": window.views.camera.is_smooth,
        "grid": window.views.camera.shows_grid,
        "link": commands.are_linked,
        "before": window.before.is_on,
        "timeline": window.shows_timeline,
        **_session_marks(session),
    }.items():
        actions[key].setChecked(on)


def show_undo(session: Session, actions: Mapping[str, QAction]) -> None:
    """Enable or disable undo and redo, whose shortcuts work while no menu is open."""
    actions["undo"].setEnabled(session.store.can_undo)
    actions["redo"].setEnabled(session.store.can_redo)


def _show_undo_names(session: Session, actions: Mapping[str, QAction]) -> None:
    store = session.store
    for key, verb, name in (("undo", "Undo", store.undo_name), ("redo", "Redo", store.redo_name)):
        actions[key].setText(menu_text(f"{verb} {name}".strip()))
    show_undo(session, actions)


def _session_marks(session: Session) -> dict[str, bool]:
    """Return which of the session's entries are checked, by their key."""
    state, look = session.state, session.look_of()
    transform, lab = look.transform, state.lab
    marks = {
        "play": session.motion.clock.is_playing or session.transport.is_playing,
        "record": session.transport.is_recording,
        "drift": look.drift != 0,
        "scan": lab.scan,
        "scan_follow": lab.slit.follows,
        "average": lab.average != "none",
        "undone": transform.untransform and transform.residual == "none",
        "heat": transform.residual == "heat",
        "mark": session.channels.is_marking,
        "tour": lab.tour > 0,
    }
    for kind in ("still", "circle", "spin", "shake"):
        marks[kind] = transform.animation.kind == ("none" if kind == "still" else kind)
    return marks
