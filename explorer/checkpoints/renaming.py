"""Gives the tensors of a file our names; what is missing or left over is named as the file would name it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from explorer.errors import MismatchError
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from explorer.checkpoints.records import TensorRecord
    from explorer.checkpoints.source import Source

__all__ = ["count_of", "renamed"]

_HINT = "The file is damaged, or comes from modified code."
_LARGEST = 64  # numbers of layers


def count_of(keys: Iterable[str], pattern: str) -> int:
    """Return one more than the highest number that names have at the pattern's group; 0 if none has."""
    numbers = [int(match[1]) for key in keys if (match := re.fullmatch(pattern, key)) and len(match[1]) < 4]
    return min(max(numbers, default=-1), _LARGEST) + 1


def renamed(
    source: Source,
    records: Mapping[str, TensorRecord],
    names: Mapping[str, str],
    optional: Collection[str] = (),
) -> dict[str, TensorRecord]:
    """Return the tensors under our names.

    Args:
        source: The file.
        records: Its tensors.
        names: Our names by the file's. All must be there, except `optional` ones.
        optional: Names of the file that may be missing; those that `names` lacks are ignored.

    Raises:
        MismatchError: A tensor is missing, or there is one that no network of the family has.
    """
    missing = [key for key in names if key not in records and key not in optional]
    leftover = [key for key in records if key not in names and key not in optional]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        instead = f"; it has {visible(leftover[0], 80)} instead" if leftover else ""
        total = len([key for key in names if key not in optional])
        raise MismatchError(f"{source.name} lacks {missing[0]}{more}, of {total} tensors{instead}.", _HINT)
    if leftover:
        raise MismatchError(
            f"{source.name} has unexpected tensors: {visible(', '.join(key[:80] for key in leftover[:3]))}.", _HINT
        )
    return {ours: records[theirs] for theirs, ours in names.items() if theirs in records}
