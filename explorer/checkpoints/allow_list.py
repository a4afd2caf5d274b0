"""The names that checkpoints consist of, each with our own function that builds an inert record.

The table covers NVIDIA's network pickles and `torch.save` files (the small streams that store single tensors have
their own, in `torch_storage.py`). Other names become stubs, so that a foreign discriminator beside a generator is
harmless; a name that would run code is refused (`hostile.py`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from explorer.checkpoints.hostile import runs_code
from explorer.checkpoints.machine import LINE_LIMIT, Stub, text_as_blob, unsafe
from explorer.checkpoints.records import (
    Blob,
    ModuleRecord,
    NumpyArray,
    NumpyType,
    StorageRecord,
    StubRecord,
    TensorRecord,
)
from explorer.checkpoints.torch_storage import STORAGE_TYPES, UNTYPED_TYPES, read_storage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

    from explorer.checkpoints.machine import Machine

__all__ = ["UNREAD_TENSOR", "known_names"]

# Dict classes under other names, in any module: many projects have their own.
_TABLE_CLASSES = frozenset(
    """
    AttrDict AttributeDict Box Bunch ConfigDict Counter Dict DotDict EasyDict Munch defaultdict dotdict edict
    """.split()  # noqa: SIM905
)


UNREAD_TENSOR = "torch._utils._rebuild_tensor"
"""Name of the stub of an unsupported tensor; its argument says what is unusual about it."""

# Class methods that rebuild an instance, as named by `__reduce__`.
_CONSTRUCTOR = re.compile(
    r"_*(from|unpickle|reconstruct|rebuild|restore|deserialize|construct|create|make|build|new)(_\w*)?"
)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 48


def _rebuild_tensor(vm: Machine, arguments: tuple[object, ...]) -> TensorRecord | StubRecord:
    match arguments:
        case (StorageRecord() as storage, int(offset), tuple(shape), tuple(stride), *_):
            pass
        case _:
            vm.fail("a tensor with broken arguments")
    if len(shape) != len(stride) or len(shape) > 64 or not all(map(_is_count, (offset, *shape, *stride))):
        vm.fail("a tensor with a broken shape")
    record = TensorRecord(storage, offset, shape, stride)
    if offset + record.span > storage.numel:
        vm.fail(f"a tensor of shape {list(shape)} whose storage holds {storage.numel:,} elements")
    # No more elements than its storage: an expanded tensor (stride 0) could declare terabytes.
    if record.numel > storage.numel or len(shape) > 8:
        reason = f"a tensor of shape {list(shape)} whose storage holds {storage.numel:,} elements"
        return StubRecord(UNREAD_TENSOR, (reason,))
    return record


def _rebuild_parameter(vm: Machine, arguments: tuple[object, ...]) -> TensorRecord | StubRecord:
    if arguments and isinstance(arguments[0], StubRecord):
        return arguments[0]
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


def _new_frozenset(vm: Machine, arguments: tuple[object, ...]) -> frozenset[object]:
    return frozenset(_new_set(vm, arguments))


def _new_table(vm: Machine, arguments: tuple[object, ...]) -> dict[object, object]:
    """Build a dict class that only adds ways to access its entries, such as EasyDict or defaultdict."""
    table: dict[object, object] = {}
    for argument in arguments:
        if isinstance(argument, dict):
            vm.charge(len(argument))
            table |= argument
    return table


def _size(vm: Machine, arguments: tuple[object, ...]) -> tuple[object, ...]:
    match arguments:
        case (tuple() | list() as numbers,):
            vm.charge(len(numbers))
            return tuple(numbers)
    return ()


def _attribute(vm: Machine, arguments: tuple[object, ...]) -> StubRecord:
    """Build `getattr(OWNER, "MEMBER")`: enum members (by Python 3.11), class methods, methods of an object.

    Only stubs that make instances can be "called" afterwards (`Machine.call`).
    """
    match arguments:
        case (Stub() | StubRecord() as owner, "__new__"):
            return StubRecord(f"{owner.name}.__new__", makes_instances=True)
        case (Stub() | StubRecord() as owner, str(member)) if len(member) <= LINE_LIMIT:
            module, _, name = owner.name.rpartition(".")
            if not member.startswith("__") and not runs_code(module, f"{name}.{member}"):
                makes_instances = isinstance(owner, Stub) and _CONSTRUCTOR.fullmatch(member) is not None
                return StubRecord(f"{owner.name}.{member}", makes_instances=makes_instances)
        case (list() | dict() | set() | str() | int() | float() | tuple() | TensorRecord(), str(member)) if (
            member.isidentifier() and not member.startswith("_")
        ):
            return StubRecord(f"object.{member}")
    vm.refuse("to run code through builtins.getattr")


def _partial(vm: Machine, arguments: tuple[object, ...]) -> StubRecord:
    """Build `functools.partial(...)`, which around `Class.__new__` is keyword arguments in protocols 2 and 3."""
    first = arguments[0] if arguments else None
    return StubRecord(
        "functools.partial", arguments, makes_instances=isinstance(first, StubRecord) and first.makes_instances
    )


def _memory_map(vm: Machine, arguments: tuple[object, ...]) -> NoReturn:
    """Refuse `numpy.memmap(...)`, which opens a file; only its name appears before arrays that were one."""
    vm.refuse("to run code through numpy.memmap")


def _reconstructor(vm: Machine, arguments: tuple[object, ...]) -> object:
    """Build `copyreg._reconstructor(class, base, state)`, an instance in the oldest protocols."""
    match arguments:
        case (Stub() as stub, Stub(), state):
            return vm.instance(stub, (state,) if isinstance(state, (dict, list, tuple)) else ())
    vm.fail("an object with broken arguments")


def _new_instance(vm: Machine, arguments: tuple[object, ...]) -> object:
    """Build `copyreg.__newobj__(class, *arguments)` or `__newobj_ex__`, NEWOBJ in the oldest protocols."""
    if not arguments:
        vm.fail("an object with broken arguments")
    vm.charge(len(arguments))
    return vm.instance(arguments[0], arguments[1:])


def _rebuild_of_type(vm: Machine, arguments: tuple[object, ...]) -> object:
    """Build `torch._tensor._rebuild_from_type_v2(function, type, arguments, state)`, a tensor with attributes."""
    match arguments:
        case (Stub() as function, _, tuple(inner), *_) if function.call in (_rebuild_tensor, _rebuild_parameter):
            return vm.call(function, inner)
    return StubRecord("torch._tensor._rebuild_from_type_v2", arguments)


def _numpy_type(vm: Machine, arguments: tuple[object, ...]) -> NumpyType:
    match arguments:
        case (str(code), *_) if len(code) <= 8:
            return NumpyType(code)
        case (Stub() | StubRecord() | list() | NumpyType(), *_):
            return NumpyType("O")  # a type with fields, or a class: not numbers
    vm.fail("a numpy type with broken arguments")


def _numpy_scalar(vm: Machine, arguments: tuple[object, ...]) -> bool | int | float | StubRecord:
    match arguments:
        case (NumpyType() as dtype, _) if not dtype.is_plain:
            return StubRecord("numpy.generic", arguments)
        case (NumpyType() as dtype, Blob() as data) if dtype.is_plain and data.size == dtype.item_size:
            return dtype.unpack(data.read(data.size))[0]
    vm.fail("a numpy number with broken arguments")


def _numpy_array(vm: Machine, arguments: tuple[object, ...]) -> NumpyArray:
    return NumpyArray()


def _numpy_from_buffer(vm: Machine, arguments: tuple[object, ...]) -> NumpyArray:
    """Build a protocol 5 array from bytes, type, shape and memory order."""
    axes: tuple[int, ...] | None = None
    match arguments:
        case (_, NumpyType() as dtype, *_) if not dtype.is_plain:
            return NumpyArray()
        case (Blob() as data, NumpyType() as dtype, tuple(shape), "C" | "F" as order):
            pass
        case (Blob() as data, NumpyType() as dtype, tuple(shape), "K" as order, tuple(axes)) if all(
            type(axis) is int for axis in axes
        ) and sorted(axes) == list(range(len(shape))):
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


def _new_bytes(vm: Machine, arguments: tuple[object, ...]) -> Blob | StubRecord:
    """Build `bytes()`, as protocols up to 2 write empty ones."""
    return StubRecord("builtins.bytes", arguments) if arguments else text_as_blob(b"", vm.source.name)


def _persistent_object(vm: Machine, arguments: tuple[object, ...]) -> ModuleRecord:
    match arguments:
        case ({"type": "class", "version": int(version), "class_name": str(name), "state": dict(state)},):
            pass
        case _:
            vm.fail("a network module with broken fields")
    return ModuleRecord(name, state, version)


def _stubs(*stubs: Stub) -> dict[str, object]:
    return {stub.name: stub for stub in stubs}


_ELEMENT_TYPES = (
    "float16 bfloat16 float32 float64 half float double int8 int16 int32 int64 uint8 uint16 uint32 uint64 short "
    "int long bool complex64 complex128 float8_e4m3fn float8_e5m2"
)

_CONTAINERS = (("set", _new_set), ("frozenset", _new_frozenset), ("dict", _new_table), ("bytes", _new_bytes))

_NAMES: Mapping[str, object] = {
    **_stubs(
        Stub("collections.OrderedDict", call=_new_dict, new=_new_dict),
        Stub("torch._utils._rebuild_tensor", call=_rebuild_tensor),
        Stub("torch._utils._rebuild_tensor_v2", call=_rebuild_tensor),
        Stub("torch._utils._rebuild_parameter", call=_rebuild_parameter),
        Stub("torch._utils._rebuild_parameter_with_state", call=_rebuild_parameter),
        Stub("torch._tensor._rebuild_from_type_v2", call=_rebuild_of_type),
        Stub("torch_utils.persistence._reconstruct_persistent_obj", call=_persistent_object),
        Stub("torch.storage._load_from_bytes", call=_load_from_bytes),
        Stub("torch.Size", call=_size, new=_size),
        Stub("numpy.dtype", call=_numpy_type),
        Stub("numpy.ndarray"),
        Stub("numpy.memmap", call=_memory_map, new=_memory_map),
        Stub("functools.partial", call=_partial, new=_partial),
        Stub("_codecs.encode", call=_encode),
        Stub("argparse.Namespace"),  # training settings, which are not needed
        Stub("dnnlib.tflib.network.Network"),
    ),
    **_stubs(
        *(
            Stub(f"{builtins}.{name}", call=call, new=call)
            for builtins in ("builtins", "__builtin__")
            for name, call in _CONTAINERS
        ),
        *(Stub(f"{builtins}.getattr", call=_attribute) for builtins in ("builtins", "__builtin__")),
        *(Stub(f"{copyreg}._reconstructor", call=_reconstructor) for copyreg in ("copyreg", "copy_reg")),
        *(
            Stub(f"{copyreg}.{name}", call=_new_instance)
            for copyreg in ("copyreg", "copy_reg")
            for name in ("__newobj__", "__newobj_ex__")
        ),
        *(
            Stub(f"numpy.{core}.multiarray.{name}", call=call)
            for core in ("core", "_core")
            for name, call in (("scalar", _numpy_scalar), ("_reconstruct", _numpy_array))
        ),
        *(Stub(f"numpy.{core}.numeric._frombuffer", call=_numpy_from_buffer) for core in ("core", "_core")),
    ),
    # Dtypes that modules may have as attributes: names only.
    **{f"torch.{name}": f"torch.{name}" for name in _ELEMENT_TYPES.split()},
    **STORAGE_TYPES,
    **UNTYPED_TYPES,
}


def known_names(vm: Machine, module: str, name: str) -> object:
    """Look up a name of a pickle: one of our stubs, or a new one whose objects are inert records.

    Raises:
        UnsafeFileError: The name would run code.
    """
    full_name = f"{module}.{name}"
    found = _NAMES.get(full_name)
    if found is not None:
        return found
    if runs_code(module, name):
        raise unsafe(vm.source, f"to run code through {_printable(full_name)}")
    if full_name.rpartition(".")[2] in _TABLE_CLASSES:
        return Stub(full_name, call=_new_table, new=_new_table)
    return vm.stub(full_name)


def _printable(name: str) -> str:
    text = name.encode("ascii", "backslashreplace").decode()
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= 80 else text[:77] + "..."
