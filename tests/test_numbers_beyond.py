"""Numbers beyond float, depth and range in projects, texts, jobs and looks: own errors that name the place."""

from __future__ import annotations

import dataclasses
import json
import random
import typing
from pathlib import Path
from typing import Any, Literal

import pytest

from explorer.animation.film import rate_of
from explorer.animation.job import FORMAT as JOB_FORMAT
from explorer.animation.job import origin_of, read_job
from explorer.animation.player import Player
from explorer.assets.latent import StoredLatent
from explorer.assets.table import AssetTable
from explorer.errors import FilmError, LatentwalkError, ProjectError, RenderError, RequestError, UsageError
from explorer.project.document import (
    asset_from_json,
    asset_to_json,
    from_json,
    pack_text,
    read_project,
    state_from_text,
    to_json,
)
from explorer.render.headless import HeadlessRenderer
from explorer.state import (
    Animation,
    Blend,
    BlendPoint,
    Edit,
    ExplorerState,
    Keyframe,
    Latent,
    Look,
    Nudge,
    Offset,
    Segment,
    Snapshot,
    Tap,
    Timeline,
    Transform,
    Truncation,
)
from explorer.state.codec import decode, encode
from explorer.testing.tiny import TinyConfig, TinyGenerator
from explorer.util.strict_json import parse_json

DEEP = b"[" * 100_000
HUGE = "1" + "0" * 400


def _look(**fields: Any) -> dict[str, Any]:
    return {"format": "latentwalk-project", "version": 1, "state": {"shared": fields}}


def _timeline(**fields: Any) -> dict[str, Any]:
    return {"format": "latentwalk-project", "version": 1, "state": {"timeline": fields}}


@pytest.mark.parametrize(
    "text", [DEEP, b'{"a":' * 100_000, b"NaN", b"[Infinity]", b"[" + b"1" * 5000 + b"]", b"\xff"]
)
def test_json_that_is_none_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (_look(truncation={"psi": int(HUGE)}), "shared.truncation.psi"),
        (_look(truncation={"psi": float("inf")}), "shared.truncation.psi"),
        (_look(truncation={"psi": True}), "shared.truncation.psi"),
        (_look(truncation={"psi": "0.7"}), "shared.truncation.psi"),
        (_look(truncation={"layer_psi": [[1 << 63, 0.5]]}), r"shared.truncation.layer_psi\[0\]\[0\]"),
        (_look(latent={"seed": 10**30}), "shared.latent.seed"),
        (_look(latent={"seed": 1.0}), "shared.latent.seed"),
        (_look(latent={"seed": False}), "shared.latent.seed"),
        (_look(noise={"mode": ["random"]}), "shared.noise.mode"),
        (_timeline(duration=1e-300), "duration"),
        (_timeline(duration=0), "duration"),
        (_timeline(duration=-1), "duration"),
        (_timeline(fps=1e-9), "fps"),
        (_timeline(fps=1e9), "fps"),
        (_timeline(bpm=1e-9), "bpm"),
        (_timeline(bpm=-1), "bpm"),
        (_timeline(keys=[{"time": 0}, {"time": 2}, {"time": 1e10}]), "key"),
    ],
)
def test_projects(tmp_path: Path, data: dict[str, Any], place: str) -> None:
    with pytest.raises(ProjectError, match=place) as caught:
        from_json(data)
    assert caught.value.hint
    assert len(caught.value.message) < 300
    path = tmp_path / "p.json"
    path.write_text(json.dumps(data))
    with pytest.raises(ProjectError, match=r"p\.json"):
        read_project(path)


def test_nesting_is_bounded_everywhere(tmp_path: Path) -> None:
    latent: dict[str, Any] = {"seed": 1}
    for _ in range(60):
        latent = {"blend": {"points": [{"latent": latent, "weight": 1.0}]}}
    with pytest.raises(ProjectError, match="nested too deeply"):
        from_json(_look(latent=latent))
    for name in ("p.json", "a.mkv.job.json"):
        (tmp_path / name).write_bytes(b'{"format":' + DEEP)
        with pytest.raises(ProjectError, match=name):
            read_project(tmp_path / name)
    with pytest.raises(FilmError, match=r"a\.mkv"):
        read_job(tmp_path / "a.mkv")
    assert origin_of(tmp_path / "a.mkv") is None


def test_nesting_that_hands_make_is_kept() -> None:
    latent = Latent(1)
    for seed in range(10):
        latent = Latent(seed, blend=Blend("w", (BlendPoint(latent, 0.5), BlendPoint(Latent(seed), 0.5))))
    state = ExplorerState(timeline=Timeline(keys=(Keyframe(0.0, Snapshot(Look(latent=latent))),)))
    assert decode(ExplorerState, encode(state)) == state


def test_stored_latents() -> None:
    good = asset_to_json(StoredLatent("w", [0.0, 1.0]))  # type: ignore[arg-type]  # anything like an array
    assert asset_from_json("x", good).array.tolist() == [0.0, 1.0]
    change: dict[str, Any]
    for change in (
        {"psi": int(HUGE)}, {"psi": True}, {"psi": "1"}, {"psi": float("nan")}, {"psi": [1]},
        {"shape": [1 << 62, 1 << 62]}, {"shape": [int(HUGE)]}, {"shape": [True, 2]}, {"shape": ["2"]},
        {"shape": [2.0]},
        {"shape": []}, {"shape": [1] * 100_000}, {"shape": [-2]}, {"shape": {"a": 1}}, {"shape": None},
        {"space": ["w"]}, {"space": {}}, {"data": 5}, {"data": "é"}, {"data": "AAAA"},
    ):  # fmt: skip
        with pytest.raises(ProjectError, match="stored latent 'x'"):
            asset_from_json("x", {**good, **change})
    item: object
    for item in (None, [], 1, "x"):
        with pytest.raises(ProjectError, match="stored latent 'x'"):
            asset_from_json("x", item)


