"""Lists of layers in options: entries of `ws` as in 0-3,5, or the name of a group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.util.ranges import ranges_of

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo

__all__ = ["ENTRIES", "entries_of"]

ENTRIES = "0-3,5, or coarse, middle or fine"
"""How layers are written, for help texts."""


def entries_of(option: str, text: str, info: GeneratorInfo) -> list[int]:
    """Return the entries of `ws` that a text such as "0-3,5" or "coarse" names; "all" names every one.

    Raises:
        UsageError: The text is malformed, or the model does not have an entry.
    """
    from explorer.latents.groups import GROUPS, group_of

    if text == "all":
        return list(range(info.num_ws))
    if text in GROUPS:
        return [index for index in range(info.num_ws) if group_of(info, index) == text]
    return ranges_of(option, text, info.num_ws - 1)
