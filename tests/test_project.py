"""Projects: states survive JSON, PNG and text; what is damaged is refused with the place."""

from __future__ import annotations

import base64
import json
import math
import os
import random
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from explorer.assets.latent import StoredLatent
from explorer.assets.table import AssetTable
from explorer.errors import ProjectError
from explorer.project.document import (
    from_json,
    pack_text,
    read_project,
    state_from_text,
    state_to_text,
    to_json,
    write_png,
    write_project,
    write_whole,
)
from explorer.state import (
    ASPECTS,
    Animation,
    Blend,
    BlendPoint,
    Classes,
    Edit,
    EditValue,
    ExplorerState,
    Latent,
    Layout,
    Look,
    Mixing,
    MixRow,
    MixSource,
    Noise,
    Nudge,
    Offset,
    RecordedState,
    Snapshot,
    Tap,
    Timeline,
    Transform,
    Truncation,
    UnknownEdit,
    ViewState,
)
from explorer.state.codec import decode, encode
from explorer.util.asset_ids import assets_of


def random_look(rng: random.Random, keys: list[str]) -> Look:
    def number() -> float:
        return rng.choice([0.0, -0.0, 1.0, rng.gauss(0, 1), 1e-300, 1e300, 0.1])

    def some(make: Any) -> tuple[Any, ...]:
        return tuple(make() for _ in range(rng.randrange(4)))

    def random_value() -> EditValue:
        span = rng.randrange(5), rng.choice([None, 3])
        kinds = (
            lambda: Nudge(rng.randrange(99), *span),
            lambda: Offset(tuple(number() for _ in range(8)), *span),
            lambda: UnknownEdit('{"kind": "elsewhere", "list": [1, null, {"a": 0.1}], "name": "\u00e4"}'),
        )
        return rng.choice(kinds)()

    return Look(
        latent=Latent(rng.randrange(2**32), number(), number(), rng.choice(["", *keys])),
        drift=number(),
        classes=Classes(some(lambda: (rng.randrange(9), number()))),
        truncation=Truncation(number(), rng.choice([None, 0, 7]), some(lambda: (rng.randrange(18), number()))),
        mixing=Mixing(
            some(lambda: MixSource(rng.randrange(99), rng.choice(["", *keys]))),
            some(lambda: MixRow(rng.randrange(18), rng.randrange(3), number())),
        ),
        edits=some(lambda: Edit(random_value(), number(), rng.random() < 0.5)),
        noise=Noise(
            rng.choice(["none", "const", "random"]), rng.randrange(9), number(), some(lambda: ("b4", number()))
        ),
        transform=Transform(
            number(), number(), number(), number(), number(), number(), tuple(number() for _ in range(6)),
            Animation(rng.choice(["none", "circle", "spin", "shake"]), number(), number()), rng.random() < 0.5,
        ),
    )  # fmt: skip


def random_state(rng: random.Random, keys: list[str]) -> ExplorerState:
    views = tuple(
        ViewState(
            rng.choice(["", "critters", "/päth/to/model.pkl"]),
            frozenset(rng.sample(ASPECTS, rng.randrange(len(ASPECTS) + 1))),
            random_look(rng, keys),
            Tap(rng.choice(["", "b8.conv1"]), rng.choice(["rgb", "one", "norm"]), rng.randrange(9), rng.gauss(0, 9),
                rng.random() < 0.5, rng.random() < 0.5),
        )
        for _ in range(rng.randrange(1, 4))
    )  # fmt: skip
    layouts: list[Layout] = ["single", "grid", "wipe", "flicker", "difference"]
    pair = (rng.randrange(6), rng.randrange(6))
    return ExplorerState(random_look(rng, keys), views, rng.randrange(len(views)), rng.choice(layouts), pair)


def some_table() -> AssetTable:
    rng = np.random.RandomState(0)
    return AssetTable(
        (
            StoredLatent("w", rng.randn(8).astype(np.float32), "sha", 0.5, "näme"),
            StoredLatent("ws", rng.randn(6, 8).astype(np.float32)),
        )
    )


def same_latents(a: AssetTable, b: AssetTable, keys: set[str]) -> bool:
    def model_info(table: AssetTable, key: str) -> tuple[object, ...]:
        latent = table.latent(key)
        return latent.space, latent.array.tolist(), latent.name, latent.psi, latent.model_sha

    return all(model_info(a, key) == model_info(b, key) for key in keys & set(a))  # an unknown edit names any text


