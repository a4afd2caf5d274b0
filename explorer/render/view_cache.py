"""What a pipeline keeps of each view's last pictures, in the cache that all pipelines of a device share."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.generators.base import Activation
    from explorer.render.cache import StageCache

__all__ = ["ViewCache", "still_view"]


class ViewCache:
    """One pipeline's part of the cache: stages and picture of each view, and noise. A view of None keeps nothing.

    Args:
        cache: Of the device.
    """

    def __init__(self, cache: StageCache[Any]) -> None:
        self.cache = cache
        self._last_keys: dict[Hashable, tuple[bytes, ...]] = {}
        self._wanted: dict[Hashable, int | None] = {}

    # -- stages --------------------------------------------------------------------------------------------

    def start_of(self, view: Hashable, keys: tuple[bytes, ...]) -> int:
        """Return number of the last of `keys` whose result is kept, -1 if none is."""
        if view is None:
            return -1
        numbers = range(len(keys) - 1, -1, -1)
        return next((i for i in numbers if self.cache.has(self._place(view, i), keys[i])), -1)

    def stage(self, view: Hashable, number: int, key: bytes) -> Activation | None:
        """Return the kept result of a stage."""
        activation: Activation | None = self.cache.get(self._place(view, number), key)
        return activation

    def keep_stage(self, view: Hashable, number: int, keys: tuple[bytes, ...], activation: Activation) -> None:
        """Keep the result of a stage, but not the last: only the picture needs that, and is kept itself."""
        if view is not None and number < len(keys) - 1:
            is_wanted = number == self._wanted.get(view)
            place = self._place(view, number)
            self.cache.put(place, keys[number], activation, activation.nbytes, is_wanted=is_wanted)

    def mark_requested(self, view: Hashable, keys: tuple[bytes, ...]) -> None:
        """Mark the stage that this stroke resumes from: the last one whose key is that of the run before."""
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
            self.cache.want(self._place(view, old), False)
        self._wanted[view] = wanted
        if wanted is not None:
            self.cache.want(self._place(view, wanted), True)

    # -- pictures and noise --------------------------------------------------------------------------------

    def has_image(self, view: Hashable, key: bytes) -> bool:
        """Return whether the picture of that key is kept."""
        return view is not None and self.cache.has(self._place(view, "image"), key)

    def image(self, view: Hashable, key: bytes) -> Tensor | None:
        """Return the kept picture `[C, H, W]`."""
        image: Tensor | None = self.cache.get(self._place(view, "image"), key)
        return image

    def keep_image(self, view: Hashable, key: bytes, image: Tensor) -> None:
        """Keep the picture of a view."""
        if view is not None:
            self.cache.put(self._place(view, "image"), key, image, _nbytes(image))

    def noise(self, layer: int, key: bytes) -> Tensor | None:
        """Return the kept noise of a layer."""
        noise: Tensor | None = self.cache.get(self._place("noise", layer), key)
        return noise

    def keep_noise(self, layer: int, key: bytes, noise: Tensor) -> None:
        """Keep the noise of a layer, for all views: drawing a large random map costs as much as a layer."""
        self.cache.put(self._place("noise", layer), key, noise, _nbytes(noise))

    # -- giving up -----------------------------------------------------------------------------------------

    def forget(self, view: Hashable) -> None:
        """Drop what is kept for a view, and for the unmoved picture beside it."""
        self.cache.drop_where((id(self), still_view(view)))
        self.cache.drop_where((id(self), view))
        self._last_keys.pop(view, None)
        self._wanted.pop(view, None)

    def forget_all(self) -> None:
        """Drop everything of this pipeline."""
        for view in tuple(self._last_keys):
            self.forget(view)
        self.cache.drop_where((id(self), "noise"))

    def _place(self, view: Hashable, stage: Hashable) -> tuple[tuple[int, Hashable], Hashable]:
        return (id(self), view), stage


def still_view(view: Hashable) -> Hashable:
    """Return where the stages of a view's unmoved picture are kept; None keeps none."""
    return None if view is None else ("still", view)


def _nbytes(x: Tensor) -> int:
    return x.numel() * x.element_size()
