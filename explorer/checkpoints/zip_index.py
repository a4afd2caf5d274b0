"""Locates the members of an uncompressed zip archive by its central directory, without unpacking."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.checkpoints.source import Source

__all__ = ["ZipMember", "zip_members"]

_MEMBER_LIMIT = 20_000
_TABLE_LIMIT = 8_000_000  # bytes
_TAIL = 22 + 65535  # the end record and the longest comment


@dataclass(frozen=True, slots=True)
class ZipMember:
    """One member: `size` bytes from `offset`, compressed unless `is_stored`."""

    name: str
    offset: int
    size: int
    is_stored: bool


def zip_members(source: Source) -> dict[str, ZipMember]:
    """Return the members by name.

    Raises:
        UnreadableFileError: The table of contents is missing, broken, or larger than any checkpoint's.
    """
    count, size, offset = _end_record(source)
    if count > _MEMBER_LIMIT or size > _TABLE_LIMIT:
        raise source.damaged(f"the archive lists {count:,} members")
    table = source.read(offset, size)
    members: dict[str, ZipMember] = {}
    position = 0
    for _ in range(count):
        if table[position : position + 4] != b"PK\x01\x02" or position + 46 > size:
            raise source.damaged("the archive's table of contents is broken")
        method, packed, unpacked = struct.unpack_from("<8xH8xII", table, position + 2)
        name_size, extra_size, comment_size = struct.unpack_from("<HHH", table, position + 28)
        (local,) = struct.unpack_from("<I", table, position + 42)
        after_name = position + 46 + name_size
        name = table[position + 46 : after_name].decode("utf-8", "replace")
        extra = table[after_name : after_name + extra_size]
        packed, local = _wide(extra, unpacked, packed, local)
        members[name] = ZipMember(name, _data_offset(source, local, packed), packed, method == 0)
        position += 46 + name_size + extra_size + comment_size
    return members


def _end_record(source: Source) -> tuple[int, int, int]:
    """Return the number of members, and size and offset of the central directory."""
    tail_size = min(_TAIL, source.size)
    tail = source.read(source.size - tail_size, tail_size)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + 22 > len(tail):
        raise source.truncated(source.size)
    count, size, offset = struct.unpack_from("<HII", tail, at + 10)
    if count == 0xFFFF or 0xFFFFFFFF in (size, offset):
        locator = tail.rfind(b"PK\x06\x07", 0, at)
        if locator < 0 or locator + 20 > len(tail):
            raise source.damaged("the archive's end record is broken")
        (record,) = struct.unpack_from("<Q", tail, locator + 8)
        count, size, offset = struct.unpack("<QQQ", source.read(record, 56)[32:56])
    return count, size, offset


def _wide(extra: bytes, unpacked: int, packed: int, local: int) -> tuple[int, int]:
    """Return size and offset, which are in an extra field if above 4 GB."""
    position = 0
    while position + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, position)
        field = extra[position + 4 : position + 4 + size]
        if kind == 1:
            numbers = [int.from_bytes(field[i : i + 8], "little") for i in range(0, len(field) - 7, 8)]
            if unpacked == 0xFFFFFFFF and numbers:
                numbers.pop(0)
            if packed == 0xFFFFFFFF and numbers:
                packed = numbers.pop(0)
            if local == 0xFFFFFFFF and numbers:
                local = numbers.pop(0)
        position += 4 + size
    return packed, local


def _data_offset(source: Source, local: int, size: int) -> int:
    header = source.read(local, 30)
    if header[:4] != b"PK\x03\x04":
        raise source.damaged("a member of the archive is broken")
    name_size, extra_size = struct.unpack_from("<HH", header, 26)
    offset = local + 30 + int(name_size) + int(extra_size)
    if offset + size > source.size:
        raise source.truncated(offset)
    return offset
