"""Our rule: line search with roll-back and adaptive templates as in FreeDrag (Ling et al. 2024), without drift.

A handle has a template `T`, the features of 3 by 3 places around it, and a place `c` on the line to its target; a
stage of at most five steps makes the features at `c` like `T`. How well that went decides how far `c` goes next,
and how much of the latest picture goes into `T`.

FreeDrag takes that part of the picture at `c`, so that what the handle lags behind in each stage adds up. Here it
is taken where the first picture's features are found again, near `c`; a handle has arrived only when it is found at
its target, and is lost where a filter no longer recognises it.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from explorer.dragging.confidence import HandleFilter
from explorer.dragging.problem import HandleState
from explorer.dragging.rule import Keep

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.dragging.features import FeatureMap
    from explorer.dragging.problem import Drag, DragSettings, State

__all__ = ["FreeDrag"]

STAGE = 5
"""Steps of a stage at most."""

CANDIDATES = 10
"""Places on the line among which the next one is chosen."""

WINDOW = 9
"""Places on each side among which a handle is found again, within one and a half strides."""

ANCHOR = 0.7
"""Share of the first features, beside the template, in how a handle is found again."""

LOST_AFTER = 4
"""Stages in a row without confidence after which a handle is lost."""


@dataclass(frozen=True, slots=True, eq=False)
class _Handle:
    """One handle: its line, template and place, and the losses of the stage at its start and end."""

    start: Tensor
    target: Tensor
    template: Tensor
    place: Tensor
    filter: HandleFilter
    first: Tensor
    found: Tensor
    begun: float = 0.0
    ended: float = 0.0
    confidence: float = 1.0
    doubts: int = 0
    state: State = "moving"
    reason: str = ""

    @property
    def left(self) -> float:
        """Pixels from its place to the target."""
        return float((self.target - self.place).norm())

    @property
    def direction(self) -> Tensor:
        """The unit vector `[2]` from start to target."""
        way = self.target - self.start
        unit: Tensor = way / way.norm().clamp_min(1e-9)
        return unit


class FreeDrag:
    """The rule.

    Args:
        first: Features of the first picture.
        drag: Handles, targets, mask and settings.
        size: (height, width) of the picture.
    """

    def __init__(self, first: FeatureMap, drag: Drag, size: tuple[int, int]) -> None:
        first = first.detach()
        self._settings: DragSettings = drag.settings
        self._stride = drag.settings.stride * size[1]
        self._near = size[1] / 512
        self._tolerance = drag.settings.tolerance * size[1]
        reach = torch.linspace(-1.5 * self._stride, 1.5 * self._stride, 2 * WINDOW + 1, device=first.x.device)
        self._window = torch.stack(torch.meshgrid(reach, reach, indexing="ij"), dim=-1).reshape(-1, 2)
        self._pattern = first.pattern(drag.settings.spacing)
        self._keep = Keep(first, drag.mask, drag.settings.keep)
        self._taken = 0
        self._handles: list[_Handle] = []
        for handle, target in zip(drag.handles, drag.targets, strict=True):
            start = torch.tensor(handle, dtype=torch.float32, device=first.x.device)
            template = first.at(start + self._pattern)
            aim = torch.tensor(target, dtype=torch.float32, device=first.x.device)
            recognised = HandleFilter(first, start)
            self._handles.append(_Handle(start, aim, template, start, recognised, template, start))

    def loss(self, features: FeatureMap) -> Tensor | None:
        """See `Rule.loss`."""
        now = features.detach()
        self._handles = [replace(h, ended=float(self._difference(now, h, h.place))) for h in self._handles]
        moving = [handle for handle in self._handles if handle.state == "moving"]
        is_good = all(handle.ended < self._settings.expected / 4 for handle in moving)
        if self._taken % STAGE == 0 or is_good:
            self._handles = [self._next_stage(self._seen(handle, now), now) for handle in self._handles]
            self._taken = 0
        self._taken += 1
        if all(handle.state != "moving" for handle in self._handles):
            return None
        total = self._keep(features)
        for handle in self._handles:
            if handle.state != "lost":
                total = total + self._difference(features, handle, handle.place)
        assert isinstance(total, torch.Tensor)
        return total

    def _difference(self, features: FeatureMap, handle: _Handle, places: Tensor) -> Tensor:
        """Return the mean absolute differences `[...]` of a handle's template from places `[..., 2]`."""
        found = features.at(places[..., None, :] + self._pattern)
        return (found - handle.template).abs().mean(dim=(-2, -1))

    def _located(self, handle: _Handle, now: FeatureMap) -> Tensor:
        """Return where near its place a handle is found again, by its first features and its template alike."""
        places = handle.place + self._window
        found = now.at(places[:, None] + self._pattern)
        differences = [(found - known).abs().mean(dim=(-2, -1)) for known in (handle.first, handle.template)]
        return places[(ANCHOR * differences[0] + (1 - ANCHOR) * differences[1]).argmin()]

    def _seen(self, handle: _Handle, now: FeatureMap) -> _Handle:
        """Return the handle where it is found in the latest picture, and with what confidence."""
        found = self._located(handle, now)
        return replace(handle, found=found, confidence=float(handle.filter.confidence(now, found)))

    def _next_stage(self, handle: _Handle, now: FeatureMap) -> _Handle:
        """Return the handle at the begin of a stage: with another template and place, or at the end of its way."""
        if handle.state != "moving":
            return handle
        handle = self._doubted(handle)
        if handle.state == "lost":
            return handle
        if handle.left <= self._near and float((handle.found - handle.target).norm()) <= self._tolerance:
            return replace(handle, state="arrived")
        handle = self._with_template(handle, now)
        handle = replace(handle, place=self._next_place(handle, now))
        return replace(handle, begun=float(self._difference(now, handle, handle.place)))

    def _doubted(self, handle: _Handle) -> _Handle:
        """Return the handle, lost if its filter has not recognised it for several stages."""
        doubts = handle.doubts + 1 if handle.confidence < self._settings.confidence else 0
        if doubts < LOST_AFTER:
            return replace(handle, doubts=doubts)
        return replace(handle, state="lost", reason="What was at the point is no longer recognised in the picture.")

    def _with_template(self, handle: _Handle, now: FeatureMap) -> _Handle:
        """Return the handle with as much of the picture in its template as the stage went well."""
        expected = self._settings.expected
        slope, middle = math.log(9) / (0.6 * expected), 0.2 * expected
        share = 1 / (1 + math.exp(min(slope * (handle.ended - middle), 50.0)))
        found = now.at(handle.found + self._pattern)
        return replace(handle, template=torch.lerp(handle.template, found, share))

    def _next_place(self, handle: _Handle, now: FeatureMap) -> Tensor:
        """Return the place of the next stage: forwards, the same, or back on the line."""
        expected, stride = self._settings.expected, self._stride
        if handle.ended < expected / 2:
            candidates = self._ahead(handle, handle.place, min(stride, handle.left))
            return candidates[(self._difference(now, handle, candidates) - expected).abs().argmin()]
        if handle.ended < handle.begun:
            return handle.place
        gone = float((handle.place - handle.start).norm())
        back = handle.place - handle.direction * min(stride, gone)
        candidates = self._ahead(handle, back, min(2 * stride, float((handle.target - back).norm())))
        return candidates[self._difference(now, handle, candidates).argmin()]

    def _ahead(self, handle: _Handle, place: Tensor, reach: float) -> Tensor:
        """Return equidistant places `[CANDIDATES + 1, 2]` from a place to `reach` pixels nearer to the target."""
        steps = torch.linspace(0, reach, CANDIDATES + 1, device=place.device)
        return place + steps[:, None] * handle.direction

    @property
    def handles(self) -> tuple[HandleState, ...]:
        """See `Rule.handles`."""
        return tuple(
            HandleState((float(h.found[0]), float(h.found[1])), h.state, h.reason, h.ended, h.confidence)
            for h in self._handles
        )

    @property
    def remaining(self) -> float:
        """See `Rule.remaining`."""
        return sum(float((h.target - h.found).norm()) for h in self._handles if h.state == "moving")

    def copy(self) -> FreeDrag:
        """See `Rule.copy`."""
        other = copy.copy(self)
        other._handles = list(self._handles)
        return other
