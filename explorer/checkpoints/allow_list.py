"""The names a checkpoint may use, each with our own function that builds an inert record.

Two tables: NVIDIA's network pickles, and the pickle inside a `torch.save` archive (the small streams that
store single tensors have their own, in `torch_storage.py`). A name outside ends the reading; some known ones
end it with a better explanation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from explorer.checkpoints.machine import Builder, text_as_blob, unsafe
from explorer.checkpoints.records import (
    Blob,
    ModuleRecord,
    NumpyArray,
    NumpyType,
    StorageRecord,
    StorageType,
    StubRecord,
    TensorRecord,
)
from explorer.checkpoints.torch_storage import STORAGE_TYPES, read_storage
from explorer.errors import UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from explorer.checkpoints.machine import Machine
    from explorer.checkpoints.source import Source

__all__ = ["network_names", "torch_names"]

_PERSISTENCE_VERSION = 6  # of torch_utils.persistence; every public file has it


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 48


def _rebuild_tensor(vm: Machine, arguments: tuple[object, ...]) -> TensorRecord:
    match arguments:
        case (StorageRecord() as storage, int(offset), tuple(shape), tuple(stride), *_):
            pass
        case _:
            vm.fail("a tensor with broken arguments")
    if len(shape) != len(stride) or len(shape) > 8 or not all(map(_is_count, (offset, *shape, *stride))):
        vm.fail("a tensor with a broken shape")
    record = TensorRecord(storage, offset, shape, stride)
    # No more elements than its storage: an expanded tensor (stride 0) could declare terabytes.
    if record.numel > storage.numel or offset + record.span > storage.numel:
        vm.fail(f"a tensor of shape {list(shape)} whose storage holds {storage.numel:,} elements")
    return record


def _rebuild_parameter(vm: Machine, arguments: tuple[object, ...]) -> TensorRecord:
    if not arguments or not isinstance(arguments[0], TensorRecord):
        vm.fail("a parameter without its tensor")
    tensor = arguments[0]
    return TensorRecord(tensor.storage, tensor.offset, tensor.shape, tensor.stride, is_parameter=True)


def _load_from_bytes(vm: Machine, arguments: tuple[object, ...]) -> StorageRecord:
    if len(arguments) != 1 or not isinstance(arguments[0], Blob):
        vm.fail("a stored tensor without its bytes")
    return read_storage(arguments[0], vm.budget)


def _new_dict(vm: Machine, arguments: tuple[object, ...]) -> dict[object, object]:
    if not arguments:
        return {}
    if len(arguments) > 1 or not isinstance(arguments[0], list):
        vm.fail("a table with broken entries")
    vm.charge(len(arguments[0]))
    table: dict[object, object] = {}
    for pair in arguments[0]:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            vm.fail("a table with broken entries")
        vm.set_items(table, list(pair))
    return table


def _new_set(vm: Machine, arguments: tuple[object, ...]) -> set[object]:
    if len(arguments) > 1 or not all(isinstance(argument, list) for argument in arguments):
        vm.fail("a set with broken members")
    items = [item for argument in arguments if isinstance(argument, list) for item in argument]
    vm.charge(len(items))
    return vm.new_set(items)


def _new_stub(vm: Machine, arguments: tuple[object, ...]) -> StubRecord:
    return StubRecord()


def _numpy_type(vm: Machine, arguments: tuple[object, ...]) -> NumpyType:
    match arguments:
        case (str(code), *_) if len(code) <= 8:
            return NumpyType(code)
    vm.fail("a numpy type with broken arguments")


def _numpy_scalar(vm: Machine, arguments: tuple[object, ...]) -> bool | int | float:
    match arguments:
        case (NumpyType() as dtype, Blob() as data) if dtype.is_plain and data.size == dtype.item_size:
            return dtype.unpack(data.read(data.size))[0]
    vm.fail("a numpy number with broken arguments")


def _numpy_array(vm: Machine, arguments: tuple[object, ...]) -> NumpyArray:
    return NumpyArray()


def _numpy_from_buffer(vm: Machine, arguments: tuple[object, ...]) -> NumpyArray:
    """Protocol 5's way to an array: bytes, type, shape, and the order in which the bytes run through the axes."""
    axes: tuple[int, ...] | None = None
    match arguments:
        case (Blob() as data, NumpyType() as dtype, tuple(shape), "C" | "F" as order):
            pass
        case (Blob() as data, NumpyType() as dtype, tuple(shape), "K" as order, tuple(axes)) if (
            all(type(axis) is int for axis in axes) and sorted(axes) == list(range(len(shape)))
        ):
            shape = tuple(shape[axis] for axis in axes)
        case _:
            vm.fail("a numpy array with broken arguments")
    array = NumpyArray()
    problem = array.set_state((1, shape, dtype, order == "F", data))
    if problem is not None:
        vm.fail(problem)
    array.axes = axes
    return array


