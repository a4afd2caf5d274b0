"""Resolves a model's name to a file: a bundled generator or a path."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from explorer.checkpoints.bundled import assets_dir
from explorer.checkpoints.parts import split_part, with_part
from explorer.errors import UnreadableFileError
from explorer.util.missing import is_address, why_missing
from explorer.util.user_folders import expanded

__all__ = ["assets_folder", "bundled_models", "resolve_model"]

_SUFFIXES = {".safetensors", ".pkl", ".pt", ".pth", ".ckpt"}


def assets_folder() -> Path:
    """Return the folder of the bundled generators."""
    return assets_dir()


def bundled_models() -> dict[str, Path]:
    """Return the bundled generators by name, in alphabetical order."""
    return {path.stem: path for path in sorted(assets_folder().glob("*.safetensors"))}


def resolve_model(name_or_path: str | Path) -> Path:
    """Return the file of a bundled generator's name, or of a path; with the part that the name asks for.

    Raises:
        UnreadableFileError: There is neither; suggests the closest matches.
    """
    named, part = split_part(str(name_or_path))
    if part:
        return Path(with_part(resolve_model(named), part))
    text = str(name_or_path)
    bundled = bundled_models()
    path = expanded(Path(name_or_path))
    try:
        if path.is_file():
            return path
        if text in bundled:
            return bundled[text]
        if text and path.is_dir():
            raise UnreadableFileError(f"{path} is a folder, not a checkpoint.", _files_in(path))
        if text and path.exists():
            raise UnreadableFileError(f"{path} is not a regular file.", "Choose a regular file.")
    except (OSError, ValueError) as error:  # an invalid name, or no permission
        message = f"{path} cannot be opened: {getattr(error, 'strerror', None) or error}."
        raise UnreadableFileError(message, "Check the path.") from error
    message, hint = why_missing(text if not text or is_address(text) else path)
    if _is_name(text):
        message = f"There is no file and no bundled model named '{text}'."
        hint = _suggestion(path, list(bundled)) or f"Bundled models: {', '.join(bundled) or 'none'}."
    elif message.startswith("There"):
        hint = _suggestion(path, []) or hint
    raise UnreadableFileError(message, hint)


def _is_name(text: str) -> bool:
    """Return whether this may be the name of a bundled model, or of a file in the current folder."""
    return text not in ("", ".", "-") and not (is_address(text) or os.path.islink(text) or os.sep in text)


def _files_in(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not names:
        return "Choose a file in it."
    return f"Choose a file in it, such as {folder / names[0]}."


def _suggestion(path: Path, bundled: list[str]) -> str:
    """Return a suggestion of similar names, with their folders; empty if nothing is close."""
    try:
        nearby = [p.name for p in path.parent.iterdir() if p.suffix.lower() in _SUFFIXES]
    except (OSError, ValueError):
        nearby = []
    close = difflib.get_close_matches(path.name, [*bundled, *nearby], n=3, cutoff=0.5)
    close += [name for name in bundled if path.name and name.startswith(path.name) and name not in close]
    named = [name if name in bundled else str(path.with_name(name)) for name in close]
    return f"Did you mean {' or '.join(named)}?" if named else ""
