"""Asking where to save. The suffix is put right before anything is written, and nothing is overwritten unasked."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from explorer.util.plain_text import LIMIT, visible

__all__ = ["ask", "ask_file", "choose", "completed", "file_stem", "may_destroy", "with_suffix_of"]


_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|]')


def with_suffix_of(path: Path, suffix: str, known: Collection[str] = ()) -> Path:
    """`path` with `suffix` behind its name, in place of one of the `known` ones; "walk.v2" keeps its "v2"."""
    if path.suffix.lower() == suffix:
        return path
    return path.with_suffix(suffix) if path.suffix.lower() in known else path.with_name(path.name + suffix)


def file_stem(name: str) -> str:
    """Return the name of a model, for example, as the beginning of a file's name: no folders, nothing hidden."""
    return _NOT_IN_NAMES.sub("_", visible(name, 60)).strip(". ") or "picture"


def ask_file(parent: QWidget, title: str, start: Path, kind: str, suffix: str) -> Path | None:
    """Ask for a file to write.

    Args:
        parent: Over which to ask.
        title: Of the dialog.
        start: The name and the folder that it proposes.
        kind: What such files are called, in the plural.
        suffix: Put behind a name that does not end in it.

    Returns:
        The file, or None where the user thought better of it.
    """
    chosen, _ = QFileDialog.getSaveFileName(parent, title, str(start), f"{kind} (*{suffix})")
    return completed(parent, title, chosen, suffix) if chosen else None


def completed(parent: QWidget, title: str, chosen: str, suffix: str, known: Collection[str] = ()) -> Path | None:
    """Put `suffix` behind a chosen name that has it not, nor one of the `known` ones.

    Returns:
        The file, or None where there is one of that name that the user wants to keep.
    """
    given = Path(chosen)
    path = given if given.suffix.lower() in known else with_suffix_of(given, suffix)
    if path != given and path.exists():  # the dialog has asked about another name
        return path if may_destroy(parent, title, f"{path.name} already exists. Replace it?") else None
    return path


def choose(parent: QWidget, title: str, words: str, choices: Sequence[str]) -> int:
    """Ask with buttons of our own, and Cancel; return the number of the choice, or -1. Return alone cancels."""
    box = QMessageBox(QMessageBox.Icon.Question, title, visible(words, 2 * LIMIT, keep_lines=True), parent=parent)
    buttons = [box.addButton(text, QMessageBox.ButtonRole.AcceptRole) for text in choices]
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.exec()
    clicked = box.clickedButton()
    box.deleteLater()
    return next((i for i, button in enumerate(buttons) if button is clicked), -1)


def may_destroy(parent: QWidget, title: str, words: str) -> bool:
    """Ask whether something may go for good; Return alone says no."""
    button = QMessageBox.StandardButton
    return ask(parent, title, words, button.Yes | button.No, button.No) == button.Yes


def ask(
    parent: QWidget,
    title: str,
    words: str,
    buttons: QMessageBox.StandardButton,
    default: QMessageBox.StandardButton,
) -> QMessageBox.StandardButton:
    """Ask a question; names of files may be in `words`."""
    return QMessageBox.question(parent, title, visible(words, 2 * LIMIT, keep_lines=True), buttons, default)
