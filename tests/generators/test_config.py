"""Settings of every family: of one type, within bounds, and refused alike by `inspect` and `load`."""

from __future__ import annotations

import dataclasses
import typing
from pathlib import Path
from typing import Any

import pytest
import torch

from explorer.checkpoints import inspect, load, read_settings
from explorer.checkpoints.checkpoint import Checkpoint
from explorer.checkpoints.latentwalk_format import save_native
from explorer.errors import MismatchError
from explorer.generators import registry
from explorer.generators.config import Within

FAMILIES = registry.families()
_BASE = {"img_resolution": 16}

# What no setting of a number, a switch or a choice may be; JSON and pickles can say all of it.
_NEVER: list[object] = [
    [], [1, 2], {}, {"a": 1}, "256", "", "<img src=x>", float("nan"), float("inf"), float("-inf"), 1e300, -1e300,
    10**400, -(10**400), True,
]  # fmt: skip


def _settings() -> list[tuple[str, str]]:
    return [
        (family, f.name) for family in FAMILIES for f in dataclasses.fields(registry.read_config(family, _BASE))
    ]


@pytest.mark.parametrize(("family", "setting"), _settings())
def test_no_setting_takes_what_it_does_not_mean(family: str, setting: str) -> None:
    config = registry.read_config(family, _BASE)
    for value in _NEVER:
        if type(value) is type(getattr(config, setting)) and isinstance(value, (bool, str)):
            continue  # a switch may be true
        if (setting, value) in (("class_names", []), ("resample_filter", [1, 2]), ("init_size", [1, 2])):
            continue
        with pytest.raises(MismatchError, match=setting):
            registry.read_config(family, {**_BASE, setting: value})


@pytest.mark.parametrize("family", FAMILIES)
def test_every_number_has_bounds(family: str) -> None:
    config = type(registry.read_config(family, _BASE))
    for name, hint in typing.get_type_hints(config, include_extras=True).items():
        text = str(hint)
        if "int" in text or "float" in text:
            assert Within.__name__ in text, name


@pytest.mark.parametrize(
    "value", [[], "1", float("nan"), [[1, 3, 3, 1]], [1, "3"], [True], [1, -1], [0.0], [1] * 65]
)
def test_resampling_filters_that_cannot_be(value: object) -> None:
    with pytest.raises(MismatchError, match="resample_filter"):
        registry.read_config("stylegan2", {**_BASE, "resample_filter": value})


def test_whole_numbers_may_be_written_with_a_point(tmp_path: Path) -> None:
    written: dict[str, object] = {"img_resolution": 16.0, "channel_base": 1024.0}
    save_native(tmp_path / "x.safetensors", Checkpoint("stylegan2", written, {"a": torch.zeros(1)}, "x"))
    config = load(tmp_path / "x.safetensors").config
    assert config == {"img_resolution": 16, "channel_base": 1024}
    assert {type(value) for value in config.values()} == {int}
    assert read_settings(tmp_path / "x.safetensors") == ("stylegan2", config)


@pytest.mark.parametrize(
    ("family", "change", "message"),
    [
        ("stylegan3-r", {"conv_clamp": []}, r"conv_clamp is a list; expected a number from 0\.001 to 4,194,304, "),
        ("stylegan3-t", {"output_scale": "0.25"}, "output_scale is the text '0.25'; expected a number"),
        ("stylegan3-t", {"num_layers": 3, "num_critical": 3}, "num_critical"),
        ("stylegan3-t", {"channel_base": 1}, "channel_base"),
        ("stylegan2", {"channel_base": 8}, "channel_base"),
        ("stylegan2", {"mapping_lr_multiplier": 0}, "mapping_lr_multiplier"),
        ("stylegan2", {"evil": 1}, "evil"),
        ("stylegan2", {"\x1b[2Jevil" * 50: 1}, r"\\x1b\[2Jevil"),
    ],
)
def test_files_are_refused_by_name_and_setting(
    tmp_path: Path, family: str, change: dict[str, Any], message: str
) -> None:
    save_native(tmp_path / "net.safetensors", Checkpoint(family, {**_BASE, **change}, {"a": torch.zeros(1)}, "x"))
    for read in (load, inspect):
        with pytest.raises(MismatchError, match=message) as caught:
            read(tmp_path / "net.safetensors")
        assert caught.value.message.startswith("net.safetensors: ")
        assert len(caught.value.message) < 400
