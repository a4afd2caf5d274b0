"""The theme: two palettes, one accent colour, an 8 pixel grid, one style sheet, and one icon set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QColor, QFont, QIcon, QPalette

from explorer.util.view_marks import ON_DARK, ON_LIGHT

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

__all__ = ["GRID", "ROW", "Theme", "apply_theme", "color", "icon", "mono_font", "theme", "value_font", "view_color"]

GRID = 8  # px; every margin and gap is a whole or half multiple
ROW = 24  # px; height of a slider, a field, a button row


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours by role, with the contrast that `tests/gui/test_theme.py` measures.

    `text`, `muted` and `caption` are text, from the most important to the least; `faint` is for marks and for what
    is disabled. `marks` are the colours of the views; `accent` marks active or selected items, `refused` a field
    whose text cannot be used.
    """

    name: str
    window: str
    panel: str
    raised: str
    sunken: str
    border: str
    text: str
    muted: str
    caption: str
    faint: str
    accent: str
    on_accent: str
    marks: tuple[str, ...]
    warn: str
    on_warn: str
    refused: str
    canvas: str


DARK = Theme(
    name="dark",
    window="#1c1d1f",
    panel="#232427",
    raised="#2f3135",
    sunken="#18191b",
    border="#37393e",
    text="#e4e5e7",
    muted="#aaadb3",
    caption="#95989f",
    faint="#777a81",
    accent="#3dbfae",
    on_accent="#0c2421",
    marks=ON_DARK,
    warn="#e9b44c",
    on_warn="#2b2110",
    refused="#e9b44c",
    canvas="#141517",
)
LIGHT = Theme(
    name="light",
    window="#eeeff1",
    panel="#f8f8f9",
    raised="#ffffff",
    sunken="#e3e4e7",
    border="#d3d5d9",
    text="#24262a",
    muted="#52565d",
    caption="#62666e",
    faint="#7d8189",
    accent="#0a776a",
    on_accent="#ffffff",
    marks=ON_LIGHT,
    warn="#f2c14e",
    on_warn="#33270b",
    refused="#a86f00",
    canvas="#dfe0e3",
)

_current = DARK
_value_fonts: dict[str, QFont] = {}


def theme() -> Theme:
    """Return the current theme."""
    return _current


def color(role: str, alpha: int = 255) -> QColor:
    """Return the colour of a role of `Theme`, for painting."""
    result = QColor(getattr(_current, role))
    result.setAlpha(alpha)
    return result


def view_color(view: int) -> QColor:
    """Return the colour of view number `view`."""
    return QColor(_current.marks[view % len(_current.marks)])


def icon(name: str, role: str = "muted", active: str = "text") -> QIcon:
    """Return a Phosphor icon in the theme's colours: `icon("dice-five")`."""
    import qtawesome  # loads its fonts on import; deferred until the window is painted

    made: QIcon = qtawesome.icon(
        f"ph.{name}", color=color(role), color_active=color(active), color_disabled=color("faint", 110)
    )
    return made


def value_font(base: QFont) -> QFont:
    """Return `base` one step smaller with tabular figures, so that changing numbers do not shift."""
    key = base.key()
    font = _value_fonts.get(key)
    if font is None:  # called at every paint, and creating a font takes half a millisecond
        font = QFont(base)
        font.setPixelSize(max(9, font.pixelSize() - 1) if font.pixelSize() > 0 else 11)
        font.setFeature(QFont.Tag("tnum"), 1)
        _value_fonts[key] = font
    return font


def mono_font() -> QFont:
    """Return a monospaced font for tracebacks and texts to copy."""
    font = QFont()
    font.setFamilies(["JetBrains Mono", "SF Mono", "Consolas", "DejaVu Sans Mono", "monospace"])
    font.setPixelSize(11)
    return font


def apply_theme(app: QApplication, dark: bool) -> None:
    """Apply the dark or the light theme to the application; GUI thread only, at any time."""
    global _current
    _current = DARK if dark else LIGHT
    if app.style().objectName() != "fusion":
        app.setStyle("Fusion")
    font = QFont()
    font.setFamilies(["Inter", "SF Pro Text", "Segoe UI", "Noto Sans", "Cantarell", "DejaVu Sans", "sans-serif"])
    font.setPixelSize(12)
    app.setFont(font)
    app.setPalette(_palette(_current))
    app.setStyleSheet(_style_sheet(_current))


def _palette(t: Theme) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for where, value in (
        (role.Window, t.window),
        (role.WindowText, t.text),
        (role.Base, t.sunken),
        (role.AlternateBase, t.panel),
        (role.Text, t.text),
        (role.Button, t.raised),
        (role.ButtonText, t.text),
        (role.BrightText, t.warn),
        (role.ToolTipBase, t.raised),
        (role.ToolTipText, t.text),
        (role.PlaceholderText, t.caption),
        (role.Highlight, t.accent),
        (role.HighlightedText, t.on_accent),
        (role.Link, t.accent),
        (role.Mid, t.border),
    ):
        palette.setColor(where, QColor(value))
    for where in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, where, QColor(t.faint))
    return palette


