"""The interpreter agrees with Python's unpickler on plain data, and stays within its limits on bombs."""

from __future__ import annotations

import contextlib
import pickle
import struct
import subprocess
import sys
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer.checkpoints.allow_list import known_names
from explorer.checkpoints.machine import Budget
from explorer.checkpoints.records import Blob, NumpyArray, StubRecord
from explorer.checkpoints.safe_pickle import Interpreter
from explorer.checkpoints.source import BytesSource
from explorer.errors import UnreadableFileError


def read(data: bytes, budget: Budget | None = None) -> Any:
    value, end = Interpreter(BytesSource(data, "test.pkl"), known_names, budget=budget or Budget()).run()
    assert end <= len(data)
    return value


PLAIN: list[Any] = [
    None, True, False, 0, 255, 256, -1, 65535, 1 << 31, -(1 << 40), 1 << 200, 0.0, -2.5, float("inf"), "", "text",
    "ünïcode \U0001f600", "x" * 300, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], [1, [2, [3]]], {},
    {"a": {"b": 1}}, {7: 2, None: 3, True: 4, 2.5: 5}, set(), {1, 2, 3}, frozenset({"a"}), OrderedDict(a=1, b=[2]),
    {"shared": (s := ["same"]), "again": s}, list(range(3000)),
]  # fmt: skip


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_come_out_as_from_python(protocol: int) -> None:
    for value in PLAIN:
        if protocol < 4 and isinstance(value, frozenset):
            continue  # by REDUCE of builtins.frozenset, which no checkpoint needs
        assert read(pickle.dumps(value, protocol)) == value, value


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_numpy_numbers_and_arrays(protocol: int) -> None:
    for number in (np.float64(0.125), np.float32(3.5), np.int64(-7), np.bool_(True), np.uint8(200)):
        assert read(pickle.dumps(number, protocol)) == number.item()
    frozen = np.array([36, 37], dtype=np.int64)
    frozen.setflags(write=False)  # protocol 5 writes its bytes in another way
    for array in (frozen.copy(), frozen):
        found = read(pickle.dumps(array, protocol))
        assert isinstance(found, NumpyArray)
        assert found.values() == [36, 37]
    big_endian = read(pickle.dumps(np.array([1.5, 2.5], dtype=">f8"), protocol))
    assert big_endian.values() == [1.5, 2.5]
    box = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    arrays: list[np.ndarray[Any, Any]] = [
        box,
        np.asfortranarray(box),
        box.transpose(1, 0, 2),
        box[:, ::2],
        np.array(7, np.float32),
    ]
    for array in arrays:
        found = read(pickle.dumps(array, protocol))
        assert found.shape == array.shape
        assert sorted(found.values()) == sorted(array.ravel().tolist())


@pytest.mark.parametrize("module", ["numpy._core.numeric", "numpy.core.numeric"])
def test_arrays_of_protocol_5_by_both_names_of_numpys_core(module: str) -> None:
    data = pickle.dumps(np.array([0.5, 2.0]), 5)
    name = next(name for name in ("numpy._core.numeric", "numpy.core.numeric") if name.encode() in data)
    start = data.index(b"\x8c")  # behind the protocol and the frame, whose length would change
    renamed = data[start:].replace(bytes([len(name)]) + name.encode(), bytes([len(module)]) + module.encode())
    assert read(b"\x80\x05" + renamed).values() == [0.5, 2.0]


DOUBLES = b"cnumpy\ndtype\n(X\x02\x00\x00\x00f8\x89\x88tR"
SIXTEEN = b"\x96" + struct.pack("<Q", 16) + bytes(16)


