"""Writes network pickles with the structure of NVIDIA's, instruction by instruction, from our own generators.

    write_network(path, "stylegan2", config, tensors)

Nothing of NVIDIA's is needed and no class is pickled, so files of any size, and broken ones, can be made.
"""

from __future__ import annotations

import io
import itertools
import struct
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from explorer.generators.stylegan2_config import StyleGAN2Config
from explorer.generators.stylegan3_layers import StyleGAN3Config
from explorer.util.atomic_write import atomic_write

__all__ = [
    "Call",
    "Keep",
    "Name",
    "PickleWriter",
    "Raw",
    "complete_config",
    "module_call",
    "network_bytes",
    "network_value",
    "storage_stream",
    "write_network",
]

_BUFFERS = {
    "w_avg", "noise_const", "resample_filter", "up_filter", "down_filter", "magnitude_ema", "transform", "freqs",
    "phases",
}  # fmt: skip
_MAPPING_NAMES = {
    "mapping_layers": "num_layers",
    "mapping_lr_multiplier": "lr_multiplier",
    "mapping_embed_features": "embed_features",
    "mapping_layer_features": "layer_features",
    "mapping_activation": "activation",
    "w_avg_beta": "w_avg_beta",
}
_STORAGES = {
    torch.float32: "FloatStorage",
    torch.float16: "HalfStorage",
    torch.bfloat16: "BFloat16Storage",
    torch.float64: "DoubleStorage",
    torch.int64: "LongStorage",
}


class Name:
    """A global name."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Call:
    """`function(*arguments)` written as REDUCE."""

    def __init__(self, function: Name, *arguments: object) -> None:
        self.function, self.arguments = function, arguments


class Raw:
    """Instructions put in as they are; they must leave one value."""

    def __init__(self, data: bytes) -> None:
        self.data = data


class Keep:
    """A value that is also put into the memo at `index`, for `Raw` instructions that fetch it; protocol 3 only."""

    def __init__(self, value: object, index: int) -> None:
        self.value, self.index = value, index


class PickleWriter:
    """Emits pickle instructions for plain values, `Name`, `Call`, `Raw` and tensors."""

    def __init__(self, file: IO[bytes], protocol: int = 4, memo: int = 0) -> None:
        self._file, self._protocol, self._first = file, protocol, memo
        self._memo: dict[str, int] = {}

    def dump(self, value: object) -> None:
        """Write a whole pickle."""
        self._file.write(bytes([0x80, self._protocol]))
        self.put(value)
        self._file.write(b".")

    def put(self, value: object) -> None:
        """Write the instructions that make `value`."""
        match value:
            case None | bool() | int() | float() | str() | bytes():
                self._plain(value)
            case tuple():
                self._items(b"(", value, b"t")
            case list():
                self._items(b"](", value, b"e")
            case dict():
                self._items(b"}(", itertools.chain.from_iterable(value.items()), b"u")
            case Name():
                self._name(value)
            case Call():
                self._name(value.function)
                self.put(value.arguments)
                self._file.write(b"R")
            case Raw():
                self._file.write(value.data)
            case Keep():
                self.put(value.value)
                self._file.write(b"r" + struct.pack("<I", value.index))
            case Tensor():
                self._tensor(value)
            case _:
                raise TypeError(type(value))

    def _plain(self, value: bool | int | float | str | bytes | None) -> None:
        write = self._file.write
        match value:
            case None:
                write(b"N")
            case bool():
                write(b"\x88" if value else b"\x89")
            case int():
                self._int(value)
            case float():
                write(b"G" + struct.pack(">d", value))
            case str():
                self._text(value)
            case bytes():
                write((b"C" + bytes([len(value)])) if len(value) < 256 else b"B" + struct.pack("<I", len(value)))
                write(value)

    def _items(self, begin: bytes, items: Iterable[object], end: bytes) -> None:
        self._file.write(begin)
        for item in items:
            self.put(item)
        self._file.write(end)

    def _int(self, value: int) -> None:
        if 0 <= value < 256:
            self._file.write(b"K" + bytes([value]))
        elif -(1 << 31) <= value < 1 << 31:
            self._file.write(b"J" + struct.pack("<i", value))
        else:
            data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            self._file.write(b"\x8a" + bytes([len(data)]) + data)

    def _remember(self, key: str) -> bool:
        """Recall `key` if it was written before; else the caller writes it and it is remembered."""
        if key in self._memo:
            self._file.write(b"j" + struct.pack("<I", self._memo[key]))
            return True
        return False

    def _store(self, key: str) -> None:
        self._memo[key] = self._first + len(self._memo)
        self._file.write(b"\x94" if self._protocol >= 4 else b"r" + struct.pack("<I", self._memo[key]))

    def _text(self, value: str) -> None:
        if not self._remember("s" + value):
            data = value.encode()
            short = self._protocol >= 4 and len(data) < 256
            self._file.write(b"\x8c" + bytes([len(data)]) if short else b"X" + struct.pack("<I", len(data)))
            self._file.write(data)
            self._store("s" + value)

    def _name(self, name: Name) -> None:
        key = f"n{name.module} {name.name}"
        if self._remember(key):
            return
        if self._protocol >= 4:
            self._text(name.module)
            self._text(name.name)
            self._file.write(b"\x93")
        else:
            self._file.write(f"c{name.module}\n{name.name}\n".encode())
        self._store(key)

    def _tensor(self, tensor: Tensor) -> None:
        dense = torch.empty(0, dtype=tensor.dtype).set_(tensor.untyped_storage())
        if dense.numel() > 2 * tensor.numel() + 16:  # a view into something big: store its own elements
            tensor = tensor.clone()
            dense = tensor.flatten()
        stream = storage_stream(dense, f"{tensor.data_ptr() or 1}")
        storage = Call(Name("torch.storage", "_load_from_bytes"), stream)
        function = Name("torch._utils", "_rebuild_tensor_v2")
        hooks = Call(Name("collections", "OrderedDict"))
        shape, stride = tuple(tensor.shape), tuple(tensor.stride())
        self.put(Call(function, storage, tensor.storage_offset(), shape, stride, False, hooks))


def storage_stream(flat: Tensor, key: str, *, header: bytes | None = None, numel: int | None = None) -> bytes:
    """Return the `torch.save` stream of one storage: five pickles, the count, the elements."""
    numel = flat.numel() if numel is None else numel
    out = io.BytesIO()
    sizes = {"short": 2, "int": 4, "long": 4}
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": sizes}
    for value in (119547037146038801333356, 1001, system):
        PickleWriter(out, 2).dump(value)
    if header is not None:
        out.write(header)
    else:
        out.write(b"\x80\x02")
        kind = Name("torch", _STORAGES[flat.dtype])
        PickleWriter(out, 2).put(("storage", kind, key, "cpu", numel, None))
        out.write(b"Q.")
    PickleWriter(out, 2).dump([key])
    out.write(struct.pack("<q", numel))
    out.write(flat.contiguous().view(torch.uint8).numpy().tobytes() if flat.numel() else b"")
    return out.getvalue()


def _numpy_number(value: float) -> Call:
    """Return a numpy float64, the type in which NVIDIA's layers hold their gains."""
    # numpy.dtype("f8", False, True) by REDUCE, then BUILD with its byte order.
    dtype = b"cnumpy\ndtype\n(X\x02\x00\x00\x00f8\x89\x88tR(K\x03X\x01\x00\x00\x00<NNN" + b"J\xff\xff\xff\xff" * 2
    return Call(Name("numpy.core.multiarray", "scalar"), Raw(dtype + b"K\x00tb"), struct.pack("<d", value))


