"""CameraIntents: a camera as the live source of a view, off until the user switches it on. GUI thread only."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot

from explorer.assets.picture import StoredPicture
from explorer.errors import LatentwalkError, RenderError, UsageError
from explorer.util.camera_device import open_camera
from explorer.util.revocable import RevocableCallback

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.session.core import SessionCore
    from explorer.session.sources import SourceIntents
    from explorer.state import ExplorerState
    from explorer.util.camera_device import CameraDevice

__all__ = ["CameraIntents"]

log = logging.getLogger("explorer.session")


class CameraIntents(QObject):
    """Shows what a camera sees as the source of a view, until it is switched off; its last picture is then kept.

    No project switches a camera on: its pictures are not part of the state while it runs.

    Signals: `changed()` where it is switched on or off, or has its first picture; `failed(LatentwalkError)`.

    Args:
        session: The session.
        sources: Take the last picture.
        open_with: Opens the camera, in a thread; given by tests.
    """

    changed = Signal()
    failed = Signal(object)
    _seen = Signal(object, object, object)

    def __init__(
        self, session: SessionCore, sources: SourceIntents, open_with: Callable[[], CameraDevice] = open_camera
    ) -> None:
        super().__init__(session)
        self._session, self._sources, self.open_with = session, sources, open_with
        self._run: _Run | None = None
        self.view = -1
        self.picture: StoredPicture | None = None
        self._seen.connect(self._on_seen, Qt.ConnectionType.QueuedConnection)
        session.changed.connect(self._on_changed)
        session.model_changed.connect(self._on_model_changed)

    @property
    def is_on(self) -> bool:
        """Whether the camera is on, or being opened."""
        return self._run is not None

    def start(self) -> None:
        """Switch the camera on for the active view. Raises UsageError if its network takes no source."""
        if not self._sources.takes_source(self._session.active):
            raise UsageError("The model of this view takes no source picture.", "Open an image-to-image model.")
        self._end()
        self.view, self.picture = self._session.active, None
        self._run = _Run(self.open_with, self._seen.emit)
        self.changed.emit()

    def stop(self) -> None:
        """Switch the camera off; its last picture becomes the source of the view, as one undo step."""
        view, picture = self.view, self.picture
        if not self._end():
            return
        self._session.source_pictures.pop(view, None)
        self.changed.emit()
        if picture is not None and self._is_there(view):
            active = self._session.active
            if view == active:
                self._sources.use(picture)
            else:
                self._session.post(view)

    def _is_there(self, view: int) -> bool:
        return 0 <= view < len(self._session.state.views) and self._sources.takes_source(view)

    def _end(self) -> bool:
        """End the thread; return whether there was one."""
        run, self._run = self._run, None
        if run is not None:
            run.end()
        return run is not None

    def close(self, timeout: float = 5.0) -> bool:
        """Switch it off without keeping a picture; return True once its thread has ended."""
        run, self._run = self._run, None
        return run is None or run.end(timeout)

    @Slot(object, object, object)
    def _on_seen(self, run: _Run, picture: StoredPicture | None, error: LatentwalkError | None) -> None:
        if run is not self._run:
            return
        if error is not None:
            self.stop()
            self.failed.emit(error)
            return
        is_first, self.picture = self.picture is None, picture
        if picture is not None:
            self._session.source_pictures[self.view] = picture
            self._session.post(self.view)
        run.go_on()
        if is_first:
            self.changed.emit()

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if self.is_on and (self.view >= len(new.views) or len(new.views) != len(old.views)):
            self.stop()

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        if self.is_on and view == self.view and not self._sources.takes_source(view):
            self.stop()


class _Run:
    """A thread that reads the camera, one picture at a time: the next one once the last one has been taken."""

    def __init__(self, open_with: Callable[[], CameraDevice], emit: Callable[..., object]) -> None:
        self._emit = RevocableCallback(emit)
        self._may_go_on, self._is_ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, args=(open_with,), name="camera", daemon=True)
        self._thread.start()

    def go_on(self) -> None:
        """Let the thread read on."""
        self._may_go_on.set()

    def end(self, timeout: float = 0.0) -> bool:
        """End the thread after the picture that it is reading; return whether it has ended."""
        self._emit.revoke()
        self._is_ended.set()
        self._may_go_on.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self, open_with: Callable[[], CameraDevice]) -> None:
        camera: CameraDevice | None = None
        try:
            camera = open_with()
            while not self._is_ended.is_set():
                picture = camera.read()
                if picture is None:
                    raise RenderError("The camera gives no more pictures.", "Connect it again.")
                self._may_go_on.clear()
                if self._is_ended.is_set():
                    return
                self._emit(self, StoredPicture(picture, "camera"), None)
                self._may_go_on.wait()
        except LatentwalkError as error:
            self._emit(self, None, error.with_traceback(None))
        except Exception as error:  # OpenCV and drivers raise anything; the session must hear of it
            log.exception("the camera failed")
            self._emit(self, None, RenderError(f"The camera failed: {error}", "Connect it again."))
        finally:
            if camera is not None:
                camera.close()