@pytest.mark.parametrize(
    "arguments",
    [
        b"",
        SIXTEEN + DOUBLES + b"K\x02\x85",  # no order
        SIXTEEN + DOUBLES + b"K\x02\x85X\x01\x00\x00\x00A",
        SIXTEEN + DOUBLES + b"K\x02\x85N",
        SIXTEEN + DOUBLES + b"K\x03\x85X\x01\x00\x00\x00C",  # more than there is
        SIXTEEN + DOUBLES + b"K\x01\x85X\x01\x00\x00\x00C",
        SIXTEEN + DOUBLES + b"K\x02X\x01\x00\x00\x00C",  # a shape that is a number
        SIXTEEN + DOUBLES + b"(J\xff\xff\xff\xffJ\xfe\xff\xff\xfftX\x01\x00\x00\x00C",  # -1 x -2
        SIXTEEN + DOUBLES + b"(K\x02" + b"K\x01" * 64 + b"tX\x01\x00\x00\x00C",  # 65 axes
        SIXTEEN + DOUBLES + b"\x88K\x02\x86X\x01\x00\x00\x00C",  # True x 2
        SIXTEEN + DOUBLES + b"G" + struct.pack(">d", 2.0) + b"\x85X\x01\x00\x00\x00C",
        SIXTEEN + b"N" + b"K\x02\x85X\x01\x00\x00\x00C",
        DOUBLES + DOUBLES + b"K\x02\x85X\x01\x00\x00\x00C",  # no bytes
        SIXTEEN + DOUBLES + b"K\x01K\x02\x86X\x01\x00\x00\x00K",  # K without axes
        SIXTEEN + DOUBLES + b"K\x01K\x02\x86X\x01\x00\x00\x00KK\x00K\x00\x86",
        SIXTEEN + DOUBLES + b"K\x01K\x02\x86X\x01\x00\x00\x00KK\x00K\x02\x86",
        SIXTEEN + DOUBLES + b"K\x01K\x02\x86X\x01\x00\x00\x00K)",
        SIXTEEN + DOUBLES + b"K\x01K\x02\x86X\x01\x00\x00\x00K}",
        SIXTEEN + DOUBLES + b"K\x01K\x02\x86X\x01\x00\x00\x00KX\x01\x00\x00\x00aK\x00\x86",
        b"\x96" + struct.pack("<Q", 1 << 40) + bytes(16) + DOUBLES + b"K\x02\x85X\x01\x00\x00\x00C",
        b"\x97" + DOUBLES + b"K\x02\x85X\x01\x00\x00\x00C",  # bytes outside the file
        b"\x97\x98" + DOUBLES + b"K\x02\x85X\x01\x00\x00\x00C",
        SIXTEEN + b"\x98" + DOUBLES + b"K\x02\x85X\x01\x00\x00\x00C",
    ],
)
def test_arrays_of_protocol_5_with_broken_arguments(arguments: bytes) -> None:
    with pytest.raises(UnreadableFileError):
        read(b"\x80\x05cnumpy._core.numeric\n_frombuffer\n(" + arguments + b"tR.")


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_numpy_objects_and_texts_are_not_data(protocol: int) -> None:
    for array in (np.array([object()]), np.array(["a"]), np.array([(1, 2.0)], "i4,f4"), np.array([1j])):
        found = read(pickle.dumps({"array": array, "behind": 5}, protocol))
        assert found["behind"] == 5
        assert found["array"].values() is None
    for number in (np.str_("text"), np.datetime64("2024-01-01"), np.complex64(1j)):
        assert isinstance(read(pickle.dumps(number, protocol)), StubRecord)


def test_bytes_stay_in_the_file() -> None:
    for size in (3, 300, 100_000):
        blob = read(pickle.dumps(bytes(size), 4))
        assert isinstance(blob, Blob)
        assert blob.read(size) == bytes(size)


def test_identity_is_kept() -> None:
    shared = ["x"]
    first, second = read(pickle.dumps((shared, shared), 4))
    assert first is second


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"\x80\x09N.", "protocol 9"),
        (b"R.", "without its operand"),
        (b"(t", "truncated"),
        (b"t.", "without its beginning"),
        (b"h\x05.", "does not exist"),
        (b"\x80\x04K\x01K\x02s.", "without its operand"),
        (b"}](]a", "without its operand"),
        (b"}]Ns.", "neither text nor numbers"),
        (b"K\x01K\x02a.", "not a list"),
        (b"]K\x01K\x02s.", "not a table"),
        (b"](K\x01\x90.", "not a set"),
        (b"N(R.", "without its operand"),
        (b"N)R.", "cannot be called"),
        (b"N)\x81.", "not a class"),
        (b"Iabc\n.", "strange digits"),
        (b"X\x02\x00\x00\x00\xff\xff.", "broken encoding"),
        (b"S'\\x4'\n.", "broken escapes"),
        (b"\xff", "not a pickle instruction"),
        (b"K\x01K\x02\x93.", "not text"),
        (b"\x97.", "outside the file"),
        (b"(" * 1000, "nested"),
        (b"V" + b"x" * 5000, "without an end"),
        (b"V" + b"x" * (1 << 20) + b"\n.", "without an end"),
        (b"I" + b"1" * 5000 + b"\n.", "without an end"),
    ],
)
def test_broken_streams_say_what_is_wrong(data: bytes, found: str) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        read(data)
    assert "test.pkl" in caught.value.message
    assert found in caught.value.message, caught.value.message