def _class_of(path: tuple[str, ...], family: str) -> str:
    name = path[-1] if path else ""
    if not path:
        return "Generator"
    if name in ("synthesis", "mapping"):
        return {"synthesis": "SynthesisNetwork", "mapping": "MappingNetwork"}[name]
    if name.startswith("b") and name[1:].isdigit():
        return "SynthesisBlock"
    named = {"torgb": "ToRGBLayer", "skip": "Conv2dLayer", "input": "SynthesisInput"}
    if name in named:
        return named[name]
    return "SynthesisLayer" if name.startswith(("conv", "L")) else "FullyConnectedLayer"


def _attributes(path: tuple[str, ...], family: str, config: dict[str, Any]) -> dict[str, object]:
    """Return the plain attributes that readers look at."""
    dimensions = ("z_dim", "c_dim", "w_dim", "img_resolution", "img_channels")
    if not path:
        return {name: config[name] for name in dimensions}
    kind = _class_of(path, family)
    if kind == "MappingNetwork":
        return {"num_layers": config["mapping_layers"], "w_avg_beta": config["w_avg_beta"]}
    if kind == "SynthesisBlock":
        return {"architecture": config["architecture"], "use_fp16": False, "is_last": False}
    if kind == "SynthesisLayer" and family == "stylegan2":
        return {name: config[name] for name in ("conv_clamp", "use_noise", "activation")}
    if kind == "SynthesisLayer":
        return {name: config[name] for name in ("conv_clamp", "conv_kernel", "magnitude_ema_beta")}
    if kind == "SynthesisNetwork" and family != "stylegan2":
        return {name: config[name] for name in ("num_layers", "num_critical", "margin_size", "output_scale")}
    if kind == "FullyConnectedLayer":
        rate = config["mapping_lr_multiplier"] if path[-1].startswith("fc") else 1
        gain = _numpy_number(float(rate) / 8)
        return {
            "activation": "lrelu" if path[-1].startswith("fc") else "linear",
            "weight_gain": gain,
            "bias_gain": rate,
        }
    return {}


