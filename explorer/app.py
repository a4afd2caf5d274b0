"""The program with a window: application, hooks, garbage collection, and the order of creation."""

from __future__ import annotations

import contextlib
import gc
import locale
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QEvent,
    QLocale,
    QMessageLogContext,
    QObject,
    QSettings,
    Qt,
    QTimer,
    QtMsgType,
    Signal,
    Slot,
    qInstallMessageHandler,
)
from PySide6.QtWidgets import QApplication

from explorer.checkpoints.bundled import DEFAULT_PAIR, bundled
from explorer.errors import UnsafeFileError
from explorer.project.file_kinds import models_among
from explorer.session.settings import Settings
from explorer.setup.plugins import load_plugins
from explorer.state import ExplorerState, ViewState
from explorer.util import crash_log, plugins
from explorer.util.heap import give_back_freed_memory, keep_freed_memory
from explorer.util.housekeeping import Housekeeping
from explorer.util.revocable import RevocableCallback
from explorer.widgets.controls.theme import apply_theme
from explorer.widgets.window.end_signals import EndSignals
from explorer.widgets.window.main_window import MainWindow
from explorer.widgets.window.menu_commands import DRIFT

if TYPE_CHECKING:
    from types import TracebackType

    from explorer.state.request import RenderSettings

__all__ = ["Program", "refuse_pickles", "run", "use_plain_numbers"]

log = logging.getLogger("explorer.app")


def run(argv_files: Sequence[str] = ()) -> int:
    """Open the window, run until it is closed, and return the exit code."""
    keep_freed_memory()
    settings = Settings()
    crash = crash_log.write_to(settings.folder)  # before Qt's application, which may crash
    refuse_pickles()
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    use_plain_numbers()
    app.setApplicationName("Latentwalk")
    app.setDesktopFileName("latentwalk")
    # The user's choice, else the desktop's, else dark, because pictures stand out on it.
    apply_theme(app, settings.flag("dark", default=app.styleHints().colorScheme() != Qt.ColorScheme.Light))
    program = Program(app, settings, list(argv_files))
    program.last_crash = crash
    program.start()
    try:
        return app.exec()
    finally:
        program.close()
        # In this order and while the application exists: widgets before the session that they use.
        program.window.deleteLater()
        program.deleteLater()
        app.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def refuse_pickles() -> None:
    """Prevent settings files from making this process unpickle anything; call before QApplication is created.

    Qt unpickles stored PySide wrappers of Python objects, even in its own settings, those of its file dialog and of
    desktops. The former are neither read nor written. Any other lookup of a class or function by a pickle is
    refused; the program itself never unpickles.
    """
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, f"{os.devnull}/none")

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "pickle.find_class":
            name = ".".join(map(str, arguments))
            raise UnsafeFileError(f"A pickle requested {name}.", "None of it was run.")

    sys.addaudithook(hook)


def use_plain_numbers() -> None:
    """Use a decimal point for numbers, whatever the system's language; call after QApplication is created.

    On Unix QApplication sets the user's locale for the C library, by which FFmpeg, for example, parses numbers.
    """
    locale.setlocale(locale.LC_NUMERIC, "C")
    QLocale.setDefault(QLocale.c())


def sweep_left_overs(folder: Path) -> None:
    """Remove leftovers of killed saves from this program's own folders: autosave and cache.

    In any other folder the next save of the same file removes them.
    """
    from explorer.util.left_overs import sweep
    from explorer.util.user_folders import cache_folder

    sweep(folder / "recovery")
    with contextlib.suppress(OSError):  # there is no cache without a home
        sweep(cache_folder(), "digests.json")
        for name in ("moments", "networks"):
            sweep(cache_folder() / name)