@pytest.mark.parametrize(
    "data",
    [
        b"X\xff\xff\xff\x7f",  # 2 GB of text
        b"B\xff\xff\xff\xff",  # 4 GB of bytes
        b"\x8d" + struct.pack("<Q", 1 << 62),
        b"\x8e" + struct.pack("<Q", 1 << 62),
        b"\x96" + struct.pack("<Q", 1 << 62),
        b"\x95" + struct.pack("<Q", 1 << 62),
        b"T" + struct.pack("<i", 1 << 30),
        b"T" + struct.pack("<i", -5),
        b"\x8b" + struct.pack("<i", 1 << 30),
        b"\x8b" + struct.pack("<i", -5),
    ],
)
def test_declared_sizes_are_checked_before_memory_is_taken(data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableFileError):
            read(b"\x80\x04" + data + b"abc.")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def _laughs(n: int) -> bytes:
    """Lists of ten references to the list before: a billion leaves, if anything walked them."""
    data = b"\x80\x02]q\x00"
    for index in range(min(n, 200)):
        data += b"](" + (b"h" + bytes([index])) * 10 + b"eq" + bytes([index + 1])
    return data + b"."


def _keys(n: int) -> bytes:
    numbers = ((i * ((1 << 61) - 1)).to_bytes(16, "little") for i in range(1, n))
    return b"\x80\x02}(" + b"".join(b"\x8a\x10" + number + b"N" for number in numbers) + b"u."


