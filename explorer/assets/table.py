"""AssetTable: the assets of a state by id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from explorer.assets.base import Asset
from explorer.assets.latent import StoredLatent
from explorer.errors import AssetError, LatentError

__all__ = ["AssetTable"]

A = TypeVar("A", bound=Asset)


class AssetTable:
    """Assets by id, which are never removed. Any thread may read; only the GUI thread may add."""

    def __init__(self, assets: Iterable[Asset] = ()) -> None:
        self._assets: dict[str, Asset] = {}
        self.add_all(assets)

    def add(self, asset: Asset) -> str:
        """Add an asset and return its id; equal contents have equal ids."""
        return self._assets.setdefault(asset.key, asset).key

    def add_all(self, assets: Iterable[Asset]) -> None:
        """Add several assets, such as those of another table."""
        for asset in assets:
            self.add(asset)

    def get(self, key: str) -> Asset | None:
        """Return the asset with an id, or None."""
        return self._assets.get(key)

    def find(self, kind: type[A], key: str) -> A | None:
        """Return the asset with an id if it is of that kind, else None."""
        asset = self._assets.get(key)
        return asset if isinstance(asset, kind) else None

    def of(self, kind: type[A], key: str) -> A:
        """Return the asset of that kind with an id. Raises AssetError, and LatentError for latents."""
        asset = self.find(kind, key)
        if asset is None:
            error = LatentError if kind is StoredLatent else AssetError
            raise error(
                f"The stored {kind.kind} {key!r} is missing.",
                f"Open the project that contains it, or choose {'a seed' if kind is StoredLatent else 'another'}.",
                command="It is missing in the project or job file: save the project again in the window.",
            )
        return asset

    def latent(self, key: str) -> StoredLatent:
        """Return the latent with an id. Raises LatentError."""
        return self.of(StoredLatent, key)

    def __contains__(self, key: object) -> bool:
        return key in self._assets

    def values(self) -> tuple[Asset, ...]:
        """Return all assets, in the order in which they were added."""
        return tuple(self._assets.values())

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._assets))

    def __len__(self) -> int:
        return len(self._assets)
