"""The pipeline: resumes from the first stage that changed, bit for bit, and keeps only completed stages."""

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
from explorer.generators.base import Activation, Generator, NoiseSpec
from explorer.generators.registry import build
from explorer.latents.seeds import z_of_seed
from explorer.ops.resample import affine, undo
from explorer.render.cache import StageCache
from explorer.render.pipeline import Cancelled, Pipeline, Result
from explorer.render.resolve import resolve_look
from explorer.render.results import Tier
from explorer.render.styles import MAPPED_TOGETHER
from explorer.render.untransform import difference_picture, heat_picture
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
    Offset,
    Tap,
    Transform,
    Truncation,
)
from explorer.state.request import ModelKey, RenderRequest
from explorer.testing.tiny import TinyGenerator
from tests.generators.families import Wavelets

SMALL: dict[str, tuple[str, dict[str, Any]]] = {
    "tiny": ("tiny", {}),
    "stylegan2": (
        "stylegan2",
        {"img_resolution": 16, "channel_base": 256, "channel_max": 16, "z_dim": 8, "w_dim": 8, "mapping_layers": 2},
    ),
    "stylegan3-t": (
        "stylegan3-t",
        {"img_resolution": 16, "channel_base": 128, "channel_max": 8, "z_dim": 8, "w_dim": 8, "num_layers": 4},
    ),
}
KEY = ModelKey("sha")


def generator_of(name: str) -> Generator:
    torch.manual_seed(0)
    family, config = SMALL[name]
    generator = build(family, config).requires_grad_(False)
    for parameter_name, parameter in generator.named_parameters():
        if parameter_name.endswith("noise_strength"):
            parameter.fill_(0.3)
    return generator


def pipeline_of(generator: Generator, budget: int = 64 << 20, **options: Any) -> Pipeline:
    return Pipeline(generator, StageCache(budget), "sha", **options)


def request_of(generator: Generator, look: Look | None = None, tap: Tap | None = None) -> RenderRequest:
    return resolve_look(look or Look(), tap or Tap(), generator.info, model=KEY)


def run(pipeline: Pipeline, request: RenderRequest, view: int | None = 0, **options: Any) -> Result:
    with torch.inference_mode():
        return pipeline.run(pipeline.plan(request, view), **options)


def ran(result: Result) -> list[str]:
    """Names of the stages that were computed."""
    return [t.name for t in result.timings if not t.hit and t.name != "mapping"]


# -- agreement with the generator's own forward path -----------------------------------------------------------


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


# -- resuming --------------------------------------------------------------------------------------------------


def offset_from(entry: int, value: float) -> Look:
    return Look(edits=(Edit(Offset((value,) * 8, entry, entry)),))


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


# -- cancelling ------------------------------------------------------------------------------------------------


class StopAfter:
    """A token that stops the run at its n-th question."""

    def __init__(self, questions: int) -> None:
        self.left = questions

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("questions", range(7))
def test_a_cancelled_run_keeps_only_completed_stages(questions: int) -> None:
    generator = generator_of("tiny")
    pipeline = pipeline_of(generator)
    request = request_of(generator)
    with pytest.raises(Cancelled):
        run(pipeline, request, token=StopAfter(questions))
    result = run(pipeline, request)
    done = max(0, questions)
    assert len([s for s in ran(result) if s not in ("present",)]) == 6 - done
    assert torch.equal(result.image, run(pipeline_of(generator), request).image)


def test_a_token_that_stays_silent_changes_nothing() -> None:
    generator = generator_of("tiny")
    assert run(pipeline_of(generator), request_of(generator), token=StopAfter(100)).tier is Tier.FULL


# -- drafts ----------------------------------------------------------------------------------------------------


def slow_down(pipeline: Pipeline, ms: float) -> None:
    """As if every layer had been measured at `ms`."""
    pipeline.times.ms[:] = [ms] * len(pipeline.times.ms)


