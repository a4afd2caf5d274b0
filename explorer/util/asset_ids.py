"""AssetId: marks the fields that name an asset, and finds the assets that a value names.

A field that names an asset is annotated `AssetId` or `tuple[AssetId, ...]`; nothing else has to know of it.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal

from explorer.util.tagged import Tagged

__all__ = ["AssetId", "assets_of"]


class _NamesAsset:
    """The mark of annotations."""


AssetId = Annotated[str, _NamesAsset()]
"""The id of an asset (`explorer.assets`); empty for none."""


def assets_of(value: Any) -> set[str]:
    """Return the ids of the assets that a dataclass, or a tuple of such, names.

    Of a value of an unknown kind, such as an edit of a missing plug-in, every text counts, for any may be an id.
    """
    return set(_ids(value)) - {""}


def _ids(value: Any) -> Iterator[str]:
    level, seen = [value], set()
    while level:
        value = level.pop()
        if id(value) in seen:  # moments of a recording share most of what they hold
            continue
        seen.add(id(value))
        if isinstance(value, tuple):
            level += value
        elif is_dataclass(value):
            verbatim = value.verbatim() if isinstance(value, Tagged) else None
            if verbatim is not None:
                yield from _texts(verbatim)
                continue
            cls: Any = type(value)
            for name, is_id in _places(cls):
                part = getattr(value, name)
                if not is_id:
                    level.append(part)
                elif isinstance(part, str):
                    yield part
                else:
                    yield from part


@lru_cache(maxsize=256)
def _places(cls: Any) -> tuple[tuple[str, bool], ...]:
    """Return the fields of a dataclass that may refer to assets, and whether they are ids themselves."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return tuple((f.name, _is_id(hints[f.name])) for f in fields(cls) if not _is_plain(hints[f.name]))


def _is_id(hint: Any) -> bool:
    return hint == AssetId or (typing.get_origin(hint) is tuple and typing.get_args(hint)[0] == AssetId)


def _is_plain(hint: Any) -> bool:
    """Return whether values of that type hold neither an id nor a dataclass."""
    origin = typing.get_origin(hint)
    if hint == AssetId:
        return False
    if origin in (tuple, frozenset, typing.Union, types.UnionType):
        return all(_is_plain(item) for item in typing.get_args(hint) if item is not Ellipsis)
    return origin is Literal or hint in (int, float, str, bool, bytes, types.NoneType)


def _texts(data: Any) -> Iterator[str]:
    level = [data]
    while level:
        item = level.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            level += item.values()
        elif isinstance(item, list):
            level += item
