"""An interpreter of the pickle format that builds inert records and cannot run anything.

Python's own unpickler calls what a file names. This one cannot: a name is looked up in a table of `Stub`s
(`allow_list.py`), a name that would run code is refused (`hostile.py`), any other becomes a new stub, and `REDUCE`,
`NEWOBJ` and `BUILD` only act on stubs and records. Everything a hostile file can grow is bounded in advance: the
number of opcodes, objects, memo entries, marks and characters, and every declared length is compared with the bytes
that are left. Byte strings stay in the file as `Blob`s, so tensors cost nothing here.

    value, end = Interpreter(source, known_names).run()
"""

from __future__ import annotations

import codecs
import struct
from typing import TYPE_CHECKING

from explorer.checkpoints.machine import LINE_LIMIT, TEXT_LIMIT, Machine

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Interpreter"]


class Interpreter(Machine):
    """Reads one pickle; see `Machine` for the arguments."""

    def run(self) -> tuple[object, int]:
        """Return the value of the pickle and the offset after it.

        Raises:
            UnsafeFileError: The pickle would run code.
            UnreadableFileError: The pickle is truncated, broken, or larger than any checkpoint.
            CancelledError: The user cancelled.
        """
        budget = self.budget
        while True:
            budget.opcodes -= 1
            if budget.opcodes < 0:
                self.fail("more instructions than any checkpoint needs")
            if budget.opcodes % 1024 == 0 and budget.monitor is not None:
                budget.monitor.step(self.position / max(self.source.size, 1))
            opcode = self.take(1)[0]
            if opcode == _STOP:
                return self.pop(), self.position
            action = _ACTIONS.get(opcode)
            if action is None:
                self.fail(f"{opcode:#04x} is not a pickle instruction")
            action(self)


def _long(vm: Machine, size: int) -> int:
    if size < 0 or size > 255:
        vm.fail("a number of more than 255 bytes")
    return int.from_bytes(vm.take(size), "little", signed=True)


def _parsed(vm: Machine, kind: type[int] | type[float], text: str) -> int | float:
    try:
        return kind(text)
    except ValueError:
        vm.fail("a number with strange digits")


def _int_line(vm: Machine) -> None:
    text = vm.line()
    vm.push({"00": False, "01": True}[text] if text in ("00", "01") else _parsed(vm, int, text))


def _string_line(vm: Machine) -> None:
    text = vm.line("latin-1").strip()
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "'\"":
        vm.fail("text without its quotes")
    vm.push(_unescaped(vm, text[1:-1]) if "\\" in text else text[1:-1])


def _unescaped(vm: Machine, text: str) -> str:
    r"""Return text of Python 2 with its escapes decoded, such as `C:\data`."""
    try:
        return codecs.escape_decode(text.encode("latin-1"))[0].decode("latin-1")
    except ValueError:
        vm.fail("text with broken escapes")


def _protocol(vm: Machine) -> None:
    if (version := vm.take(1)[0]) > 5:
        vm.fail(f"pickle protocol {version}, the newest known is 5")


def _frame(vm: Machine) -> None:
    vm.check_length(vm.number("<Q"))


def _byte_text(vm: Machine, size: int) -> None:
    # Python 2 wrote both names and raw data as strings: short ones are names.
    vm.push(vm.text(size, "latin-1") if size <= LINE_LIMIT else vm.skip(size))


def _pop(vm: Machine) -> None:
    if vm.at_mark:
        vm.pop_group()
    else:
        vm.pop()


def _pop_mark(vm: Machine) -> None:
    vm.pop_group()


def _tuple(vm: Machine, count: int) -> None:
    vm.push(tuple(reversed([vm.pop() for _ in range(count)])))


def _dict(vm: Machine) -> None:
    group: list[object] = vm.pop_group()
    table: dict[object, object] = {}
    vm.set_items(table, group)
    vm.push_new(table)


def _set_item(vm: Machine) -> None:
    value, key = vm.pop(), vm.pop()
    vm.set_items(vm.top(), [key, value])


def _append(vm: Machine) -> None:
    value = vm.pop()
    vm.append(vm.top(), [value])


def _grouped(action: Callable[[Machine, object, list[object]], None]) -> Callable[[Machine], None]:
    def run(vm: Machine) -> None:
        group = vm.pop_group()
        action(vm, vm.top(), group)

    return run


def _stack_global(vm: Machine) -> None:
    name, module = vm.pop(), vm.pop()
    vm.push(vm.find(module, name))


def _new_object(vm: Machine) -> None:
    arguments, stub = vm.pop(), vm.pop()
    vm.new_object(arguments, stub)