def _init_kwargs(family: str, config: dict[str, Any], nested: bool) -> dict[str, object]:
    mapping = {_MAPPING_NAMES[key]: value for key, value in config.items() if key in _MAPPING_NAMES}
    rest = {key: value for key, value in config.items() if key not in _MAPPING_NAMES and key != "class_names"}
    if not nested:
        return {**rest, "mapping_kwargs": mapping}
    dimensions = ("z_dim", "c_dim", "w_dim", "img_resolution", "img_channels")
    outer = {key: rest.pop(key) for key in dimensions}
    return {**outer, "mapping_kwargs": mapping, "synthesis_kwargs": rest}


def _module(
    path: tuple[str, ...],
    family: str,
    config: dict[str, Any],
    tensors: dict[str, Tensor],
    nested: bool,
) -> Call:
    prefix = "".join(f"{name}." for name in path)
    own = {key[len(prefix) :]: tensor for key, tensor in tensors.items() if key.startswith(prefix)}
    table = Name("collections", "OrderedDict")
    parameter = Name("torch._utils", "_rebuild_parameter")
    parameters, buffers, children = {}, {}, dict.fromkeys(key.split(".")[0] for key in own if "." in key)
    for key, tensor in own.items():
        if key in _BUFFERS:
            buffers[key] = tensor
        elif "." not in key:
            parameters[key] = Call(parameter, tensor, False, Call(table))
    state: dict[str, object] = {
        "training": False,
        "_parameters": parameters,
        "_buffers": buffers,
        "_non_persistent_buffers_set": Call(Name("builtins", "set"), []),
        "_backward_hooks": Call(table),
        "_modules": {
            name: _module((*path, name), family, config, _below(tensors, f"{prefix}{name}."), nested)
            for name in children
        },
        **_attributes(path, family, config),
        "_init_args": (),
        "_init_kwargs": _init_kwargs(family, config, nested) if not path else {},
    }
    return module_call(_class_of(path, family), state)


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key: tensor for key, tensor in tensors.items() if key.startswith(prefix)}


def module_call(class_name: str, state: dict[str, object], version: int = 6) -> Call:
    """Return one persistent module."""
    meta = {
        "type": "class",
        "version": version,
        "module_src": "raise SystemExit",
        "class_name": class_name,
        "state": state,
    }
    return Call(Name("torch_utils.persistence", "_reconstruct_persistent_obj"), meta)


def write_network(
    path: str | Path,
    family: str,
    config: dict[str, Any],
    tensors: dict[str, Tensor],
    *,
    protocol: int = 4,
    nested: bool = False,
    training: dict[str, Tensor] | None = None,
    entries: tuple[str, ...] = ("G_ema",),
) -> Path:
    """Write a network pickle.

    Args:
        path: The file to write.
        family: Registry name.
        config: Complete flat settings, as `complete_config` makes them.
        tensors: State dict.
        protocol: Pickle protocol, 3 or 4.
        nested: Keywords in `synthesis_kwargs`, as stylegan2-ada-pytorch has them.
        training: Weights of a discriminator to include (any keys); None leaves it out.
        entries: Which of `G` and `G_ema` to write; both hold `tensors`.

    Returns:
        `path`.
    """
    with atomic_write(Path(path)) as partial, open(partial, "wb") as file:
        value = network_value(family, config, tensors, nested=nested, training=training, entries=entries)
        PickleWriter(file, protocol).dump(value)
    return Path(path)


def network_bytes(value: object, protocol: int = 4, memo: int = 0) -> bytes:
    """Return a pickle in memory; its memo begins at `memo`, which leaves lower indices to `Raw` instructions."""
    file = io.BytesIO()
    PickleWriter(file, protocol, memo).dump(value)
    return file.getvalue()


def network_value(
    family: str,
    config: dict[str, Any],
    tensors: dict[str, Tensor],
    *,
    nested: bool = False,
    training: dict[str, Tensor] | None = None,
    entries: tuple[str, ...] = ("G_ema",),
) -> dict[str, object]:
    """Return what `write_network` pickles, to be changed before it is written."""
    networks: dict[str, object] = {}
    for name in ("G", "D", "G_ema"):
        if name in entries:
            networks[name] = _module((), family, config, tensors, nested)
        elif name == "D" and training is not None:
            state: dict[str, object] = {"_parameters": dict(training), "_buffers": {}, "_modules": {}}
            networks[name] = module_call("Discriminator", state)
        else:
            networks[name] = None
    data = {"class_name": "training.dataset.ImageFolderDataset", "path": "/data/faces.zip", "use_labels": False}
    return {**networks, "training_set_kwargs": data, "augment_pipe": None}


def complete_config(family: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return `config` with the family's defaults filled in."""
    kind: Any = StyleGAN2Config if family == "stylegan2" else StyleGAN3Config
    full = asdict(kind(**{key: tuple(v) if isinstance(v, list) else v for key, v in config.items()}))
    for name in ("class_names", "widths", "init_size", "mapping_joins_label"):  # ours, not NVIDIA's
        full.pop(name, None)
    return {key: list(value) if isinstance(value, tuple) else value for key, value in full.items()}
