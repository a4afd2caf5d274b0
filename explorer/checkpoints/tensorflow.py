"""NVIDIA's TensorFlow networks as tables: variables under their names, and the arguments they were built with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from explorer.checkpoints.numpy_tensor import tensor_of_array
from explorer.checkpoints.records import NumpyArray, StubRecord, TensorRecord, table_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explorer.checkpoints.source import Source

__all__ = ["TensorFlowNetwork", "find_network", "networks_of", "read_network"]

_CLASS = "dnnlib.tflib.network.Network"
_NETWORKS = 8  # in one file: G, D and Gs
_COMPONENTS = (
    64  # of one network, theirs included; they can be shared, so a small file could describe an endless tree
)
_VARIABLES = 5_000
_DEPTH = 4  # components in components; a generator has one level


@dataclass(slots=True)
class TensorFlowNetwork:
    """One network, with its components' variables under `component/name`.

    Args:
        name: Such as "Gs".
        function: Name of the function that built it, such as "G_style".
        tensors: Variables with axes.
        numbers: Variables that are single numbers, such as `lod`.
        arguments: Arguments of the function that are not its defaults, and those of the components'.
        components: Number of networks read.
    """

    name: str
    function: str
    tensors: dict[str, TensorRecord] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    arguments: dict[str, object] = field(default_factory=dict)
    components: int = 0


def networks_of(value: object) -> tuple[StubRecord, ...]:
    """Return the networks in the value of a pickle: that of one, or of a tuple or list of some."""
    items = value if isinstance(value, (tuple, list)) else (value,)
    return tuple(item for item in items[:_NETWORKS] if isinstance(item, StubRecord) and item.name == _CLASS)


def find_network(value: object) -> StubRecord | None:
    """Return the averaged generator of a pickle, `Gs`, or the only network; None for other files."""
    found = networks_of(value)
    named = {_text(_state(item).get("name")): item for item in reversed(found)}
    if "Gs" in named or not found:
        return named.get("Gs")
    return found[2] if len(found) == 3 else named.get("G", found[0])


def read_network(source: Source, network: StubRecord) -> TensorFlowNetwork:
    """Return a network's variables; nothing is read.

    Raises:
        UnreadableFileError: Its fields are broken.
    """
    state = _state(network)
    made = TensorFlowNetwork(_text(state.get("name")), _text(state.get("build_func_name")))
    _add(source, made, network, "", 0)
    return made


def _add(source: Source, made: TensorFlowNetwork, network: StubRecord, prefix: str, depth: int) -> None:
    state = _state(network)
    made.components += 1
    if depth > _DEPTH or made.components > _COMPONENTS:
        raise source.damaged(f"networks nested more than {_DEPTH} deep, or more than {_COMPONENTS}")
    for key, argument in (table_of(state.get("static_kwargs")) or {}).items():
        if isinstance(key, str):
            made.arguments.setdefault(key, argument)
    for name, variable in _variables(source, state):
        if len(made.tensors) + len(made.numbers) >= _VARIABLES:
            raise source.damaged(f"more than {_VARIABLES:,} variables in its networks")
        _add_variable(source, made, prefix + name, variable)
    for key, component in (table_of(state.get("components")) or {}).items():
        if isinstance(key, str) and isinstance(component, StubRecord) and component.name == _CLASS:
            _add(source, made, component, f"{prefix}{key}/", depth + 1)


def _variables(source: Source, state: dict[object, object]) -> Iterator[tuple[str, object]]:
    variables = state.get("variables")
    if not isinstance(variables, (list, tuple)):
        raise source.damaged("a network without a list of variables")
    for item in variables:
        match item:
            case (str(name), variable):
                yield name, variable
            case _:
                raise source.damaged("a variable without a name")


def _add_variable(source: Source, made: TensorFlowNetwork, name: str, variable: object) -> None:
    if isinstance(variable, NumpyArray):
        record = tensor_of_array(variable)
        if record is None:
            raise source.damaged(f"the variable {name[:80]} is not an array of floating point numbers")
        if record.shape:
            made.tensors[name] = record
            return
        variable = (variable.values() or [float("nan")])[0]
    if isinstance(variable, bool) or not isinstance(variable, (int, float)):
        raise source.damaged(f"the variable {name[:80]} is a {type(variable).__name__}")
    made.numbers[name] = float(variable)


def _state(network: StubRecord) -> dict[object, object]:
    return table_of(network.state) or {}


def _text(value: object) -> str:
    return value[:80] if isinstance(value, str) else ""