@pytest.mark.parametrize("seed", range(20))
def test_random_states_survive_json_and_text(seed: int) -> None:
    table = some_table()
    state = random_state(random.Random(seed), list(table))
    through = json.loads(json.dumps(to_json(state, table)))
    found, latents = from_json(through)
    assert found == state
    assert set(latents) == assets_of(state) & set(table)
    assert same_latents(table, latents, assets_of(state))
    text = state_to_text(state, table)
    assert text.startswith("latentwalk:2:")
    found, latents = state_from_text(f" {text[:30]}\n{text[30:]} ")
    assert found == state
    assert same_latents(table, latents, assets_of(state))


def test_the_default_state_is_a_short_text() -> None:
    assert len(state_to_text(ExplorerState(shared=Look(Latent(1234), truncation=Truncation(0.7))))) < 140
    assert to_json(ExplorerState())["state"] == {}


def test_projects_survive_files(tmp_path: Path) -> None:
    table = some_table()
    state = random_state(random.Random(3), list(table))
    write_project(tmp_path / "deep" / "a.json", state, table)
    found, latents = read_project(tmp_path / "deep" / "a.json")
    assert found == state
    assert same_latents(table, latents, assets_of(state))
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["a.json"]


def test_a_picture_carries_its_project(tmp_path: Path) -> None:
    table = some_table()
    state = random_state(random.Random(5), list(table))
    pixels = np.random.RandomState(0).randint(0, 256, (5, 7, 4)).astype(np.uint8)
    write_png(tmp_path / "a.png", pixels, state, table)
    found, latents = read_project(tmp_path / "a.png")
    assert found == state
    assert same_latents(table, latents, assets_of(state))
    with Image.open(tmp_path / "a.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), pixels[:, :, 2::-1])


def test_a_picture_edited_elsewhere_may_keep_its_project_as_international_text(tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    state = ExplorerState(shared=Look(Latent(7)))
    info = PngInfo()
    info.add_itxt("latentwalk", state_to_text(state))
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png", pnginfo=info)
    assert read_project(tmp_path / "a.png")[0] == state


# -- refusals --------------------------------------------------------------------------------------------------


def project(**changes: Any) -> dict[str, Any]:
    return {"format": "latentwalk-project", "version": 1, "state": {}, **changes}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "not a Latentwalk project"),
        ({"format": "other"}, "not a Latentwalk project"),
        (project(version=99), "version 99"),
        (project(version=True), "version True"),
        (project(version=0), "version 0"),
        (project(version=None), "version None"),
        (project(state=[]), "state should be an object"),
        (project(state={"colour": 1}), "unknown field 'colour'"),
        (project(state={"shared": {"truncation": {"psi": "high"}}}), r"state\.shared\.truncation\.psi should be a"),
        (project(state={"shared": {"truncation": {"psi": True}}}), "psi should be"),
        (project(state={"shared": {"truncation": {"psi": float("nan")}}}), "psi should be a finite number"),
        (project(state={"shared": {"truncation": {"psi": 10**400}}}), "psi should be a finite number"),
        (project(state={"shared": {"truncation": {"cutoff": 1.5}}}), "cutoff should be a whole number"),
        (project(state={"shared": {"noise": {"mode": "loud"}}}), "mode should be one of"),
        (project(state={"shared": {"noise": {"mode": []}}}), "mode should be one of"),
        (project(state={"shared": {"transform": {"matrix": [1, 0]}}}), "matrix"),
        (project(state={"shared": {"transform": {"untransform": 1}}}), "true or false"),
        (project(state={"shared": {"latent": {"stored": 3}}}), "stored should be text"),
        (project(state={"shared": {"mixing": {"rows": [{"layer": 1}]}}}), "lacks the field 'source'"),
        (project(state={"shared": {"truncation": {"layer_psi": [[1]]}}}), r"layer_psi\[0\] should be a list of 2"),
        (project(state={"views": {}}), "views should be a list"),
        (project(state={"views": []}), "views are not valid"),
        (project(state={"views": [{}] * 99}), "views are not valid"),
        (project(state={"active": 2}), "views are not valid"),
        (project(state={"views": [{"linked": [1]}]}), "linked"),
        (project(version=2, state={"views": [{"unlinked": [1]}]}), "unlinked"),
        (project(state={"shared": {"nudges": 1}}), "nudges"),
        (project(state={"shared": {"nudges": [{"seed": 1}]}}), r"edits\[0\]\.strength should be a finite"),
        (project(version=2, state={"shared": {"edits": [{"value": {"seed": 1}}]}}), "lacks the field 'kind'"),
        (project(version=2, state={"shared": {"edits": [{"value": {"kind": "nudge"}}]}}), "lacks the field 'seed'"),
        (project(version=2, state={"shared": {"edits": [{"value": 5}]}}), "value should be an object"),
        (project(version=2, state={"shared": {"edits": [{"value": {"kind": "x", "n": math.inf}}]}}), "not finite"),
        (project(latents=[]), "latents are not an object"),
        (project(latents={"a": {}}), "stored latent 'a' cannot be read"),
        (project(latents={"a": None}), "stored latent 'a' cannot be read"),
    ],
)  # fmt: skip
def test_what_is_not_a_project_is_refused_with_the_place(data: Any, message: str) -> None:
    with pytest.raises(ProjectError, match=message) as caught:
        from_json(data)
    assert caught.value.hint


