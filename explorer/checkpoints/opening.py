"""Reads the header of an open file: its container, the location of the generator, what was skipped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explorer.checkpoints.allow_list import known_names
from explorer.checkpoints.complete import completion_notes
from explorer.checkpoints.config import check_config
from explorer.checkpoints.describe import unsupported
from explorer.checkpoints.latentwalk_format import read_safetensors, unknown_tensors
from explorer.checkpoints.machine import Budget
from explorer.checkpoints.nvidia import module_contents
from explorer.checkpoints.other_networks import refusal
from explorer.checkpoints.reader import OpenFile
from explorer.checkpoints.readers import BUILT_IN, read_with
from explorer.checkpoints.records import module_of
from explorer.checkpoints.safe_pickle import Interpreter
from explorer.checkpoints.sniff import check_foreign, text_error
from explorer.checkpoints.torch_legacy import read_torch_stream
from explorer.checkpoints.torch_storage import LEGACY_MAGIC
from explorer.checkpoints.torch_zip import read_torch_zip
from explorer.checkpoints.transform import without_transform
from explorer.errors import CheckpointError, MismatchError, UnreadableFileError, UnsupportedModelError
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from explorer.checkpoints.checkpoint import CheckpointHeader
    from explorer.checkpoints.monitor import Monitor
    from explorer.checkpoints.records import ModuleRecord
    from explorer.checkpoints.source import FileSource

__all__ = ["read_contents"]

_HEAD = 512
_SHOWN = 6  # maximum names in a note


def read_contents(source: FileSource, monitor: Monitor, part: str = "") -> CheckpointHeader:
    """Return the header of the generator in a file, or of a part of it; no weights are read.

    Built-in readers are tried first, so that plug-ins cannot change how supported files are read; files that would
    run code are refused before any reader sees them.

    Raises:
        CheckpointError: One of its kinds, as `load`.
        CancelledError: The user cancelled.
    """
    monitor.enter(0.0, 0.2, "Opening")
    head = source.read(0, min(_HEAD, source.size))
    budget = Budget(monitor=monitor)
    try:
        file = _open_container(source, head, monitor, budget)
    except (UnreadableFileError, UnsupportedModelError):
        contents = read_with(OpenFile(source, head, part=part), monitor)
        if contents is None:
            raise
    else:
        file.part = part
        reader = next((reader for reader in BUILT_IN if reader.matches(file)), None)
        contents = read_with(file, monitor) if reader is None else reader.read(file, monitor)
        if contents is None:
            raise _unsupported(file, monitor)
    if part != contents.part:
        raise _no_part(source, part, contents.parts)
    notes = (*contents.notes, *_skipped(budget), *completion_notes(contents.records.keys()))
    config = check_config(source.name, contents.family, contents.config)
    return without_transform(source, replace(contents, config=config, notes=notes))


def _open_container(source: FileSource, head: bytes, monitor: Monitor, budget: Budget) -> OpenFile:
    """Open a file as its kind of container; raise an error that explains the problem if it is none."""
    if source.path.suffix.lower() == ".safetensors" or _looks_native(source, head):
        check_foreign(source, head)
        records, metadata = read_safetensors(source)
        return OpenFile(source, head, "safetensors", records, metadata)
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return OpenFile(source, head, "torch.save file", read_torch_zip(source, monitor, budget))
    check_foreign(source, head)
    try:
        value, _ = Interpreter(source, known_names, budget=budget).run()
    except UnreadableFileError:
        # Old pickles are text too, so try this first: a hostile one must be reported as hostile.
        if (error := text_error(source, head)) is not None:
            raise error from None
        raise
    if type(value) is int and value == LEGACY_MAGIC:
        return OpenFile(source, head, "torch.save file", read_torch_stream(source, monitor, budget))
    return OpenFile(source, head, "pickle", value)


def _looks_native(source: FileSource, head: bytes) -> bool:
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") < source.size


def _no_part(source: FileSource, part: str, parts: tuple[str, ...]) -> MismatchError:
    known = f"Its parts: {', '.join(parts)}." if parts else "It holds one network; leave the part out."
    return MismatchError(f"{source.name} has no part {visible(part, 40)!r}.", known)


def _unsupported(file: OpenFile, monitor: Monitor) -> CheckpointError:
    """Return the error for a file that no reader recognises."""
    if (refused := refusal(file.source, file.value)) is not None:
        return refused
    if file.container == "safetensors":
        assert isinstance(file.value, dict)
        return unknown_tensors(file.source, len(file.value))
    if file.generator is None and (module := _in_its_place(file.value)) is not None:
        try:
            module_contents(file.source, monitor, module, file.value)
        except CheckpointError as error:  # explains the problem
            return error
    return unsupported(file.source, file.value, file.container)


def _in_its_place(value: object) -> ModuleRecord | None:
    """Return a module in place of a generator."""
    table = value if isinstance(value, dict) else {}
    modules = (module_of(item) for item in (value, table.get("G_ema"), table.get("G")))
    return next((module for module in modules if module is not None), None)


def _skipped(budget: Budget) -> tuple[str, ...]:
    """Return a note that lists the unknown names that were skipped."""
    unknown = [name for name in budget.stubs if not name.startswith(("builtins.", "__builtin__."))]
    if not unknown:
        return ()
    more = len(unknown) - _SHOWN
    listed = ", ".join(visible(name, 80) for name in unknown[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
    return (f"Skipped, as the generator does not need them: {listed}.",)