def _encode(vm: Machine, arguments: tuple[object, ...]) -> Blob:
    match arguments:
        case (str(text), "latin1" | "latin-1"):
            vm.charge_text(len(text))
            try:
                return text_as_blob(text.encode("latin-1"), vm.source.name)
            except UnicodeEncodeError:
                pass
    vm.fail("bytes written as text with a broken encoding")


def _persistent_object(vm: Machine, arguments: tuple[object, ...]) -> ModuleRecord:
    match arguments:
        case ({"type": "class", "version": int(version), "class_name": str(name), "state": dict(state)},):
            pass
        case _:
            vm.fail("a network module with broken fields")
    if version != _PERSISTENCE_VERSION:
        raise UnsupportedModelError(
            f"{vm.source.name} stores its networks in version {version} of NVIDIA's format; "
            f"version {_PERSISTENCE_VERSION} is read here.",
            "Save it again with the current stylegan3 code.",
        )
    return ModuleRecord(name, state)


def _builders(*builders: Builder) -> dict[str, object]:
    return {builder.name: builder for builder in builders}


_COMMON: dict[str, object] = {
    **_builders(
        Builder("collections.OrderedDict", call=_new_dict, new=_new_dict),
        Builder("builtins.set", call=_new_set),
        Builder("__builtin__.set", call=_new_set),
        Builder("torch._utils._rebuild_tensor", call=_rebuild_tensor),
        Builder("torch._utils._rebuild_tensor_v2", call=_rebuild_tensor),
        Builder("torch._utils._rebuild_parameter", call=_rebuild_parameter),
        Builder("torch._utils._rebuild_parameter_with_state", call=_rebuild_parameter),
        Builder("numpy.dtype", call=_numpy_type),
        Builder("numpy.ndarray"),
        Builder("_codecs.encode", call=_encode),
    ),
    **_builders(
        *(
            Builder(f"numpy.{core}.multiarray.{name}", call=call)
            for core in ("core", "_core")
            for name, call in (("scalar", _numpy_scalar), ("_reconstruct", _numpy_array))
        ),
        *(Builder(f"numpy.{core}.numeric._frombuffer", call=_numpy_from_buffer) for core in ("core", "_core")),
    ),
    # Data types that modules may keep as attributes: names only.
    **{f"torch.{name}": f"torch.{name}" for name in ("float16", "bfloat16", "float32", "float64")},
}

_NETWORK: Mapping[str, object] = {
    **_COMMON,
    **_builders(
        Builder("torch_utils.persistence._reconstruct_persistent_obj", call=_persistent_object),
        Builder("dnnlib.util.EasyDict", call=_new_dict, new=_new_dict),
        Builder("torch.storage._load_from_bytes", call=_load_from_bytes),
    ),
}

_TORCH: Mapping[str, object] = {
    **_COMMON,
    **_builders(Builder("argparse.Namespace", call=_new_stub, new=_new_stub)),
    **STORAGE_TYPES,
    "torch.storage.UntypedStorage": StorageType("UntypedStorage", torch.uint8),
}


def network_names(vm: Machine, module: str, name: str) -> object:
    """The look-up of NVIDIA's network pickles."""
    found = _NETWORK.get(f"{module}.{name}")
    return found if found is not None else _refuse_name(vm.source, module, name)


def torch_names(vm: Machine, module: str, name: str) -> object:
    """The look-up of the pickle inside a `torch.save` archive."""
    found = _TORCH.get(f"{module}.{name}")
    if found is not None:
        return found
    if module.startswith(("pytorch_lightning.", "lightning.")):
        return Builder(f"{module}.{name}")  # keys of the callback table; cannot be called
    return _refuse_name(vm.source, module, name)


def _refuse_name(source: Source, module: str, name: str) -> object:
    full_name = _printable(f"{module}.{name}")
    for prefix, explain in _EXPLAINED.items():
        if full_name.startswith(prefix):
            raise explain(source, full_name)
    raise unsafe(source, f"for {full_name}")


def _printable(name: str) -> str:
    text = name.encode("ascii", "backslashreplace").decode()
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= 80 else text[:77] + "..."


def _tensorflow(source: Source, name: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"{source.name} is a TensorFlow network pickle (StyleGAN1, or StyleGAN2 before its PyTorch version), "
        "which is not supported yet.",
        "Open a StyleGAN2-ADA or StyleGAN3 network of the PyTorch versions.",
    )


def _whole_module(source: Source, name: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"{source.name} holds a whole PyTorch module ({name}), which only its own code could rebuild.",
        "Ask for the network as NVIDIA's .pkl or as .safetensors.",
    )


_EXPLAINED: Mapping[str, Callable[[Source, str], UnsupportedModelError]] = {
    "dnnlib.tflib.": _tensorflow,
    "torch.nn.modules.": _whole_module,
    "torch.jit.": _whole_module,
}