def test_damaged_latents_are_refused() -> None:
    table = some_table()
    state = ExplorerState(shared=Look(Latent(stored=next(iter(table)))))
    data = to_json(state, table)
    (key,) = data["assets"]
    good = data["assets"][key]
    bomb = zlib.compress(bytes(1 << 20))
    for change in (
        {"space": "q"},
        {"shape": [9]},
        {"shape": [-8]},
        {"shape": [1 << 40]},
        {"shape": "x"},
        {"data": "%%%"},
        {"data": good["data"][:-8]},
        {"data": base64.b64encode(bomb).decode()},
        {"psi": "x"},
        {"psi": float("nan")},
        {"model_sha": "forged"},
    ):
        with pytest.raises(ProjectError):
            from_json({**data, "assets": {key: {**good, **change}}})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "latentwalk:99:abc",
        "latentwalk:0:abc",
        *("latentwalk:1:" + end for end in ("", "!!!", "AAAAAAAA", pack_text([1]))),
    ],
)
def test_texts_that_are_not_states_are_refused(text: str) -> None:
    with pytest.raises(ProjectError):
        state_from_text(text)


def test_a_damaged_text_is_refused() -> None:
    text = state_to_text(ExplorerState(shared=Look(Latent(1234), truncation=Truncation(0.7))))
    for i in range(len("latentwalk:1:"), len(text) - 1, 3):
        with pytest.raises(ProjectError):
            state_from_text(text[:i] + ("A" if text[i] != "A" else "B") + text[i + 1 :])
        with pytest.raises(ProjectError):
            state_from_text(text[:i])


def test_a_bomb_in_a_text_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.project.limits.MAX_BYTES", 1000)
    raw = b'{"a": "' + b" " * 100_000 + b'"}'
    packed = struct.pack(">I", zlib.crc32(raw)) + zlib.compress(raw)
    with pytest.raises(ProjectError, match="damaged"):
        state_from_text("latentwalk:1:" + base64.urlsafe_b64encode(packed).decode())


