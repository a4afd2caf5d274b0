"""The rules that every generator family must follow; tests of plug-ins call `family_contract` as well."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from explorer.checkpoints import Checkpoint, build_generator, inspect, load, save_native
from explorer.errors import MismatchError
from explorer.generators import registry
from explorer.generators.base import Activation, Generator, Inputs, NoiseSpec, SynthesisLayer
from explorer.generators.ws_groups import GROUPS
from explorer.ops.backend import use_backend
from explorer.util.steps import run

__all__ = ["ContractError", "family_contract", "some_inputs", "some_ws"]

_MODES: tuple[Literal["none", "const", "random"], ...] = ("none", "const", "random")


class ContractError(AssertionError):
    """A family breaks a rule that the program relies on; the message names the rule."""


def family_contract(family: str, config: Mapping[str, Any], generator: Generator | None = None) -> None:
    """Check a family at one small configuration; takes about a second.

    Args:
        family: A registered name, such as that of a plug-in's entry point.
        config: Settings of a generator of a few thousand weights.
        generator: Generator to check instead of a newly built one, such as one whose weights are not all zero.

    Raises:
        ContractError: A rule is broken; the message names it.
    """
    if generator is None:
        torch.manual_seed(0)
        generator = registry.build(family, config)
    _check_descriptor(family, config, generator)
    generator = copy.deepcopy(generator).eval().requires_grad_(False)
    with torch.inference_mode():
        for ws in (some_ws(generator, 1), some_ws(generator, 2)):
            _check_info(generator, ws)
            for mode in _MODES:
                _check_resuming(generator, ws, NoiseSpec(mode, seed=7, strength=0.8))
            _check_resizing(generator, ws)
        _check_mapping(generator)
        _check_batches(generator)
        _check_source(generator)
        _check_noise(generator)
        _check_truncation(generator)
        _check_transform(generator)
        _check_bfloat16(generator)
    _check_file(family, config, generator)


def some_ws(generator: Generator, batch: int = 2, seed: int = 1) -> Tensor:
    """Return `ws` `[batch, num_ws, w_dim]` that differ in every entry."""
    numbers = torch.Generator().manual_seed(seed)
    info = generator.info
    with torch.no_grad():
        c = torch.eye(info.c_dim)[torch.arange(batch) % info.c_dim] if info.c_dim else None
        ws = generator.broadcast(generator.mapping(torch.randn(batch, info.z_dim, generator=numbers), c))
        return ws + 0.1 * torch.randn(ws.shape, generator=numbers)


def _begin(generator: Generator, ws: Tensor, transform: Tensor | None = None) -> Activation:
    return generator.begin(some_inputs(generator, ws, transform))


def some_inputs(
    generator: Generator, ws: Tensor, transform: Tensor | None = None, noise: NoiseSpec | None = None
) -> Inputs:
    """Return inputs of `ws` `[N, num_ws, w_dim]`, with some source and masks where the network takes them."""
    info, numbers = generator.info, torch.Generator().manual_seed(5)
    size, source = (ws.shape[0], 1, *info.img_size), None
    if info.source_channels:
        source = torch.rand(size[0], info.source_channels, *info.img_size, generator=numbers) * 2 - 1
    masks = tuple(torch.rand(size, generator=numbers) for _ in range(info.num_masks))
    return Inputs(ws, transform, source, masks, noise or NoiseSpec())


def _picture(
    generator: Generator, ws: Tensor, transform: Tensor | None = None, noise: NoiseSpec | None = None
) -> Tensor:
    return run(generator.picture_steps(some_inputs(generator, ws, transform, noise)))


def _run(layer: SynthesisLayer, activation: Activation, ws: Tensor, noise: Tensor | None) -> Activation:
    index = layer.info.ws_index
    style = ws[:, 0, :0] if index is None else layer.style(ws[:, index])
    size = (ws.shape[0], layer.info.style_dim)
    _rule(tuple(style.shape) == size, f"{layer.info.name}: `style` gives [N, style_dim]")
    return layer.run(activation, style, noise)


def _rule(holds: bool, rule: str) -> None:
    if not holds:
        raise ContractError(rule)


def _check_descriptor(family: str, config: Mapping[str, Any], generator: Generator) -> None:
    found = registry.family(family)
    _rule(found.name == family == generator.info.family, "the family's name is that of `info.family`")
    _rule(bool(found.title.strip()), "a family has a title")
    groups = {found.group(generator.info, index) for index in range(generator.info.num_ws)}
    _rule(groups <= set(GROUPS), f"`group` gives one of {', '.join(GROUPS)}")
    _rule(all(found.label(layer).strip() for layer in generator.info.layers), "`label` names every layer")
    try:
        registry.read_config(family, {**config, "a setting that no family has": 1})
    except MismatchError:
        pass
    else:
        raise ContractError("settings that the family does not have are refused")


def _check_info(generator: Generator, ws: Tensor) -> None:
    info, batch = generator.info, ws.shape[0]
    _rule(tuple(layer.info for layer in generator.layers) == info.layers, "`info.layers` are those of `layers`")
    _rule(len({layer.name for layer in info.layers}) == len(info.layers), "layers have names of their own")
    used = {layer.ws_index for layer in info.layers if layer.ws_index is not None}
    _rule(used <= set(range(info.num_ws)), "`ws_index` is an entry of `ws`")
    activation = _begin(generator, ws)
    if info.input_layer is not None:
        own = info.input_layer
        size = (batch, own.channels, own.height, own.width)
        _rule(own.name == "input", "the input is named input")
        _rule(tuple(activation.x.shape) == size, f"the input is {size}, not {tuple(activation.x.shape)}")
    for layer in generator.layers:
        own = layer.info
        noise = layer.noise(NoiseSpec("random"), batch)
        _rule((noise is not None) == own.has_noise, f"{own.name}: `has_noise` says whether there is noise")
        activation = _run(layer, activation, ws, noise)
        picture = generator.preview(activation) if own.is_rgb else None
        out = activation.x if picture is None else picture
        size = (batch, own.channels, own.height, own.width)
        _rule(tuple(out.shape) == size, f"{own.name}: its output is {size}, as `info` says, not {tuple(out.shape)}")
        is_noise = noise is None or tuple(noise.shape) in {(n, 1, own.height, own.width) for n in (1, batch)}
        _rule(is_noise, f"{own.name}: noise is [N, 1, height, width]")
    image = generator.rgb(activation)
    size = (batch, info.img_channels, *info.img_size)
    _rule(tuple(image.shape) == size, f"the picture is {size}, not {tuple(image.shape)}")
    _rule(image.dtype == torch.float32 and bool(torch.isfinite(image).all()), "the picture is finite float32")


def _check_resizing(generator: Generator, ws: Tensor) -> None:
    if not generator.info.can_resize:
        return
    activation = _begin(generator, ws)
    height, width = activation.x.shape[2:]
    activation = activation.with_features(interpolate(activation.x, (3 * height, 2 * width)))
    for layer in generator.layers:
        activation = _run(layer, activation, ws, layer.noise(NoiseSpec("random"), ws.shape[0]))
    size = (ws.shape[0], generator.info.img_channels, *generator.info.img_size)
    got = tuple(generator.rgb(activation).shape)
    _rule(
        got == size, f"the picture is {size} also after features of another size, as `can_resize` says, not {got}"
    )


def _check_resuming(generator: Generator, ws: Tensor, spec: NoiseSpec) -> None:
    batch = ws.shape[0]
    transform = torch.tensor([[0.9, 0.2, 0.1], [-0.2, 0.9, 0.0], [0, 0, 1]])
    activations = [_begin(generator, ws, transform)]
    copies = [_copy(activations[0])]
    for layer in generator.layers:
        noise = layer.noise(spec, batch)
        activations.append(_run(layer, activations[-1], ws, noise))
        copies.append(_copy(activations[-1]))
    full = generator.rgb(activations[-1])
    whole = _picture(generator, ws, transform, spec)
    _rule(torch.equal(full, whole), "a picture is begin, every layer in order, rgb, bit for bit")
    for start in range(len(generator.layers)):
        resumed = _copy(copies[start])
        for layer in generator.layers[start:]:
            resumed = _run(layer, resumed, ws, layer.noise(spec, batch))
        name = generator.layers[start].info.name
        _rule(torch.equal(generator.rgb(resumed), full), f"resuming at {name} equals a full run bit for bit")
    for before, after in zip(copies, activations, strict=True):
        _rule(_equal(before, after), "a layer makes new tensors and never writes into its input")


def _copy(activation: Activation) -> Activation:
    return activation.map(torch.clone)


def _equal(a: Activation, b: Activation) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.tensors(), b.tensors(), strict=True))


def _check_mapping(generator: Generator) -> None:
    info = generator.info
    z = torch.randn(3, info.z_dim, generator=torch.Generator().manual_seed(3))
    w = generator.mapping(z)
    _rule(tuple(w.shape) == (3, info.w_dim) and w.dtype == torch.float32, "`mapping` gives w [N, w_dim] in float32")
    _rule(torch.equal(w, generator.mapping(z)), "the same z gives the same w")
    if info.c_dim:
        zeros = torch.zeros(3, info.c_dim)
        _rule(torch.equal(w, generator.mapping(z, zeros)), "no class is the class vector of zeros")
    mean = generator.w_avg
    _rule(tuple(mean.shape) == (info.w_dim,) and mean.dtype == torch.float32, "`w_avg` is [w_dim] in float32")


def _check_batches(generator: Generator) -> None:
    ws = some_ws(generator, 3)
    together = _picture(generator, ws)
    alone = _alone(generator, ws)
    _rule(torch.allclose(together, alone, rtol=1e-4, atol=1e-4), "pictures of a batch do not depend on each other")


def _alone(generator: Generator, ws: Tensor) -> Tensor:
    """Return the pictures of a batch, each made alone."""
    whole = some_inputs(generator, ws)
    pictures = []
    for i in range(ws.shape[0]):
        source = None if whole.source is None else whole.source[i : i + 1]
        masks = tuple(mask[i : i + 1] for mask in whole.masks)
        pictures.append(run(generator.picture_steps(Inputs(ws[i : i + 1], None, source, masks))))
    return torch.cat(pictures)


def _check_source(generator: Generator) -> None:
    ws, info = some_ws(generator, 1), generator.info
    if not info.source_channels:
        _rule(not info.num_masks, "only a network with a source has masks")
        return
    inputs = some_inputs(generator, ws)
    other = replace(inputs, source=-inputs.source if inputs.source is not None else None)
    pictures = [run(generator.picture_steps(each)) for each in (inputs, other)]
    _rule(not torch.allclose(pictures[0], pictures[1], atol=1e-6), "the source decides the picture")
    for i in range(info.num_masks):
        masks = tuple(1 - mask if i == j else mask for j, mask in enumerate(inputs.masks))
        masked = run(generator.picture_steps(replace(inputs, masks=masks)))
        _rule(not torch.allclose(pictures[0], masked, atol=1e-6), f"mask {i} has an effect")


def _check_noise(generator: Generator) -> None:
    drawn: list[Tensor] = []
    for layer in generator.layers:
        name = layer.info.name
        _rule(layer.noise(NoiseSpec("none"), 1) is None, f"{name}: mode none gives no noise")
        if not layer.info.has_noise:
            continue
        first, again, other = (layer.noise(NoiseSpec("random", seed=s), n) for s, n in ((3, 3), (3, 1), (4, 3)))
        if first is None or again is None or other is None:
            raise ContractError(f"{name}: mode random gives noise")
        _rule(torch.equal(first[:1], again), f"{name}: the first sample's noise does not depend on the batch")
        _rule(not torch.equal(first[0], first[1]), f"{name}: each sample has noise of its own")
        _rule(not torch.equal(first, other), f"{name}: another seed gives other noise")
        muted = NoiseSpec("const", layer_strengths={name: 0.0})
        _rule(layer.noise(muted, 1) is None, f"{name}: a strength of 0 gives no noise")
        _rule(not any(torch.equal(first, noise) for noise in drawn), f"{name}: each layer has a stream of its own")
        drawn.append(first)
    _rule(
        generator.info.has_noise == any(layer.has_noise for layer in generator.info.layers), "`has_noise` is true"
    )


def _check_truncation(generator: Generator) -> None:
    ws = some_ws(generator)
    half = generator.truncate(ws, 0.5)
    middle = generator.w_avg + 0.5 * (ws - generator.w_avg)
    _rule(torch.allclose(half, middle, rtol=1e-5, atol=1e-5), "psi 0.5 is half way to `w_avg`")
    cut = generator.truncate(ws, 0.5, 1)
    is_cut = torch.equal(cut[:, :1], half[:, :1]) and torch.equal(cut[:, 1:], ws[:, 1:])
    _rule(is_cut, "a cutoff of 1 truncates the first entry of `ws` alone")
    same = torch.equal(generator.truncate(ws, 0.5, 0), ws) and torch.equal(generator.truncate(ws, 1.0), ws)
    _rule(same, "a cutoff of 0 and a psi of 1 change nothing")


def _check_transform(generator: Generator) -> None:
    ws = some_ws(generator, 1)
    still = _picture(generator, ws)
    identity = _picture(generator, ws, torch.eye(3))
    _rule(torch.allclose(still, identity, rtol=1e-4, atol=1e-4), "the identity as transform changes nothing")
    if generator.info.has_input_transform:
        shift = torch.eye(3)
        shift[0, 2] = 0.25
        moved = _picture(generator, ws, shift[None])
        _rule(not torch.allclose(still, moved, atol=1e-6), "a transform moves the picture")


def _check_bfloat16(generator: Generator) -> None:
    ws = some_ws(generator, 1)
    activation = _begin(generator, ws)
    narrow = _copy(activation)
    with use_backend("torch", torch.bfloat16):
        narrow.x = narrow.x.to(torch.bfloat16)
        for layer in generator.layers:
            narrow = _run(layer, narrow, ws, layer.noise(NoiseSpec(), 1))
        image = generator.rgb(narrow)
    _rule(image.dtype == torch.float32, "a run in bfloat16 gives a float32 picture")
    difference = float((image - _picture(generator, ws)).abs().mean())
    _rule(difference < 0.2, f"a run in bfloat16 gives nearly the same picture, not one off by {difference:.3f}")


def _check_file(family: str, config: Mapping[str, Any], generator: Generator) -> None:
    """Check that saving as safetensors and loading keeps every bit, and that `inspect` reports the sizes."""
    ws = some_ws(generator, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "contract.safetensors"
        save_native(path, Checkpoint(family, dict(config), generator.state_dict(), "contract"))
        again = build_generator(load(path))
        summary = inspect(path)
    _rule(again.info == generator.info, "a generator that was saved and loaded has the same `info`")
    with torch.inference_mode():
        same = torch.equal(_picture(again, ws), _picture(generator, ws))
    _rule(same, "a generator that was saved and loaded gives the same picture bit for bit")
    reported = (summary["family"], summary["z_dim"], summary["w_dim"], summary["num_ws"], summary["classes"])
    info = generator.info
    _rule(reported == (family, info.z_dim, info.w_dim, info.num_ws, info.c_dim), "`inspect` tells what `info` says")