def _new_object_ex(vm: Machine) -> None:
    keywords, arguments, stub = vm.pop(), vm.pop(), vm.pop()
    vm.new_object(arguments, stub, keywords)


def _extension(layout: str) -> Callable[[Machine], None]:
    def run(vm: Machine) -> None:
        vm.refuse(f"for extension {vm.number(layout)} of the copyreg registry")

    return run


def _out_of_band(vm: Machine) -> None:
    vm.fail("it needs buffers that lie outside the file")


_STOP = ord(".")

_BY_CODE: dict[int | str, Callable[[Machine], None]] = {
    0x80: _protocol,
    0x95: _frame,
    # constants and numbers
    "N": lambda vm: vm.push(None),
    0x88: lambda vm: vm.push(True),
    0x89: lambda vm: vm.push(False),
    "I": _int_line,
    "J": lambda vm: vm.push(vm.number("<i")),
    "K": lambda vm: vm.push(vm.number("<B")),
    "M": lambda vm: vm.push(vm.number("<H")),
    "L": lambda vm: vm.push(_parsed(vm, int, vm.line().removesuffix("L"))),
    0x8A: lambda vm: vm.push(_long(vm, vm.number("<B"))),
    0x8B: lambda vm: vm.push(_long(vm, vm.number("<i"))),
    "F": lambda vm: vm.push(_parsed(vm, float, vm.line())),
    "G": lambda vm: vm.push(struct.unpack(">d", vm.take(8))[0]),
    # text and bytes
    "S": _string_line,
    "T": lambda vm: _byte_text(vm, vm.number("<i")),
    "U": lambda vm: _byte_text(vm, vm.number("<B")),
    "V": lambda vm: vm.push(vm.line("raw-unicode-escape", TEXT_LIMIT)),
    "X": lambda vm: vm.push(vm.text(vm.number("<I"))),
    0x8C: lambda vm: vm.push(vm.text(vm.number("<B"))),
    0x8D: lambda vm: vm.push(vm.text(vm.number("<Q"))),
    "B": lambda vm: vm.push(vm.skip(vm.number("<I"))),
    "C": lambda vm: vm.push(vm.skip(vm.number("<B"))),
    0x8E: lambda vm: vm.push(vm.skip(vm.number("<Q"))),
    0x96: lambda vm: vm.push(vm.skip(vm.number("<Q"))),
    # containers
    ")": lambda vm: vm.push(()),
    0x85: lambda vm: _tuple(vm, 1),
    0x86: lambda vm: _tuple(vm, 2),
    0x87: lambda vm: _tuple(vm, 3),
    "t": lambda vm: vm.push(tuple(vm.pop_group())),
    "]": lambda vm: vm.push_new([]),
    "l": lambda vm: vm.push_new(vm.pop_group()),
    "a": _append,
    "e": _grouped(Machine.append),
    "}": lambda vm: vm.push_new({}),
    "d": _dict,
    "s": _set_item,
    "u": _grouped(Machine.set_items),
    0x8F: lambda vm: vm.push_new(set()),
    0x90: _grouped(Machine.add_items),
    0x91: lambda vm: vm.push_new(frozenset(vm.new_set(vm.pop_group()))),
    # stack and memo
    "(": Machine.mark,
    "0": _pop,
    "1": _pop_mark,
    "2": lambda vm: vm.push(vm.top()),
    "p": lambda vm: vm.remember(int(_parsed(vm, int, vm.line()))),
    "q": lambda vm: vm.remember(vm.number("<B")),
    "r": lambda vm: vm.remember(vm.number("<I")),
    0x94: Machine.remember_next,
    "g": lambda vm: vm.recall(int(_parsed(vm, int, vm.line()))),
    "h": lambda vm: vm.recall(vm.number("<B")),
    "j": lambda vm: vm.recall(vm.number("<I")),
    # names and objects
    "c": lambda vm: vm.push(vm.find(vm.line("utf-8"), vm.line("utf-8"))),
    0x93: _stack_global,
    "R": Machine.reduce,
    "b": Machine.build,
    "i": Machine.oldest_object,
    "o": Machine.old_object,
    0x81: _new_object,
    0x92: _new_object_ex,
    0x82: _extension("<B"),
    0x83: _extension("<H"),
    0x84: _extension("<i"),
    "P": lambda vm: vm.persistent_id(vm.line()),
    "Q": lambda vm: vm.persistent_id(vm.pop()),
    0x97: _out_of_band,
    0x98: _out_of_band,
}

_ACTIONS = {ord(code) if isinstance(code, str) else code: action for code, action in _BY_CODE.items()}
