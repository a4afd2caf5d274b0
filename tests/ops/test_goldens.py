"""Every operator against what the original implementations computed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from explorer.ops.bias_act import bias_act
from explorer.ops.conv2d_resample import conv2d_resample, conv2d_resample_reference
from explorer.ops.filter_design import design_lowpass, design_lowpass_filter
from explorer.ops.filtered_lrelu import filtered_lrelu
from explorer.ops.modulated_conv2d import stylegan2_modulated_conv2d, stylegan3_modulated_conv2d
from explorer.ops.normalize import normalize_2nd_moment
from explorer.ops.upfirdn2d import downsample2d, filter2d, setup_filter, upfirdn2d, upsample2d
from tests.goldens import assert_close, find, load_ops


def _modulated2(x, weight, styles, noise, f, fused_modconv=True, **kwargs):  # type: ignore[no-untyped-def]
    return stylegan2_modulated_conv2d(
        x, weight, styles, noise=noise, resample_filter=f, fused=fused_modconv, **kwargs
    )


def _modulated3(x, w, s, g, **kwargs):  # type: ignore[no-untyped-def]
    return stylegan3_modulated_conv2d(x, w, s, input_gain=g, **kwargs)


OPERATORS: dict[str, list[Any]] = {
    "bias_act": [bias_act],
    "setup_filter": [setup_filter],
    "upfirdn2d": [upfirdn2d],
    "filter2d": [filter2d],
    "upsample2d": [upsample2d],
    "downsample2d": [downsample2d],
    "conv2d_resample": [conv2d_resample, conv2d_resample_reference],
    "normalize_2nd_moment": [normalize_2nd_moment],
    "filtered_lrelu": [filtered_lrelu],
    "design_lowpass_filter": [design_lowpass_filter],
    "stylegan2.modulated_conv2d": [
        _modulated2,
        lambda *a, fused_modconv=True, **k: _modulated2(*a, fused_modconv=not fused_modconv, **k),  # type: ignore[misc]
    ],
    "stylegan3.modulated_conv2d": [
        _modulated3,
        lambda *a, **k: _modulated3(*a, fused=True, **k),
    ],
}


def _calls() -> list[Any]:
    params = []
    for family in ("bias_act", "conv", "filter_design", "filtered_lrelu", "upfirdn2d"):
        path = find(f"ops/{family}.json")
        if path is None:
            params.append(pytest.param(family, 0, id=family))  # load_ops skips it with the reason
            continue
        for i, call in enumerate(json.loads(path.read_text())["calls"]):
            params.append(pytest.param(family, i, id=f"{call['op']}-{i}"))
    return params


@pytest.mark.parametrize(("family", "index"), _calls())
def test_operator_matches_the_original(family: str, index: int) -> None:
    golden = load_ops(family)
    call = golden.meta["calls"][index]
    inputs = [golden.tensor(key) for key in call["inputs"].values()]
    expected = golden.array(call["output"])
    for operator in OPERATORS[call["op"]]:
        with torch.no_grad():
            assert_close(operator(*inputs, **call["kwargs"]), expected, call["atol"], call["op"])


def test_filter_design_in_float64() -> None:
    golden = load_ops("filter_design")
    for call in golden.meta["calls"]:
        expected = golden.arrays[call["output"] + "_f64"]
        np.testing.assert_allclose(design_lowpass(**call["kwargs"]), expected, rtol=0, atol=1e-14)
