"""Asset: the base of all kinds of assets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Asset", "digest_of"]


def digest_of(array: NDArray[Any]) -> bytes:
    """Return a 16-byte digest of an array's content and shape."""
    h = blake2b(repr(array.shape).encode(), digest_size=16)
    h.update(np.ascontiguousarray(array).data)
    return h.digest()


class Asset(ABC):
    """One asset. Immutable: its array is read-only.

    Attributes:
        kind: Name of the kind, in projects.
        array: The content.
        name: Display name.
        digest: 16-byte digest of the array.
    """

    __slots__ = ()

    kind: ClassVar[str]
    array: NDArray[Any]
    name: str
    digest: bytes

    @property
    def key(self) -> str:
        """Its id: 16 hexadecimal digits, equal for equal contents."""
        return blake2b(self.identity(), digest_size=8).hexdigest()

    @abstractmethod
    def identity(self) -> bytes:
        """Return what tells it from other assets: its kind, its content, and data that change its meaning."""

    def _freeze(self, array: NDArray[Any]) -> None:
        """Set the array of an asset that is being created, and its digest."""
        array.setflags(write=False)
        object.__setattr__(self, "array", array)
        object.__setattr__(self, "digest", digest_of(array))
