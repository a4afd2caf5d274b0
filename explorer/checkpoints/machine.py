"""The pickle machine: stack, memo and bytes, with all growth bounded and all names looked up."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from explorer.checkpoints.records import Blob, OtherKey, StatefulRecord, StubRecord, TensorRecord
from explorer.checkpoints.source import BytesSource
from explorer.errors import UnsafeFileError
from explorer.util.plain_text import shortened

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from explorer.checkpoints.monitor import Monitor
    from explorer.checkpoints.source import Source

__all__ = ["LINE_LIMIT", "TEXT_LIMIT", "Budget", "Machine", "Stub", "text_as_blob", "unsafe"]

NESTING_LIMIT = 256  # nesting of NVIDIA's files stays below 40
LINE_LIMIT = 1024  # text opcodes of protocol 0: names and numbers
TEXT_LIMIT = 1 << 20  # text opcodes of protocol 0: texts, and bytes written as text
_PLAIN_KEYS = (str, int, float, bool, type(None))
_SMALL = 1 << 24  # integer keys, such as indices of a data set
_STUB_LIMIT = 2_000  # unknown names; the files of a large project have some 100


@dataclass(slots=True)
class Budget:
    """Remaining resources for one file, nested streams included.

    NVIDIA's largest files need about 100,000 opcodes, 30,000 memo entries and 2 MB of text. The tests measure the
    memory of a file that exhausts all of these limits.
    """

    opcodes: int = 1_000_000
    memo: int = 300_000
    objects: int = 300_000
    text: int = 16_000_000
    odd_keys: int = 10_000  # keys that are not text: crafted numbers can make every lookup collide
    monitor: Monitor | None = None
    stubs: dict[str, Stub] = field(default_factory=dict)  # stand-ins for unknown names


@dataclass(frozen=True, slots=True, eq=False)
class Stub:
    """Stand-in for a class or function that a file names; nothing is imported or called.

    Args:
        name: Name in the file, `module.name`.
        call: Builds the record for `REDUCE` from the interpreter and the arguments; None builds a `StubRecord`.
        new: The same for `NEWOBJ`.
    """

    name: str
    call: Callable[[Machine, tuple[object, ...]], object] | None = None
    new: Callable[[Machine, tuple[object, ...]], object] | None = None


class _Mark:
    """The mark on the stack."""


_MARK = _Mark()


@dataclass(slots=True)
class Machine:
    """State of reading the pickle in `source[start:end]`; driven by `safe_pickle.Interpreter`.

    Args:
        source: The file.
        lookup: Resolves a global name; raises for a forbidden one.
        start: Offset of the first opcode.
        end: Offset after the last byte; None: the end of the file.
        budget: Shared by all streams of a file.
        persistent: Resolves a persistent id; None: such ids are refused.
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
        """Return the next `count` bytes."""
        first = self.position - self._base
        if not 0 <= first <= first + count <= len(self._buffer):
            self.check_length(count)
            size = min(max(count, self.window), self.stop - self.position)
            self._buffer, self._base, first = self.source.read(self.position, size), self.position, 0
        self.position += count
        return self._buffer[first : first + count]

    def check_length(self, count: int) -> None:
        """Refuse a declared length beyond the end of the data, before anything is allocated for it."""
        if 0 <= count <= self.stop - self.position:
            return
        if count < 0 or self.stop < self.source.size:
            self.fail(f"a declared length of {count:,} bytes, with {self.stop - self.position:,} left")
        raise self.source.truncated(self.position)

    def number(self, layout: str) -> int:
        """Return the next integer in `struct` notation."""
        value: int = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value

    def skip(self, count: int) -> Blob:
        """Return the next `count` bytes as a record."""
        self.check_length(count)
        self.count_object()
        blob = Blob(self.source, self.position, count)
        self.position += count
        return blob

    def text(self, count: int, encoding: str = "utf-8") -> str:
        """Return the next `count` bytes as text."""
        self.check_length(count)
        self.charge_text(count)
        # Python writes non-UTF-8 bytes of a path as lone surrogates.
        return self.decode(self.take(count), encoding, "surrogatepass" if encoding == "utf-8" else "strict")

    def charge_text(self, count: int) -> None:
        """Account for `count` characters."""
        self.budget.text -= count
        if self.budget.text < 0:
            self.fail("more text than any checkpoint holds")

    def line(self, encoding: str = "ascii", limit: int = LINE_LIMIT) -> str:
        """Return the text up to the next line break, which is at most `limit` bytes away."""
        parts: list[bytes] = []
        left = limit
        while (size := min(LINE_LIMIT, left, self.stop - self.position)) > 0:
            data = self.take(size)
            length = data.find(b"\n")
            self.charge_text(size if length < 0 else length)
            if length >= 0:
                self.position += length + 1 - size
                return self.decode(b"".join((*parts, data[:length])), encoding)
            parts.append(data)
            left -= size
        self.fail("a line of text without an end")

    def decode(self, data: bytes, encoding: str, errors: str = "strict") -> str:
        """Decode `data`."""
        try:
            return data.decode(encoding, errors)
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
        """Account for work on `count` values in one instruction, such as copying a memoised list."""
        self.budget.opcodes -= count
        self.budget.objects -= count
        if min(self.budget.opcodes, self.budget.objects) < 0:
            self.fail("more objects than any checkpoint holds")

    def pop(self) -> object:
        """Pop the topmost value."""
        if not self._stack or self._stack[-1] is _MARK:
            self.fail("an instruction without its operand")
        return self._stack.pop()

    @property
    def at_mark(self) -> bool:
        """Whether the top of the stack is a mark."""
        return bool(self._stack) and self._stack[-1] is _MARK

    def top(self) -> object:
        """Return the topmost value without removing it."""
        if not self._stack or self._stack[-1] is _MARK:
            self.fail("an instruction without its operand")
        return self._stack[-1]

    def mark(self) -> None:
        """Push a mark."""
        self._marks += 1
        if self._marks > NESTING_LIMIT:
            self.fail(f"groups nested more than {NESTING_LIMIT} deep")
        self._stack.append(_MARK)

    def pop_group(self) -> list[object]:
        """Pop the values since the last mark."""
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
        """Put the topmost value into the memo at the next free index."""
        self.remember(len(self._memo))

    def recall(self, index: int) -> None:
        """Push a value of the memo."""
        if index not in self._memo:
            self.fail(f"it refers to value {index}, which does not exist")
        self.push(self._memo[index])

    def key_of(self, key: object) -> object:
        """Return the key to store an entry under: hashing nested tuples can take exponential time."""
        if type(key) is str:
            return key
        if type(key) is int and -_SMALL < key < _SMALL:
            return key  # too small for many of them to collide
        self.budget.odd_keys -= 1
        if self.budget.odd_keys < 0:
            self.fail("more numbered entries than any checkpoint needs")
        if isinstance(key, (list, dict, set)):
            self.fail("a table whose keys are neither text nor numbers")
        return OtherKey() if isinstance(key, (tuple, frozenset)) else key  # records are hashed by identity

    def set_items(self, target: object, items: list[object]) -> None:
        """Set `target[key] = value` for alternating keys and values."""
        table = target.entries() if isinstance(target, StubRecord) else target
        if not isinstance(table, dict) or len(items) % 2:
            self.fail("entries for something that is not a table")
        for key, value in zip(items[::2], items[1::2], strict=True):
            table[self.key_of(key)] = value

    def new_set(self, items: list[object]) -> set[object]:
        """Build a set of plain values and records."""
        return {self.key_of(item) for item in items}

    def add_items(self, target: object, items: list[object]) -> None:
        """Add `items` to a set."""
        if isinstance(target, StubRecord):
            return
        if not isinstance(target, set):
            self.fail("members for something that is not a set")
        target |= self.new_set(items)

    def append(self, target: object, items: list[object]) -> None:
        """Append `items` to a list."""
        if isinstance(target, StubRecord):
            return
        if not isinstance(target, list):
            self.fail("list entries for something that is not a list")
        target.extend(items)

    def find(self, module: object, name: object) -> object:
        """Resolve a global name."""
        if not (isinstance(module, str) and isinstance(name, str)):
            self.fail("a name that is not text")
        if len(module) + len(name) > LINE_LIMIT:
            self.fail(f"a name of {len(module) + len(name):,} characters")
        return self.lookup(self, module, name)

    def stub(self, name: str) -> Stub:
        """Return the `Stub` of an unknown name; it only builds inert records."""
        found = self.budget.stubs.get(name)
        if found is None:
            if len(self.budget.stubs) >= _STUB_LIMIT:
                self.fail(f"more than {_STUB_LIMIT:,} names of classes that are not known")
            found = self.budget.stubs[name] = Stub(name)
        return found

    def call(self, function: object, arguments: object) -> object:
        """Return the record that stands for `function(*arguments)`."""
        if isinstance(function, StubRecord):
            if function.makes_instances and isinstance(arguments, tuple):
                return StubRecord(function.name, arguments)
            self.refuse(f"to call what {shortened(function.name, 80)} would return")
        if not isinstance(function, Stub) or not isinstance(arguments, tuple):
            self.fail("it calls something that cannot be called")
        return function.call(self, arguments) if function.call is not None else StubRecord(function.name, arguments)

    def reduce(self) -> None:
        """Execute REDUCE: "call" a stub."""
        arguments, function = self.pop(), self.pop()
        self.push_new(self.call(function, arguments))

    def instance(self, stub: object, arguments: object, keywords: object = None) -> object:
        """Return the record that stands for an instance of the class `stub`."""
        if not isinstance(stub, Stub) or not isinstance(arguments, tuple):
            self.fail("it makes an instance of something that is not a class")
        if stub.new is None:
            return StubRecord(stub.name, arguments)
        if keywords:
            self.fail(f"a {stub.name} object with broken arguments")
        return stub.new(self, arguments)

    def new_object(self, arguments: object, stub: object, keywords: object = None) -> None:
        """Execute NEWOBJ or NEWOBJ_EX: push a record instead of an instance."""
        self.push_new(self.instance(stub, arguments, keywords))

    def build(self) -> None:
        """Execute BUILD: give a record its state."""
        state, target = self.pop(), self.top()
        if isinstance(target, StatefulRecord):
            problem = target.set_state(state)
            if problem is not None:
                self.fail(problem)
        elif isinstance(target, Stub):
            self.refuse(f"to change {target.name}")
        elif not isinstance(target, (dict, TensorRecord)):
            # These may have attributes (torch's state dicts have `_metadata`), which are not needed.
            self.refuse(f"to change the inside of a {type(target).__name__}")

    def persistent_id(self, identifier: object) -> None:
        """Execute BINPERSID: push an object that is outside the pickle."""
        if self.persistent is None:
            self.refuse("for an object outside the file (a persistent id)")
        self.push(self.persistent(self, identifier))

    def old_object(self) -> None:
        """Execute OBJ: make an instance in the old way."""
        group = self.pop_group()
        if not group:
            self.fail("an instruction without its operand")
        self.push_new(self.call(group[0], tuple(group[1:])))

    def oldest_object(self) -> None:
        """Execute INST: make an instance in the oldest way."""
        stub = self.find(self.line(), self.line())
        self.push_new(self.call(stub, tuple(self.pop_group())))

    def fail(self, found: str) -> NoReturn:
        """Raise the error of a broken file."""
        raise self.source.damaged(f"{found} (byte {self.position:,})")

    def refuse(self, request: str) -> NoReturn:
        """Raise the error of a hostile file."""
        raise unsafe(self.source, f"{request} (byte {self.position:,})")


def unsafe(source: Source, request: str) -> UnsafeFileError:
    """Return the error for a file that requests something only code could do."""
    return UnsafeFileError(
        f"{source.name} asks {request}, which a checkpoint never needs. Nothing was run.",
        "Do not open it in other programs; get the model from its original source, "
        "or ask for a .safetensors file, which holds numbers only.",
    )


def text_as_blob(data: bytes, name: str) -> Blob:
    """Return bytes that a pickle stores as text, as a `Blob`."""
    return Blob(BytesSource(data, name), 0, len(data))
