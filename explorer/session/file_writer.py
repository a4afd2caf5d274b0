"""FileWorker: writes files beside the window, one after the other, and says how each went."""

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
    """One thread for what would hold up the window: encoding a large PNG takes a tenth of a second.

    Signals (delivered in the GUI thread): `written(path)`, `failed(words)`.
    """

    written = Signal(object)  # the path as it is; Qt's texts drop bytes that are not UTF-8
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="files")

    def write(self, path: str | Path, work: Callable[[], None]) -> None:
        """Let `work` write the file `path`; the user hears of every file, whether it is there or not."""
        written, failed = self.written, self.failed

        def run() -> None:
            try:
                work()
            except LatentwalkError as error:
                failed.emit(str(error))
            except Exception as error:
                # An executor swallows what it is not asked for.
                log.exception("%s was not written", path)
                failed.emit(f"{visible(Path(path).name)} was not saved: {reason(error)}")
            else:
                written.emit(str(path))

        self._thread.submit(run)

    def run(self, work: Callable[[], None]) -> Future[None]:
        """Do `work`, which catches its own errors, after what is being written."""
        return self._thread.submit(work)

    def close(self) -> None:
        """Wait for what is still to be written."""
        self._thread.shutdown(wait=True)
