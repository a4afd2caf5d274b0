"""What a view shows, and a snapshot of what all of them show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from explorer.state.look import ASPECTS, Look

__all__ = ["Snapshot", "Tap", "ViewState"]


@dataclass(frozen=True, slots=True)
class Tap:
    """What of the network is shown: the final picture (`layer` empty) or one layer's activation.

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
    """One picture on screen: its model, the aspects in which it follows the shared look, and its own look."""

    model: str = ""  # a bundled name or a path; empty = nothing loaded
    linked: frozenset[str] = frozenset(ASPECTS)
    own: Look = Look()
    tap: Tap = Tap()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a key of the whole state holds: every look and what each view shows of it, but not the models."""

    shared: Look = Look()
    views: tuple[ViewState, ...] = (ViewState(), ViewState())
