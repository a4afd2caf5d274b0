"""What a view shows, and a snapshot of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from explorer.state.look import ASPECTS, Look

__all__ = ["Snapshot", "Tap", "ViewState"]


@dataclass(frozen=True, slots=True)
class Tap:
    """Which output of the network is shown: the final picture (`layer` empty) or one layer's activation.

    `channels` "rgb" shows three channels from `first_channel` on, "one" that channel, "norm" the vector norm.
    `scale_db` brightens, `normalize` fits the range. `spectrum` shows the log power spectrum instead.
    """

    layer: str = ""
    channels: Literal["rgb", "one", "norm"] = "rgb"
    first_channel: int = 0
    scale_db: float = 0.0
    normalize: bool = True
    spectrum: bool = False


@dataclass(frozen=True, slots=True)
class ViewState:
    """One picture on screen: its model, its own look, and the aspects in which it does not follow the shared look.

    `unlinked` is stored rather than `linked`, so that an aspect added later is linked in older projects.
    """

    model: str = ""  # a bundled name or a path; empty = nothing loaded
    unlinked: frozenset[str] = frozenset()
    own: Look = Look()
    tap: Tap = Tap()

    @property
    def linked(self) -> frozenset[str]:
        """The aspects in which it follows the shared look, in order."""
        return frozenset(ASPECTS) - self.unlinked


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The content of a keyframe of the whole state: every look and each view's tap, but not the models."""

    shared: Look = Look()
    views: tuple[ViewState, ...] = (ViewState(), ViewState())
