"""A pipeline's part of the stage cache that all pipelines of a device share."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.generators.base import Activation
    from explorer.render.cache import StageCache

__all__ = ["ViewCache", "still_view"]


class ViewCache:
    """Cached stages and picture of each view, and noise, of one pipeline. For a view of None nothing is cached.

    Args:
        cache: The device's cache.
    """

    def __init__(self, cache: StageCache[Any]) -> None:
        self.cache = cache
        self._last_keys: dict[Hashable, tuple[bytes, ...]] = {}
        self._wanted: dict[Hashable, int | None] = {}
        self._is_closed = False

    # -- stages --------------------------------------------------------------------------------------------

    def start_of(self, view: Hashable, keys: tuple[bytes, ...]) -> int:
        """Return the index of the last of `keys` whose result is cached, -1 if there is none."""
        if view is None:
            return -1
        numbers = range(len(keys) - 1, -1, -1)
        return next((i for i in numbers if self.cache.has(self._slot(view, i), keys[i])), -1)

    def stage(self, view: Hashable, number: int, key: bytes) -> Activation | None:
        """Return the cached result of a stage, or None."""
        activation: Activation | None = self.cache.get(self._slot(view, number), key)
        return activation

    def store_stage(self, view: Hashable, number: int, keys: tuple[bytes, ...], activation: Activation) -> None:
        """Cache the result of a stage, except the last: only the picture needs that, and is itself cached."""
        if view is not None and number < len(keys) - 1:
            is_wanted = number == self._wanted.get(view)
            self._put(self._slot(view, number), keys[number], activation, activation.nbytes, is_wanted=is_wanted)

    def mark_requested(self, view: Hashable, keys: tuple[bytes, ...]) -> None:
        """Mark the stage that this drag resumes from: the last one with the same key as in the previous run."""
        if view is None:
            return
        before = self._last_keys.get(view, ())
        self._last_keys[view] = keys
        if before == keys:
            return
        same = next((i for i, (a, b) in enumerate(zip(before, keys, strict=False)) if a != b), 0)
        wanted = same - 1 if same > 0 else None
        old = self._wanted.get(view)
        if old is not None and old != wanted:
            self.cache.want(self._slot(view, old), False)
        self._wanted[view] = wanted
        if wanted is not None:
            self.cache.want(self._slot(view, wanted), True)

    # -- pictures and noise --------------------------------------------------------------------------------

    def has_image(self, view: Hashable, key: bytes) -> bool:
        """Return whether the picture of a key is cached."""
        return view is not None and self.cache.has(self._slot(view, "image"), key)

    def image(self, view: Hashable, key: bytes) -> Tensor | None:
        """Return the cached picture `[C, H, W]`, or None."""
        image: Tensor | None = self.cache.get(self._slot(view, "image"), key)
        return image

    def store_image(self, view: Hashable, key: bytes, image: Tensor) -> None:
        """Cache the picture of a view."""
        if view is not None:
            self._put(self._slot(view, "image"), key, image, _nbytes(image))

    def noise(self, layer: int, key: bytes) -> Tensor | None:
        """Return the cached noise of a layer, or None."""
        noise: Tensor | None = self.cache.get(self._slot("noise", layer), key)
        return noise

    def store_noise(self, layer: int, key: bytes, noise: Tensor) -> None:
        """Cache the noise of a layer for all views: drawing a large random map costs as much as a layer."""
        self._put(self._slot("noise", layer), key, noise, _nbytes(noise))

    def _put(self, slot: Hashable, key: bytes, value: Any, nbytes: int, *, is_wanted: bool = False) -> None:
        if not self._is_closed:
            self.cache.put(slot, key, value, nbytes, is_wanted=is_wanted)

    # -- eviction -----------------------------------------------------------------------------------------

    def forget(self, view: Hashable) -> None:
        """Drop everything cached for a view and for its untransformed picture."""
        self.cache.drop_where((id(self), still_view(view)))
        self.cache.drop_where((id(self), view))
        self._last_keys.pop(view, None)
        self._wanted.pop(view, None)

    def close(self) -> None:
        """Drop everything of this pipeline, and cache nothing more.

        A job that was cancelled may take another step with it, and nothing would drop what that cached.
        """
        self._is_closed = True
        for view in tuple(self._last_keys):
            self.forget(view)
        self.cache.drop_where((id(self), "noise"))

    def _slot(self, view: Hashable, stage: Hashable) -> tuple[tuple[int, Hashable], Hashable]:
        return (id(self), view), stage


def still_view(view: Hashable) -> Hashable:
    """Return the pseudo-view that caches a view's untransformed picture; None for None."""
    return None if view is None else ("still", view)


def _nbytes(x: Tensor) -> int:
    return x.numel() * x.element_size()