# By name: n -> a file that grows with n and would like to grow a reader.
BOMBS: dict[str, Callable[[int], bytes]] = {
    "numbers": lambda n: b"\x80\x02" + b"J\xff\xff\xff\x7f" * n,
    "sets": lambda n: b"\x80\x04" + b"\x8f" * n,
    "tables": lambda n: b"\x80\x02" + b"}" * n,
    "memo": lambda n: b"\x80\x04N" + b"\x94" * n,
    "memo places": lambda n: b"\x80\x02N" + b"".join(b"r" + struct.pack("<I", i * 4093) for i in range(n)),
    "push and pop": lambda n: b"\x80\x02" + b"N0" * n,
    "duplicates": lambda n: b"\x80\x02N" + b"2" * n,
    "texts": lambda n: b"\x80\x02" + (b"X" + struct.pack("<I", n) + b"x" * n + b"0") * 40,
    "one text": lambda n: b"\x80\x04\x8d" + struct.pack("<Q", 40 * n) + b"x" * (40 * n) + b".",
    "blobs": lambda n: b"\x80\x02" + b"C\x01x" * n,
    "laughs": _laughs,
    "tuples as keys": lambda n: b"\x80\x02}K\x00" + b"q\x002\x86" * min(n, 200) + b"K\x01s.",
    "deep tuples": lambda n: b"\x80\x02N" + b"\x85" * (n - 3) + b".",
    "deep lists": lambda n: b"\x80\x02" + b"]" * (n // 4) + b"a" * (n // 4 - 1) + b".",
    "self": lambda n: b"\x80\x02]q\x00" + b"h\x00a" * (n // 2 - 8) + b".",
    "colliding keys": _keys,
    "stubs": lambda n: b"\x80\x02cm\nC\nq\x010" + b"h\x01)\x81" * (n // 3),
    "stubs in stubs": lambda n: b"\x80\x02cm\nC\nq\x010N" + b"q\x020h\x01h\x02\x85R" * (n // 6) + b".",
    "states": lambda n: b"\x80\x02cm\nC\n)\x81" + b"}K\x01Nsb" * (n // 5) + b".",
    "names": lambda n: b"\x80\x02" + b"".join(b"cm%d\nC\n" % index for index in range(n)),
    "long names": lambda n: b"\x80\x02" + b"".join(b"cm%d%s\nC\n" % (i, b"m" * 1000) for i in range(n // 50)),
    "one long name": lambda n: (
        b"\x80\x02X"
        + struct.pack("<I", n)
        + b"x" * n
        + b"q\x01X\x01\x00\x00\x00Cq\x02"
        + b"h\x01h\x02\x93" * (n // 6)
    ),
    "entries of a stub": lambda n: b"\x80\x02cm\nC\n)\x81(" + b"K\x01N" * (n // 3) + b"u.",
    "sizes": lambda n: (
        b"\x80\x02ctorch\nSize\nq\x01("
        + b"K\x01" * min(n // 10, 60_000)
        + b"tq\x02"
        + b"h\x01h\x02\x85R" * (n // 10)
    ),
    "tables from tables": lambda n: (
        b"\x80\x02cm\nEasyDict\nq\x01}q\x02("
        + b"".join(b"X\x05\x00\x00\x00%05dN" % (index % 100_000) for index in range(min(n // 10, 60_000)))
        + b"u"
        + b"h\x01h\x02\x85R" * (n // 10)
    ),
    "tuples as many keys": lambda n: b"\x80\x02}(" + b"K\x01\x85N" * (n // 4) + b"u.",
    "unending lines": lambda n: b"V" + b"x" * (40 * n),
    "texts by lines": lambda n: (b"V" + b"x" * min(n, 1_000_000) + b"\n0") * 40,
    "copied lists": lambda n: (
        b"\x80\x02ccollections\nOrderedDict\nq\x01]q\x02("
        + b"".join(b"K\x01M" + struct.pack("<H", i % 65536) + b"\x86" for i in range(min(n // 10, 60_000)))
        + b"eq\x03"
        + b"h\x01h\x03\x85R" * (n // 10)
    ),
    "copied sets": lambda n: (
        b"\x80\x02cbuiltins\nset\nq\x01]q\x02("
        + b"".join(
            b"X\x04\x00\x00\x00" + struct.pack("<I", i).hex()[:4].encode() for i in range(min(n // 10, 60_000))
        )
        + b"eq\x03"
        + b"h\x01h\x03\x85R" * (n // 10)
    ),
    "copied texts": lambda n: (
        b"\x80\x02X"
        + struct.pack("<I", n)
        + b"x" * n
        + b"q\x01X\x06\x00\x00\x00latin1q\x02c_codecs\nencode\nq\x03"
        + b"h\x03h\x01h\x02\x86R" * (n // 10)
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_end_soon_and_stay_small(name: str) -> None:
    """With a fiftieth of the limits, for the tracer makes everything slow; the next test takes them whole."""
    usual = Budget()
    data = BOMBS[name](usual.opcodes // 50)
    budget = Budget(
        usual.opcodes // 50, usual.memo // 50, usual.objects // 50, usual.text // 50, usual.odd_keys // 50
    )
    tracemalloc.start()
    try:
        with contextlib.suppress(UnreadableFileError):
            read(data, budget)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000, f"{peak / 1e6:.1f} MB"


_WHOLE = """
import contextlib, pathlib, sys, time
from explorer.errors import UnreadableFileError
from tests.checkpoints.test_safe_pickle import BOMBS, read

def peak():  # getrusage would include the parent's
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])

for name, bomb in BOMBS.items():
    data = bomb(1_000_000)
    before, started = peak(), time.process_time()
    with contextlib.suppress(UnreadableFileError):
        read(data)
    print(name, (peak() - before) // 1024, time.process_time() - started, sep=",")
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measures the peak of a process on Linux")
def test_bombs_within_the_whole_limits() -> None:
    result = subprocess.run(
        [sys.executable, "-c", _WHOLE], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    rows = [line.split(",") for line in result.stdout.splitlines()]
    assert len(rows) == len(BOMBS)
    for name, megabytes, seconds in rows:
        assert int(megabytes) < 150, name
        assert float(seconds) < 10, name


def test_a_stored_tensor_cannot_declare_more_than_it_holds() -> None:
    from explorer.testing.nvidia_writer import Call, Name, network_bytes, storage_stream

    for numel in (5, 1 << 40, -1, 3):
        stream = storage_stream(torch.zeros(4), "1", numel=numel)
        with pytest.raises(UnreadableFileError):
            read(network_bytes(Call(Name("torch.storage", "_load_from_bytes"), stream)))


@pytest.mark.parametrize(
    ("offset", "shape", "stride"),
    [
        (0, (5,), (1,)),
        (1, (4,), (1,)),
        (0, (2, 2), (4, 1)),
        (0, (-1,), (1,)),
        (-1, (2,), (1,)),
        (0, (2,), (-1,)),
        (0, (2, 2), (1,)),
        (0, (1,) * 65, (1,) * 65),
        (0, (1 << 60, 1 << 60), (0, 0)),
        (0, (True,), (1,)),
        (0, ("2",), (1,)),
    ],
)
def test_a_tensor_must_lie_inside_its_storage(offset: int, shape: tuple[Any, ...], stride: tuple[int, ...]) -> None:
    from explorer.testing.nvidia_writer import Call, Name, network_bytes, storage_stream

    storage = Call(Name("torch.storage", "_load_from_bytes"), storage_stream(torch.zeros(4), "1"))
    tensor = Call(Name("torch._utils", "_rebuild_tensor_v2"), storage, offset, shape, stride, False, {})
    with pytest.raises(UnreadableFileError):
        read(network_bytes(tensor))


@pytest.mark.parametrize(("shape", "stride"), [((1 << 40,), (0,)), ((5,), (0,)), ((1,) * 9, (1,) * 9)])
def test_an_unusual_tensor_does_not_end_the_reading(shape: tuple[int, ...], stride: tuple[int, ...]) -> None:
    from explorer.testing.nvidia_writer import Call, Name, network_bytes, storage_stream

    storage = Call(Name("torch.storage", "_load_from_bytes"), storage_stream(torch.zeros(4), "1"))
    tensor = Call(Name("torch._utils", "_rebuild_tensor_v2"), storage, 0, shape, stride, False, {})
    assert isinstance(read(network_bytes(tensor)), StubRecord)


def test_texts_of_python_2_keep_their_escapes() -> None:
    assert read(b"S'C:\\\\data\\\\new'\n.") == "C:\\data\\new"
