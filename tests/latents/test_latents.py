"""Seeds, the plane, the style maths, the table, and latents as text."""

from __future__ import annotations

import base64
import json
import struct
import zlib

import numpy as np
import pytest

from explorer.assets.base import digest_of
from explorer.assets.latent import StoredLatent
from explorer.assets.table import AssetTable
from explorer.edits.nudge import unit_direction
from explorer.errors import LatentError
from explorer.generators.base import GeneratorInfo, LayerInfo
from explorer.generators.registry import build
from explorer.latents import style
from explorer.latents.groups import group_of, label_of
from explorer.latents.seeds import plane_corners, plane_seed, z_of_seed
from explorer.project.document import asset_to_json, pack_text
from explorer.project.latent_text import latent_from_text, latent_to_text
from explorer.state import Latent

RNG = np.random.RandomState(0)
W_AVG = RNG.randn(6).astype(np.float32)
A, B = RNG.randn(2, 6).astype(np.float32)
WS = RNG.randn(4, 6).astype(np.float32)


# -- seeds -----------------------------------------------------------------------------------------------------


def test_z_of_a_seed_is_the_fields_convention() -> None:
    np.testing.assert_array_equal(z_of_seed(42, 512), np.random.RandomState(42).randn(512).astype(np.float32))
    assert z_of_seed(2**32 + 42, 512) is z_of_seed(2**32 + 42, 512)
    np.testing.assert_array_equal(z_of_seed(2**32 + 42, 8), z_of_seed(42, 8))
    with pytest.raises(ValueError, match="read-only"):
        z_of_seed(1, 8)[0] = 0.0


def test_directions_have_length_one() -> None:
    assert np.linalg.norm(unit_direction(3, 64)) == pytest.approx(1.0)
    assert not np.allclose(unit_direction(3, 64), unit_direction(4, 64))
    with pytest.raises(ValueError, match="read-only"):
        unit_direction(3, 64)[0] = 0.0


def test_the_plane_has_a_seed_at_every_integer_point() -> None:
    assert plane_seed(1000, 3, 2) == 1203
    assert plane_seed(0, -1, 0) == 2**32 - 1
    assert plane_corners(1000, 3.0, 2.0) == ((1203, 1.0),)
    assert plane_corners(0, 0.5, 0.0) == ((0, 0.5), (1, 0.5))
    assert plane_corners(0, 0.0, -0.25) == ((2**32 - 100, 0.25), (0, 0.75))


@pytest.mark.parametrize(("x", "y"), [(0.3, 0.7), (-1.2, 5.9), (123.456, -77.7)])
def test_weights_sum_to_one(x: float, y: float) -> None:
    corners = plane_corners(5, x, y)
    assert len(corners) == 4
    assert sum(weight for _, weight in corners) == pytest.approx(1.0)


# -- style -----------------------------------------------------------------------------------------------------


def test_blending_is_relative_to_the_centre() -> None:
    blended = style.blend(W_AVG, W_AVG, ((A, 0.25), (B, 0.75)))
    np.testing.assert_allclose(blended, 0.25 * A + 0.75 * B, rtol=1e-5)
    assert style.blend(W_AVG, W_AVG, ((A, 1.0),)) is A
    walked = style.blend(WS, W_AVG, ((A, -0.5), (B, 0.5)))
    np.testing.assert_allclose(walked, WS + 0.5 * (B - A), rtol=1e-5, atol=1e-6)
    assert style.blend(WS, W_AVG, ()) is WS


def test_broadcasting() -> None:
    assert style.broadcast(A, 4).shape == (4, 6)
    assert style.broadcast(WS, 4) is WS


def test_mixing_moves_single_entries() -> None:
    mixed = style.mix(WS, [A, 2 * WS], ((0, 0, 1.0), (2, 1, 0.25), (3, 0, 0.5)))
    np.testing.assert_array_equal(mixed[0], A)
    np.testing.assert_array_equal(mixed[1], WS[1])
    np.testing.assert_allclose(mixed[2], 1.25 * WS[2], rtol=1e-6)
    np.testing.assert_allclose(mixed[3], 0.5 * (WS[3] + A), rtol=1e-5, atol=1e-6)
    assert style.mix(WS, [], ()) is WS


