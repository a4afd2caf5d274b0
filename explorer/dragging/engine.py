"""The engine of a drag: runs the network up to the features, asks the rule for a loss, and takes a step against it.

It is a job in steps of a layer of the network, or of one backward pass. A step sets the thread's gradient mode and
operators for itself alone: between steps the thread is as it was.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import torch

from explorer.dragging.draggan import DragGAN
from explorer.dragging.features import FeatureMap, Grid, Whitening, feature_layer
from explorer.dragging.freedrag import FreeDrag
from explorer.dragging.latent_steps import LatentSteps, candidate_rows, spread
from explorer.dragging.problem import DragStep
from explorer.errors import UsageError
from explorer.generators.base import NO_EDITS, Inputs, fold_steps
from explorer.ops.backend import use_backend
from explorer.util.report import Report

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.dragging.problem import Drag
    from explorer.dragging.rule import Rule
    from explorer.generators.base import Generator, LayerEdits
    from explorer.jobs.job import Job
    from explorer.util.steps import Steps

__all__ = ["drag_steps"]

PROGRESS = 0.002
"""The least progress, in picture widths."""

T = TypeVar("T")


@contextlib.contextmanager
def _differentiable() -> Iterator[None]:
    """Let gradients be computed, in float32 and with operators that have them."""
    with torch.inference_mode(False), torch.enable_grad(), use_backend("torch", torch.float32):
        yield


def _apart(steps: Steps[T]) -> Steps[T]:
    """Run each step of `steps` with gradients, and leave the thread as it was between them."""
    while True:
        with _differentiable():
            try:
                next(steps)
            except StopIteration as end:
                value: T = end.value
                return value
        yield


class _Features:
    """Computes the features of one latent after another.

    Args:
        generator: The network; what it has derived from its weights without gradients is left alone.
        inputs: What it is given besides `ws`.
        edits: Of single layers.
    """

    def __init__(self, generator: Generator, inputs: Inputs, edits: LayerEdits) -> None:
        self.layer = feature_layer(generator.info)
        self._inputs, self._edits = _usable(inputs), edits
        # Values that were derived from the weights under `inference_mode` cannot take part in a backward pass.
        shared = {id(t): t for t in (*generator.parameters(), *generator.buffers())}
        self._generator = copy.deepcopy(generator, shared)
        self._grid = Grid.of(generator.info, self.layer)
        self._whitening: Whitening | None = None

    def steps(self, ws: Tensor) -> Steps[FeatureMap]:
        """Return the features of `ws` `[1, num_ws, w_dim]`, in steps of a layer."""
        inputs = replace(self._inputs, ws=ws)
        activation = self._generator.begin(inputs, self._edits)
        layers = self._generator.layers
        activation = yield from fold_steps(layers, activation, inputs, stop=self.layer, edits=self._edits)
        if self._whitening is None:
            self._whitening = Whitening.of(activation.x)
        return FeatureMap(self._whitening(activation.x.float()), self._grid)


def _usable(inputs: Inputs) -> Inputs:
    """Return inputs whose tensors may take part in a backward pass."""
    source = None if inputs.source is None else inputs.source.clone()
    transform = None if inputs.transform is None else inputs.transform.clone()
    return replace(
        inputs,
        ws=inputs.ws.clone(),
        source=source,
        transform=transform,
        masks=tuple(mask.clone() for mask in inputs.masks),
    )


def drag_steps(generator: Generator, inputs: Inputs, drag: Drag, edits: LayerEdits = NO_EDITS) -> Job[DragStep]:
    """Report each step of a drag; the last one has an `outcome`.

    Args:
        generator: The network.
        inputs: The picture to start from, a batch of one.
        drag: What to drag where.
        edits: Of single layers.

    Raises:
        UsageError: The points lie outside the picture, or the network has no features or rows to use.
    """
    drag.check(generator.info.img_size)
    basis = yield from spread(generator)
    with _differentiable():
        features = _Features(generator, inputs, edits)
        rows = candidate_rows(generator.info, features.layer, drag.settings)
        if not rows:
            raise UsageError("None of the chosen rows of ws changes the features.", "Choose lower rows.")
        latent = LatentSteps(features._inputs.ws[0], basis.clone(), rows, drag.settings)
    yield from _run(features, latent, drag, generator.info.img_size)


def _run(features: _Features, latent: LatentSteps, drag: Drag, size: tuple[int, int]) -> Job[DragStep]:
    settings, rule = drag.settings, None
    watch = _Progress(settings.patience, PROGRESS * size[1])
    step, outcome = 0, ""
    while True:
        with _differentiable():
            ws = latent.ws()
        found = None
        for found in _stepwise(_apart(features.steps(ws))):
            if found is None:
                yield None
        assert found is not None
        with _differentiable():
            if rule is None:
                rule = _rule(found, drag, size)
            loss = rule.loss(found)
            if loss is None:
                outcome = _end_of(rule)
            elif step >= settings.steps:
                outcome = f"It ended after {step} steps, as many as are allowed."
            elif watch.is_stuck(rule, latent):
                outcome = f"There was no progress in {settings.patience} steps"
                outcome += ", at the edge of the trusted region." if latent.is_at_limit else "."
            reported = DragStep(
                step, latent.offset(), rule.handles, 0.0 if loss is None else float(loss.detach()), outcome
            )
        yield Report(reported, step, settings.steps, note=outcome)
        if outcome:
            return
        if watch.restart is not None:
            rule, coordinates, rate = watch.take_restart(settings.rate)
            latent.restart(coordinates, rate)
            step += 1
            continue
        with _differentiable():
            assert loss is not None
            latent.descend(loss)
        step += 1
        yield None


def _stepwise(steps: Steps[FeatureMap]) -> Iterator[FeatureMap | None]:
    """Yield None after each step, then the result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            yield end.value
            return
        yield None


def _rule(first: FeatureMap, drag: Drag, size: tuple[int, int]) -> Rule:
    return (DragGAN if drag.settings.method == "draggan" else FreeDrag)(first, drag, size)


def _end_of(rule: Rule) -> str:
    lost = sum(handle.state == "lost" for handle in rule.handles)
    if not lost:
        return "Every point has arrived."
    return f"{lost} of {len(rule.handles)} points were lost; the others have arrived."


class _Progress:
    """Watches the way that is left, goes back once to the best step, and ends it the next time.

    Args:
        patience: Steps without progress that are allowed.
        least: Pixels that count as progress.
    """

    def __init__(self, patience: int, least: float) -> None:
        self._patience, self._least = patience, least
        self._best, self._since = float("inf"), 0
        self._saved: tuple[Rule, Tensor] | None = None
        self._was_restarted = False
        self.restart: tuple[Rule, Tensor] | None = None

    def is_stuck(self, rule: Rule, latent: LatentSteps) -> bool:
        """Note a step; return whether it should end. Sets `restart` where it should go back."""
        if rule.remaining < self._best - self._least:
            self._best, self._since = rule.remaining, 0
            self._saved = rule.copy(), latent.saved()
            return False
        self._since += 1
        if self._since < self._patience:
            return False
        if self._was_restarted or self._saved is None:
            return True
        self.restart, self._was_restarted, self._since = self._saved, True, 0
        return False

    def take_restart(self, rate: float) -> tuple[Rule, Tensor, float]:
        """Return the rule and the coordinates to go back to, and a smaller rate."""
        assert self.restart is not None
        (rule, coordinates), self.restart = self.restart, None
        return rule.copy(), coordinates, rate / 2
