"""Foreign text in the window is plain: nothing that a file says becomes markup, opens a file or hides itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QAbstractItemModel, QByteArray, QModelIndex, QObject, QPoint, Qt, QTimer
from PySide6.QtGui import QAccessible, QAction, QWindow
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QInputDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QMessageBox,
    QProgressDialog,
    QTextEdit,
    QToolTip,
    QWidget,
)

import explorer
from explorer.assets.latent import StoredLatent
from explorer.checkpoints import Checkpoint, save_native
from explorer.errors import CheckpointError, LatentwalkError
from explorer.session import Session
from explorer.session.settings import Settings
from explorer.widgets.controls.plain_text import (
    DETAILS_LIMIT,
    PlainLabel,
    error_text,
    menu_text,
    tip_text,
    title_text,
)
from explorer.widgets.controls.save_dialog import ask, file_stem, may_destroy
from explorer.widgets.window.main_window import MainWindow
from tests.generators.configs import SMALL, small_generator
from tests.gui.conftest import flush, wait_until
from tests.gui.watching import OpenWatch

MARKER = "marker.png"
MARKUP = f"<img src='{MARKER}'><link rel='stylesheet' href='{MARKER}'><b>bold</b>&x"
HOSTILE = f"{MARKUP}\u202e\x1b[31m\x07{'long ' * 2000}"
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
LONGEST = 1000
"""Characters that one place shows: three file names and some texts."""


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenWatch]:
    """A file that all the hostile texts name, and whether it was opened."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / MARKER).write_bytes(b"\x89PNG\r\n\x1a\n")
    with OpenWatch(tmp_path / MARKER) as made:
        yield made


def hostile_model(folder: Path) -> Path:
    """A conditional StyleGAN3 whose name, licence, origin and classes are markup; so is its file's name."""
    family, config = SMALL["stylegan3-t"]
    tensors = {k: v.clone() for k, v in small_generator("stylegan3-t").state_dict().items()}
    path = folder / f"<img src='{MARKER}'>&[*].safetensors"
    checkpoint = Checkpoint(
        family, dict(config), tensors, HOSTILE, licence=HOSTILE, class_names=(HOSTILE, "dog " + HOSTILE)
    )
    save_native(path, replace(checkpoint, origin=HOSTILE))
    return path


def texts_of(widget: QObject) -> Iterator[tuple[str, str]]:
    """Every text that a widget or an action shows, with where it stands."""
    for name in ("text", "toolTip", "statusTip", "whatsThis", "windowTitle", "accessibleName", "title",
                 "accessibleDescription", "placeholderText", "labelText", "iconText"):  # fmt: skip
        value = widget.property(name)
        if isinstance(value, str) and value and not isinstance(widget, QWindow):
            yield f"{widget.metaObject().className()}.{name}", value
    model = widget.model() if isinstance(widget, QAbstractItemView | QComboBox) else None
    if model is not None:
        yield from items_of(model)


def items_of(model: QAbstractItemModel) -> Iterator[tuple[str, str]]:
    """Every text of the first rows of a model."""
    roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)
    for row in range(min(model.rowCount(QModelIndex()), 50)):
        for column in range(8):  # what is beyond the last one is None
            for role in roles:
                value = model.data(model.index(row, column), role)
                if isinstance(value, str):
                    yield "item", value


def everything(app: QApplication) -> list[QObject]:
    """Every live widget and action."""
    widgets: list[QObject] = list(app.allWidgets())
    return widgets + [action for widget in app.allWidgets() for action in widget.findChildren(QAction)]


def check_all(app: QApplication, watch: OpenWatch) -> set[str]:
    """Look at every widget as a user, a pointer that rests and a screen reader would; give the classes that showed
    a hostile text."""
    seen: set[str] = set()
    for made in everything(app):
        for where, text in texts_of(made):
            is_typed = isinstance(made, QLineEdit)  # what is typed there, such as a path, is the user's own
            assert not HIDDEN.search(text), f"{where}: {text!r}"
            assert len(text) <= LONGEST or is_typed, where
            if MARKER in text:
                seen.add(made.metaObject().className())
        if isinstance(made, QLabel):
            assert made.textFormat() == Qt.TextFormat.PlainText or made.isHidden(), made.text()
        assert not isinstance(made, QTextEdit) or isinstance(made.parent(), QMessageBox)
        if isinstance(made, QWidget):
            if isinstance(made, QLabel):
                made.sizeHint(), made.heightForWidth(100)
            if made.isVisible():
                made.grab()
            if made.toolTip():
                QToolTip.showText(QPoint(5, 5), made.toolTip(), made)
                tips: list[Any] = [w for w in app.topLevelWidgets() if w.inherits("QTipLabel")]
                assert all(tip.textFormat() == Qt.TextFormat.PlainText for tip in tips)
            reader = QAccessible.queryAccessibleInterface(made)
            for kind in QAccessible.Text:
                if reader is not None and kind != QAccessible.Text.UserText:
                    assert not HIDDEN.search(reader.text(kind))
        assert not watch.was_opened(), f"{made}: {[text[:80] for _, text in texts_of(made)]}"
    QToolTip.hideText()
    return seen


