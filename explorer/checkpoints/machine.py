"""The pickle machine: stack, memo and bytes, with every growth bounded and every name looked up."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from explorer.checkpoints.records import Blob, StatefulRecord
from explorer.checkpoints.source import BytesSource
from explorer.errors import UnsafeFileError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from explorer.checkpoints.monitor import Monitor
    from explorer.checkpoints.source import Source

__all__ = ["LINE_LIMIT", "Budget", "Builder", "Machine", "text_as_blob", "unsafe"]

NESTING_LIMIT = 256  # nesting of NVIDIA's files stays below 40
LINE_LIMIT = 1024  # text opcodes of protocol 0: names and numbers
_PLAIN_KEYS = (str, int, float, bool, type(None))


@dataclass(slots=True)
class Budget:
    """What is left for one file, nested streams included.

    NVIDIA's largest files need about 100,000 opcodes, 30,000 memo entries and 2 MB of text. The memory that a
    file using up all of these limits costs is measured in the tests.
    """

    opcodes: int = 1_000_000
    memo: int = 300_000
    objects: int = 300_000
    text: int = 16_000_000
    odd_keys: int = 10_000  # keys that are not text: crafted numbers can make every look-up collide
    monitor: Monitor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Builder:
    """Stands for a class or function that a file may name.

    Args:
        name: As the file writes it, `module.name`.
        call: Makes the record for `REDUCE`; takes the interpreter and the arguments.
        new: Makes the record for `NEWOBJ`.
    """

    name: str
    call: Callable[[Machine, tuple[object, ...]], object] | None = None
    new: Callable[[Machine, tuple[object, ...]], object] | None = None


class _Mark:
    """The mark on the stack."""


_MARK = _Mark()


@dataclass(slots=True)
class Machine:
    """What one pickle in `source[start:end]` is read with; `safe_pickle.Interpreter` drives it.

    Args:
        source: The file.
        lookup: What stands for a global name; raises for a name that is not allowed.
        start: Offset of the first opcode.
        end: Offset behind the last byte that belongs to it; None = the end of the file.
        budget: Shared by all streams of a file.
        persistent: What stands for a persistent id; None = such ids are refused.
        window: Bytes fetched at a time.
    """

    source: Source
    lookup: Callable[[Machine, str, str], object]
    start: int = 0
    end: int | None = None
    budget: Budget = field(default_factory=Budget)
    persistent: Callable[[Machine, object], object] | None = None
    window: int = 1 << 16

    position: int = field(init=False)
    stop: int = field(init=False)
    _base: int = field(init=False)
    _buffer: bytes = field(init=False, default=b"")
    _stack: list[object] = field(init=False, default_factory=list)
    _marks: int = field(init=False, default=0)
    _memo: dict[int, object] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.position = self._base = self.start
        self.stop = self.source.size if self.end is None else min(self.end, self.source.size)

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        first = self.position - self._base
        if not 0 <= first <= first + count <= len(self._buffer):
            self.check_length(count)
            size = min(max(count, self.window), self.stop - self.position)
            self._buffer, self._base, first = self.source.read(self.position, size), self.position, 0
        self.position += count
        return self._buffer[first : first + count]

    def check_length(self, count: int) -> None:
        """Refuse a declared length that is more than what is there, before anything is allocated for it."""
        if 0 <= count <= self.stop - self.position:
            return
        if count < 0 or self.stop < self.source.size:
            self.fail(f"a declared length of {count:,} bytes where {self.stop - self.position:,} are left")
        raise self.source.truncated(self.position)

    def number(self, layout: str) -> int:
        """The next integer in `struct` notation."""
        value: int = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value

    def skip(self, count: int) -> Blob:
        """The next `count` bytes as a record."""
        self.check_length(count)
        self.count_object()
        blob = Blob(self.source, self.position, count)
        self.position += count
        return blob

    def text(self, count: int, encoding: str = "utf-8") -> str:
        """The next `count` bytes as text."""
        self.check_length(count)
        self.charge_text(count)
        return self.decode(self.take(count), encoding)

    def charge_text(self, count: int) -> None:
        """Account for `count` characters."""
        self.budget.text -= count
        if self.budget.text < 0:
            self.fail("more text than any checkpoint holds")

    def line(self, encoding: str = "ascii") -> str:
        """The text up to the next line break."""
        size = min(LINE_LIMIT, self.stop - self.position)
        data = self.take(size)
        length = data.find(b"\n")
        if length < 0:
            self.fail("a line of text without an end")
        self.position += length + 1 - size
        self.charge_text(length)
        return self.decode(data[:length], encoding)

    def decode(self, data: bytes, encoding: str) -> str:
        """`data` as text."""
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            self.fail("text with broken encoding")

    def push(self, value: object) -> None:
        """Put a value on the stack."""
        self._stack.append(value)

    def push_new(self, value: object) -> None:
        """Put a new container or record on the stack."""
        self.count_object()
        self._stack.append(value)

    def count_object(self) -> None:
        """Account for a new container or record."""
        self.budget.objects -= 1
        if self.budget.objects < 0:
            self.fail("more objects than any checkpoint holds")

    def charge(self, count: int) -> None:
        """Account for work on `count` values in one instruction, such as copying a list that was remembered."""
        self.budget.opcodes -= count
        self.budget.objects -= count
        if min(self.budget.opcodes, self.budget.objects) < 0:
            self.fail("more objects than any checkpoint holds")

    def pop(self) -> object:
        """Take the topmost value."""
        if not self._stack or self._stack[-1] is _MARK:
            self.fail("an instruction without its operand")
        return self._stack.pop()

    @property
    def at_mark(self) -> bool:
        """Whether a mark lies on top of the stack."""
        return bool(self._stack) and self._stack[-1] is _MARK

    def top(self) -> object:
        """The topmost value, left in place."""
        if not self._stack or self._stack[-1] is _MARK:
            self.fail("an instruction without its operand")
        return self._stack[-1]

    def mark(self) -> None:
        """Begin a group of values."""
        self._marks += 1
        if self._marks > NESTING_LIMIT:
            self.fail(f"groups nested more than {NESTING_LIMIT} deep")
        self._stack.append(_MARK)

    def pop_group(self) -> list[object]:
        """The values since the last mark."""
        stack = self._stack
        for index in range(len(stack) - 1, -1, -1):
            if stack[index] is _MARK:
                group = stack[index + 1 :]
                del stack[index:]
                self._marks -= 1
                return group
        self.fail("a group without its beginning")

    def remember(self, index: int) -> None:
        """Put the topmost value into the memo."""
        self.budget.memo -= 1
        if self.budget.memo < 0:
            self.fail("more remembered values than any checkpoint needs")
        self._memo[index] = self.top()

    def remember_next(self) -> None:
        """Put the topmost value into the memo at the next free place."""
        self.remember(len(self._memo))

    def recall(self, index: int) -> None:
        """Push a value of the memo."""
        if index not in self._memo:
            self.fail(f"it refers to value {index}, which does not exist")
        self.push(self._memo[index])

    def check_key(self, key: object) -> None:
        """Keys must be text, numbers or names: hashing nested tuples can take exponential time."""
        if type(key) is str:
            return
        if not isinstance(key, (*_PLAIN_KEYS, Builder)):
            self.fail("a table whose keys are neither text nor numbers")
        self.budget.odd_keys -= 1
        if self.budget.odd_keys < 0:
            self.fail("more numbered entries than any checkpoint needs")

    def set_items(self, target: object, items: list[object]) -> None:
        """`target[key] = value` for alternating keys and values."""
        if not isinstance(target, dict) or len(items) % 2:
            self.fail("entries for something that is not a table")
        for key, value in zip(items[::2], items[1::2], strict=True):
            self.check_key(key)
            target[key] = value

    def new_set(self, items: list[object]) -> set[object]:
        """A set of plain values."""
        for item in items:
            self.check_key(item)
        return set(items)

    def add_items(self, target: object, items: list[object]) -> None:
        """Add `items` to a set."""
        if not isinstance(target, set):
            self.fail("members for something that is not a set")
        target |= self.new_set(items)

    def append(self, target: object, items: list[object]) -> None:
        """Append `items` to a list."""
        if not isinstance(target, list):
            self.fail("list entries for something that is not a list")
        target.extend(items)

    def find(self, module: object, name: object) -> object:
        """What stands for a global name."""
        if not (isinstance(module, str) and isinstance(name, str)):
            self.fail("a name that is not text")
        return self.lookup(self, module, name)

    def reduce(self) -> None:
        """REDUCE: "call" a builder."""
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, Builder) or not isinstance(arguments, tuple):
            self.fail("it calls something that cannot be called")
        if function.call is None:
            self.refuse(f"to call {function.name}")
        self.push_new(function.call(self, arguments))

    def new_object(self, arguments: object, builder: object, keywords: object = None) -> None:
        """NEWOBJ and NEWOBJ_EX: a record instead of an instance."""
        if not isinstance(builder, Builder) or not isinstance(arguments, tuple):
            self.fail("it makes an instance of something that is not a class")
        if builder.new is None or keywords:
            self.refuse(f"to make a {builder.name} object")
        self.push_new(builder.new(self, arguments))

    def build(self) -> None:
        """BUILD: give a record its state."""
        state, target = self.pop(), self.top()
        if isinstance(target, StatefulRecord):
            problem = target.set_state(state)
            if problem is not None:
                self.fail(problem)
        elif isinstance(target, Builder):
            self.refuse(f"to change {target.name}")
        elif not (isinstance(target, dict) and (state is None or isinstance(state, dict))):
            # A table may carry attributes (torch's state dicts have `_metadata`); nothing here needs them.
            self.refuse(f"to change the inside of a {type(target).__name__}")

    def persistent_id(self, identifier: object) -> None:
        """BINPERSID: an object that lies outside the pickle."""
        if self.persistent is None:
            self.refuse("for an object outside the file (a persistent id)")
        self.push(self.persistent(self, identifier))

    def refuse_class(self, group: list[object]) -> NoReturn:
        """OBJ: the old way to make instances, never used by checkpoints."""
        builder = group[0] if group else None
        self.refuse(f"to make a {builder.name} object" if isinstance(builder, Builder) else "to make an object")

    def refuse_instance(self) -> NoReturn:
        """INST: the oldest way to make instances."""
        module, name = self.line(), self.line()
        self.find(module, name)
        self.refuse(f"to make a {module}.{name} object")

    def fail(self, found: str) -> NoReturn:
        """Raise the error of a broken file."""
        raise self.source.damaged(f"{found} (byte {self.position:,})")

    def refuse(self, wish: str) -> NoReturn:
        """Raise the error of a hostile file."""
        raise unsafe(self.source, f"{wish} (byte {self.position:,})")


def unsafe(source: Source, wish: str) -> UnsafeFileError:
    """The error for a file that asks for something only code could do."""
    return UnsafeFileError(
        f"{source.name} asks {wish}, which a checkpoint never needs. Nothing was run.",
        "Do not open it in other programs; get the model from its original source, "
        "or ask for a .safetensors file, which holds numbers only.",
    )


def text_as_blob(data: bytes, name: str) -> Blob:
    """Bytes that a pickle wrote as text, as a `Blob`."""
    return Blob(BytesSource(data, name), 0, len(data))
