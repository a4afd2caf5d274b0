"""Arrays of .npy, .npz, .pt and .safetensors files, by name; nothing in a file is executed."""

from __future__ import annotations

import errno
import itertools
import math
import os
import zipfile
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import numpy as np

from explorer.checkpoints.allow_list import UNREAD_TENSOR
from explorer.checkpoints.latentwalk_format import read_safetensors
from explorer.checkpoints.monitor import Monitor
from explorer.checkpoints.records import NumpyArray, StubRecord, TensorRecord
from explorer.checkpoints.source import FileSource
from explorer.checkpoints.tensors import read_tensors
from explorer.checkpoints.torch_legacy import read_torch_stream
from explorer.checkpoints.torch_zip import read_torch_zip
from explorer.checkpoints.zip_index import zip_members
from explorer.errors import CheckpointError, LatentError, UnreadableFileError, UnsafeFileError
from explorer.util.missing import why_missing
from explorer.util.regular_file import check_regular, open_regular
from explorer.util.strict_json import parse_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["METADATA_KEY", "SUFFIXES", "Entry", "check_count", "floats_of", "read_arrays"]

SUFFIXES: tuple[str, ...] = (".npy", ".npz", ".pt", ".pth", ".safetensors")

METADATA_KEY = "latentwalk"
"""The key of the metadata in our files."""

