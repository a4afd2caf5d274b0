"""Classes of a conditional model: one chosen by searching, or several mixed by weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QStringListModel, Qt, Signal
from PySide6.QtWidgets import QCompleter, QInputDialog, QSizePolicy, QVBoxLayout, QWidget

from explorer.widgets.controls.basic import Choice, IconButton, Segments, label, row
from explorer.widgets.controls.plain_text import line_text, set_tip
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.controls.wheel import Wheel

if TYPE_CHECKING:
    from PySide6.QtGui import QWheelEvent

    from explorer.session import Session
    from explorer.state import Classes

__all__ = ["ClassSearch", "ClassWeights", "class_name"]

LEAST = 0.01  # a weight of 0 would remove the row during the drag
MODES = (
    ("one", "One class", "Show a single class"),
    ("mix", "Mix", "Mix several classes by weight"),
)

Weights = tuple[tuple[int, float], ...]


def class_name(names: tuple[str, ...], index: int) -> str:
    """Return the display name of a class: its name, or "class" and its number."""
    return line_text(names[index], 100) if index < len(names) and names[index] else f"class {index}"


class ClassSearch(Choice):
    """A searchable list of classes: type part of a name or number. `picked(index)` is emitted at a choice."""

    picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = 0
        self._wheel = Wheel(self)
        self.setEditable(True)
        self.setInsertPolicy(Choice.InsertPolicy.NoInsert)
        self.setMaxVisibleItems(16)
        self.setSizeAdjustPolicy(Choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Class")
        self._texts = QStringListModel(self)
        self.setModel(self._texts)
        completer = QCompleter(self._texts, self)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setMaxVisibleItems(16)
        self.setCompleter(completer)
        self.activated.connect(self._pick)
        line = self.lineEdit()
        assert line is not None
        line.setPlaceholderText("Type to search")
        line.setAcceptDrops(False)
        line.editingFinished.connect(self._on_typed)

    def set_names(self, texts: list[str]) -> None:
        """Set the names of the classes, in order."""
        if texts != self._texts.stringList():
            self._texts.setStringList(texts)

    def show_class(self, index: int) -> None:
        """Show a class, or none for -1, without emitting `picked`."""
        self._shown = index
        self.setCurrentIndex(index)
        if index < 0:
            self.setEditText("")
        line = self.lineEdit()
        if line is not None and not line.hasFocus():
            line.setCursorPosition(0)  # show the beginning of a long name

    def matches(self, text: str) -> list[int]:
        """Return the classes whose text contains `text`, ignoring case; an exact match comes first."""
        wanted = text.strip().casefold()
        texts = [t.casefold() for t in self._texts.stringList()]
        found = [i for i, t in enumerate(texts) if wanted and wanted in t]
        return sorted(found, key=lambda i: wanted not in (texts[i], *texts[i].split()))

    def _pick(self, index: int) -> None:
        self.picked.emit(index)
        # The new state is shown by its owner; for a mix, the field stays empty for the next search.
        self.show_class(self._shown)

    def _on_typed(self) -> None:
        if self.currentText() == self.itemText(self._shown) and self._shown >= 0:
            return
        found = self.matches(self.currentText())
        if found:
            self._pick(found[0])
        else:
            self.show_class(self._shown)  # no match

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self._wheel.is_meant(event):
            event.ignore()
            return
        steps = self._wheel.steps(event)
        if steps and self.count():
            self._pick(min(max(self.currentIndex() - steps, 0), self.count() - 1))
        event.accept()


class _Row(QWidget):
    """One class of a mix."""

    def __init__(self, owner: ClassWeights, position: int) -> None:
        super().__init__()
        self.slider = ValueSlider("", LEAST, 1, 1, step=0.05, label_width=96, value_width=36)
        self.remove = IconButton("x", "Remove this class from the mix", lambda: owner.drop(position), size=12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(row(self.slider, self.remove, spacing=2))
        session = owner.session
        self.slider.pressed.connect(lambda: session.begin("Class weight"))
        self.slider.moving.connect(lambda value: owner.weigh(position, value))
        self.slider.released.connect(session.commit)
        self.slider.cancelled.connect(session.cancel)


class ClassWeights(QWidget):
    """Shows and changes the classes of a look: a single class, or a row with a slider for each."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._names: tuple[str, ...] = ()
        self._count = 0
        self._weights: Weights = ()
        self._wants_mix = False  # the user chose Mix while there is only one class
        self.mode = Segments(MODES)
        self.search = ClassSearch()
        self.rows: list[_Row] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self._layout.addWidget(row(label("Class"), 4, self.mode))
        self.rename = IconButton("pencil-simple", "Name this class; the project keeps the name", self.ask_name)
        line = row(self.search, self.rename)
        line.layout().setStretch(0, 1)  # type: ignore[union-attr]  # `row` made one
        self._layout.addWidget(line)
        self.mode.chosen.connect(self._choose_mode)
        self.search.picked.connect(self.pick)

    @property
    def is_mix(self) -> bool:
        """True while choosing a class adds it to the mix instead of replacing it."""
        return self._wants_mix or len(self._weights) > 1

    # showing ---------------------------------------------------------------------------------------------

    def set_classes(self, count: int, names: tuple[str, ...]) -> None:
        """Set the number and the names of the model's classes."""
        if (count, names) != (self._count, self._names):
            self._wants_mix = self._wants_mix and count == self._count  # a new name changes nothing else
            self._count, self._names = count, names
            self.search.set_names([self._text(i) for i in range(count)])

    def show_classes(self, classes: Classes) -> None:
        """Show the weights of a look; empty means class 0. Classes the model does not have are omitted."""
        self._weights = tuple((i, w) for i, w in classes.weights if i < self._count) or ((0, 1.0),)
        self.mode.set_choice("mix" if self.is_mix else "one")
        self.search.show_class(-1 if self.is_mix else self._weights[0][0])
        self.rename.setVisible(not self.is_mix)
        set_tip(
            self.search,
            f"Type part of a name or number to find one of {self._count} classes and add it to the mix"
            if self.is_mix
            else f"The class shown, one of {self._count}: type part of its name or number, or use the arrow keys",
        )
        while len(self.rows) < len(self._weights):
            self.rows.append(_Row(self, len(self.rows)))
            self._layout.addWidget(self.rows[-1])
        total = sum(w for _, w in self._weights)
        for position, made in enumerate(self.rows):
            made.setVisible(self.is_mix and position < len(self._weights))
            if position < len(self._weights):
                index, weight = self._weights[position]
                made.slider.set_label(class_name(self._names, index))
                made.slider.set_value(weight)
                made.slider.set_tip(
                    f"Weight of class {index}, {class_name(self._names, index)}. "
                    f"The weights are scaled to sum to 1: this one is {100 * weight / total:.0f} % now."
                )
                made.remove.setEnabled(len(self._weights) > 1)

    def _text(self, index: int) -> str:
        name = class_name(self._names, index)
        return name if name.endswith(f" {index}") else f"{index}  {name}"

    # actions ---------------------------------------------------------------------------------------------

    def _choose_mode(self, mode: str) -> None:
        self._wants_mix = mode == "mix"
        if mode == "one" and len(self._weights) > 1:
            self.session.look.set_class_weights([(max(self._weights, key=lambda pair: pair[1])[0], 1.0)])
        self._show_again()

    def pick(self, index: int) -> None:
        """Show a single class, or add it to the mix with the mean weight of the others."""
        if not self.is_mix:
            self.session.look.set_class_weights([(index, 1.0)])
        elif index not in dict(self._weights):
            mean = sum(w for _, w in self._weights) / len(self._weights)
            self.session.look.set_class_weights([*self._weights, (index, mean)])

    def weigh(self, position: int, weight: float) -> None:
        """Set the weight of the class in a row."""
        weights = list(self._weights)
        weights[position] = (weights[position][0], max(LEAST, weight))
        self.session.look.set_class_weights(weights)

    def drop(self, position: int) -> None:
        """Remove the class in a row from the mix."""
        if len(self._weights) > 1:
            self._wants_mix = True  # keep the rows, though only one is left
            self.session.look.set_class_weights([pair for i, pair in enumerate(self._weights) if i != position])

    def ask_name(self) -> None:
        """Ask for the name of the class that is shown; an empty one returns to the model's own."""
        index = self._weights[0][0]
        before = self._names[index] if index < len(self._names) else ""
        name, is_given = QInputDialog.getText(self, "Rename class", "Name:", text=before)
        if is_given:
            self.session.class_names.set_name(self.session.active, index, name)

    def _show_again(self) -> None:
        self.show_classes(self.session.look_of().classes)
