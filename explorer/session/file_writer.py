"""A worker that writes files in a thread, one after another, and reports each result."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from explorer.errors import LatentwalkError
from explorer.util.file_errors import reason
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FileWorker"]

log = logging.getLogger("explorer.session")


class FileWorker(QObject):
    """A thread for writing that would block the window: encoding a large PNG takes a tenth of a second.

    Signals (delivered in the GUI thread): `written(path)`, `failed(text)`.
    """

    written = Signal(object)  # a path, because a QString would drop bytes that are not UTF-8
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="files")

    def write(self, path: str | Path, work: Callable[[], None]) -> None:
        """Run `work`, which writes the file `path`, and emit `written` or `failed`."""
        written, failed = self.written, self.failed

        def run() -> None:
            try:
                work()
            except LatentwalkError as error:
                failed.emit(str(error))
            except Exception as error:
                # Whatever `work` raises, the user must learn of it: an executor would drop it.
                log.exception("%s was not written", path)
                failed.emit(f"{visible(Path(path).name)} was not saved: {reason(error)}")
            else:
                written.emit(str(path))

        self._thread.submit(run)

    def run(self, work: Callable[[], None]) -> Future[None]:
        """Run `work`, which handles its own errors, after the pending writes."""
        return self._thread.submit(work)

    def close(self) -> None:
        """Wait for pending writes."""
        self._thread.shutdown(wait=True)
