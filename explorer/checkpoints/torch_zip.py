"""Reads `torch.save` archives as records of their tensors' locations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.checkpoints.allow_list import known_names
from explorer.checkpoints.machine import Budget
from explorer.checkpoints.records import StorageRecord
from explorer.checkpoints.safe_pickle import Interpreter
from explorer.checkpoints.torch_storage import storage_of_id
from explorer.checkpoints.zip_index import zip_members
from explorer.errors import UnreadableFileError, UnsupportedModelError

if TYPE_CHECKING:
    from typing import NoReturn

    from explorer.checkpoints.machine import Machine
    from explorer.checkpoints.monitor import Monitor
    from explorer.checkpoints.source import Source

__all__ = ["read_torch_zip"]

_SUPPORTED = "Supported are NVIDIA's network pickles of StyleGAN2-ADA and StyleGAN3, and Latentwalk's .safetensors."


def read_torch_zip(source: Source, monitor: Monitor, budget: Budget | None = None) -> object:
    """Return the value passed to `torch.save`, with tensors as records of their location in the archive.

    Args:
        source: The archive.
        monitor: Monitor of the whole job.
        budget: Limits; afterwards it has the unknown names.

    Raises:
        UnsafeFileError: The archive would run code.
        UnreadableFileError: The archive is of another kind, or broken.
        UnsupportedModelError: It is a TorchScript program.
    """
    members = zip_members(source)
    pickles = [member for name, member in members.items() if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        _refuse_archive(source, list(members))
    if any("/code/" in name or name.endswith("/constants.pkl") for name in members):
        raise UnsupportedModelError(
            f"{source.name} is a TorchScript program, which contains code and is not run.", _SUPPORTED
        )
    main = pickles[0]
    if not main.is_stored:
        raise source.damaged("the archive is compressed, which torch.save never does")
    root = main.name.removesuffix("data.pkl")

    def storage(vm: Machine, identifier: object) -> StorageRecord:
        kind, key, numel = storage_of_id(vm, identifier)
        member = members.get(f"{root}data/{key}")
        if member is None or not member.is_stored or numel * kind.dtype.itemsize > member.size:
            vm.fail(f"the stored tensor {key[:40]!r} is missing or too short")
        return StorageRecord(source, member.offset, kind.dtype, numel)

    budget = Budget(monitor=monitor) if budget is None else budget
    value, _ = Interpreter(source, known_names, main.offset, main.offset + main.size, budget, storage).run()
    return value


def _refuse_archive(source: Source, names: list[str]) -> NoReturn:
    shown = ", ".join(name[:40] for name in names[:3]) or "nothing"
    raise UnreadableFileError(
        f"{source.name} is a zip archive, but not of a network: it holds {shown}"
        f"{f' and {len(names) - 3} more' if len(names) > 3 else ''}.",
        "If the network is inside, unpack the archive and open that file.",
    )