def test_files_that_are_not_projects_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "plain.png")
    whole = (tmp_path / "plain.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[:20])
    (tmp_path / "text.json").write_text("hello")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "other.json").write_text("{}")
    for name in ("absent.json", "plain.png", "cut.png", "text.json", "bytes.json", "deep.json", "other.json"):
        with pytest.raises(ProjectError, match=name) as caught:
            read_project(tmp_path / name)
        assert caught.value.hint
    monkeypatch.setattr("explorer.project.limits.MAX_BYTES", 1)
    with pytest.raises(ProjectError, match="too large"):
        read_project(tmp_path / "other.json")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    write_whole(path, b"old")

    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(ProjectError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_missing_latents_are_left_out() -> None:
    state = ExplorerState(shared=Look(Latent(stored="nowhere")))
    assert "assets" not in to_json(state, AssetTable())
    assert "assets" not in to_json(state)
    assert from_json(to_json(state))[0] == state


def test_encoding_is_plain_json() -> None:
    state = replace(ExplorerState(), active=1)
    assert encode(state) == {"active": 1}
    assert decode(ExplorerState, {"active": 1}) == state


def performed(count: int) -> ExplorerState:
    """A walk by hand of `count` moments with every bar of a wide `w` moved."""
    rng = random.Random(0)
    bars = (Edit(Offset(tuple(rng.uniform(-1, 1) for _ in range(512)))),)
    views = (ViewState(model="a"), ViewState(model="b"))
    looks = (Look(latent=Latent(7, rng.random(), rng.random()), edits=bars) for _ in range(count))
    samples = tuple(RecordedState(i / 60, Snapshot(look, views)) for i, look in enumerate(looks))
    return ExplorerState(views=views, timeline=Timeline(performance=samples, duration=count / 60))


def test_a_long_performance_is_small_and_comes_back(tmp_path: Path) -> None:
    state = performed(3600)
    write_project(tmp_path / "p.json", state)
    assert (tmp_path / "p.json").stat().st_size < 1 << 20
    assert read_project(tmp_path / "p.json")[0] == state
    assert state_from_text(state_to_text(state))[0] == state


def test_a_performance_written_in_full_is_read(tmp_path: Path) -> None:
    state = performed(3)
    data = {"format": "latentwalk-project", "version": 1, "state": encode(state)}
    (tmp_path / "p.json").write_text(json.dumps(data))
    assert read_project(tmp_path / "p.json")[0] == state


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.project.limits.MAX_BYTES", 1000)
    path = tmp_path / "p.json"
    path.write_text("before")
    with pytest.raises(ProjectError, match="can be read again"):
        write_project(path, performed(100))
    assert path.read_text() == "before"
    with pytest.raises(ProjectError):
        state_to_text(performed(100))


def test_numbers_that_are_not_finite_are_not_written(tmp_path: Path) -> None:
    state = ExplorerState(shared=Look(latent=Latent(7, float("inf"), 0.0)))
    with pytest.raises(ProjectError, match="not finite"):
        write_project(tmp_path / "p.json", state)


@pytest.mark.parametrize("thin", [[3], [{}], [{"time": 0.0, "pose": {}}, {"pose": 4}], {"a": 1}, "text"])
def test_damaged_performances_are_refused(thin: Any) -> None:
    data = {"format": "latentwalk-project", "version": 1, "state": {"timeline": {"changes": thin}}}
    with pytest.raises(ProjectError):
        from_json(data)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_who_may_read_a_project_is_as_for_any_file(tmp_path: Path) -> None:
    path, plain = tmp_path / "p.json", tmp_path / "plain"
    plain.write_text("")
    write_project(path, ExplorerState())
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o600)
    write_project(path, ExplorerState())
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_timeline_kept_aside_is_checked_and_written_thin() -> None:
    poses = [Snapshot(Look(latent=Latent(1, 0.01 * i))) for i in range(50)]
    samples = tuple(RecordedState(i / 60, pose) for i, pose in enumerate(poses))
    kept = Timeline(performance=samples, duration=2.0, loop="loop")
    state = ExplorerState(timeline=Timeline(duration=3.0, aside=kept))
    data = json.loads(json.dumps(to_json(state)))
    assert from_json(data)[0] == state
    aside = data["state"]["timeline"]["aside"]
    assert "performance" not in aside
    assert len(json.dumps(aside["changes"][1])) < 80
    for broken in ({"aside": {"aside": {"duration": 2.0}}}, {"aside": {"duration": -1.0}}, {"aside": [1]},
                   {"aside": {"changes": 5}}):  # fmt: skip
        with pytest.raises(ProjectError):
            from_json({**data, "state": {"timeline": broken}})


@pytest.mark.parametrize("recipe", [{"seed": "x"}, {"stored": "a"}, {"blend": {"points": []}}, 5])
def test_a_damaged_recipe_of_a_stored_latent_is_refused(recipe: object) -> None:
    latent = StoredLatent("w", np.ones(4, np.float32), "sha", recipe=Latent(3, 0.5))
    table = AssetTable((latent,))
    state = ExplorerState(shared=Look(latent=Latent(stored=latent.key)))
    data = to_json(state, table)
    assert from_json(data)[1].latent(latent.key).recipe == Latent(3, 0.5)
    data["assets"][latent.key]["recipe"] = recipe
    with pytest.raises(ProjectError):
        from_json(data)


def test_sources_that_are_places_and_blends_survive_and_name_their_latents() -> None:
    latent = StoredLatent("z", np.ones(4, np.float32))
    blend = Blend("z", (BlendPoint(Latent(stored=latent.key), 0.5), BlendPoint(Latent(2, 0.5), 0.5)))
    mixing = Mixing((MixSource(3, x=0.25, y=-1.0), MixSource.of(Latent(4, blend=blend))))
    state = ExplorerState(shared=Look(mixing=mixing))
    assert assets_of(state) == {latent.key}
    found, table = from_json(json.loads(json.dumps(to_json(state, AssetTable((latent,))))))
    assert found == state
    assert latent.key in table
    old = {**to_json(state), "state": {"shared": {"mixing": {"sources": [{"seed": 7}]}}}}  # of an older program
    assert from_json(old)[0].shared.mixing.sources == (MixSource(7),)
