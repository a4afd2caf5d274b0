"""Which controls are inert, and why: the whole table, without a window."""

from __future__ import annotations

from dataclasses import replace

import pytest

from explorer.generators.base import GeneratorInfo, LayerInfo
from explorer.session.availability import LATENT_ALONE, NO_MODEL, OF_A_MODEL, availability
from explorer.state import Animation, Look, Noise, Source, Tap, Transform

LAYERS = (LayerInfo("wide", 0, 8, 16, 8, 8, has_noise=True), LayerInfo("single", 1, 8, 1, 8, 8))
PLAIN = GeneratorInfo(
    "stylegan2", 8, 0, 8, 2, (8, 8), 3, LAYERS, has_noise=True, has_input_transform=False,
    can_resize=True,
)  # fmt: skip
QUIET = replace(PLAIN, family="stylegan3-t", has_noise=False, has_input_transform=True)
CIRCLE = Transform(animation=Animation("circle"))
RANDOM = Look(noise=Noise("random"), transform=CIRCLE)
"""Every control of this look does something, but for those of a layer."""

FINAL = "The final picture is already RGB: choose a layer first"
OF_FINAL = {"tap.channels": FINAL, "tap.first_channel": FINAL, "tap.normalize": FINAL}
STILL = "The picture is not moving: choose a motion"
NO_SOURCE = {
    "source.picture": LATENT_ALONE,
    "source.crop": LATENT_ALONE,
    "source.masks": LATENT_ALONE,
    "source.style": "This network cannot take the style of a picture",
}
NO_NOISE = "stylegan3-t has no noise inputs: its detail comes from w only"
OF_QUIET = dict.fromkeys(("noise.mode", "noise.seed", "noise.strength", "noise.layer_strengths"), NO_NOISE)
OFF = "Noise is switched off"
SEEDLESS = "Only random noise has a seed"


@pytest.mark.parametrize(
    ("info", "look", "tap", "reasons"),
    [
        (PLAIN, RANDOM, Tap("wide"), {}),
        (PLAIN, RANDOM, Tap(), OF_FINAL),
        (PLAIN, RANDOM, Tap("not there"), OF_FINAL),
        (PLAIN, RANDOM, Tap(spectrum=True), {k: v for k, v in OF_FINAL.items() if k != "tap.normalize"}),
        (PLAIN, RANDOM, Tap("wide", channels="norm"), {"tap.first_channel": "The norm runs over all channels"}),
        (PLAIN, RANDOM, Tap("single"), {"tap.first_channel": "This layer has one channel"}),
        (PLAIN, replace(RANDOM, noise=Noise("const")), Tap("wide"), {"noise.seed": SEEDLESS}),
        (
            PLAIN,
            replace(RANDOM, noise=Noise("none")),
            Tap("wide"),
            {"noise.strength": OFF, "noise.layer_strengths": OFF, "noise.seed": SEEDLESS},
        ),
        (QUIET, RANDOM, Tap("wide"), OF_QUIET),
        (QUIET, replace(RANDOM, noise=Noise("none")), Tap("wide"), OF_QUIET),
        (
            PLAIN,
            replace(RANDOM, transform=Transform()),
            Tap("wide"),
            {"transform.animation.speed": STILL, "transform.animation.radius": STILL},
        ),
        (
            PLAIN,
            replace(RANDOM, transform=Transform(animation=Animation("spin"))),
            Tap("wide"),
            {"transform.animation.radius": "A spin has no radius"},
        ),
        (None, RANDOM, Tap("wide"), dict.fromkeys(OF_A_MODEL, NO_MODEL)),
        (None, replace(RANDOM, noise=Noise("none")), Tap(), dict.fromkeys(OF_A_MODEL, NO_MODEL)),
    ],
)
def test_reasons(info: GeneratorInfo | None, look: Look, tap: Tap, reasons: dict[str, str]) -> None:
    of_the_source = {} if info is None else NO_SOURCE
    assert availability(info, look, tap) == {**of_the_source, **reasons}


def test_an_image_to_image_network_takes_a_source_and_masks() -> None:
    image_to_image = replace(PLAIN, source_channels=3, num_masks=2, encodes_style=True)
    reasons = availability(image_to_image, RANDOM)
    assert {k: v for k, v in reasons.items() if k.startswith("source.")} == {
        "source.crop": "There is no source picture to crop"
    }
    chosen = replace(RANDOM, source=Source("a picture"))
    assert not [path for path in availability(image_to_image, chosen) if path.startswith("source.")]
    live = replace(RANDOM, source=Source("a picture", view=1))
    assert "source.crop" in availability(image_to_image, live)


def test_a_network_without_a_skip_says_what_is_lost() -> None:
    image_to_image = replace(PLAIN, source_channels=3, encodes_style=True)
    assert "fine details" in availability(image_to_image, RANDOM)["source.masks"]


def test_what_does_not_matter_gives_the_same_object() -> None:
    moved = replace(RANDOM, truncation=replace(RANDOM.truncation, psi=0.3), drift=1.0)
    assert availability(PLAIN, moved) is availability(PLAIN, RANDOM)
    assert availability(QUIET, moved) is not availability(PLAIN, RANDOM)


def test_only_layers_of_any_size_can_be_resized() -> None:
    assert "bend.resize" not in availability(PLAIN, RANDOM)
    assert "one size" in availability(replace(PLAIN, can_resize=False), RANDOM)["bend.resize"]
