"""The table of readers: built-in ones, those of families, and those of plug-ins, tried in this order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explorer.checkpoints.checkpoint import CheckpointHeader
from explorer.checkpoints.describe import has_unread_average
from explorer.checkpoints.latentwalk_format import FORMAT, read_native
from explorer.checkpoints.nvidia import module_contents
from explorer.checkpoints.reader import Reader
from explorer.checkpoints.records import TensorRecord
from explorer.checkpoints.state_dict import state_contents
from explorer.errors import LatentwalkError, UnreadableFileError
from explorer.generators.registry import families
from explorer.ops.memory import lacks_memory
from explorer.util import plugins
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explorer.checkpoints.monitor import Monitor
    from explorer.checkpoints.reader import OpenFile

__all__ = ["BUILT_IN", "plugin_readers", "read_with"]


class NativeReader:
    """Latentwalk's safetensors, whose metadata describe the generator."""

    def matches(self, file: OpenFile) -> bool:
        return file.container == "safetensors" and file.metadata.get("format") == FORMAT

    def read(self, file: OpenFile, monitor: Monitor) -> CheckpointHeader:
        assert isinstance(file.value, dict)
        return read_native(file.source, file.value, dict(file.metadata))


class NvidiaReader:
    """NVIDIA's StyleGAN2-ADA and StyleGAN3, pickled as modules or as tables of tensors, wrapped in anything."""

    def matches(self, file: OpenFile) -> bool:
        found = file.generator
        return found is not None and (found.is_average or not has_unread_average(file.value))

    def read(self, file: OpenFile, monitor: Monitor) -> CheckpointHeader:
        found = file.generator
        assert found is not None
        if found.module is None:
            contents = state_contents(file.source, found, f"{file.container} of a state dict")
        else:
            contents = module_contents(file.source, monitor, found.module, file.value)
            if file.container != "pickle":
                contents = replace(contents, source_format=f"{file.container} of NVIDIA's module")
        if not found.note:
            return contents
        return replace(contents, notes=(found.note, *contents.notes), is_average=False)


BUILT_IN: tuple[Reader, ...] = (NativeReader(), NvidiaReader())


def plugin_readers() -> Iterator[tuple[str, str, Reader]]:
    """Yield the readers of families and of `latentwalk.readers`, each with its group and name."""
    for family in families().values():
        for reference in family.readers:
            try:
                yield plugins.FAMILIES, family.name, _accept(reference, plugins.resolve(reference))
            except Exception as error:  # foreign code may raise anything
                plugins.report(plugins.FAMILIES, family.name, error)
    for name, reader in load_readers().items():
        yield plugins.READERS, name, reader


def load_readers() -> dict[str, Reader]:
    """Return the readers of `latentwalk.readers` by name; they are loaded on the first call."""
    return dict(plugins.load(plugins.READERS, _accept))


def read_with(file: OpenFile, monitor: Monitor) -> CheckpointHeader | None:
    """Read the file with the first plug-in reader that matches it; return None if none does.

    Raises:
        CheckpointError: From the reader, or because the plug-in does not work.
    """
    for group, name, reader in plugin_readers():
        try:
            if not reader.matches(file):
                continue
        except Exception as error:  # foreign code may raise anything; another reader may still match
            plugins.report(group, name, error)
            continue
        try:
            return _checked(reader.read(file, monitor))
        except Exception as error:  # a plug-in's reader may raise anything
            if isinstance(error, LatentwalkError) or lacks_memory(error):
                raise
            plugins.report(group, name, error)
            raise UnreadableFileError(
                f"{file.source.name} could not be read by the plug-in {visible(name, 80)}: "
                f"{type(error).__name__}: {visible(str(error))}.",
                "Update or remove that plug-in; the command \u201cdoctor\u201d shows the traceback.",
            ) from error
    return None


def _accept(name: str, value: Any) -> Reader:
    reader = value() if isinstance(value, type) else value
    if not isinstance(reader, Reader):
        raise TypeError(f"{name} is a {type(reader).__name__} without methods `matches` and `read`")
    return reader


def _checked(contents: object) -> CheckpointHeader:
    if not isinstance(contents, CheckpointHeader):
        raise TypeError(f"`read` returned a {type(contents).__name__}, not a CheckpointHeader")
    wrong = next((key for key, record in contents.records.items() if not isinstance(record, TensorRecord)), None)
    if wrong is not None:
        raise TypeError(f"`read` returned a {type(contents.records[wrong]).__name__} as tensor {wrong!r}")
    return contents
