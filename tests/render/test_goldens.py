"""The whole way from NVIDIA's pickle through a look to the picture, against what the original program computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from explorer.assets.latent import StoredLatent
from explorer.assets.table import AssetTable
from explorer.ops.backend import Backend
from explorer.render.headless import HeadlessRenderer
from explorer.render.model_store import load_file
from explorer.state import Classes, Latent, Look, Noise, Transform, Truncation
from explorer.state.request import RenderSettings
from tests.goldens import Golden, assert_close, load_net, require

NAMES = ("sg2_skip_u64", "sg2ada_c3_u32", "sg3t_u64", "sg3r_u64")


def look_of_case(case: dict[str, Any], golden: Golden, item: int) -> tuple[Look, StoredLatent]:
    """The case as a user would set it."""
    call, look = case["call"], Look()
    if call["mapping"] is None:
        latent = StoredLatent("ws", golden.arrays["wplus"][item])
    else:
        latent = StoredLatent("z", golden.arrays["z"][item])
        truncation = Truncation(call["mapping"]["truncation_psi"], call["mapping"]["truncation_cutoff"])
        look = Look(truncation=truncation)
    aspects: dict[str, Any] = {"latent": Latent(stored=latent.key)}
    aspects["classes"] = Classes(tuple((i, float(w)) for i, w in enumerate(golden.arrays["c"][item]) if w > 0))
    aspects["noise"] = Noise(call["synthesis"]["noise_mode"])
    if "transform_forward" in call:
        aspects["transform"] = Transform(matrix=tuple(float(v) for v in np.ravel(call["transform_forward"])[:6]))
    return Look(**{"truncation": look.truncation, **aspects}), latent


@pytest.mark.parametrize("backend", ["auto", "reference"])
@pytest.mark.parametrize("name", NAMES)
def test_pictures_agree_with_the_original(name: str, backend: Backend) -> None:
    golden = load_net(name)
    model = load_file(str(require(f"pickles/{name}_nosrc.pkl")))
    renderer = HeadlessRenderer(model.generator, RenderSettings("cpu", "float32", backend), model.model_info.key)
    compared = 0
    for case_name, case in golden.meta["cases"].items():
        if case["call"]["synthesis"]["noise_mode"] == "random":
            continue  # another generator of random numbers drew those
        for item in range(golden.meta["batch"]):
            c = golden.arrays["c"][item]
            if c.size and not np.isclose(c.sum(), 1.0):
                continue  # the explorer's mixtures of classes sum to one
            look, latent = look_of_case(case, golden, item)
            picture = renderer.render_look(look, table=AssetTable((latent,)))
            atol = case["tensors"]["image"]["atol"]
            expected = golden.array(f"{case_name}/image")[item]
            assert_close(torch.from_numpy(picture.image), expected, atol, f"{case_name} {item}")
            compared += 1
    assert compared >= 6
