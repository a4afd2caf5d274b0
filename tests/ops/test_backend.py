"""The choice of backend, and derived values that must follow their tensors."""

from __future__ import annotations

import copy
import threading

import pytest
import torch
from torch import nn

from explorer.generators.base import Generator, Inputs, NoiseSpec, fold
from explorer.ops import backend
from explorer.ops.backend import CachedDerived, Policy, policy, use_backend
from explorer.ops.bias_act import bias_act
from explorer.testing.contract import some_inputs
from explorer.util.steps import run
from tests.generators.configs import SMALL, small_generator

# The tiny family derives nothing from its weights and has no fast path.
_WITH_WEIGHTS = [name for name, (family, _) in SMALL.items() if family != "tiny"]


def test_the_choice_is_local_to_a_block_and_a_thread() -> None:
    seen: list[Policy] = []
    with use_backend(backend="reference"):
        with use_backend(dtype=torch.bfloat16):
            assert policy() == Policy("reference", torch.bfloat16)
            thread = threading.Thread(target=lambda: seen.append(policy()))
            thread.start()
            thread.join()
        assert policy() == Policy("reference", torch.float32)
    assert policy() == Policy() == seen[0]


def test_derived_values_follow_their_tensor() -> None:
    layer = nn.Linear(2, 1, bias=False)
    derived: CachedDerived[torch.Tensor] = CachedDerived()
    calls = 0

    def doubled() -> torch.Tensor:
        nonlocal calls
        calls += 1
        with torch.no_grad():
            return derived.get((layer.weight,), "", lambda: layer.weight * 2)

    first = doubled()
    assert doubled() is first
    changes = [
        lambda: layer.load_state_dict({"weight": torch.ones(1, 2)}),
        lambda: nn.init.zeros_(layer.weight),
        lambda: setattr(layer, "weight", nn.Parameter(torch.full((1, 2), 3.0))),
        lambda: torch.optim.SGD(layer.parameters(), lr=1.0).step(lambda: layer.weight.sum().backward()),  # type: ignore[arg-type, return-value]
        lambda: setattr(layer.weight, "data", torch.full((1, 2), 5.0)),
    ]
    for change in changes:
        change()
        assert torch.equal(doubled(), layer.weight.detach() * 2)
    assert derived.get((layer.weight,), "other", lambda: torch.zeros(1)).item() == 0
    assert copy.deepcopy(derived)._entry is None


def test_loading_weights_changes_the_picture() -> None:
    """A generator that has rendered must not go on with what it derived from its old weights."""
    for name in _WITH_WEIGHTS:
        generator, other = small_generator(name, seed=0), small_generator(name, seed=9)
        ws = torch.randn(1, generator.info.num_ws, generator.info.w_dim)
        with torch.inference_mode():
            before = generator.synthesis(ws)
            expected = other.synthesis(ws)
        generator.load_state_dict(other.state_dict())
        with torch.inference_mode():
            after = generator.synthesis(ws)
        assert torch.equal(after, expected), name
        assert not torch.equal(after, before), name


@pytest.mark.parametrize("name", _WITH_WEIGHTS)
@pytest.mark.parametrize("batch", [1, 3])
def test_backends_agree(name: str, batch: int) -> None:
    generator = small_generator(name)
    torch.manual_seed(2)
    ws = torch.randn(batch, generator.info.num_ws, generator.info.w_dim)
    inputs = some_inputs(generator, ws)
    with torch.no_grad():
        with use_backend("reference"):
            expected = run(generator.picture_steps(inputs))
        fast = run(generator.picture_steps(inputs))
        with use_backend(dtype=torch.bfloat16):
            rough = run(generator.picture_steps(inputs))
    trained = run(generator.picture_steps(inputs)).detach()
    scale = float(expected.abs().max())
    torch.testing.assert_close(fast, expected, rtol=0, atol=2e-5 * scale)
    torch.testing.assert_close(trained, expected, rtol=0, atol=2e-5 * scale)
    assert rough.dtype == torch.float32
    assert _psnr(rough, expected) > 38


def _psnr(picture: torch.Tensor, reference: torch.Tensor) -> float:
    scale = reference.abs().max()
    return float(10 * torch.log10(4 / ((picture - reference) / scale).square().mean()))


@pytest.mark.parametrize("name", list(SMALL))
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", ["reference", "auto"])
def test_resuming_is_bitwise_equal_under_every_policy(name: str, dtype: torch.dtype, kind: backend.Backend) -> None:
    generator = small_generator(name)
    torch.manual_seed(3)
    ws = torch.randn(1, generator.info.num_ws, generator.info.w_dim)
    with torch.inference_mode(), use_backend(kind, dtype):
        inputs = Inputs(ws, noise=NoiseSpec("none"))
        states = [generator.begin(inputs)]
        fold(generator.layers, states[0], inputs, after=lambda _, activation: states.append(activation))
        full = generator.rgb(states[-1])
        start = len(generator.layers) // 2
        resumed = fold(generator.layers, states[start], inputs, start=start)
        assert torch.equal(generator.rgb(resumed), full)


def test_float16_on_the_cpu_is_refused() -> None:
    with pytest.raises(TypeError, match="float16"):
        bias_act(torch.zeros(1, 1, dtype=torch.float16))
    generator: Generator = small_generator("stylegan2-skip")
    with pytest.raises(TypeError, match="float16"), use_backend(dtype=torch.float16), torch.no_grad():
        generator.synthesis(torch.zeros(1, generator.info.num_ws, 16))


def test_fastest_dtype_is_never_float16_on_the_cpu() -> None:
    assert backend.fastest_dtype("cpu") in (torch.float32, torch.bfloat16)
    assert backend.fastest_dtype("mps") == torch.float32