def test_a_draft_is_the_picture_so_far_and_costs_the_full_run_nothing() -> None:
    config = {"img_resolution": 128, "channel_base": 512, "channel_max": 8, "z_dim": 8, "w_dim": 8}
    torch.manual_seed(0)
    generator = build("stylegan2", {**config, "mapping_layers": 2}).requires_grad_(False)
    pipeline = pipeline_of(generator)
    request = request_of(generator)
    assert pipeline.draft_layer(pipeline.plan(request, 0)) is None  # nothing is measured yet
    infos = generator.info.layers
    pipeline.times.ms[:] = [{128: 30.0, 64: 10.0}.get(info.height, 5.0) for info in infos]
    plan = pipeline.plan(request, 0)
    assert plan.expected_ms == 175.0  # conv1 torgb, then conv0 conv1 torgb at 8 ... 32, 64 and 128 px
    layer = pipeline.draft_layer(plan)
    assert layer is not None
    assert infos[layer].name == "b64.torgb"  # after 85 ms; b32.torgb takes 55 ms and is too small
    draft = run(pipeline, request, draft_layer=layer)
    assert draft.tier is Tier.DRAFT
    assert draft.pixels.shape == (64, 64, 4)
    full = run(pipeline, request)
    assert full.tier is Tier.FULL
    assert ran(full)[0] == "b128.conv0"
    assert torch.equal(full.image, run(pipeline_of(generator), request).image)


def test_no_draft_where_there_is_no_honest_one() -> None:
    for name in ("stylegan3-t", "tiny"):
        pipeline = pipeline_of(generator_of(name))
        slow_down(pipeline, 50.0)
        assert pipeline.draft_layer(pipeline.plan(request_of(pipeline.generator), 0)) is None
    pipeline = pipeline_of(generator_of("stylegan2"))
    slow_down(pipeline, 50.0)
    assert pipeline.draft_layer(pipeline.plan(request_of(pipeline.generator, tap=Tap("b8.conv0")), 0)) is None


def test_a_late_edit_is_expected_to_be_cheap() -> None:
    generator = generator_of("stylegan2")
    pipeline = pipeline_of(generator)
    run(pipeline, request_of(generator))
    slow_down(pipeline, 10.0)
    assert pipeline.plan(request_of(generator, offset_from(5, 1.0)), 0).expected_ms == 10.0
    assert pipeline.plan(request_of(generator), 0).expected_ms == 0.0  # its picture is cached


def test_times_are_learnt_but_not_from_the_first_run() -> None:
    generator = generator_of("tiny")
    pipeline = pipeline_of(generator)
    run(pipeline, request_of(generator), view=None)
    assert pipeline.plan(request_of(generator)).expected_ms == 0.0
    run(pipeline, request_of(generator), view=None)
    second = pipeline.plan(request_of(generator)).expected_ms
    assert second > 0.0
    slow_down(pipeline, 1000.0)
    for _ in range(20):
        run(pipeline, request_of(generator), view=None)
    assert pipeline.plan(request_of(generator)).expected_ms < 100.0


# -- budget and what is wanted -----------------------------------------------------------------------------------


def test_under_pressure_the_stage_of_the_stroke_is_kept() -> None:
    generator = generator_of("tiny")
    one = 8 * 16 * 16 * 4
    pipeline = pipeline_of(generator, 4 * one + 64)  # three stages and the picture, of five and the picture
    run(pipeline, request_of(generator, offset_from(1, 0.0)))
    run(pipeline, request_of(generator, offset_from(1, 0.1)))
    result = run(pipeline, request_of(generator, offset_from(1, 0.2)))
    assert ran(result)[0] == "t1"  # although the input and t0 are the oldest
    for i in range(5):
        assert ran(run(pipeline, request_of(generator, offset_from(1, 0.3 + i))))[0] == "t1"


def test_without_a_view_nothing_is_kept() -> None:
    generator = generator_of("tiny")
    pipeline = pipeline_of(generator)
    look = Look(noise=Noise("none"))
    run(pipeline, request_of(generator, look), view=None)
    assert len(pipeline.view_cache.cache) == 0
    assert ran(run(pipeline, request_of(generator, look), view=None))[0] == "input"


def test_forgetting() -> None:
    generator = generator_of("tiny")
    pipeline = pipeline_of(generator)
    for view in (0, 1):
        run(pipeline, request_of(generator), view=view)
    both = pipeline.view_cache.cache.nbytes
    pipeline.forget(0)
    assert 0 < pipeline.view_cache.cache.nbytes < both
    assert ran(run(pipeline, request_of(generator), view=1)) == ["present"]
    pipeline.forget_all()
    assert pipeline.view_cache.cache.nbytes == 0


def test_drawn_noise_is_kept() -> None:
    generator = generator_of("stylegan2")
    calls = 0
    layer = generator.layers[0]
    original = layer.noise

    def counted(spec: NoiseSpec, batch: int) -> torch.Tensor | None:
        nonlocal calls
        calls += 1
        return original(spec, batch)

    layer.noise = counted  # type: ignore[method-assign]
    pipeline = pipeline_of(generator)
    for psi in (0.1, 0.2, 0.3):
        run(pipeline, request_of(generator, Look(truncation=Truncation(psi), noise=Noise("random", 3))))
    assert calls == 1
    run(pipeline, request_of(generator, Look(noise=Noise("random", 4))))
    assert calls == 2


