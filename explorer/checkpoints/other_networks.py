"""Names the networks whose files look like ours, or are offered in their place, and says what to open instead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.checkpoints.records import ModuleRecord, StubRecord, TensorRecord, module_of, table_of
from explorer.errors import UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explorer.checkpoints.source import Source

__all__ = ["OtherNetwork", "other_network", "refusal"]

_KEYS, _DEPTH, _ITEMS = 50_000, 12, 20_000  # limits of what is searched


@dataclass(frozen=True, slots=True)
class OtherNetwork:
    """A kind of network that is refused by name.

    Args:
        title: What it is, to follow "The file is".
        marks: Patterns of keys, all of which it has; a key of the file begins with ".".
        remedy: What to do instead.
        unlike: Patterns of keys, of which it has none.
    """

    title: str
    marks: tuple[str, ...]
    remedy: str
    unlike: tuple[str, ...] = ()


_DECODER = r"(synthesis\.|style\.\d+\.weight$|style_mlp\.|conv1\.conv\.(style_)?modulation|input\.input$)"
_DISCRIMINATOR = "Open the file of the generator; a discriminator judges pictures and makes none."
_ENCODER = (
    "Open a file that also holds the decoder (its keys begin with \u201cdecoder.\u201d), or the StyleGAN2 that it "
    "was trained for; an encoder makes latents of pictures and no pictures."
)
_DIFFUSION = "Open a style-based generator: a diffusion model has no latent w, and makes a picture in many steps."

# The first that fits is told, so narrower ones come first.
_NETWORKS = (
    OtherNetwork(
        "a VToonify, which styles frames of a video",
        (r"\.generator\.generator\.style\.1\.weight$",),
        "Open the StyleGAN2 that it was made from; VToonify's encoder and fusion have no place in a latent space.",
    ),
    OtherNetwork(
        "a DualStyleGAN, a StyleGAN2 with a second path for the style",
        (r"\.generator\.style\.1\.weight$", r"\.(res|fusion\w*)\.\d+\."),
        "Open the StyleGAN2 that it was fine-tuned from, which has one path.",
    ),
    OtherNetwork(
        "a GFPGAN, which restores faces with a StyleGAN2 inside",
        (r"\.stylegan_decoder\.", r"\.conv_body_first\."),
        "Open the StyleGAN2 of BasicSR that it was trained from; this one follows a degraded picture, not w.",
    ),
    OtherNetwork(
        "BasicSR's StyleGAN2 in its clean form (StyleGAN2GeneratorClean), whose weights are scaled otherwise",
        (r"\.style_conv1\.bias$", r"\.style_mlp\.\d+\.weight$"),
        "Open BasicSR's StyleGAN2 in its original form, whose layers have `activate.bias`.",
    ),
    OtherNetwork(
        "a network of lucidrains' stylegan2-pytorch, which is no StyleGAN2 of NVIDIA's: it upsamples, adds noise "
        "and styles in another way",
        (r"\.S\.net\.0\.weight$", r"\.G\.(initial_block$|blocks\.0\.to_(style|noise)1\.)"),
        "Train or convert with the code of NVIDIA or rosinality instead; its weights cannot be used here.",
    ),
    OtherNetwork(
        "an R3GAN, which has no styles: z is an input of its first layer",
        (r"\.Model\.MainLayers\.\d+\.",),
        "Open a StyleGAN2 or StyleGAN3; there is no latent w to explore in an R3GAN.",
    ),
    OtherNetwork(
        "a FastGAN (lightweight-gan), which has no styles: z is an input of its first layer",
        (r"\.init\.init\.0\.weight_orig$", r"\.feat_\d+\."),
        "Open a StyleGAN2 or StyleGAN3; there is no latent w to explore in a FastGAN.",
    ),
    OtherNetwork(
        "a diffusion model",
        (
            r"\.(model\.diffusion_model\.|denoise_fn\.|time_embed(ding)?\.(0|linear_1)\.weight$|lora_unet_"
            r"|transformer_blocks\.\d+\.attn1?\.to_q\.|double_blocks\.\d+\.)",
        ),
        _DIFFUSION,
        (_DECODER,),
    ),
    OtherNetwork(
        "an encoder without its generator (as of e4e or pSp)",
        (r"\.input_layer\.0\.weight$", r"\.body\.\d+\."),
        _ENCODER,
        (_DECODER,),
    ),
    OtherNetwork(
        "a discriminator without its generator",
        (r"\.(convs\.0\.0|conv_body\.0\.0|convs\.0\.conv)\.weight(_orig)?$", r"\.final_linear\.0\."),
        _DISCRIMINATOR,
        (_DECODER,),
    ),
    OtherNetwork(
        "a discriminator without its generator",
        (r"\.b\d+\.fromrgb\.weight$", r"\.b4\.out\.weight$"),
        _DISCRIMINATOR,
        (_DECODER,),
    ),
)  # fmt: skip


def other_network(value: object) -> OtherNetwork | None:
    """Return the kind of another network, by the names in a file's value; None for any that is not listed."""
    text = "\n".join(f".{key}" for key in _names(value))
    for network in _NETWORKS:
        marks, unlike = (
            [re.search(mark, text, re.MULTILINE) for mark in patterns]
            for patterns in (network.marks, network.unlike)
        )
        if all(marks) and not any(unlike):
            return network
    return None


def refusal(source: Source, value: object) -> UnsupportedModelError | None:
    """Return the error for a file of another network that is known by name; None for others."""
    network = other_network(value)
    if network is None:
        return None
    return UnsupportedModelError(f"{source.name} is {network.title}.", network.remedy)


def _names(value: object) -> Iterator[str]:
    """Yield the dotted names of the tensors in a value, through tables and modules."""
    waiting: list[tuple[str, object, int]] = [("", value, 0)]
    seen: set[int] = set()
    count = 0
    for path, item, depth in waiting:  # the loop appends to it
        if id(item) in seen:
            continue
        seen.add(id(item))
        for key, entry in _entries(item):
            name = f"{path}{key[:200]}"
            if isinstance(entry, TensorRecord):
                yield name
            elif isinstance(entry, (dict, list, tuple, ModuleRecord, StubRecord)) and depth < _DEPTH:
                waiting.append((f"{name}."[-500:], entry, depth + 1))
            count += 1
            if count > _KEYS:
                return


def _entries(item: object) -> Iterator[tuple[str, object]]:
    if (module := module_of(item)) is not None:
        for part in ("_parameters", "_buffers", "_modules"):
            yield from _entries(module.table(part))
        return
    if isinstance(item, (list, tuple)):
        yield from ((str(i), entry) for i, entry in enumerate(item[:_ITEMS]))
        return
    table = table_of(item)
    if table is None and isinstance(item, StubRecord):
        table = table_of(item.state)
    yield from ((key, entry) for key, entry in (table or {}).items() if isinstance(key, str))
