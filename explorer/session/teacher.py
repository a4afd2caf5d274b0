"""The teacher of a distilled model: a part of its file, or the model that its metadata name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from explorer.checkpoints import bundled
from explorer.checkpoints.parts import split_part, with_part

if TYPE_CHECKING:
    from explorer.render.results import ModelInfo

__all__ = ["teacher_of"]

_PART = "teacher"


def teacher_of(info: ModelInfo | None) -> str:
    """Return the name of a model's teacher; empty if its file names none.

    One that is no part of the file is a bundled model of that name, or else lies beside it. Whether it is there
    is found when it is loaded.
    """
    if info is None:
        return ""
    if _PART in info.parts:
        return with_part(info.path, _PART)
    named = info.metadata.get(_PART, "")
    file, part = split_part(Path(named).name)
    if not file:
        return ""
    found = bundled.find(Path(file).stem)
    if found is not None and found.path.name == file:
        return with_part(found.name, part)
    return with_part(Path(info.path).parent / file, part)
