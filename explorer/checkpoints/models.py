"""Which file a model's name means: a bundled generator or a path."""

from __future__ import annotations

import difflib
from pathlib import Path

from explorer.bundled import assets_dir
from explorer.errors import UnreadableFileError

__all__ = ["assets_folder", "bundled_models", "resolve_model"]

_SUFFIXES = {".safetensors", ".pkl", ".pt", ".pth", ".ckpt"}


def assets_folder() -> Path:
    """The folder of the bundled generators."""
    return assets_dir()


def bundled_models() -> dict[str, Path]:
    """The bundled generators by name, in alphabetical order."""
    return {path.stem: path for path in sorted(assets_folder().glob("*.safetensors"))}


def resolve_model(name_or_path: str | Path) -> Path:
    """The file of a bundled generator's name, or of a path.

    Raises:
        UnreadableFileError: There is neither; names the closest matches.
    """
    path = Path(name_or_path).expanduser()
    bundled = bundled_models()
    if path.is_file():
        return path
    if str(name_or_path) in bundled:
        return bundled[str(name_or_path)]
    if path.is_dir():
        raise UnreadableFileError(f"{path} is a folder, not a checkpoint.", "Name one file inside it.")
    raise UnreadableFileError(
        f"There is no file and no bundled model named {str(name_or_path)!r}.", _suggestion(path, list(bundled))
    )


def _suggestion(path: Path, bundled: list[str]) -> str:
    try:
        nearby = [p.name for p in path.parent.iterdir() if p.suffix.lower() in _SUFFIXES]
    except (OSError, ValueError):
        nearby = []
    close = difflib.get_close_matches(path.name, [*bundled, *nearby], n=3, cutoff=0.5)
    close += [name for name in bundled if path.name and name.startswith(path.name) and name not in close]
    if close:
        return f"Did you mean {' or '.join(close)}?"
    if bundled:
        return f"Bundled models: {', '.join(bundled)}."
    return "Check the spelling and the folder."
