"""Mutations of files: of bytes, and of what a format means, with its checksums and lengths put right again."""

from __future__ import annotations

import io
import json
import pickletools
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from benchmarks.attack_files import Seed, checked_line
from explorer.project.document import TEXT_PREFIX, pack_text, unpack_text

__all__ = ["mutated"]

Random = random.Random

_EXTREMES: tuple[Any, ...] = (
    0, -1, 1, 2**31, -(2**31), 2**32, 2**63, -(2**63) - 1, 10**30, 10**400, 0.0, -0.0, 1e-300, 1e300, -1e308, 0.5,
    float("inf"), float("-inf"), float("nan"), True, False, None, "", [], {}, [[]], {"": {}}, "NaN", "1e999", "0",
)  # fmt: skip
_TEXTS = (
    "<img src='/dev/zero'>", "<b>bold</b>&lt;", "file:///etc/passwd", "\\\\evil\\share\\x",
    "../../../../etc/passwd", "/dev/stdin", "\x00", "\x1b[2J\x1b]0;x\x07", "\u202egnp.exe", "\ud800",
    "x" * 5000, "%s%n", "{0}", "${HOME}", "__import__('os').system('id')", "https://example.org/x.pkl",
    "concat:/etc/passwd|/etc/group", "é\n\r\t",
)  # fmt: skip
# Instructions that would call something if anybody ran them.
_HOSTILE = (
    b"cos\nsystem\n(X\x02\x00\x00\x00idtR", b"\x8c\x08builtins\x8c\x04eval\x93(X\x01\x00\x00\x001tR",
    b"(ios\nsystem\n", b"(cos\nsystem\no", b"\x82\x01", b"X\x01\x00\x00\x00aQ",
    b"cbuiltins\nexec\n(X\x04\x00\x00\x00passtR.", b"cposix\nsystem\n\x94(X\x02\x00\x00\x00id\x85R",
    b"csubprocess\nPopen\n(X\x02\x00\x00\x00idtR", b"c__main__\nx\n)R",
)  # fmt: skip
_NAMES = (
    b"os system", b"builtins eval", b"builtins getattr", b"torch device", b"torch Size",
    b"torch.storage _load_from_bytes", b"collections OrderedDict", b"numpy ndarray",
    b"numpy.core.multiarray _reconstruct", b"pathlib PosixPath", b"functools partial",
    b"torch._utils _rebuild_tensor_v2", b"__builtin__ apply", b"types FunctionType",
)  # fmt: skip
_ARGUMENTS = (
    b"J\xff\xff\xff\x7f", b"\x8a\x09" + b"\xff" * 8 + b"\0", b"G\x7f\xf0" + b"\0" * 6,
    b"G\x7f\xf8" + b"\0" * 6, b"N", b"\x88", b"]", b"}", b")", b"K\x00",
)  # fmt: skip
_LARGEST = 1_000_000  # bytes of a mutation, about
_OPCODES = b"()]}012NRbaeustdlhjqrpgco\x81\x85\x86\x87\x8f\x90\x91\x92\x93\x94"


def mutated(seed: Seed, rng: Random) -> bytes:
    """Return a damaged copy of a file: in half of all cases of its bytes, else of what they mean."""
    data = seed.data
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        structure = _STRUCTURES.get(seed.kind)
        if structure is None or rng.random() < 0.4:
            data = bytes_mutated(data, rng)
            continue
        try:
            data = structure(data, rng)
        except Exception:  # what was mutated before has no such structure any more: any reader may say so
            data = bytes_mutated(data, rng)
        if len(data) > _LARGEST:
            break
    return data


# -- bytes -----------------------------------------------------------------------------------------------------


def bytes_mutated(data: bytes, rng: Random) -> bytes:
    """Return the bytes with bits flipped, parts cut, repeated, moved, or lengths put in."""
    mutable = bytearray(data or b"\0")

    def position() -> int:
        return rng.randrange(len(mutable) if rng.random() < 0.5 else min(len(mutable), 2000))

    match rng.randrange(8):
        case 0:
            for _ in range(rng.choice((1, 1, 2, 8, 64))):
                mutable[position()] ^= 1 << rng.randrange(8)
        case 1:
            del mutable[rng.randrange(1, len(mutable) + 1) :]
        case 2:
            for _ in range(rng.choice((1, 4, 16))):
                mutable[position()] = rng.choice((0, 255, 127, 128, rng.randrange(256)))
        case 3:
            at = position()
            mutable[at:at] = rng.randbytes(rng.choice((1, 2, 9, 300)))
        case 4:
            at, size = position(), rng.randrange(1, 400)
            mutable[at:at] = mutable[at : at + size] * rng.choice((1, 2, 30))
        case 5:
            at = position()
            del mutable[at : at + rng.randrange(1, 300)]
        case 6:
            at, size, to = position(), rng.randrange(1, 200), position()
            part = mutable[at : at + size]
            mutable[to : to + len(part)] = part
        case _:
            at, form = position(), rng.choice(("<I", ">I", "<Q", ">Q", "<H", ">H"))
            size = struct.calcsize(form)
            top = (1 << (8 * size)) - 1
            value = rng.choice((0, 1, top, top >> 1, (top >> 1) + 1, rng.randrange(top), len(mutable)))
            mutable[at : at + size] = struct.pack(form, value)
    return bytes(mutable)


