"""The loop over layers: edits, sources and masks, layers without a style, and what an activation carries."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from explorer.generators.base import (
    INPUT,
    NO_EDITS,
    Activation,
    Inputs,
    NoiseSpec,
    StyleEncoder,
    fold,
)
from explorer.testing.contract import some_inputs
from explorer.util.steps import run
from tests.generators.configs import SMALL, small_generator
from tests.generators.families import Translator


class Doubled:
    """Doubles the styles of one place and adds 1 to what another hands on."""

    def __init__(self, style_at: int | None = None, features_at: int | None = None) -> None:
        self.style_at, self.features_at = style_at, features_at

    def key(self, i: int) -> bytes:
        return b"s" * (i == self.style_at) + b"f" * (i == self.features_at)

    def style(self, i: int, s: Tensor) -> Tensor:
        return s * 2 if i == self.style_at else s

    def features(self, i: int, activation: Activation) -> Activation:
        return activation.with_features(activation.x + 1) if i == self.features_at else activation


def test_an_activation_maps_every_tensor_and_keeps_what_is_missing() -> None:
    one, two = torch.ones(1), torch.full((2,), 2.0)
    activation = Activation(one, None, two, (one, two))
    doubled = activation.map(lambda t: t * 2)
    assert doubled.img is None
    assert [t.tolist() for t in doubled.tensors()] == [[2.0], [4.0, 4.0], [2.0], [4.0, 4.0]]
    assert activation.nbytes == 4 * (1 + 2 + 1 + 2)
    assert activation.with_features(two).tensors() == (two, two, one, two)


@pytest.mark.parametrize("name", SMALL)
def test_edits_reach_styles_and_features_of_every_place(name: str) -> None:
    generator = small_generator(name)
    torch.manual_seed(2)
    ws = torch.randn(2, generator.info.num_ws, generator.info.w_dim)
    inputs = some_inputs(generator, ws, noise=NoiseSpec("none"))
    with torch.inference_mode():
        plain = run(generator.picture_steps(inputs))
        assert torch.equal(run(generator.picture_steps(inputs, edits=Doubled())), plain)
        changed = [run(generator.picture_steps(inputs, edits=Doubled(features_at=INPUT)))]
        for i, layer in enumerate(generator.layers[:-1]):
            changed.append(run(generator.picture_steps(inputs, edits=Doubled(features_at=i))))
            if layer.info.is_rgb:
                continue  # a demodulated convolution undoes a factor on all styles; ToRGB does not
        last = max(i for i, layer in enumerate(generator.layers) if layer.info.style_dim)
        changed.append(run(generator.picture_steps(inputs, edits=Doubled(style_at=last))))
    assert all(not torch.equal(picture, plain) for picture in changed)


def test_the_input_of_stylegan3_is_a_styled_place() -> None:
    """Doubling cosine, sine and shift together moves the picture by the shift alone."""
    generator = small_generator("stylegan3-t")
    inputs = Inputs(torch.randn(1, generator.info.num_ws, generator.info.w_dim))

    class Shift(Doubled):
        def style(self, i: int, s: Tensor) -> Tensor:
            return s + s.new_tensor([0, 0, 0.25, 0]) * s[:, :2].norm(dim=1, keepdim=True) if i == INPUT else s

    style = generator.input_style(inputs.ws[:, 0])
    assert tuple(style.shape) == (1, generator.info.input_style_dim) == (1, 4)
    with torch.inference_mode():
        edited = generator.begin(inputs, Shift()).x
        assert not torch.allclose(edited, generator.begin(inputs).x, atol=1e-3)
        cos, sin = (float(v) for v in style[0, :2] / style[0, :2].norm())
        # rotation @ shift: the features are sampled at R (p - t), so that t is in the picture's own axes.
        moved = torch.tensor([[1, 0, 0.25], [0, 1, 0], [0, 0, 1]])
        assert abs(cos) > 0.5 or abs(sin) > 0.5
        torch.testing.assert_close(edited, generator.begin(Inputs(inputs.ws, moved)).x, atol=1e-4, rtol=1e-4)


def test_source_mask_and_kept_tensors_survive_a_resumed_run() -> None:
    generator = Translator()
    source, mask = torch.rand(2, 3, 8, 8) * 2 - 1, torch.zeros(2, 1, 8, 8)
    mask[:, :, :4] = 1
    inputs = Inputs(torch.randn(2, 2, 4), source=source, masks=(mask,))
    states: list[Activation] = []
    with torch.inference_mode():
        begin = generator.begin(inputs)
        full = generator.rgb(fold(generator.layers, begin, inputs, after=lambda _, a: states.append(a)))
        assert torch.equal(full, run(generator.picture_steps(inputs)))
        resumed = fold(generator.layers, states[0].map(torch.clone), inputs, start=1)
    assert torch.equal(generator.rgb(resumed), full)
    assert torch.equal(full[:, :, 4:], source[:, :, 4:])
    assert not torch.equal(full[:, :, :4], source[:, :, :4])


def test_a_layer_that_nothing_styles_is_given_no_style() -> None:
    generator = Translator()
    inputs = Inputs(torch.randn(1, 2, 4), source=torch.rand(1, 3, 8, 8), masks=(torch.ones(1, 1, 8, 8),))
    asked: list[int] = []

    class Seen(Doubled):
        def style(self, i: int, s: Tensor) -> Tensor:
            asked.append(i)
            return s

    run(generator.picture_steps(inputs, edits=Seen()))
    assert asked == [0, 2]  # nothing styles the input either
    assert generator.info.layers_of_ws(1) == (generator.info.layers[2],)


def test_a_family_that_reads_styles_says_so() -> None:
    translator = Translator()
    assert isinstance(translator, StyleEncoder)
    assert translator.info.encodes_style
    assert tuple(translator.encode_style(torch.zeros(2, 3, 8, 8)).shape) == (2, 4)
    for name in SMALL:
        generator = small_generator(name)
        assert generator.info.encodes_style == isinstance(generator, StyleEncoder)


def test_the_centre_of_classes() -> None:
    translator, plain = Translator(), small_generator("stylegan3-t")
    both = translator.w_mean(torch.eye(2))
    assert not torch.equal(both[0], both[1])
    torch.testing.assert_close(both.mean(dim=0), translator.w_mean())
    assert torch.equal(plain.w_mean(), plain.w_avg)
    assert torch.equal(plain.w_mean(torch.eye(2)), plain.w_avg.expand(2, -1))


def test_nothing_is_run_behind_the_last_layer() -> None:
    generator = small_generator("tiny")
    inputs = Inputs(torch.randn(1, generator.info.num_ws, generator.info.w_dim))
    begin = generator.begin(inputs)
    assert fold(generator.layers, begin, inputs, start=3, stop=2) is begin
    assert NO_EDITS.key(0) == b""
