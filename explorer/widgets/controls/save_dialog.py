"""Dialogs that ask where to save; they complete the suffix and confirm before a file is overwritten."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from explorer.util.plain_text import LIMIT, visible

__all__ = ["ask", "ask_file", "choose", "completed", "file_stem", "may_destroy", "with_suffix_of"]


_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|]')


def with_suffix_of(path: Path, suffix: str, known: Collection[str] = ()) -> Path:
    """Return `path` with `suffix` appended, replacing one of the `known` ones; "walk.v2" keeps its "v2"."""
    if path.suffix.lower() == suffix:
        return path
    return path.with_suffix(suffix) if path.suffix.lower() in known else path.with_name(path.name + suffix)


def file_stem(name: str) -> str:
    """Return a display name, such as a model's, as a safe stem for a file: no folders, no leading dot."""
    return _NOT_IN_NAMES.sub("_", visible(name, 60)).strip(". ") or "picture"


def ask_file(parent: QWidget, title: str, start: Path, kind: str, suffix: str) -> Path | None:
    """Ask for a file to write.

    Args:
        parent: Parent of the dialog.
        title: Title of the dialog.
        start: Proposed folder and name.
        kind: Display name of the file type, in the plural.
        suffix: Appended to a name that does not end in it.

    Returns:
        The file, or None if the user cancelled.
    """
    chosen, _ = QFileDialog.getSaveFileName(parent, title, str(start), f"{kind} (*{suffix})")
    return completed(parent, title, chosen, suffix) if chosen else None


def completed(parent: QWidget, title: str, chosen: str, suffix: str, known: Collection[str] = ()) -> Path | None:
    """Append `suffix` to a chosen name that has neither it nor one of the `known` ones.

    Returns:
        The file, or None if a file of that name exists and the user wants to keep it.
    """
    given = Path(chosen)
    path = given if given.suffix.lower() in known else with_suffix_of(given, suffix)
    if path != given and path.exists():  # the dialog confirmed another name
        return path if may_destroy(parent, title, f"{path.name} already exists. Replace it?") else None
    return path


def choose(parent: QWidget, title: str, text: str, choices: Sequence[str]) -> int:
    """Ask with custom buttons and Cancel; return the index of the choice, or -1. Return means Cancel."""
    box = QMessageBox(QMessageBox.Icon.Question, title, visible(text, 2 * LIMIT, keep_lines=True), parent=parent)
    buttons = [box.addButton(text, QMessageBox.ButtonRole.AcceptRole) for text in choices]
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.exec()
    clicked = box.clickedButton()
    box.deleteLater()
    return next((i for i, button in enumerate(buttons) if button is clicked), -1)


def may_destroy(parent: QWidget, title: str, text: str) -> bool:
    """Ask whether something may be permanently deleted; the default button is No."""
    button = QMessageBox.StandardButton
    return ask(parent, title, text, button.Yes | button.No, button.No) == button.Yes


def ask(
    parent: QWidget,
    title: str,
    text: str,
    buttons: QMessageBox.StandardButton,
    default: QMessageBox.StandardButton,
) -> QMessageBox.StandardButton:
    """Ask a question; `text` may contain file names."""
    return QMessageBox.question(parent, title, visible(text, 2 * LIMIT, keep_lines=True), buttons, default)
