"""Untrusted text in widgets: shown literally, never as markup; shortened, with invisible characters escaped.

Qt detects HTML in texts automatically, and HTML opens the files that it names. No widget may do so: the style
sheet of `theme` sets plain text for every QLabel and tooltip, including those of Qt's own dialogs, and the window
has no other widget that would show markup (`tests/gui/test_plain.py` checks both).
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QToolTip, QWidget

from explorer.errors import LatentwalkError
from explorer.util.plain_text import LIMIT, visible

if TYPE_CHECKING:
    from PySide6.QtGui import QAction

__all__ = [
    "DETAILS_LIMIT", "PlainLabel", "details_text", "error_text", "line_text", "menu_text", "set_tip", "show_tip",
    "tip_text", "title_text",
]  # fmt: skip

TIP_COLUMNS = 60
"""Width of a tooltip in characters."""

DETAILS_LIMIT = 10_000
"""Maximum number of characters shown under Details."""


class PlainLabel(QLabel):
    """A label whose text and tooltip are always plain text.

    Args:
        text: May come from an untrusted source.
        parent: Owner.
        limit: Longest text shown, in characters; None for texts of the program itself.
    """

    def __init__(self, text: str = "", parent: QWidget | None = None, *, limit: int | None = LIMIT) -> None:
        super().__init__(parent)
        self._limit = limit
        self.setTextFormat(Qt.TextFormat.PlainText)  # before the first text, and in case there is no style sheet
        self.setText(text)

    def setText(self, text: str) -> None:
        super().setText(visible(text, self._limit, keep_lines=True))

    def setToolTip(self, text: str) -> None:
        super().setToolTip(tip_text(text))


def tip_text(text: str, limit: int | None = LIMIT) -> str:
    """Return `text` as a plain tooltip, broken into lines, because Qt wraps only markup."""
    lines = visible(text, limit, keep_lines=True).split("\n")
    return "\n".join(
        textwrap.fill(line, TIP_COLUMNS, break_on_hyphens=False) if len(line) > TIP_COLUMNS else line
        for line in lines
    )


def set_tip(target: QWidget | QAction, text: str, limit: int | None = None) -> None:
    """Set a tooltip, broken into lines. Every tooltip is set by this.

    Args:
        target: A widget, or the entry of a menu.
        text: The tooltip; empty for none.
        limit: Longest text shown, in characters; None for texts of the program itself.
    """
    target.setToolTip(tip_text(text, limit))


def show_tip(at: QPoint, text: str, widget: QWidget, limit: int | None = None) -> None:
    """Show a tooltip now, at a position on the screen; `limit` as in `set_tip`."""
    QToolTip.showText(at, tip_text(text, limit), widget)


def line_text(text: str, limit: int = LIMIT) -> str:
    """Return `text` for a single painted line, or as an accessible name."""
    return visible(text, limit)


def menu_text(text: str, limit: int = 100) -> str:
    """Return `text` for a menu entry or a button, where "&" would underline the next letter."""
    return visible(text, limit).replace("&", "&&")


def title_text(text: str) -> str:
    """Return `text` for a window's title, where "[*]" would be the placeholder for unsaved changes."""
    return visible(text, 100).replace("[*]", "[*][*]")


def error_text(error: object) -> str:
    """Return an error's message and hint, each shortened, so that the hint is always visible."""
    if isinstance(error, LatentwalkError):
        return f"{visible(error.message)} {visible(error.hint)}".strip()
    return visible(f"{type(error).__name__}: {error}")


def details_text(text: object) -> str:
    """Return a text shortened to what Details shows."""
    return visible(str(text), DETAILS_LIMIT, keep_lines=True)