# -- JSON ------------------------------------------------------------------------------------------------------


def tree_mutated(value: Any, rng: Random) -> Any:
    """Return JSON values with a node deleted, replaced, renamed, nested, repeated or moved."""
    value = json.loads(json.dumps(value))  # a copy without sharing
    nodes: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, child in list(items):
            nodes.append((node, key))
            walk(child)

    walk(value)
    if not nodes:
        return rng.choice(_EXTREMES)
    parent, key = rng.choice(nodes)
    match rng.randrange(9):
        case 0:
            del parent[key]
        case 1 | 2:
            parent[key] = rng.choice(_EXTREMES)
        case 3:
            parent[key] = rng.choice(_TEXTS)
        case 4:
            deep: Any = parent[key]
            for _ in range(rng.choice((1, 5, 70, 500, 900))):
                deep = [deep] if rng.random() < 0.5 else {str(key): deep}
            parent[key] = deep
        case 5:
            other, where = rng.choice(nodes)
            parent[key] = json.loads(json.dumps(other[where])) if where in other or isinstance(other, list) else 0
        case 6:
            if isinstance(parent, dict):
                parent[rng.choice((*_TEXTS, "__class__", "extra", str(key) * 2))] = parent.pop(key)
            else:
                times = rng.choice((2, 100, 5000))
                parent[:] = parent[: key + 1] * min(times, 1 + _LARGEST // len(json.dumps(parent)))
        case 7:
            old = parent[key]
            if isinstance(old, bool) or not isinstance(old, (int, float)):
                parent[key] = [old] * min(rng.choice((0, 1, 2, 1000)), 1 + _LARGEST // len(json.dumps(old)))
            else:
                parent[key] = rng.choice((-old, old * 2, old + 1, old / 3, old * 10**15, str(old), [old]))
        case _:
            parent[key] = {"a": parent[key]} if rng.random() < 0.5 else [parent[key]] * 2
    return value


def _dumped(value: Any, rng: Random) -> bytes:
    text = json.dumps(value)
    if rng.random() < 0.1:  # numbers that no serialiser writes
        odd = ("1e999", "-1e999", "1" * 500)
        text = re.sub(r"\d+", lambda m: rng.choice(odd) if rng.random() < 0.05 else m[0], text)
    return text.encode()


def _json(data: bytes, rng: Random) -> bytes:
    return _dumped(tree_mutated(json.loads(data), rng), rng)


def _state_text(text: str, rng: Random) -> str:
    return TEXT_PREFIX + pack_text_of(_dumped(tree_mutated(unpack_text(text.removeprefix(TEXT_PREFIX)), rng), rng))


def pack_text_of(raw: bytes) -> str:
    """Return raw bytes as `pack_text` packs values: with the right checksum."""
    import base64

    packed = struct.pack(">I", zlib.crc32(raw)) + zlib.compress(raw, 6)
    return base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")


def _text(data: bytes, rng: Random) -> bytes:
    if rng.random() < 0.02:  # what unpacks to more than it may
        return (TEXT_PREFIX + pack_text({"state": "0" * 5_000_000})).encode()
    return _state_text(data.decode(), rng).encode()


def _inside(data: bytes, rng: Random) -> bytes:
    """Return a text of a state within other bytes, of the same length where the container counts it."""
    found = re.search(rb"latentwalk:\d+:[A-Za-z0-9_-]+", data)
    if found is None:
        raise ValueError("it carries no text")
    new = _state_text(found[0].decode(), rng).encode()
    if rng.random() < 0.5:
        new = new[: len(found[0])].ljust(len(found[0]), b"A")
    return data[: found.start()] + new + data[found.end() :]


def _png(data: bytes, rng: Random) -> bytes:
    """The text chunk anew, with its length and checksum."""
    at = data.index(b"tEXtlatentwalk\0")
    (length,) = struct.unpack(">I", data[at - 4 : at])
    body = data[at + 4 : at + 4 + length]
    key, _, text = body.partition(b"\0")
    body = key + b"\0" + _state_text(text.decode("latin-1"), rng).encode()
    kind = rng.choice((b"tEXt", b"tEXt", b"tEXt", b"iTXt", b"zTXt"))
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return data[: at - 4] + chunk + data[at + 4 + length + 4 :]


def _recording(data: bytes, rng: Random) -> bytes:
    lines = [json.loads(line.partition(b" ")[2]) for line in data.splitlines()]
    at = rng.randrange(len(lines))
    if rng.random() < 0.2:
        lines.insert(rng.randrange(len(lines)), lines[at])
    else:
        lines[at] = tree_mutated(lines[at], rng)
    return b"".join(checked_line(line) for line in lines)


# -- tensors and arrays ----------------------------------------------------------------------------------------


def _safetensors(data: bytes, rng: Random) -> bytes:
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.get("__metadata__", {})
    if "config" in metadata and rng.random() < 0.6:
        metadata["config"] = _dumped(tree_mutated(json.loads(metadata["config"]), rng), rng).decode()
    else:
        header = tree_mutated(header, rng)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def _npy(data: bytes, rng: Random) -> bytes:
    size = struct.unpack("<H", data[8:10])[0]
    header = data[10 : 10 + size].decode("latin-1")
    changes: tuple[tuple[str, str], ...] = (
        (r"\(.*?\)", rng.choice(("()", "(-1,)", "(2**40,)", "(1<<62,)", "(True,)", "('a',)", "((1,),)", "(0,)"))),
        (r"\(.*?\)", f"({rng.choice((2**31, 2**40, 2**62, 10**18))},)"),
        (r"'<f4'", rng.choice(("'O'", "'<f8'", "'<U9'", "'M8[s]'", "[('a','<f4')]", "'c8'", "'<i8'", "1"))),
        (r"False|True", rng.choice(("None", "1", "True", "__import__('os')", "[]"))),
        (r"\{", rng.choice(("[", "{'x': 1,", "(" * 90, "-" * 500))),
    )
    pattern, new = rng.choice(changes)
    header = re.sub(pattern, lambda m: new, header, count=1)
    body = header.encode("latin-1")
    return data[:8] + struct.pack("<H", len(body) & 0xFFFF) + body + data[10 + size :]


def _zipped(data: bytes, rng: Random, change: Callable[[str, bytes, Random], bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(item.filename, archive.read(item)) for item in archive.infolist()]
    at = rng.randrange(len(members)) if rng.random() < 0.5 else 0
    name, content = members[at]
    match rng.randrange(12):
        case 0:
            del members[at]
        case 1:
            members.append((rng.choice((name, "../../x", "/etc/x", name.upper(), "")), content))
        case 2:
            members[at] = (name, b"\0" * rng.choice((0, 1_000_000, 30_000_000)))
        case _:
            members[at] = (name, change(name, content, rng))
    packing = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def _torch_zip(data: bytes, rng: Random) -> bytes:
    def change(name: str, part: bytes, rng: Random) -> bytes:
        return _pickle(part, rng) if name.endswith(".pkl") else bytes_mutated(part, rng)

    return _zipped(data, rng, change)


def _npz(data: bytes, rng: Random) -> bytes:
    return _zipped(data, rng, lambda name, part, r: _npy(part, r) if r.random() < 0.8 else bytes_mutated(part, r))


# -- pickles ---------------------------------------------------------------------------------------------------


def _pickle(data: bytes, rng: Random) -> bytes:
    """An instruction deleted, repeated, moved or put in, an argument or a name replaced."""
    positions, names = _instructions(data)
    at = rng.choice(positions if rng.random() < 0.5 else positions[:400])
    end = next((p for p in positions[positions.index(at) + 1 :]), len(data))
    match rng.randrange(8):
        case 0:
            return data[:at] + data[end:]
        case 1:
            return data[:at] + data[at:end] * rng.choice((2, 3, 300)) + data[end:]
        case 2:
            other = rng.choice(positions)
            return data[:other] + data[at:end] + data[other:]
        case 3:
            return data[:at] + rng.choice(_HOSTILE) + data[at:]
        case 4:
            return data[:at] + bytes(rng.choice(_OPCODES) for _ in range(rng.choice((1, 2, 9)))) + data[at:]
        case 5 if names:
            first, last = rng.choice(names)
            module, name = rng.choice(_NAMES).split(b" ")
            return data[:first] + b"c" + module + b"\n" + name + b"\n" + data[last:]
        case 6:
            return data[:at] + rng.choice(_ARGUMENTS) + data[end:]
        case _:
            text = rng.choice(_TEXTS).encode("utf-8", "surrogatepass")
            return data[:at] + b"X" + struct.pack("<I", len(text)) + text + data[end:]


def _instructions(data: bytes) -> tuple[list[int], list[tuple[int, int]]]:
    """(where instructions begin, where names begin and end); up to the first that is none."""
    positions: list[int] = []
    names: list[tuple[int, int]] = []
    was_name = False
    try:
        for opcode, _, position in pickletools.genops(data):
            assert position is not None
            if was_name:
                names[-1] = (names[-1][0], position)
            positions.append(position)
            was_name = opcode.name == "GLOBAL"
            if was_name:
                names.append((position, position))
    except (ValueError, IndexError):
        pass
    if not positions:
        raise ValueError("it has no instructions")
    return positions, names


_STRUCTURES: dict[str, Callable[[bytes, Random], bytes]] = {
    "pickle": _pickle,
    "torch-legacy": _pickle,
    "torch-zip": _torch_zip,
    "latent-pt": _torch_zip,
    "safetensors": _safetensors,
    "latent-safetensors": _safetensors,
    "latent-npy": _npy,
    "latent-npz": _npz,
    "project": _json,
    "job": _json,
    "settings": _json,
    "text": _text,
    "png": _png,
    "apng": _png,
    "recording": _recording,
    **dict.fromkeys(("mkv", "mp4", "webm", "gif", "webp"), _inside),
}
