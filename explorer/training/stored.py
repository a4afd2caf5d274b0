"""What the folder of a run says of itself: its settings, and whether another run may go on in it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from explorer.errors import UsageError
from explorer.generators.stylegan2 import StyleGAN2Config
from explorer.generators.stylegan3_layers import StyleGAN3Config
from explorer.training.settings import TrainSettings

__all__ = ["SETTINGS", "STATE", "check_same", "describe", "write"]

SETTINGS = "settings.json"
STATE = "state.pt"

_HINT = "Choose another --out, or give its options."


def describe(settings: TrainSettings) -> dict[str, Any]:
    """`settings` as plain values."""
    paths = {"out": str(settings.out), "data": [str(path) for path in settings.data]}
    return dataclasses.asdict(settings) | paths


def write(settings: TrainSettings) -> None:
    """Write `settings` into the folder of their run, so that a kill leaves the old file or the new one."""
    path = settings.out / SETTINGS
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(describe(settings), indent=1, allow_nan=True, default=str) + "\n")
    partial.replace(path)


def check_same(settings: TrainSettings) -> None:
    """Check that what was trained in `settings.out`, if anything, has the networks that `settings` ask for.

    Raises:
        UsageError: The folder holds a run of another family, resolution or size.
    """
    out = settings.out
    if not (out / STATE).exists() or not (out / SETTINGS).exists():
        return
    old, new = json.loads((out / SETTINGS).read_text()), describe(settings)
    held = f"{out} holds a {old['family']} run of {old['resolution']} px"
    if (old["family"], old["resolution"]) != (new["family"], new["resolution"]):
        raise UsageError(f"{held}.", _HINT)
    before, after = _sizes(old), _sizes(new)
    if differing := [f"{name} {before[name]} (not {after[name]})" for name in after if before[name] != after[name]]:
        raise UsageError(f"{held} with {', '.join(differing)}.", _HINT)


def _sizes(described: dict[str, Any]) -> dict[str, Any]:
    """What the shapes of both networks and of the warm-up's probes hang on, defaults included."""
    config = StyleGAN2Config if described["family"] == "stylegan2" else StyleGAN3Config
    values = {"img_resolution": described["resolution"], **described["generator"]}
    sizes = dataclasses.asdict(config.from_mapping(values))
    sizes |= {name: described[name] for name in ("d_channel_base", "d_channel_max")}
    return sizes | {"warm-up layers": [int(index) for _, index in described["warm_up"]]}