MAX_BYTES = 256 << 20
MAX_NUMBERS = 1 << 24  # in one file: 1024 latents of 32 rows of 512
_METADATA_LIMIT = 1 << 20  # bytes; ours have some 200
_HEADER_LIMIT = 1 << 16  # bytes; numpy writes 118
_MODEL_KEYS = {"state_dict", "g_ema", "g_running", "G_ema", "generator", "generator_smooth", "params_ema", "GAN"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """An array of a file that is not read yet: its key, how to read it, and its display name."""

    key: str
    load: Callable[[], Any]
    name: str = ""


Choose: TypeAlias = Callable[[str, Sequence[Entry], dict[str, Any]], T]
"""Choose among the arrays of a file, given its name, its arrays, and the metadata of our own files (else empty).

They can be read while it runs, and only then: the file is open.
"""


def read_arrays(path: Path, noun: str, choose: Choose[T], nested: Container[str] = ()) -> T:
    """Return what `choose` makes of the arrays of a file.

    Args:
        path: A file with one of `SUFFIXES`.
        noun: What the file should be, for errors: "latent", "direction".
        choose: Reads the arrays that it wants.
        nested: Keys, in lower case, under which the tables of a table of tables hold their arrays.

    Raises:
        LatentError: The file is not such a file, damaged, or too large.
    """
    reader = _READERS.get(path.suffix.lower())
    hint = f"{noun.capitalize()}s are read from {', '.join(SUFFIXES)}."
    try:
        check_regular(path)
        if reader is None:
            raise LatentError(f"{path.name} is not a {noun} file.", hint)
        if path.stat().st_size > MAX_BYTES:
            raise LatentError(f"{path.name} is too large for a {noun}.", hint)
        result: T = reader(_File(path, noun, choose, nested))
        return result
    except LatentError:
        raise
    except (FileNotFoundError, NotADirectoryError) as error:
        raise LatentError(*why_missing(path)) from error
    except IsADirectoryError as error:
        raise LatentError(f"{path} is a folder, not a {noun} file.", _files_in(path)) from error
    except UnsafeFileError as error:
        raise LatentError(error.message, error.hint) from error
    except CheckpointError as error:
        again = "Save it again with torch.save, each tensor as tensor.contiguous()."
        message = error.message if path.name in error.message else f"{path.name}: {error.message}"
        raise LatentError(message, f"{hint} {again}") from error
    except OSError as error:
        if error.errno == errno.EINVAL and error.strerror:  # from `check_regular`
            raise LatentError(f"{path} {error.strerror}.", f"Choose a {noun} file.") from error
        raise LatentError(f"{path.name} cannot be read: {error.strerror or error}.", "Check the path.") from error
    except Exception as error:  # readers of four formats raise a dozen types for damaged files; all mean the same
        raise LatentError(f"{path.name} cannot be read as a {noun} ({type(error).__name__}).", hint) from error


@dataclass(frozen=True, slots=True)
class _File(Generic[T]):
    """A file that is read: its path, and what `read_arrays` was given."""

    path: Path
    noun: str
    choose: Choose[T]
    nested: Container[str]

    def chosen(self, entries: Sequence[Entry], metadata: Any = None) -> T:
        return self.choose(self.path.name, entries, metadata if isinstance(metadata, dict) else {})


def _order(path: Path) -> tuple[bool, str]:
    """Return the sort key of a file: arrays before files that may also be models."""
    return path.suffix.lower() not in (".npy", ".npz", ".pt"), str(path)


def _files_in(folder: Path) -> str:
    # Only one level deep and a limited number: projectors write `NAME/0.pt`, and the folder may be a whole disk.
    inside = itertools.islice(itertools.chain(folder.glob("*"), folder.glob("*/*")), 2000)
    try:
        found = sorted((path for path in inside if path.suffix.lower() in SUFFIXES), key=_order)
    except OSError:
        found = []
    return f"Choose a file in it, such as {found[0]}." if found else "Choose a file."


def floats_of(array: Any, noun: str) -> NDArray[np.float32]:
    """Return an array as float32. Raises LatentError for other than numbers, and for too many of them."""
    array = np.asarray(array)
    if array.dtype.kind not in "fiu":
        raise LatentError(
            f"An array of type {array.dtype} is not a {noun}.", f"{noun.capitalize()}s are arrays of floats."
        )
    check_count(array.size)
    with np.errstate(over="ignore"):  # a float64 beyond float32 is refused as not finite
        floats: NDArray[np.float32] = array.astype(np.float32)
    return floats


def check_count(numbers: int) -> None:
    """Refuse too large an array before it is copied: compressed, or with a stride of 0, the file can be small."""
    if numbers > MAX_NUMBERS:
        raise LatentError(
            f"The file holds {numbers:,} numbers; at most {MAX_NUMBERS:,} are supported.", "Split the file."
        )


def _parse_metadata(text: str) -> dict[str, Any]:
    if len(text) > _METADATA_LIMIT:
        raise ValueError("the metadata are too long")
    metadata = parse_json(text)
    return metadata if isinstance(metadata, dict) else {}


def _read_npy(file: _File[T]) -> T:
    with open_regular(file.path) as opened:
        _check_header(file.path.name, opened)
    # Memory-mapped, so that a header that declares more than the file has is refused before anything is allocated.
    return file.chosen([Entry("", lambda: np.load(file.path, mmap_mode="r", allow_pickle=False))])


def _check_header(name: str, file: IO[bytes], size: int | None = None) -> None:
    """Refuse arrays of objects, which need unpickling, and arrays that are too large, before they are read.

    Args:
        name: Name of the file, for errors.
        file: File object at the start of the array.
        size: Stored bytes, header included; None if the caller checks that.
    """
    version = np.lib.format.read_magic(file)
    width = 2 if version == (1, 0) else 4
    length = int.from_bytes(file.read(width), "little")
    if length > _HEADER_LIMIT:  # numpy would allocate it first
        raise LatentError(f"{name} declares a header of {length:,} bytes.", "The file is damaged.")
    file.seek(-width, os.SEEK_CUR)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise LatentError(
            f"{name} holds Python objects, such as a dict, which are not read because they can run code.",
            "Save each array by its name instead: numpy.savez(FILE, w=latents['w']).",
        )
    check_count(math.prod(shape))
    if size is not None and math.prod(shape) * dtype.itemsize > size:
        raise LatentError(f"{name} declares more numbers than it stores.", "The file is damaged.")


def _read_npz(file: _File[T]) -> T:
    path = file.path
    with FileSource(path) as source:
        zip_members(source)  # refuses a central directory that would exhaust memory
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        # Declared sizes, which may be wrong; but no more than that is unpacked.
        ours = max((item.file_size for item in members if item.filename.startswith(METADATA_KEY)), default=0)
        if sum(item.file_size for item in members) > MAX_BYTES or ours > _METADATA_LIMIT:
            raise LatentError(f"{path.name} unpacks to more than a {file.noun} holds.", "Open another file.")

        def read(member: zipfile.ZipInfo) -> Any:
            with archive.open(member) as opened:
                _check_header(path.name, opened, member.file_size)
            with archive.open(member) as opened:
                return np.lib.format.read_array(opened, allow_pickle=False)

        arrays = {item.filename.removesuffix(".npy"): partial(read, item) for item in members}
        metadata = _parse_metadata(str(arrays.pop(METADATA_KEY)())) if METADATA_KEY in arrays else {}
        return file.chosen([Entry(key, load) for key, load in arrays.items()], metadata)


def _read_pt(file: _File[T]) -> T:
    path = file.path
    # The checkpoint reader of torch files accepts neither compressed data nor tensors larger than their storage.
    monitor = Monitor()
    with FileSource(path) as source:
        is_archive = source.read(0, min(2, source.size)) == b"PK"
        data = read_torch_zip(source, monitor) if is_archive else read_torch_stream(source, monitor)
        if isinstance(data, dict) and _MODEL_KEYS & {key for key in data if isinstance(key, str)}:
            raise LatentError(f"{path.name} is a model, not a {file.noun}.", "Open it as the model.")

        def read(record: TensorRecord | NumpyArray) -> NDArray[Any]:
            if isinstance(record, NumpyArray):
                return _numpy_of(record)
            check_count(record.numel)
            tensor = read_tensors(source, {"": record}, monitor)[""]
            return (tensor.float() if tensor.is_floating_point() else tensor).numpy()

        entries = [
            Entry(key, partial(read, record), name) for key, record, name in _arrays_in(data, "latent", file.nested)
        ]
        if not entries:
            raise LatentError(f"{path.name} holds no tensor.", "It should hold one, or a dict or list of them.")
        metadata = data.get(METADATA_KEY) if isinstance(data, dict) else None
        return file.chosen(entries, metadata)


def _arrays_in(
    data: object, key: str, nested: Container[str], name: str = ""
) -> list[tuple[str, TensorRecord | NumpyArray, str]]:
    """Return the arrays in a bare value, list or table as (key that may indicate the space, array, name).

    In a table of tables the outer key is a name: rosinality's projector writes `{picture: {"latent": tensor}}`.
    """
    if isinstance(data, TensorRecord | NumpyArray):
        return [(key, data, name)]
    if isinstance(data, StubRecord) and data.name == UNREAD_TENSOR:
        raise UnreadableFileError(f"It holds {data.arguments[0]}.")
    if isinstance(data, list | tuple):
        return [
            found for item in data if not isinstance(item, dict) for found in _arrays_in(item, key, nested, name)
        ]
    found: list[tuple[str, TensorRecord | NumpyArray, str]] = []
    for outer, value in data.items() if isinstance(data, dict) else ():
        if isinstance(value, dict):
            inner = {k: v for k, v in value.items() if isinstance(k, str) and k.lower() in nested}
            found += [item for k, v in inner.items() for item in _arrays_in(v, k, nested, Path(str(outer)).name)]
        else:
            found += _arrays_in(value, str(outer), nested, name)
    return found


def _numpy_of(record: NumpyArray) -> NDArray[Any]:
    if record.dtype is None or record.data is None:
        raise ValueError("an array without its numbers")
    check_count(math.prod(record.shape))
    kind = np.dtype(f"{record.dtype.byte_order}{record.dtype.code}")
    flat = np.frombuffer(record.data.read(record.data.size), kind)
    if record.axes is None:
        return flat.reshape(record.shape, order="F" if record.is_fortran else "C")
    stored = [record.shape[record.axes.index(axis)] for axis in range(len(record.shape))]
    return flat.reshape(stored).transpose(record.axes)


def _read_safetensors(file: _File[T]) -> T:
    # By our own reader: that of safetensors needs UTF-8 paths and only reads numpy's types.
    with FileSource(file.path) as source:
        records, metadata = read_safetensors(source)

        def read(record: TensorRecord) -> NDArray[np.float32]:
            check_count(record.numel)
            return read_tensors(source, {"": record}, Monitor())[""].float().numpy()

        entries = [Entry(key, partial(read, record)) for key, record in records.items()]
        return file.chosen(entries, _parse_metadata(metadata.get(METADATA_KEY, "{}")))


_READERS: dict[str, Callable[[_File[Any]], Any]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".pt": _read_pt,
    ".pth": _read_pt,
    ".safetensors": _read_safetensors,
}