def test_nothing_of_a_hostile_model_becomes_markup(
    qapp: QApplication, window: MainWindow, session: Session, watch: OpenWatch, tmp_path: Path
) -> None:
    path = hostile_model(tmp_path)
    window.files.open_model(str(path), 0)
    wait_until(lambda: session.model_info(0) is not None and session.model_info(0).path == str(path))
    session.views.set_active(0)
    window.files.remember(str(path))
    window.files.fill_recent(window.menus["recent"])
    window.files.fill_bundled(window.menus["bundled"])
    session.look.set_class_weights([(0, 1.0), (1, 0.5)])
    latent = StoredLatent("w", small_latent(session), session.model_info(0).sha256, 1.0, HOSTILE)
    session.edit("Load", latent=replace(session.look_of().latent, stored=session.table.add(latent)))
    session.views.set_tap(1, layer=HOSTILE)
    for section in window.sides.sections.values():
        section.set_folded(False)
        section.menu()
    window.show_timeline(True)
    window.show_help()
    window.open_film()
    window.show_message(f"Saved {HOSTILE}")
    window.show_problem(CheckpointError(HOSTILE, HOSTILE), [(HOSTILE, lambda: None)])
    session.status.emit(HOSTILE)
    for menu in window.findChildren(QMenu):
        menu.aboutToShow.emit()
    for pane in window.views.panes:
        pane.links_menu()
        pane.loading.set_progress(0.5, HOSTILE)
    flush()
    seen = check_all(qapp, watch)
    assert {"ElidedLabel", "PlainLabel", "QToolButton", "QAction"} <= seen, "the texts were shown"
    window.help_sheet.hide()
    window._film.close()


def small_latent(session: Session) -> Any:
    """A latent in w that fits the model in A."""
    import numpy as np

    return np.zeros((session.info(0).w_dim,), dtype=np.float32)


def test_a_project_of_a_hostile_name_is_shown_as_it_is(
    qapp: QApplication, window: MainWindow, session: Session, watch: OpenWatch, tmp_path: Path
) -> None:
    path = tmp_path / f"<img src='{MARKER}'>[*]&\u202e.json"
    session.documents.save_project(str(path))
    window.files.remember(str(path))
    window.files.fill_recent(window.menus["recent"])
    window.show_title()
    check_all(qapp, watch)
    assert "[*][*]" in window.windowTitle()
    entry = window.menus["recent"].actions()[0]
    assert entry.text() == f"<img src='{MARKER}'>[*]&&\\u202e.json"
    entry.trigger()
    assert session.documents.project_path == str(path), "what is opened is the file, not what is shown of it"


@pytest.mark.parametrize("make", [
    lambda: QMessageBox(QMessageBox.Icon.Question, MARKUP, MARKUP),
    lambda: QProgressDialog(MARKUP, MARKUP, 0, 10),
    QInputDialog,
])  # fmt: skip
def test_dialogs_of_qt_show_no_markup(qapp: QApplication, watch: OpenWatch, make: Callable[[], QWidget]) -> None:
    dialog = make()
    if isinstance(dialog, QInputDialog):
        dialog.setLabelText(MARKUP)
    if isinstance(dialog, QMessageBox):
        dialog.setInformativeText(MARKUP)
    dialog.show()
    flush()
    assert [label for label in dialog.findChildren(QLabel) if "marker" in label.text()]
    check_all(qapp, watch)
    dialog.close()
    dialog.deleteLater()


@pytest.mark.parametrize("question", [may_destroy, None])
def test_questions_show_names_as_they_are(
    qapp: QApplication, window: MainWindow, watch: OpenWatch, question: Callable[..., bool] | None
) -> None:
    shown: list[str] = []

    def answer() -> None:
        box = qapp.activeModalWidget()
        assert isinstance(box, QMessageBox)
        shown.append(box.text())
        box.grab()
        box.reject()

    QTimer.singleShot(0, answer)
    if question is not None:
        assert not question(window, "Film", f"{HOSTILE} already exists. Replace it?")
    else:
        button = QMessageBox.StandardButton
        ask(window, "Save", HOSTILE, button.Save | button.Cancel, button.Save)
    assert MARKER in shown[0]
    assert not HIDDEN.search(shown[0])
    assert len(shown[0]) <= LONGEST
    assert not watch.was_opened()


