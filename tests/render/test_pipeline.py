"""The pipeline: a generator's own picture, resumed from the first stage that changed, bit for bit."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from explorer.edits import base, registry
from explorer.edits.base import EditKind, ResolvedEdit, Stage
from explorer.errors import RenderError
from explorer.generators.base import Activation, NoiseSpec
from explorer.generators.registry import build
from explorer.latents.seeds import z_of_seed
from explorer.render.styles import MAPPED_TOGETHER
from explorer.state import (
    Classes,
    Edit,
    Latent,
    Look,
    Mixing,
    MixRow,
    MixSource,
    Noise,
    Nudge,
    Tap,
    Transform,
    Truncation,
)
from tests.render.pipelines import SMALL, generator_of, offset_from, pipeline_of, ran, request_of, run


@pytest.mark.parametrize("name", SMALL)
def test_a_seed_gives_the_generators_own_picture(name: str) -> None:
    generator = generator_of(name)
    look = Look(Latent(5), truncation=Truncation(0.5, 3), noise=Noise("random", 9, 0.5))
    result = run(pipeline_of(generator), request_of(generator, look))
    with torch.inference_mode():
        w = generator.mapping(torch.tensor(z_of_seed(5, generator.info.z_dim))[None])
        ws = generator.truncate(generator.broadcast(w), 0.5, 3)
        expected = generator.synthesis(ws, noise=NoiseSpec("random", 9, 0.5))[0]
    torch.testing.assert_close(result.image, expected, atol=1e-5, rtol=1e-5)
    levels = (expected * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
    assert np.abs(result.pixels[:, :, 2::-1].astype(int) - levels).max() <= 1  # BGR, the last bit may round
    assert result.pixels[..., 3].min() == 255
    assert result.pixels.flags.c_contiguous


def test_an_untruncated_seed_is_bitwise_the_generators_own() -> None:
    generator = generator_of("stylegan2")
    result = run(pipeline_of(generator), request_of(generator, Look(Latent(5))))
    with torch.inference_mode():
        w = generator.mapping(torch.tensor(z_of_seed(5, 8)).expand(MAPPED_TOGETHER, -1))[:1]
        assert torch.equal(result.image, generator.synthesis(generator.broadcast(w))[0])


@pytest.mark.parametrize("name", SMALL)
def test_resuming_at_every_entry_equals_a_full_run_bitwise(name: str) -> None:
    generator = generator_of(name)
    pipeline = pipeline_of(generator)
    run(pipeline, request_of(generator))
    for entry in range(generator.info.num_ws):
        request = request_of(generator, offset_from(entry, 0.5))
        resumed = run(pipeline, request)
        full = run(pipeline_of(generator), request)
        assert torch.equal(resumed.image, full.image), entry
        assert np.array_equal(resumed.pixels, full.pixels)
        run(pipeline, request_of(generator))


def test_only_the_layers_behind_the_change_run() -> None:
    generator = generator_of("tiny")
    pipeline = pipeline_of(generator)
    first = run(pipeline, request_of(generator))
    assert ran(first) == ["input", "t0", "t1", "t2", "t3", "rgb", "present"]
    assert first.hits == 0
    second = run(pipeline, request_of(generator, offset_from(3, 1.0)))
    assert ran(second) == ["t3", "rgb", "present"]
    assert second.hits == 4  # the input and t0, t1, t2
    assert ran(run(pipeline, request_of(generator, offset_from(0, 1.0))))[0] == "input"


def test_display_options_run_no_layer() -> None:
    generator = generator_of("tiny")
    pipeline = pipeline_of(generator)
    run(pipeline, request_of(generator))
    again = run(pipeline, request_of(generator, tap=Tap(scale_db=6.0)))
    assert ran(again) == ["present"]
    assert again.hits == 6
    assert ran(run(pipeline, request_of(generator, tap=Tap(spectrum=True)))) == ["statistics", "present"]


def test_a_layers_activation_reuses_the_picture_chain() -> None:
    generator = generator_of("tiny")
    pipeline = pipeline_of(generator)
    run(pipeline, request_of(generator))
    tapped = run(pipeline, request_of(generator, tap=Tap("t2", "one", 5)))
    assert ran(tapped) == ["statistics", "present"]
    assert tapped.stats is not None
    assert (tapped.stats.name, tapped.stats.shape) == ("t2", (8, 16, 16))
    assert tapped.image.shape == (8, 16, 16)
    assert tapped.stats.mean == pytest.approx(float(tapped.image.mean()), abs=1e-6)
    assert (tapped.stats.minimum, tapped.stats.maximum) == (float(tapped.image.min()), float(tapped.image.max()))
    assert tapped.stats.std == pytest.approx(float(tapped.image.std(correction=0)), abs=1e-6)
    assert ran(run(pipeline, request_of(generator, tap=Tap("t1"))))[0] == "statistics"
    assert "rgb" in ran(run(pipeline, request_of(generator, tap=Tap("rgb"))))


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (Look(noise=Noise("random", 1)), "t0"),
        (Look(noise=Noise("none")), "t0"),
        (Look(noise=Noise(layer_strengths=(("t2", 0.5),))), "t2"),
        (Look(transform=Transform(x=0.1)), "input"),
        (Look(edits=(Edit(Nudge(3, 2)),)), "t2"),
        (Look(mixing=Mixing((MixSource(9),), (MixRow(4, 0, 0.5),))), "rgb"),
        (Look(truncation=Truncation(layer_psi=((1, 0.5),))), "t1"),
    ],
)
def test_each_control_dirties_what_it_must(change: Look, first: str) -> None:
    generator = generator_of("tiny")
    pipeline = pipeline_of(generator)
    run(pipeline, request_of(generator))
    result = run(pipeline, request_of(generator, change))
    assert ran(result)[0] == first
    assert torch.equal(result.image, run(pipeline_of(generator), request_of(generator, change)).image)


def random_look(rng: random.Random, info: Any) -> Look:
    """Some look that differs from the default in a few aspects."""
    aspects: dict[str, Any] = {}
    for name in rng.sample(["latent", "truncation", "mixing", "edits", "noise", "transform"], rng.randrange(1, 4)):
        aspects[name] = {
            "latent": lambda: Latent(rng.randrange(50), rng.random(), rng.random()),
            "truncation": lambda: Truncation(rng.uniform(-1, 2), rng.choice([None, 0, 2])),
            "mixing": lambda: Mixing((MixSource(rng.randrange(9)),), (MixRow(rng.randrange(9), 0, rng.random()),)),
            "edits": lambda: (Edit(Nudge(rng.randrange(9), rng.randrange(5)), rng.gauss(0, 1)),),
            "noise": lambda: Noise(rng.choice(["none", "const", "random"]), rng.randrange(3), rng.random()),
            "transform": lambda: Transform(rng.gauss(0, 0.1), rng.gauss(0, 0.1), rng.gauss(0, 30)),
        }[name]()
    return Look(**aspects)


@pytest.mark.parametrize("name", ["tiny", "stylegan2"])
def test_200_random_edits_stay_right_and_within_the_budget(name: str) -> None:
    rng = random.Random(1)
    generator = generator_of(name)
    budget = 30_000
    pipeline = pipeline_of(generator, budget)
    fresh = pipeline_of(generator, 0)
    cache = pipeline.view_cache.cache
    hits = 0
    for i in range(200):
        request = request_of(generator, random_look(rng, generator.info))
        result = run(pipeline, request, view=i % 2)
        hits += result.hits
        assert cache.nbytes <= budget
        if i % 20 == 0:
            assert torch.equal(result.image, run(fresh, request, None).image)
    assert hits > 0


def test_seeds_are_mapped_once() -> None:
    generator = generator_of("tiny")
    calls = 0
    original = generator.mapping

    def counted(z: torch.Tensor, c: torch.Tensor | None = None) -> torch.Tensor:
        nonlocal calls
        calls += len(z)
        return original(z, c)

    generator.mapping = counted  # type: ignore[method-assign]
    pipeline = pipeline_of(generator)
    for x in (0.1, 0.2, 0.3):
        run(pipeline, request_of(generator, Look(Latent(0, x, 0.5))))
    assert calls == 4


def test_classes_are_mixed_in_the_label() -> None:
    generator = build("tiny", {"c_dim": 3}).requires_grad_(False)
    result = run(pipeline_of(generator), request_of(generator, Look(classes=Classes(((0, 1.0), (2, 3.0))))))
    z = torch.tensor(z_of_seed(0, 8)).expand(MAPPED_TOGETHER, -1)
    w = generator.mapping(z, torch.tensor([[0.25, 0.0, 0.75]]).expand(MAPPED_TOGETHER, -1))[0]
    np.testing.assert_array_equal(result.latents.base, w.numpy())


def test_bfloat16_is_near_and_keeps_its_type_through_the_layers() -> None:
    generator = generator_of("stylegan2")
    full = run(pipeline_of(generator), request_of(generator))
    rough = run(pipeline_of(generator, dtype=torch.bfloat16), request_of(generator))
    assert rough.image.dtype == torch.float32
    assert 0 < float((rough.image - full.image).abs().mean()) < 0.05 * float(full.image.abs().max())


def test_numbers_that_are_not_finite_are_an_error_and_not_a_picture() -> None:
    generator = generator_of("tiny")
    generator.layers[2].weight.fill_(float("inf"))  # type: ignore[attr-defined, operator]
    with pytest.raises(RenderError, match="not finite"):
        run(pipeline_of(generator), request_of(generator))
    generator.to_w.fill_(float("nan"))  # type: ignore[attr-defined, operator]
    with pytest.raises(RenderError, match="mapping"):
        run(pipeline_of(generator), request_of(generator))


def test_a_latent_that_overflows_is_an_error() -> None:
    generator = generator_of("tiny")
    with pytest.raises(RenderError, match="overflows"):
        run(pipeline_of(generator), request_of(generator, Look(truncation=Truncation(1e39))))


def test_a_generator_without_a_picture_is_an_error() -> None:
    generator = generator_of("tiny")
    generator.rgb = lambda activation: torch.zeros(3)  # type: ignore[method-assign]
    with pytest.raises(RenderError, match="did not return a picture"):
        run(pipeline_of(generator), request_of(generator))


class _Add(EditKind[Any]):
    """Adds a number to styles or features."""

    name, title, stage, value = "add", "Add", "features", Nudge

    def resolve(self, value: Any, info: Any, assets: Any) -> None:
        return None

    def apply(self, target: Any, edit: ResolvedEdit, layer: Any) -> Any:
        if isinstance(target, Activation):
            return target.with_features(target.x + edit.data)
        return target + edit.data


@pytest.mark.parametrize(
    ("stage", "layer"),
    [("input", "input"), ("features", "input"), ("features", "t0"), ("features", "t2"), ("s", "t0"), ("s", "t2")],
)
def test_an_edit_runs_the_layers_from_its_own_on(monkeypatch: pytest.MonkeyPatch, stage: Stage, layer: str) -> None:
    known = {**registry.kinds(), "add": _Add()}
    monkeypatch.setattr(base, "_kinds", lambda: known)
    generator = generator_of("tiny")
    pipeline = pipeline_of(generator)
    plain = request_of(generator)
    edit = ResolvedEdit("add", stage, 1.0, () if stage == "input" else (layer,), b"a digest", 0.5)
    edited = replace(plain, style=replace(plain.style, edits=(edit,)))
    before = run(pipeline, plain)
    place = -1 if layer == "input" else int(layer[1])
    with torch.inference_mode():
        keys = zip(pipeline.plan(plain).keys, pipeline.plan(edited).keys, strict=True)
        assert [a != b for a, b in keys] == [i > place for i in range(6)]
    again = run(pipeline, edited)
    names = ["input", "t0", "t1", "t2", "t3", "rgb", "present"]
    assert ran(again) == names[names.index(layer) :]
    assert torch.equal(again.image, run(pipeline_of(generator), edited).image)
    assert not torch.equal(again.image, before.image)
    other = replace(edited, style=replace(plain.style, edits=(replace(edit, digest=b"other", data=0.7),)))
    assert ran(run(pipeline, other)) == names[names.index(layer) :]
    assert ran(run(pipeline, plain)) == names[names.index(layer) :]
