"""Events that Qt has no method of its own for, and what becomes of a fault in a widget."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import explorer

_PROGRAM = """
import os, sys
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget
from explorer.widgets.controls.event_filters import claim_space, positional_tooltip

class Faulty(QWidget):
    def mouseMoveEvent(self, event):
        min(())

app = QApplication([])
sys.excepthook = lambda kind, error, trace: print("told", kind.__name__)
widget = Faulty()
claim_space(widget)
positional_tooltip(widget, lambda at: "")
at, none, left = QPointF(9, 9), Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
event = QMouseEvent(QEvent.Type.MouseMove, at, at, none, left, Qt.KeyboardModifier.NoModifier)
QApplication.postEvent(widget, event)
app.processEvents()
print("alive")
"""


def test_a_fault_of_a_widget_with_filters_is_reported_and_the_program_lives() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["told", "ValueError", "alive"], done.stderr


@pytest.mark.parametrize("name", ["event", "viewportEvent"])
def test_no_widget_overrides(name: str) -> None:
    """See `explorer.widgets.controls.event_filters`: a fault below such a method ends the process."""
    for path in Path(explorer.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        methods = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name]
        assert not methods, f"{path.name} defines {name}"


def test_no_timer_deletes_itself() -> None:
    """The timer behind `QTimer.singleShot(ms, ...)` crashed in Shiboken::BindingManager::releaseWrapper."""
    folder = Path(explorer.__file__).parent
    sources = {path: path.read_text("utf-8") for path in folder.rglob("*.py")}
    assert [path.name for path, text in sources.items() if "QTimer.singleShot(" in text] == []
