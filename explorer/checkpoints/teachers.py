"""The teacher of a distilled model: a part of its file, or the model that its metadata name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from explorer.checkpoints import bundled
from explorer.checkpoints.parts import split_part, with_part

__all__ = ["teacher_of"]

_PART = "teacher"


def teacher_of(path: str, parts: Sequence[str], card: Mapping[str, str]) -> str:
    """Return the name of a model's teacher; empty if its file names none.

    One that is no part of the file is a bundled model of that name, or else lies beside it. Whether it is there
    is found when it is loaded.

    Args:
        path: The model's file.
        parts: Names of further networks in it.
        card: Its metadata.
    """
    if _PART in parts:
        return with_part(path, _PART)
    file, part = split_part(Path(card.get(_PART, "")).name)
    if not file:
        return ""
    found = bundled.find(Path(file).stem)
    if found is not None and found.path.name == file:
        return with_part(found.name, part)
    return with_part(Path(path).parent / file, part)