def test_a_layer_may_have_no_noise_after_all() -> None:
    generator = generator_of("tiny")
    silent = run(pipeline_of(generator), request_of(generator, Look(noise=Noise("none")))).image
    for layer in generator.layers:
        layer.noise = lambda spec, batch: None  # type: ignore[method-assign]
    assert torch.equal(run(pipeline_of(generator), request_of(generator)).image, silent)


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


# -- classes, precision, faults ----------------------------------------------------------------------------------


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


def test_kernels_that_come_later_make_new_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = generator_of("tiny")
    pipeline = pipeline_of(generator)
    run(pipeline, request_of(generator))
    monkeypatch.setattr("explorer.render.keys.backend_fingerprint", lambda: "other kernels")
    assert ran(run(pipeline, request_of(generator)))[0] == "input"


def test_untransform_takes_the_motion_back() -> None:
    generator = generator_of("tiny")
    motion = Transform(x=0.1, y=-0.05, rotate=20.0, untransform=True)
    moved = run(pipeline_of(generator), request_of(generator, Look(transform=replace(motion, untransform=False))))
    request = request_of(generator, Look(transform=motion))
    back = run(pipeline_of(generator), request)
    assert request.transform is not None
    inverse = np.linalg.inv(np.array(request.transform).reshape(3, 3))
    expected = affine(moved.image[None], inverse)[0][0]
    levels = (expected * 127.5 + 128).clamp(0, 255).byte().permute(1, 2, 0).numpy()
    assert np.abs(back.pixels[:, :, 2::-1].astype(int) - levels).max() <= 1
    assert torch.equal(back.image, moved.image)


def runs_of(generator: Generator) -> int:
    assert isinstance(generator, TinyGenerator)
    return sum(generator.runs.values())


@pytest.mark.parametrize("kind", ["difference", "heat"])
def test_residual_is_what_the_motion_leaves(kind: str) -> None:
    generator = generator_of("tiny")
    pipeline = pipeline_of(generator)
    still = run(pipeline_of(generator), request_of(generator)).image
    motion = Transform(x=0.1, rotate=20.0)
    moved = run(pipeline_of(generator), request_of(generator, Look(transform=motion))).image
    request = request_of(generator, Look(transform=replace(motion, residual=kind)))  # type: ignore[arg-type]
    assert request.transform is not None
    back, mask = undo(moved[None], np.array(request.transform).reshape(3, 3))
    left = (back[0] - still) * mask[0]
    expected = heat_picture(left) if kind == "heat" else difference_picture(left)
    levels = (expected * 127.5 + 128).clamp(0, 255).byte().permute(1, 2, 0).numpy()
    shown = run(pipeline, request)
    assert np.abs(shown.pixels[:, :, 2::-1].astype(int) - levels).max() <= 1
    assert left.abs().max() > 0.05  # waves through zero-padded convolutions do not follow exactly
    # Another motion renders the moved picture alone: the unmoved one is cached.
    runs = runs_of(generator)
    run(pipeline, request_of(generator, Look(transform=replace(motion, x=0.2, residual=kind))))  # type: ignore[arg-type]
    assert runs_of(generator) == runs + len(generator.layers)


def test_no_motion_leaves_nothing() -> None:
    generator = generator_of("tiny")
    request = request_of(generator, Look(transform=Transform(residual="heat")))
    assert (run(pipeline_of(generator), request).pixels[:, :, :3] == 0).all()


# -- edits of single layers ------------------------------------------------------------------------------------


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


# -- families whose activations are not pictures ---------------------------------------------------------------


def test_taps_and_drafts_show_what_the_family_previews() -> None:
    generator = Wavelets().eval()
    pipeline = pipeline_of(generator)
    request = request_of(generator)
    full = run(pipeline, request)
    assert full.pixels.shape == (64, 64, 4)
    tapped = run(pipeline, request_of(generator, tap=Tap("w0")))
    assert tapped.image.shape == (3, 32, 32)
    pipeline.times.ms = [10.0, 100.0]
    plan = pipeline.plan(replace(request, transform=(1.0, 0.0, 0.1, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)), 0)
    assert pipeline.draft_layer(plan) == 0
    with torch.inference_mode():
        draft = pipeline.run(plan, draft_layer=0)
    assert torch.equal(draft.image, tapped.image)