def test_an_error_of_megabytes_is_short_and_whole_in_details(window: MainWindow) -> None:
    banner = window.views.active_pane().banner
    window.show_problem(CheckpointError("x" * 4_500_000, "Get the file again."))
    assert len(banner.text) <= 700
    assert banner.text.endswith("Get the file again."), "the remedy is seen"
    assert banner.details.isVisible()
    banner.details.click()
    assert 300 < len(banner._trace.toPlainText()) <= DETAILS_LIMIT
    banner.show_fault("y" * 4_500_000, "z" * 4_500_000)
    assert len(banner.text) <= 700
    assert len(banner._trace.toPlainText()) <= DETAILS_LIMIT
    banner.show_fault("Short.")
    assert not banner.details.isVisible(), "nothing more to tell"


def test_words_for_errors() -> None:
    assert error_text(LatentwalkError("It broke.", "Mend it.")) == "It broke. Mend it."
    assert error_text(ValueError("a\x1bb")) == "ValueError: a\\x1bb"
    assert error_text(LatentwalkError("m" * 999, "h" * 999)).count("\u2026") == 2


@pytest.mark.parametrize(("name", "stem"), [
    ("faces", "faces"), ("../../etc/x", "_.._etc_x"), ("a\\b:c", "a_b_c"), ("...", "picture"), ("", "picture"),
    (MARKUP, "_img src='marker.png'__link rel='stylesheet' href='marker.p\u2026"),
])  # fmt: skip
def test_names_of_models_as_names_of_files(name: str, stem: str) -> None:
    assert file_stem(name) == stem


def test_menu_entries_titles_and_tips() -> None:
    assert menu_text("a&b\tCtrl+Q") == "a&&b\\tCtrl+Q"
    assert title_text("walk[*]") == "walk[*][*]"
    assert max(len(line) for line in tip_text("word " * 100, limit=None).split("\n")) <= 80
    assert tip_text("x" * 200).replace("\n", "") == "x" * 200
    assert tip_text("a\n\nb") == "a\n\nb"


def test_labels_are_plain_without_a_style_sheet(watch: OpenWatch) -> None:
    label = PlainLabel(MARKUP)
    label.setToolTip(MARKUP)
    label.heightForWidth(100)
    label.grab()
    assert label.text() == MARKUP
    assert not watch.was_opened()
    label.deleteLater()


RICH = re.compile(
    r"\bQLabel\(|\bQText(Edit|Browser|Document)\b|setHtml|insertHtml|appendHtml|QErrorMessage|QWhatsThis|QStaticText"
    r"|RichText|MarkdownText|AutoText|setMarkdown|setTextFormat|fromHtml"
)


PLAIN = "widgets/controls/plain_text.py"


def test_only_plain_labels_are_made() -> None:
    root = Path(explorer.__file__).parent
    found = [
        f"{path.relative_to(root)}: {line.strip()}"
        for path in root.rglob("*.py")
        for line in path.read_text().splitlines()
        if RICH.search(line) and not line.lstrip().startswith("class ") and path != root / PLAIN
    ]
    assert not found, found
    assert not [w for w in QApplication.allWidgets() if isinstance(w, QAbstractButton) and "<" in w.text()]


def test_damaged_settings_are_reported_in_the_window(qapp: QApplication, session: Session, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text("{broken")
    window = MainWindow(Settings(tmp_path / "settings.json"))
    window.asks_before_discarding = False
    window.attach(session)
    window.show()
    said = [pane.banner.text for pane in window.views.panes]
    assert [bool(text) for text in said] == [False, True], "the active picture's is left for what may be restored"
    assert "settings.json are damaged" in said[1]
    window.close()
    assert Settings(tmp_path / "settings.json").strings("columns/left"), "written anew at the end"
    window.deleteLater()
    flush()  # before the session goes


@pytest.mark.parametrize("blob", [b"", b"x", b"\x01\xd9\xd0\xcb", b"\x01\xd9\xd0\xcb\0\x03\0\0" + b"\x7f" * 58])
def test_crafted_geometry_gives_a_window_of_the_screen_s_size(
    qapp: QApplication, tmp_path: Path, blob: bytes
) -> None:
    settings = Settings(tmp_path / "settings.json")
    settings.set("geometry", QByteArray(blob))
    window = MainWindow(settings)
    window.show()
    screen = window.screen().availableSize()
    assert window.width() <= max(1440, screen.width())
    assert window.height() <= max(900, screen.height())
    window.close()
