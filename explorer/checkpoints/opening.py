"""From an open file to what it holds: which container it is, where the generator lies, what was left unread."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explorer.checkpoints.allow_list import known_names
from explorer.checkpoints.complete import completion_notes
from explorer.checkpoints.config import check_config
from explorer.checkpoints.describe import has_unread_average, unsupported
from explorer.checkpoints.latentwalk_format import FORMAT, read_native, read_safetensors
from explorer.checkpoints.machine import Budget
from explorer.checkpoints.nvidia import module_contents
from explorer.checkpoints.records import module_of
from explorer.checkpoints.safe_pickle import Interpreter
from explorer.checkpoints.sniff import check_foreign, text_error
from explorer.checkpoints.state_dict import state_contents
from explorer.checkpoints.torch_legacy import read_torch_stream
from explorer.checkpoints.torch_storage import LEGACY_MAGIC
from explorer.checkpoints.torch_zip import read_torch_zip
from explorer.checkpoints.transform import without_transform
from explorer.checkpoints.unwrap import find_generator
from explorer.errors import UnreadableFileError
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from explorer.checkpoints.checkpoint import Contents
    from explorer.checkpoints.monitor import Monitor
    from explorer.checkpoints.records import ModuleRecord
    from explorer.checkpoints.source import FileSource

__all__ = ["read_contents"]

_HEAD = 512
_SHOWN = 6  # names in a note


def read_contents(source: FileSource, monitor: Monitor) -> Contents:
    """Facts of the generator in a file and where its tensors lie; no weights are read.

    Raises:
        CheckpointError: One of its kinds, as `load`.
        CancelledError: The user cancelled.
    """
    monitor.enter(0.0, 0.2, "Opening")
    head = source.read(0, min(_HEAD, source.size))
    if source.path.suffix.lower() == ".safetensors" or _looks_native(source, head):
        check_foreign(source, head)
        contents = _from_safetensors(source)
    else:
        contents = _from_pickle(source, head, monitor)
    notes = (*contents.notes, *completion_notes(contents.records.keys()))
    config = check_config(source.name, contents.family, contents.config)
    contents = replace(contents, config=config, notes=notes)
    return without_transform(source, contents)


def _looks_native(source: FileSource, head: bytes) -> bool:
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") < source.size


def _from_safetensors(source: FileSource) -> Contents:
    records, metadata = read_safetensors(source)
    if metadata.get("format") != FORMAT and (found := find_generator(records)) is not None:
        return state_contents(source, found, "safetensors of a state dict")
    return read_native(source, records, metadata)


def _from_pickle(source: FileSource, head: bytes, monitor: Monitor) -> Contents:
    budget = Budget(monitor=monitor)
    container = "torch.save file"
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        value = read_torch_zip(source, monitor, budget)
    else:
        check_foreign(source, head)
        try:
            value, _ = Interpreter(source, known_names, budget=budget).run()
        except UnreadableFileError:
            # Old pickles are text too, so the attempt comes first: a hostile one must be called hostile.
            if (error := text_error(source, head)) is not None:
                raise error from None
            raise
        if type(value) is int and value == LEGACY_MAGIC:
            value = read_torch_stream(source, monitor, budget)
        else:
            container = "pickle"
    contents = _generator(source, value, container, monitor)
    return replace(contents, notes=(*contents.notes, *_skipped(budget)))


def _generator(source: FileSource, value: object, container: str, monitor: Monitor) -> Contents:
    found = find_generator(value)
    if found is None and (module := _in_its_place(value)) is not None:
        return module_contents(source, monitor, module, value)  # says what is wrong with it
    if found is None or (not found.is_average and has_unread_average(value)):
        raise unsupported(source, value, container)
    if found.module is None:
        contents = state_contents(source, found, f"{container} of a state dict")
    else:
        contents = module_contents(source, monitor, found.module, value)
        if container != "pickle":
            contents = replace(contents, source_format=f"{container} of NVIDIA's module")
    if found.place in ("G", "g", "generator"):
        note = f"The file has no averaged generator (G_ema); the one being trained ({found.place}) is shown."
        contents = replace(contents, notes=(note, *contents.notes))
    return contents


def _in_its_place(value: object) -> ModuleRecord | None:
    """A module that stands where a generator belongs."""
    table = value if isinstance(value, dict) else {}
    modules = (module_of(item) for item in (value, table.get("G_ema"), table.get("G")))
    return next((module for module in modules if module is not None), None)


def _skipped(budget: Budget) -> tuple[str, ...]:
    """A note of the names that stayed without a meaning, for whoever wonders what was left out."""
    unknown = [name for name in budget.stubs if not name.startswith(("builtins.", "__builtin__."))]
    if not unknown:
        return ()
    more = len(unknown) - _SHOWN
    listed = ", ".join(visible(name, 80) for name in unknown[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
    return (f"Skipped, as the generator does not need them: {listed}.",)