class _Faults(QObject):
    """Reports uncaught errors of any thread to the window; errors in slots would otherwise go unnoticed."""

    happened = Signal(str, str)  # message, traceback

    def install(self) -> None:
        """Catch uncaught errors of all threads, and Qt's messages."""
        sys.excepthook = self._on_exception
        threading.excepthook = lambda args: self._on_exception(args.exc_type, args.exc_value, args.exc_traceback)
        qInstallMessageHandler(_on_qt_message)

    def uninstall(self) -> None:
        """Restore the previous hooks."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__
        qInstallMessageHandler(None)

    def _on_exception(
        self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        log.error("unexpected fault\n%s", text)
        self.happened.emit(f"Something went wrong inside the program: {kind.__name__}: {error}", text)


def _on_qt_message(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
    levels = {QtMsgType.QtDebugMsg: logging.DEBUG, QtMsgType.QtInfoMsg: logging.INFO}
    logging.getLogger("explorer.qt").log(levels.get(kind, logging.WARNING), "%s", text)


class Program(QObject):
    """Creates the window first, then imports torch in a thread, then creates the session and fills the window."""

    _imported = Signal()
    _plugins_loaded = Signal(object)  # those that do not work
    ready = Signal()

    def __init__(self, app: QApplication, settings: Settings, files: list[str]) -> None:
        super().__init__()
        self._app, self._files = app, files
        self.settings = settings
        self.window = MainWindow(settings)
        self._signals = EndSignals(self)
        self._signals.asked.connect(self._on_signal)
        self._faults = _Faults(self)
        self._faults.happened.connect(self._on_fault)
        self._imported.connect(self._on_imported)
        self._plugins_loaded.connect(self._on_plugins_loaded)
        self._gc_timer = QTimer(self, interval=1000)
        self._gc_timer.timeout.connect(self._collect)
        self._thread = threading.Thread(target=self._import, name="imports", daemon=True)
        self._begin = QTimer(self, singleShot=True, interval=0)
        self._begin.timeout.connect(self._thread.start)
        self._closed = False
        self.last_crash: Path | None = None  # its trace, if it has not been reported yet
        self._tell_imported = RevocableCallback(self._imported.emit)
        self._tell_plugins = RevocableCallback(self._plugins_loaded.emit)

    def start(self) -> None:
        """Show the window and start."""
        self._faults.install()
        self._signals.install()
        # Cyclic garbage may hold Qt objects, which only the GUI thread may destroy, so only it collects garbage.
        gc.disable()
        self._gc_timer.start()
        self.window.closing.connect(self.close)
        self.window.open()
        # Paint once before the imports block the interpreter.
        self._begin.start()

    def _import(self) -> None:
        import pyqtgraph  # noqa: F401 - takes half a second, and makes no Qt objects while it is read

        import explorer.session.session  # noqa: F401 - torch takes a second or more
        from explorer.render.devices import best_device, fastest_precision

        fastest_precision(best_device())  # measures for some 10 ms, for which the window need not wait
        self._tell_imported()
        sweep_left_overs(self.settings.folder)
        load_plugins()  # after the first picture, which does not need them
        self._tell_plugins(plugins.broken())

    @Slot()
    def _on_imported(self) -> None:
        if self._closed:
            return
        from explorer.ops import native
        from explorer.session import Session
        from explorer.session.recovery import Recovery

        recovery = Recovery(self.settings.folder / "recovery")
        session = Session(
            self, state=self._first_state(), recovery=recovery, settings=self._render_settings(),
            favourites=self.settings.folder / "favourites", opened=models_among(self._files),
        )  # fmt: skip
        session.devices.changed.connect(self._on_settings_changed)
        self._housekeeping = Housekeeping(give_back_freed_memory)
        self.window.attach(session)
        session.start()
        native.start_build()  # at low priority; pictures use the kernels once they are ready
        self.window.notices.offer_recovery()
        if self.last_crash is not None and session.documents.recovery() is None:  # else that is offered already
            message = f"Latentwalk crashed last time. Please report it with the file {self.last_crash}."
            self._on_fault(message, crash_log.text_of(self.last_crash))
        if self._files:
            self.window.files.open_at_start(self._files)
        elif not self.settings.flag("welcomed") and session.state.shared.drift:
            self.window.welcome()
        # The objects so far live forever: excluding them makes later collections take only a few milliseconds.
        gc.collect()
        gc.freeze()
        self.ready.emit()

    @Slot(object)
    def _on_plugins_loaded(self, broken: tuple[plugins.BrokenPlugin, ...]) -> None:
        if not self._closed and self.window.session is not None:
            self.window.notices.show_broken_plugins(broken)

    def _first_state(self) -> ExplorerState:
        """Return the initial state, which needs no saving: the bundled pair, or the models of the command line."""
        names = {item.name for item in bundled()}
        pair = [name if name in names else "" for name in DEFAULT_PAIR]
        models = models_among(self._files)
        views = tuple(ViewState(model=name) for name in models + pair[len(models) :])
        state = ExplorerState(views=views)
        if not self.settings.flag("welcomed") and names and not self._files:
            state = replace(state, shared=replace(state.shared, drift=DRIFT))
        return state

    def _render_settings(self) -> RenderSettings:
        """Return the best device with the precision chosen last, else the fastest one."""
        from explorer.render.devices import best_device, devices, fastest_precision
        from explorer.state.request import RenderSettings

        device = best_device()
        dtype = self.settings.text(f"precision_{device.partition(':')[0]}")
        if dtype not in next(d.dtypes for d in devices() if d.name == device):
            dtype = fastest_precision(device)
        return RenderSettings(device, dtype)

    @Slot(object)
    def _on_settings_changed(self, now: RenderSettings) -> None:
        from explorer.render.devices import best_device

        if now.device == best_device():  # not for the replacement of a lost device, which the user did not choose
            self.settings.set(f"precision_{now.device.partition(':')[0]}", now.dtype)

    @Slot(str, str)
    def _on_fault(self, message: str, trace: str) -> None:
        if self.window.session is not None:
            self.window.views.active_pane().banner.show_fault(message, trace)
        else:
            self.window.show_placeholder(message)

    @Slot(int)
    def _on_signal(self, number: int) -> None:
        """Quit cleanly without asking: unsaved changes are in the recovery file for the next start."""
        log.warning("ended by %s", signal.Signals(number).name)
        self.close(keep=True)
        self._app.exit(128 + number)

    @Slot()
    def _collect(self) -> None:
        session = self.window.session
        if session is None:
            gc.collect(1)
        elif not self.window.views.is_dragging():
            self._housekeeping.tick(at_rest=session.is_at_rest, given_up=session.service.models.given_up)

    @Slot()
    def close(self, *, keep: bool = False) -> None:
        """End the threads; may be called twice.

        Args:
            keep: Keep unsaved changes in the recovery file, because the user was not asked about them.
        """
        if self._closed:
            return
        self._closed = True
        self._gc_timer.stop()
        if self.window.session is not None and not self.window.session.close(keep=keep):
            log.error("a render thread did not end in time")
        self._thread.join(10) if self._thread.is_alive() else None
        self._tell_imported.revoke()
        self._tell_plugins.revoke()
        self._faults.uninstall()
        self._signals.uninstall()
        gc.collect()
        if threading.active_count() == 1:  # else another thread might collect what is left of Qt's objects
            gc.enable()