def test_truncation_moves_towards_the_centre() -> None:
    psi = style.psi_of_entries(4, 0.5, 2, ((3, 0.0),))
    truncated = style.truncate(WS, W_AVG, psi)
    np.testing.assert_allclose(truncated[:2], 0.5 * (WS[:2] + W_AVG), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(truncated[2], WS[2])
    np.testing.assert_array_equal(truncated[3], W_AVG)
    assert style.truncate(WS, W_AVG, (1.0,) * 4) is WS


# -- groups ----------------------------------------------------------------------------------------------------


def test_stylegan2_groups_follow_resolutions() -> None:
    info = build("stylegan2", {"img_resolution": 128, "channel_base": 128}).info
    groups = [group_of(info, i) for i in range(info.num_ws)]
    assert groups == ["coarse"] * 3 + ["middle"] * 4 + ["fine"] * 5
    assert [label_of(info, i) for i in (0, 1, 2, 3, 11)] == ["4x4", "8x8", "8x8", "16x16", "128x128 rgb"]


def test_stylegan3_groups_follow_the_same_shares() -> None:
    config = {"img_resolution": 32, "channel_base": 64, "channel_max": 4, "z_dim": 4, "w_dim": 4}
    info = build("stylegan3-t", config).info
    groups = [group_of(info, i) for i in range(info.num_ws)]
    assert groups == ["coarse"] * 4 + ["middle"] * 4 + ["fine"] * 8
    labels = [label_of(info, i) for i in range(info.num_ws)]
    assert (labels[0], labels[-1]) == ("input", "rgb")
    assert labels[1].startswith("L0 ")


def test_an_entry_that_styles_no_layer_has_a_group_too() -> None:
    layers = (LayerInfo("a", 1, 8, 1, 8, 8), LayerInfo("b", 2, 64, 1, 64, 64))
    info = GeneratorInfo("other", 4, 0, 4, 3, (64, 64), 3, layers, False, False)
    assert [group_of(info, i) for i in range(3)] == ["coarse", "coarse", "fine"]


# -- the table -------------------------------------------------------------------------------------------------


def test_equal_latents_share_an_id() -> None:
    table = AssetTable((StoredLatent("w", A, "sha"),))
    assert table.add(StoredLatent("w", A.copy(), "sha")) == next(iter(table))
    assert len(table) == 1
    others = [StoredLatent("z", A, "sha"), StoredLatent("w", A, "other"), StoredLatent("w", A, "sha", 0.5)]
    assert len({table.add(latent) for latent in others} | set(table)) == 4
    key = next(iter(table))
    assert key in table
    assert table.latent(key).space == "w"
    assert table.get("nowhere") is None
    with pytest.raises(LatentError, match="is missing"):
        table.latent("nowhere")


def test_stored_latents_are_copies_that_nobody_can_change() -> None:
    array = A.astype(np.float64)
    latent = StoredLatent("w", array)  # type: ignore[arg-type]
    array[:] = 0
    np.testing.assert_array_equal(latent.array, A)
    assert latent.array.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        latent.array[0] = 1.0
    assert digest_of(A) != digest_of(A[None])


@pytest.mark.parametrize(
    ("space", "array", "message"),
    [
        ("s", A, "unknown space"),
        ("w", WS, "shape"),
        ("ws", A, "shape"),
        ("z", A[:0], "shape"),
        ("w", np.array([np.nan], np.float32), "not finite"),
    ],
)
def test_latents_that_are_none_are_refused(space: str, array: np.ndarray, message: str) -> None:
    with pytest.raises(LatentError, match=message):
        StoredLatent(space, array)  # type: ignore[arg-type]


# -- text ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("latent", [Latent(), Latent(1234), Latent(7, 0.25, -1e-7), Latent(2**32 - 1, 0.0, 3.5)])
def test_points_survive_text(latent: Latent) -> None:
    text = latent_to_text(latent, AssetTable())
    assert latent_from_text(f"  {text}\n") == (latent, None)


def test_people_may_type_seeds() -> None:
    assert latent_from_text("42") == (Latent(42), None)
    assert latent_from_text("Seed: 42 x=0.5 y=-1") == (Latent(42, 0.5, -1.0), None)


@pytest.mark.parametrize("space", ["z", "w", "ws"])
def test_stored_latents_survive_text(space: str) -> None:
    array = WS if space == "ws" else A
    stored = StoredLatent(space, array, "sha", 0.7, "näme")  # type: ignore[arg-type]
    table = AssetTable((stored,))
    text = latent_to_text(Latent(3, 0.5, 0.0, stored.key), table)
    broken = "\n".join(text[i : i + 60] for i in range(0, len(text), 60))  # as a mail program may do
    latent, found = latent_from_text(broken)
    assert found is not None
    assert latent == Latent(3, 0.5, 0.0, found.key)
    assert (found.key, found.name, found.psi) == (stored.key, "näme", 0.7)
    np.testing.assert_array_equal(found.array, array)


@pytest.mark.parametrize(
    "text",
    ["", "hello", "seed", "99999999999", "4294967296", "1 x .", "latentwalk-latent:1:", "latentwalk-latent:1:AAAA"],
)
def test_texts_that_are_not_latents_are_refused(text: str) -> None:
    with pytest.raises(LatentError):
        latent_from_text(text)


@pytest.mark.parametrize("text", ["seed 7 x 1e999", "7 x 0 y -1e999"])
def test_a_point_typed_beyond_all_numbers_is_refused(text: str) -> None:
    with pytest.raises(LatentError, match="no finite point"):
        latent_from_text(text)


@pytest.mark.parametrize("x", ["Infinity", "NaN", "1" + "0" * 400])
def test_a_packed_point_beyond_all_numbers_is_refused(x: str) -> None:
    stored = json.dumps(asset_to_json(StoredLatent("w", A)))
    raw = f'{{"seed":1,"x":{x},"y":0,"stored":{stored}}}'.encode()
    packed = base64.urlsafe_b64encode(struct.pack(">I", zlib.crc32(raw)) + zlib.compress(raw)).decode()
    with pytest.raises(LatentError):
        latent_from_text("latentwalk-latent:1:" + packed.rstrip("="))


def test_a_damaged_text_is_refused() -> None:
    stored = StoredLatent("w", A)
    text = latent_to_text(Latent(stored=stored.key), AssetTable((stored,)))
    for i in range(25, len(text), 7):
        swapped = text[:i] + ("A" if text[i] != "A" else "B") + text[i + 1 :]
        with pytest.raises(LatentError, match="damaged"):
            latent_from_text(swapped)


@pytest.mark.parametrize(
    "data", [[], {}, {"seed": 1, "x": 0, "y": 0}, {"seed": "1", "x": 0, "y": 0, "stored": None}]
)
def test_texts_of_another_shape_are_refused(data: object) -> None:
    with pytest.raises(LatentError, match="damaged"):
        latent_from_text("latentwalk-latent:1:" + pack_text(data))


def test_a_stored_latent_needs_a_point() -> None:
    stored = asset_to_json(StoredLatent("w", A))
    with pytest.raises(LatentError, match="damaged"):
        latent_from_text("latentwalk-latent:1:" + pack_text({"seed": 1, "x": "far", "y": 0, "stored": stored}))