@pytest.mark.parametrize(
    "change",
    [
        {"film": {"seconds": int(HUGE)}},
        {"film": {"seconds": 1.0, "rate": [10**30, 1]}},
        {"film": {"seconds": 1.0, "rate": [30, 0]}},
        {"film": {"seconds": 1.0, "rate": [-30, -1]}},
        {"film": {"seconds": 1e11}},
        {"film": {"seconds": -1}},
        {"film": {"seconds": 1, "side": 10**12}},
        {"film": {"seconds": 1, "samples": 10**12}},
        {"film": {"seconds": 1, "start": 1e300}},
        {"film": []},
        {"settings": {"dtype": 1}},
        {"project": 5},
    ],
)
def test_jobs(tmp_path: Path, change: dict[str, Any]) -> None:
    job = {"format": JOB_FORMAT, "version": 1, "film": {"seconds": 1.0}, "project": to_json(ExplorerState())}
    path = tmp_path / "film.mkv.job.json"
    path.write_text(json.dumps(job))
    read_job(path)
    path.write_text(json.dumps({**job, **change}))
    with pytest.raises(LatentwalkError) as caught:
        read_job(path)
    assert caught.value.hint


def test_closed_curves_through_keys_behind_the_end() -> None:
    """A key far behind a short timeline that closes: shares are finite and sum to 1."""
    for interpolation in ("linear", "cubic", "catmull-rom", "spherical", "hold"):
        segment = Segment(interpolation, "w", "curve", ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)))  # type: ignore[arg-type]
        times = (0.0, 2.0, 300_000.0)
        keys = tuple(Keyframe(time, Snapshot(Look(latent=Latent(i))), segment) for i, time in enumerate(times))
        state = ExplorerState(timeline=Timeline(keys, duration=5.0, loop="seamless"))
        assert from_json(to_json(state))[0] == state
        for place in (0.0, 0.5, 2.0, 3.0, 4.999, 5.0):
            Player(state).at(place)


@pytest.mark.parametrize("text", ["1e999999999", "0", "-1e5", "nan", "inf", "1/0", "", "9" * 5000, "x"])
def test_rates_of_films(text: str) -> None:
    try:
        rate = rate_of(text)
    except UsageError:
        return
    assert rate[0] <= 0 or text == "0"  # `Film.check` refuses those


@pytest.fixture(scope="module")
def renderer() -> HeadlessRenderer:
    """A tiny network with a label."""
    return HeadlessRenderer(TinyGenerator(TinyConfig(c_dim=2)).eval().requires_grad_(False))


_FLOATS = (0.0, 1e-300, 1e-9, 1.0, -1.0, 1e6, 1e12, -1e12, 1e13, 1e300, -1e308)


def test_looks_of_any_finite_numbers_give_a_picture_or_a_request_error(renderer: HeadlessRenderer) -> None:
    """Every float and whole number of a look and a tap, one at a time and together with others."""
    rng = random.Random(0)
    outcomes = set()
    kinds: tuple[Literal["circle", "spin", "shake"], ...] = ("circle", "spin", "shake")
    for _ in range(400):
        number, other, kind = rng.choice(_FLOATS), rng.choice(_FLOATS), rng.choice(kinds)
        last = BlendPoint(Latent(2), other)
        whole = rng.choice((0, 1, -1, 3, 1 << 40, -(1 << 62), 1 << 63, 10**400))
        look = rng.choice(
            (
                Look(truncation=Truncation(number, whole, ((whole, other),))),
                Look(latent=Latent(whole, number, other)),
                Look(edits=(Edit(Nudge(whole, whole, whole), number), Edit(Offset((other,) * 8)))),
                Look(transform=Transform(x=number, rotate=other, scale_x=number, shear=other, untransform=True)),
                Look(transform=Transform(animation=Animation(kind, number, other))),
                Look(latent=Latent(blend=Blend("z", (BlendPoint(Latent(1), number), last), True))),
            )
        )  # fmt: skip
        tap = rng.choice((Tap(), Tap("t1", "one", whole, number), Tap("t2", "norm", whole, other, False, True)))
        try:
            renderer.render_look(look, tap, rng.choice((0.0, 1e9)))
            outcomes.add("picture")
        except (RequestError, RenderError):  # or the picture is of infinities
            outcomes.add("error")
    assert outcomes == {"picture", "error"}


def test_every_number_of_the_state_is_checked() -> None:
    """Whatever field is added later: a number beyond all bounds in it is refused with its place."""
    checked = 0
    for cls in (Look, Latent, Transform, Truncation, Tap, Timeline, Animation):
        hints = typing.get_type_hints(cls)
        for f in dataclasses.fields(cls):
            if hints[f.name] in (int, float):
                with pytest.raises(ProjectError, match=f.name):
                    decode(cls, {f.name: 10**400})
                checked += 1
    assert checked > 15


def test_texts_of_states_are_damaged_not_errors_of_python() -> None:
    rng = random.Random(1)
    text = "latentwalk:1:" + pack_text({"state": {}})
    state_from_text(text)
    for _ in range(300):
        at = rng.randrange(len(text))
        with pytest.raises(ProjectError):
            state_from_text(text[:at] + rng.choice("Az9_-é\0=") * rng.randrange(2) + text[at + 3 :])


def test_a_table_holds_what_was_read() -> None:
    table = AssetTable()
    key = table.add(StoredLatent("w", [1.0, 2.0]))  # type: ignore[arg-type]
    data = to_json(ExplorerState(shared=Look(latent=Latent(stored=key))), table)
    assert list(from_json(data)[1]) == [key]
