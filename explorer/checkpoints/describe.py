"""Describes files that do not contain a generator of a supported family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.checkpoints.records import ModuleRecord, StubRecord, TensorRecord, module_of, table_of
from explorer.errors import UnsupportedModelError
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from explorer.checkpoints.source import Source

__all__ = ["SUPPORTED", "describe_kind", "has_unread_average", "not_read", "unsupported"]

SUPPORTED = (
    "Supported are the generators of stylegan2-ada-pytorch and stylegan3 (.pkl, .pt, .pth, .safetensors), StyleGAN "
    "and StyleGAN2 as NVIDIA's TensorFlow .pkl or of genforce, StyleGAN of lernapparat or huangzh13, StyleGAN2 of "
    "rosinality (and e4e, pSp, JoJoGAN), BasicSR or MMGeneration, MobileStyleGAN's .ckpt, StarGAN v2's .ckpt, and "
    "Latentwalk's own .safetensors."
)
_PLACES = ("G_ema", "g_ema", "G", "generator")


def unsupported(source: Source, value: object, container: str) -> UnsupportedModelError:
    """Return the error for a file without a supported generator.

    Args:
        source: The file.
        value: Its content.
        container: Its container, such as `torch.save file`.
    """
    name = source.name
    if _is_tensorflow(value):
        return UnsupportedModelError(
            f"{name} is a TensorFlow network pickle without a generator of StyleGAN or StyleGAN2.",
            "Open the pickle of a whole network, with G, D and Gs.",
        )
    stub = _stub_for_generator(value)
    if stub is not None:
        return not_read(source, "its network", stub)
    if container == "pickle":
        return _plain_pickle(name, value)
    return UnsupportedModelError(f"{name} is {describe_kind(value)}, which is not supported yet.", SUPPORTED)


def not_read(source: Source, what: str, value: object) -> UnsupportedModelError:
    """Return the error for a part of the generator that cannot be read."""
    kind = value.name if isinstance(value, StubRecord) else type(value).__name__
    return UnsupportedModelError(
        f"{source.name} stores {what} as {visible(kind, 100)}, a class that only its own code can rebuild. "
        "None of it was imported or run.",
        f"Ask for the network as NVIDIA's .pkl or as a state dict. {SUPPORTED}",
    )


def has_unread_average(value: object) -> bool:
    """Return whether there is an averaged generator, but as an object of an unknown class."""
    table = table_of(value) or {}
    return any(isinstance(item := table.get(key), StubRecord) and module_of(item) is None for key in _PLACES[:2])


def _is_tensorflow(value: object) -> bool:
    items = value if isinstance(value, (tuple, list)) else (value,)
    return any(isinstance(item, StubRecord) and item.name.startswith("dnnlib.tflib.") for item in items[:8])


def _stub_for_generator(value: object) -> StubRecord | None:
    """Return the object of an unknown class in place of a generator."""
    if isinstance(value, StubRecord):
        return value
    table = table_of(value) or {}
    return next((item for key in _PLACES if isinstance(item := table.get(key), StubRecord)), None)


def _plain_pickle(name: str, value: object) -> UnsupportedModelError:
    if not isinstance(value, dict):
        return UnsupportedModelError(
            f"{name} is a pickle of a {type(value).__name__}, not of NVIDIA's networks.",
            "Open a network pickle with the entries G, D and G_ema.",
        )
    keys = visible(", ".join(key[:40] for key in list(value)[:8] if isinstance(key, str)), 120)
    return UnsupportedModelError(
        f"{name} is a pickle without a generator: it has no entry G_ema or G, but {keys or 'nothing'}.",
        "Open a network pickle of StyleGAN2-ADA or StyleGAN3 (network-snapshot-*.pkl).",
    )


def describe_kind(value: object) -> str:
    """Describe the content of a `torch.save` file, to follow "The file is"."""
    table = table_of(value)
    if table is None:
        if isinstance(value, (ModuleRecord, StubRecord)):
            return f"a whole PyTorch module of class {visible(getattr(value, 'class_name', 'unknown'), 60)!r}"
        return f"a torch.save file of a {type(value).__name__}"
    keys = {key for key in table if isinstance(key, str)}
    if "g_ema" in keys:
        return "laid out like rosinality's StyleGAN2 (`g_ema`), but without its layers"
    if {"generator", "mapping_network"} <= keys:
        return "a StarGAN v2"
    if (state := table_of(table.get("state_dict"))) is not None:
        names = [key for key in state if isinstance(key, str)]
        if any(name.startswith("student.") for name in names):
            return "a MobileStyleGAN (PyTorch Lightning checkpoint)"
        return "a PyTorch Lightning checkpoint of an unknown network"
    if table and all(isinstance(item, TensorRecord) for item in table.values()):
        return "a torch.save file of bare tensors of an unknown network"
    shown = visible(", ".join(key[:40] for key in sorted(keys)[:6]), 100)
    return f"a torch.save file with the entries {shown or '(none)'}"
