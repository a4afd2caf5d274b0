"""How large a project may be."""

from __future__ import annotations

__all__ = ["MAX_ASSET_BYTES", "MAX_BYTES"]

MAX_BYTES = 64 << 20
"""Largest project taken, before and after unpacking: a bomb is refused before it is unpacked."""

MAX_ASSET_BYTES = 512 << 20
"""Largest sum of a project's assets in memory, which may be packed a thousand times smaller."""
