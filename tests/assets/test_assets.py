"""Assets: identified by content, found in any value that names them, saved in projects whole or refused."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from explorer.assets.base import Asset
from explorer.assets.direction import StoredDirection
from explorer.assets.latent import StoredLatent
from explorer.assets.picture import MAX_PIXELS, StoredMask, StoredPicture
from explorer.assets.table import AssetTable
from explorer.edits import registry
from explorer.edits.base import EditKind, EditValue, Placed, UnknownEdit
from explorer.errors import AssetError, LatentError, ProjectError
from explorer.project import limits
from explorer.project.document import (
    asset_from_json,
    asset_to_json,
    from_json,
    state_from_text,
    state_to_text,
    to_json,
)
from explorer.state import Edit, ExplorerState, Keyframe, Latent, Look, Snapshot, Timeline
from explorer.util.asset_ids import AssetId, assets_of

RNG = np.random.RandomState(3)

ASSETS: dict[str, Asset] = {
    "latent": StoredLatent("w", RNG.randn(8).astype(np.float32), "sha", 0.5, "n\u00e4me", Latent(3, 0.5)),
    "grey": StoredPicture(RNG.randint(0, 256, (5, 7, 1), np.uint8), "grey"),
    "picture": StoredPicture(RNG.randint(0, 256, (5, 7, 3), np.uint8), "a \u00e4"),
    "alpha": StoredPicture(RNG.randint(0, 256, (5, 7, 4), np.uint8)),
    "mask": StoredMask(RNG.randint(0, 256, (5, 7), np.uint8), "ears"),
    "direction": StoredDirection("ws", RNG.randn(5, 8).astype(np.float32), 2.5, "sha", "smile"),
    "styles": StoredDirection("s", RNG.randn(40).astype(np.float32)),
}


@dataclass(frozen=True)
class Paste(EditValue):
    """An edit that names two kinds of assets."""

    kind: ClassVar[str] = "paste"

    picture: AssetId = ""
    masks: tuple[AssetId, ...] = ()
    number: int = 0


class PasteKind(EditKind[Paste]):
    name, title, stage, value = "paste", "Paste", "features", Paste

    def resolve(self, value: Paste, info: object, assets: object) -> Placed | None:
        return None

    def apply(self, target: Any, edit: object, layer: object) -> Any:
        return target


@pytest.fixture
def table() -> AssetTable:
    return AssetTable(ASSETS.values())


def through_json(asset: Asset) -> Asset:
    return asset_from_json(asset.key, json.loads(json.dumps(asset_to_json(asset))))


# -- content ---------------------------------------------------------------------------------------------------


def test_equal_contents_have_equal_ids_whatever_their_name() -> None:
    pixels = RNG.randint(0, 256, (4, 4, 3), np.uint8)
    assert StoredPicture(pixels, "a").key == StoredPicture(pixels.copy(), "b").key
    others = [pixels.transpose(1, 0, 2), pixels[:, :, :1], pixels[:3]]
    assert len({StoredPicture(other).key for other in others} | {StoredPicture(pixels).key}) == 4
    assert StoredMask(pixels[:, :, 0]).key != StoredPicture(pixels[:, :, :1]).key
    direction = StoredDirection("w", np.ones(8, np.float32))
    assert direction.key != StoredLatent("w", np.ones(8, np.float32)).key
    assert (
        direction.key
        != StoredDirection("s", np.ones(8, np.float32)).key
        != StoredDirection("w", direction.array, 2.0).key
    )


def test_the_id_of_a_latent_is_that_of_the_first_projects() -> None:
    assert StoredLatent("w", np.arange(4, dtype=np.float32), "sha", 0.5).key == "afabcfbd786cc641"


@pytest.mark.parametrize("name", ASSETS)
def test_assets_are_copies_that_nobody_can_change(name: str) -> None:
    with pytest.raises(ValueError, match="read-only"):
        ASSETS[name].array[0] = 0
    pixels = np.zeros((2, 2, 3), np.uint8)
    picture = StoredPicture(pixels)
    pixels[:] = 9
    assert not picture.array.any()


@pytest.mark.parametrize(
    ("make", "array"),
    [
        (StoredPicture, np.zeros((2, 2, 2), np.uint8)),
        (StoredPicture, np.zeros((2, 2), np.uint8)),
        (StoredPicture, np.zeros((2, 2, 3), np.float32)),
        (StoredPicture, np.zeros((0, 2, 3), np.uint8)),
        (StoredPicture, np.zeros((2, MAX_PIXELS, 1), np.uint8)),
        (StoredMask, np.zeros((2, 2, 1), np.uint8)),
        (StoredMask, np.zeros((2, 2), np.int32)),
        (lambda a: StoredDirection("w", a), np.zeros(4)),
        (lambda a: StoredDirection("w", a), np.array([1.0, np.nan])),
        (lambda a: StoredDirection("w", a), np.ones((2, 2))),
        (lambda a: StoredDirection("ws", a), np.ones(4)),
        (lambda a: StoredDirection("x", a), np.ones(4)),  # type: ignore[arg-type]
        (lambda a: StoredDirection("w", a, sigma=0.0), np.ones(4)),
        (lambda a: StoredDirection("w", a, sigma=float("nan")), np.ones(4)),
    ],
)
def test_what_is_not_a_picture_mask_or_direction_is_refused(make: Any, array: Any) -> None:
    with pytest.raises(AssetError) as caught:
        make(array)
    assert caught.value.hint


def test_the_table_tells_kinds_apart(table: AssetTable) -> None:
    picture, latent = ASSETS["picture"], ASSETS["latent"]
    assert table.of(StoredPicture, picture.key) is picture
    assert table.latent(latent.key) is latent
    assert table.find(StoredMask, picture.key) is None
    with pytest.raises(AssetError, match=r"stored picture .* is missing") as caught:
        table.of(StoredPicture, latent.key)
    assert not isinstance(caught.value, LatentError)
    with pytest.raises(LatentError, match=r"stored latent .* is missing"):
        table.latent(picture.key)


# -- what names them -------------------------------------------------------------------------------------------


@pytest.fixture
def paste(monkeypatch: pytest.MonkeyPatch) -> Edit:
    monkeypatch.setitem(registry._BUILT_IN, "paste", PasteKind())
    return Edit(Paste(ASSETS["picture"].key, (ASSETS["mask"].key, ASSETS["grey"].key)))


def test_assets_are_found_wherever_a_state_names_them(paste: Edit) -> None:
    look = Look(Latent(stored=ASSETS["latent"].key), edits=(paste,))
    keys = {ASSETS[name].key for name in ("latent", "picture", "mask", "grey")}
    aside = Timeline(keys=(Keyframe(0.0, Snapshot(look)),))
    for state in (
        ExplorerState(shared=look),
        ExplorerState(timeline=Timeline(keys=(Keyframe(0.0, Snapshot(Look())), Keyframe(1.0, Snapshot(look))))),
        ExplorerState(timeline=Timeline(aside=aside)),
    ):
        assert assets_of(state) == keys
    assert assets_of(ExplorerState()) == set()


def test_an_asset_of_a_missing_plug_in_is_saved_again(paste: Edit, table: AssetTable, monkeypatch: Any) -> None:
    data = json.loads(json.dumps(to_json(ExplorerState(shared=Look(edits=(paste,))), table)))
    assert set(data["assets"]) == assets_of(paste)
    monkeypatch.delitem(registry._BUILT_IN, "paste")
    state, found = from_json(data)
    assert isinstance(state.shared.edits[0].value, UnknownEdit)
    again = json.loads(json.dumps(to_json(state, found)))
    assert again == data


# -- projects --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ASSETS)
def test_each_kind_survives_a_project_bit_for_bit(name: str) -> None:
    asset = ASSETS[name]
    found = through_json(asset)
    assert type(found) is type(asset)
    assert found.key == asset.key
    assert found.name == asset.name
    np.testing.assert_array_equal(found.array, asset.array)
    values = [{k: v for k, v in asset_to_json(a).items() if k not in ("png", "data")} for a in (asset, found)]
    assert values[0] == values[1]


def test_texts_and_pictures_carry_assets_too(paste: Edit, table: AssetTable) -> None:
    state = ExplorerState(shared=Look(edits=(paste,)))
    found, assets = state_from_text(state_to_text(state, table))
    assert found == state
    assert set(assets) == assets_of(paste)


def test_projects_of_latents_alone_open(table: AssetTable) -> None:
    state = ExplorerState(shared=Look(Latent(stored=ASSETS["latent"].key)))
    data = to_json(state, table)
    old = {key: {n: v for n, v in item.items() if n != "kind"} for key, item in data.pop("assets").items()}
    assert set(from_json({**data, "latents": old})[1]) == {ASSETS["latent"].key}


def png_of(picture: Image.Image, **options: Any) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, **{"format": "PNG", **options})
    return base64.b64encode(buffer.getvalue()).decode()


PIXELS = png_of(Image.new("RGB", (4, 4)))


def forged_size(width: int, height: int) -> str:
    raw = bytearray(base64.b64decode(PIXELS))
    raw[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    "item",
    [
        {"kind": "picture"},
        {"kind": "picture", "png": 5},
        {"kind": "picture", "png": "%"},
        {"kind": "picture", "png": base64.b64encode(b"\x89PNG").decode()},
        {"kind": "picture", "png": PIXELS[:60]},
        {"kind": "picture", "png": forged_size(1 << 16, 1 << 16)},
        {"kind": "picture", "png": forged_size(5, 4)},
        {"kind": "picture", "png": png_of(Image.new("RGB", (4, 4)), format="GIF")},
        {"kind": "picture", "png": png_of(Image.new("P", (4, 4)))},
        {"kind": "mask", "png": PIXELS},
        {"kind": "direction", "space": "w", "shape": [2], "data": ""},
        {"kind": "direction", "space": ["w"], "shape": [1], "data": ""},
        {"kind": "sound", "data": ""},
        {"kind": ["picture"]},
        "picture",
    ],
)
def test_damaged_assets_are_refused(item: Any) -> None:
    with pytest.raises(ProjectError, match=r"stored .* 'x'") as caught:
        asset_from_json("x", item)
    assert caught.value.hint


def test_an_asset_under_another_id_is_refused(paste: Edit, table: AssetTable) -> None:
    data = to_json(ExplorerState(shared=Look(edits=(paste,))), table)
    first, second = list(data["assets"])[:2]
    data["assets"][first], data["assets"][second] = data["assets"][second], data["assets"][first]
    with pytest.raises(ProjectError, match="does not match its id"):
        from_json(data)


def test_assets_that_unpack_to_too_much_are_refused(table: AssetTable, monkeypatch: Any) -> None:
    state = ExplorerState(shared=Look(Latent(stored=ASSETS["latent"].key)))
    data = to_json(state, table)
    monkeypatch.setattr(limits, "MAX_ASSET_BYTES", ASSETS["latent"].array.nbytes)
    assert from_json(data)[0] == state
    monkeypatch.setattr(limits, "MAX_ASSET_BYTES", ASSETS["latent"].array.nbytes - 1)
    with pytest.raises(ProjectError, match="assets are too large"):
        from_json(data)


def test_a_value_replaced_by_another_names_another_asset(paste: Edit) -> None:
    other = replace(paste, value=Paste(ASSETS["alpha"].key))
    assert assets_of((paste, other)) == assets_of(paste) | {ASSETS["alpha"].key}
