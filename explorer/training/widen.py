"""A wider generator that computes what a narrower one computed, so that training goes on from there.

New channels are fresh and nobody listens to them yet: the weights by which old channels read new ones are zero, and
learn from the first step on. Demodulation and StyleGAN3's normalised weights do not notice zeros (Net2Net, Chen et
al. 2016, copies channels instead, which they would notice).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from explorer.errors import UsageError
from explorer.generators.base import Generator

__all__ = ["widened"]


def widened(state: Mapping[str, Tensor], generator: Generator) -> dict[str, Tensor]:
    """The `state_dict` of a narrower synthesis network, for `generator`, whose own values fill what is new.

    Raises:
        UsageError: Something other than channels of the synthesis network differs.
    """
    fresh = generator.state_dict()
    unscaled = {f"synthesis.{layer.info.name}.weight" for layer in generator.layers if not layer.info.is_rgb}
    if len(state) != len(fresh):
        raise UsageError("The checkpoint has other layers than this run.", "Only channels can be added on the way.")
    result = {}
    # By position: StyleGAN3's names count the channels.
    for (name, new), old in zip(fresh.items(), state.values(), strict=True):
        shapes = zip(old.shape, new.shape, strict=False)
        inside = old.ndim == new.ndim and name.startswith("synthesis.") and all(a <= b for a, b in shapes)
        if old.shape != new.shape and not inside:
            raise UsageError(f"{name} cannot grow from {tuple(old.shape)} to {tuple(new.shape)}.")
        result[name] = _grown(old, new, demodulated=name in unscaled)
    return result


def _grown(old: Tensor, new: Tensor, *, demodulated: bool) -> Tensor:
    if old.shape == new.shape:
        return old.clone()
    grown = new.clone()
    if new.ndim < 2:
        grown[: old.shape[0]] = old
        return grown
    rows, columns = old.shape[:2]
    # What is not demodulated is divided by the root of its inputs' number.
    gain = 1.0 if demodulated else math.sqrt(new.shape[1] / columns)
    grown[:rows, :columns] = old * gain
    grown[:rows, columns:] = 0
    return grown
