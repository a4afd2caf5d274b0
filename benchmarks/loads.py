"""A session that opens, shows and closes a large model again and again: what stays in the process? See `memory`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["measure_loads"]

CONFIG: dict[str, object] = {"img_resolution": 256, "channel_base": 16384, "channel_max": 512}
COPIES = 4
"""Files with other weights, so that each is another model."""

WARM_UP = 10
LIMIT_MB = 50.0


def _files(folder: Path) -> list[Path]:
    import torch

    from explorer.checkpoints import Checkpoint, save_native
    from explorer.generators.registry import build

    files = []
    for number in range(COPIES):
        torch.manual_seed(number)
        path = folder / f"model{number}.safetensors"
        save_native(path, Checkpoint("stylegan2", CONFIG, build("stylegan2", CONFIG).state_dict(), f"{number}"))
        files.append(path)
    return files


def measure_loads(count: int, now_mb: Callable[[], float]) -> dict[str, object]:
    """Memory of this process after each of `count` loads and closes."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    import gc

    from PySide6.QtCore import QCoreApplication, QEventLoop

    from explorer.ops import native
    from explorer.session import Session
    from explorer.util.heap import give_back_freed_memory, keep_freed_memory
    from explorer.util.housekeeping import Housekeeping

    keep_freed_memory()
    native.build()
    app = QCoreApplication([])
    gc.disable()  # as in the window, whose housekeeping collects
    memory: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        files = _files(Path(name))
        size = files[0].stat().st_size
        session = Session()
        keeper = Housekeeping(give_back_freed_memory)

        def wait(is_done: Callable[[], bool]) -> None:
            while not is_done():
                app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 20)

        for number in range(count):
            path = str(files[number % COPIES])
            session.models.request(0, path)
            wait(lambda: session.record(0).model == path and session.last_frame(0) is not None)  # noqa: B023
            session.models.request(0, "")
            wait(lambda: not session.service.models._models)
            renderers = session.service._renderers.values()
            wait(lambda: not any(r.stage or r.mailbox.has_urgent for r in renderers))  # noqa: B023
            keeper.tick(at_rest=True, given_up=session.service.models.given_up)
            memory.append(round(now_mb(), 1))
        assert session.close()
    after = memory[min(WARM_UP, len(memory) - 1) :]
    growth = max(after) - memory[min(WARM_UP, len(memory) - 1)]
    return {
        "loads": count,
        "file_mb": round(size / 1e6, 1),
        "memory_mb": memory[:: max(1, count // 20)],
        "growth_mb": round(growth, 1),
        "limit_mb": LIMIT_MB,
        "is_within": growth <= LIMIT_MB,
    }