def _style_sheet(t: Theme) -> str:
    """Return the style sheet: what a palette cannot express, and plain text for all labels."""
    return f"""
    QLabel, QToolTip {{ qproperty-textFormat: PlainText; }}
    QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.border}; padding: 4px 6px; }}
    QMenuBar {{ background: {t.window}; padding: 2px 4px; }}
    QMenuBar::item {{ padding: 7px 9px 6px 9px; border-radius: 4px; background: transparent; }}
    QMenuBar::item:selected {{ background: {t.raised}; }}
    QMenu {{ background: {t.panel}; border: 1px solid {t.border}; padding: 4px; }}
    QMenu::item {{ padding: 5px 28px 5px 24px; border-radius: 4px; }}
    QMenu::item:selected {{ background: {t.raised}; color: {t.text}; }}
    QMenu::item:disabled {{ color: {t.faint}; }}
    QMenu::separator {{ height: 1px; background: {t.border}; margin: 4px 8px; }}
    QMenu::icon {{ padding-left: 6px; }}
    QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
    QMainWindow::separator {{ background: {t.window}; width: 4px; height: 4px; }}
    QMainWindow::separator:hover {{ background: {t.border}; }}
    QDockWidget {{ titlebar-close-icon: none; }}
    QScrollArea, QScrollArea > QWidget > QWidget#column {{ background: transparent; border: none; }}
    QScrollBar:vertical {{ background: transparent; width: 8px; margin: 0; }}
    QScrollBar:horizontal {{ background: transparent; height: 8px; margin: 0; }}
    QScrollBar::handle {{ background: {t.border}; border-radius: 3px; margin: 1px;
        min-height: 24px; min-width: 24px; }}
    QScrollBar::handle:hover {{ background: {t.faint}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    QLineEdit, QPlainTextEdit {{
        background: {t.sunken}; border: 1px solid {t.border}; border-radius: 4px; padding: 0 6px;
        min-height: 22px; selection-background-color: {t.accent}; selection-color: {t.on_accent}; }}
    QLineEdit:focus, QPlainTextEdit:focus {{ border-color: {t.accent}; }}
    QLineEdit[refused="true"], QLineEdit[refused="true"]:focus {{ border-color: {t.refused}; }}
    QLineEdit:disabled {{ color: {t.faint}; background: transparent; }}
    QComboBox {{ background: {t.raised}; border: 1px solid {t.border}; border-radius: 4px; padding: 0 8px;
        min-height: 22px; }}
    QComboBox:hover, QPushButton:hover {{ border-color: {t.faint}; }}
    QComboBox:disabled {{ color: {t.faint}; }}
    QComboBox::drop-down {{ border: none; width: 18px; }}
    QComboBox QAbstractItemView {{ background: {t.panel}; border: 1px solid {t.border}; outline: none;
        selection-background-color: {t.raised}; selection-color: {t.text}; padding: 2px; }}
    QPushButton {{ background: {t.raised}; border: 1px solid {t.border}; border-radius: 4px; padding: 0 10px;
        min-height: 22px; }}
    QPushButton:pressed, QPushButton:checked {{ background: {t.accent}; color: {t.on_accent};
        border-color: {t.accent}; }}
    QPushButton:disabled {{ color: {t.faint}; background: transparent; }}
    QPushButton:focus {{ border-color: {t.accent}; }}
    QPushButton[flat="true"] {{ background: transparent; border: none; color: {t.accent}; }}
    QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: 4px; padding: 2px; }}
    QToolButton:hover {{ background: {t.raised}; border-color: {t.border}; }}
    QToolButton:checked {{ background: {t.raised}; border-color: {t.accent}; }}
    QToolButton:focus {{ border-color: {t.accent}; }}
    QToolButton::menu-indicator {{ image: none; width: 0; }}
    QToolButton#segment {{ border: 1px solid {t.border}; border-radius: 0; padding: 2px 8px; background: {t.panel};
        color: {t.muted}; min-height: 18px; }}
    QToolButton#segment:hover {{ color: {t.text}; }}
    QToolButton#segment:checked {{ background: {t.raised}; color: {t.text}; border-bottom: 2px solid {t.accent}; }}
    QToolButton#segment:disabled {{ color: {t.faint}; }}
    QToolButton#segment:checked:disabled {{ border-bottom-color: {t.border}; }}
    QHeaderView {{ background: {t.panel}; }}
    QHeaderView::section {{ background: {t.panel}; color: {t.muted}; border: none; padding: 2px 4px;
        border-bottom: 1px solid {t.border}; font-size: 11px; }}
    QTreeView {{ background: {t.sunken}; border: 1px solid {t.border}; border-radius: 4px; outline: none; }}
    QTreeView::item {{ padding: 0 4px; }}
    QTreeView::item:selected {{ background: {t.raised}; color: {t.accent}; }}
    QTreeView:focus {{ border-color: {t.accent}; }}
    QToolButton#badge {{ color: {t.muted}; padding: 2px 8px; }}
    QListView {{ background: {t.sunken}; border: 1px solid {t.border}; border-radius: 4px; outline: none; }}
    QListView::item {{ padding: 2px 6px; }}
    QListView::item:selected {{ background: {t.raised}; color: {t.accent}; }}
    QCheckBox {{ spacing: 6px; }}
    QLabel[role="muted"] {{ color: {t.muted}; }}
    QLabel[role="caption"] {{ color: {t.caption}; }}
    QLabel[role="heading"] {{ color: {t.text}; font-weight: 600; }}
    QFrame#banner {{ background: {t.warn}; border-radius: 6px; }}
    QFrame#banner QLabel {{ color: {t.on_warn}; background: transparent; }}
    QFrame#banner QToolButton {{ color: {t.on_warn}; text-decoration: underline; }}
    QFrame#banner QToolButton:hover {{ background: transparent; border-color: {t.on_warn}; }}
    QFrame#card {{ background: {t.panel}; border: 1px solid {t.border}; border-radius: 8px; }}
    QFrame#card QLabel {{ background: transparent; }}
    QFrame#section {{ background: {t.panel}; border-radius: 6px; }}
    QFrame#sectionHead {{ background: transparent; border-radius: 6px; }}
    QFrame#sectionHead:hover {{ background: {t.raised}; }}
    QFrame#sectionHead QLabel {{ font-weight: 600; font-size: 11px; color: {t.muted}; }}
    """
