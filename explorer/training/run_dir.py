"""The folder of a training run: its settings, and whether another run may continue in it."""

from __future__ import annotations

import dataclasses
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import CheckpointError, UsageError
from explorer.generators.registry import read_config
from explorer.util.atomic_write import atomic_write
from explorer.util.regular_file import read_regular

if TYPE_CHECKING:
    from explorer.training.settings import TrainSettings

__all__ = ["SETTINGS", "STATE", "check_same", "describe", "with_sizes_held", "write"]

log = logging.getLogger("explorer.training")

SETTINGS = "settings.json"
STATE = "state.pt"
_LIMIT = 16 << 20  # bytes of the settings

_HINT = "Choose another --out, or give its options."


def describe(settings: TrainSettings) -> dict[str, Any]:
    """Return `settings` as plain values."""
    paths = {"out": str(settings.out), "data": [str(path) for path in settings.data]}
    return dataclasses.asdict(settings) | paths


def write(settings: TrainSettings) -> None:
    """Write `settings` into their run's folder atomically: a kill leaves either the old or the new file."""
    text = json.dumps(describe(settings), indent=1, allow_nan=True, default=str) + "\n"
    with atomic_write(settings.out / SETTINGS, is_lone_writer=True) as partial:
        partial.write_text(text)


def check_same(settings: TrainSettings) -> None:
    """Check that the run in `settings.out`, if any, has the networks that `settings` ask for.

    Raises:
        UsageError: The folder holds a run of another family, resolution or size.
    """
    out, old, new = settings.out, _held(settings.out), describe(settings)
    if old is None:
        return
    held = f"{out} holds a {old['family']} run of {old['resolution']} px"
    if (old["family"], old["resolution"]) != (new["family"], new["resolution"]):
        raise UsageError(f"{held}.", _HINT)
    before, after = _sizes(old), _sizes(new)
    if differing := [f"{name} {before[name]} (not {after[name]})" for name in after if before[name] != after[name]]:
        raise UsageError(f"{held} with {', '.join(differing)}.", _HINT)


def with_sizes_held(settings: TrainSettings) -> TrainSettings:
    """Return `settings` with the network sizes of the run in `settings.out`, if family and resolution match."""
    old = _held(settings.out)
    if old is None or (old["family"], old["resolution"]) != (settings.family, settings.resolution):
        return settings
    sizes = {name: old[name] for name in ("generator", "d_channel_base", "d_channel_max")}
    return dataclasses.replace(settings, **sizes)


def _held(out: Path) -> dict[str, Any] | None:
    """Return the settings of the run in a folder; None if there is no run or its settings are truncated."""
    if not (out / STATE).exists() or not (out / SETTINGS).exists():
        return None
    try:
        held = json.loads(read_regular(out / SETTINGS, _LIMIT))
        _sizes(held)
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError, CheckpointError) as error:
        log.warning("%s cannot be read and will be rewritten: %s", out / SETTINGS, error)
        return None
    return dict(held)


def _sizes(described: dict[str, Any]) -> dict[str, Any]:
    """Return all settings, defaults included, that determine the shapes of the networks and warm-up probes."""
    values = {"img_resolution": described["resolution"], **described["generator"]}
    sizes = dataclasses.asdict(read_config(described["family"], values))
    sizes |= {name: described[name] for name in ("d_channel_base", "d_channel_max")}
    return sizes | {"warm-up layers": [int(index) for _, index in described["warm_up"]]}
