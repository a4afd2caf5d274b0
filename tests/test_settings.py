"""Settings: plain JSON, never unpickled, never in the way of a start, and shared by two programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QSettings, QSize

from explorer.errors import LatentwalkError
from explorer.session.settings import MAX_BYTES, RECENT_LIMIT, Settings
from explorer.util.qt_ini import read_ini

TEXTS = {
    "plain": "walk",
    "spaces": "  a b ",
    "quoted": 'say "hi", twice\\n',
    "unicode": "Z\u00fcrich \u4e2d",
    "control": "a\x00b\x1fF",
    "at": "@home",
    "comma": "a,b",
    "section/key": "x",
    "k\u00e4 y=z": "y",
    "empty": "",
    "equals": "a=b;c",
}


def problems(settings: Settings) -> list[str]:
    """What the settings say went wrong."""
    said: list[LatentwalkError] = []
    settings.report_problems(said.append)
    return [str(problem) for problem in said]


def test_values_come_back(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.json")
    for key, text in TEXTS.items():
        settings.set(key, text)
    settings.set("yes", True)
    settings.set("no", False)
    settings.set("list", ["a", "b,c", "\udcff"])
    settings.set("one", ["a"])
    settings.set("none", [])
    settings.set("blob", QByteArray(bytes(range(256))))
    settings.sync()
    again = Settings(tmp_path / "settings.json")
    assert {key: again.text(key) for key in TEXTS} == TEXTS
    assert again.flag("yes")
    assert not again.flag("no", True)
    assert (again.strings("list"), again.strings("one")) == (["a", "b,c", "\udcff"], ["a"])
    assert again.strings("none") == []
    assert bytes(again.blob("blob").data()) == bytes(range(256))
    assert problems(again) == []


def test_another_type_is_the_default(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    odd = {"a": 1.5, "b": [1, "x"], "c": {"base64": "?"}, "d": {"x": 1}, "e": None, "f": [["x"]]}
    file.write_text(json.dumps(odd))
    settings = Settings(file)
    for key in "abcdefg":
        assert settings.text(key, "default") == "default"
        assert settings.flag(key, True) is True
        assert settings.strings(key) == []
        assert settings.blob(key).isEmpty()
    assert settings.recent() == []
    assert problems(settings) == []


def test_an_old_file_is_read_once_and_left_alone(tmp_path: Path) -> None:
    old = QSettings(str(tmp_path / "old.ini"), QSettings.Format.IniFormat)
    texts = {key: text.replace("\x00", "") for key, text in TEXTS.items()}  # Qt has a type for texts with NUL
    for key, text in texts.items():
        old.setValue(key, text)
    old.setValue("flag", "true")
    old.setValue("recent", ["/a b", "/c,d", "@x"])
    old.setValue("columns/left", ["model", "w"])
    old.setValue("one", ["single"])
    old.setValue("geometry", QByteArray(bytes(range(256))))
    old.setValue("size", QSize(3, 4))
    old.sync()
    before = (tmp_path / "old.ini").read_bytes()
    settings = Settings(tmp_path / "old.ini")
    assert {key: settings.text(key) for key in texts} == texts
    assert settings.flag("flag")
    assert settings.strings("recent") == ["/a b", "/c,d", "@x"]
    assert settings.strings("columns/left") == ["model", "w"]
    assert settings.strings("one") == ["single"]
    assert bytes(settings.blob("geometry").data()) == bytes(range(256))
    assert settings.text("size", "-") == "-", "another type of Qt's is left out"
    settings.set("plain", "changed")
    settings.sync()
    assert (tmp_path / "old.ini").read_bytes() == before
    again = Settings(tmp_path / "old.ini")
    assert again.text("plain") == "changed"
    assert again.strings("columns/left") == ["model", "w"]
    assert again.folder == tmp_path


class Bomb:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (os.environ["BOMB"],)


def test_nothing_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value of PySide's wrapper of Python objects, as Qt writes it; QSettings would run it."""
    monkeypatch.setenv("BOMB", str(tmp_path / "ran"))
    writer = QSettings(str(tmp_path / "old.ini"), QSettings.Format.IniFormat)
    writer.setValue("folder", {"a": Bomb()})
    writer.setValue("kept", "text")
    writer.sync()
    assert b"@Variant" in (tmp_path / "old.ini").read_bytes()
    read = "import sys; from PySide6.QtCore import QSettings as S; S(sys.argv[1], S.IniFormat).value('folder')"
    ours = (
        "import sys; from explorer.session.settings import Settings; s = Settings(sys.argv[1]); "
        "print(s.text('folder'), s.strings('folder'), s.blob('folder'), s.text('kept')); s.recent(); s.sync()"
    )
    done = subprocess.run(
        [sys.executable, "-c", ours, str(tmp_path / "old.ini")], capture_output=True, text=True, check=True
    )
    assert "text" in done.stdout
    assert not (tmp_path / "ran").exists()
    subprocess.run([sys.executable, "-c", read, str(tmp_path / "old.ini")], check=False, capture_output=True)
    assert (tmp_path / "ran").exists(), "the bomb works"


DIALOG = """
import os, sys
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication, QFileDialog
import explorer.app
if sys.argv[1] == "guarded":
    explorer.app.refuse_pickles()
if sys.argv[2] == "dialog":
    app = QApplication([])
    dialog = QFileDialog()
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.show()
    print("shown", flush=True)
else:  # as desktops' themes read theirs
    file = os.environ["XDG_CONFIG_HOME"] + "/QtProject.conf"
    QSettings(file, QSettings.IniFormat).value("FileDialog/lastVisited")
"""


@pytest.mark.parametrize("reader", ["dialog", "theme"])
@pytest.mark.parametrize("guard", ["guarded", "unguarded"])
def test_settings_of_qt_are_not_unpickled_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guard: str, reader: str
) -> None:
    monkeypatch.setenv("BOMB", str(tmp_path / "ran"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    writer = QSettings(str(tmp_path / "QtProject.conf"), QSettings.Format.IniFormat)
    for key in ("lastVisited", "sidebarWidth", "shortcuts", "history", "treeViewHeader"):
        writer.setValue(f"FileDialog/{key}", {"a": Bomb()})
    writer.sync()
    done = subprocess.run(
        [sys.executable, "-c", DIALOG, guard, reader], capture_output=True, text=True, check=False
    )
    assert (tmp_path / "ran").exists() is (guard == "unguarded")
    if (guard, reader) == ("guarded", "dialog"):
        assert done.stdout == "shown\n"


@pytest.mark.parametrize("content", [
    b"", b"{", b"[]", b"null", b"\xff\xfe{}", b'{"a": 1' + b"0" * 5000 + b"}", b"[" * 100_000,
    b"x" * (MAX_BYTES + 1),
    b'{"a": "' + b"y" * MAX_BYTES + b'"}', b"\x00" * 100,
])  # fmt: skip
def test_damaged_settings_are_set_aside(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(content)
    settings = Settings(file)
    said = problems(settings)
    assert len(said) == 1
    assert "settings.json" in said[0]
    assert (tmp_path / "settings.json.damaged").read_bytes() == content
    settings.set("dark", True)
    settings.sync()
    assert Settings(file).flag("dark")


@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "loop", "nothing"])
def test_what_is_not_an_ordinary_file_stops_nothing(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "settings.json"
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        targets = {"device": Path("/dev/zero"), "loop": file, "nothing": tmp_path / "elsewhere.json"}
        file.symlink_to(targets[kind])
    settings = Settings(file)
    settings.set("dark", True)
    settings.sync()
    assert settings.flag("dark")
    assert len(problems(settings)) == (0 if kind == "nothing" else 1)
    assert Settings(file).flag("dark")
    if kind == "nothing":
        assert file.is_symlink(), "a link stays a link"


def test_an_unwritable_folder_is_reported_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    settings = Settings(tmp_path / "file" / "settings.json")
    for number in range(3):
        settings.set("folder", str(number))
        settings.sync()
    assert settings.text("folder") == "2"
    said = problems(settings)
    assert len(said) == 1
    assert "cannot be written" in said[0]


def test_a_full_disk_leaves_the_old_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(tmp_path / "settings.json")
    settings.set("folder", "old")
    settings.sync()

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("explorer.session.settings.atomic_write_bytes", full)
        settings.set("folder", "new")
        settings.sync()
    assert Settings(tmp_path / "settings.json").text("folder") == "old"
    assert "No space left" in problems(settings)[0]
    settings.set("dark", True)
    settings.sync()
    assert Settings(tmp_path / "settings.json").text("folder") == "new", "tried again with the next change"


def test_two_programs_keep_each_others_changes(tmp_path: Path) -> None:
    names = [tmp_path / f"{i}.json" for i in range(RECENT_LIMIT + 2)]
    for name in names:
        name.touch()
    first, second = Settings(tmp_path / "settings.json"), Settings(tmp_path / "settings.json")
    first.add_recent(str(names[0]))
    first.set("film-folder", "/films")
    first.sync()
    second.add_recent(str(names[1]))
    second.set("dark", True)
    second.sync()
    first.add_recent(str(names[2]))
    first.sync()
    for settings in (first, Settings(tmp_path / "settings.json")):
        assert settings.recent() == [str(names[i]) for i in (2, 1, 0)]
        assert settings.flag("dark")
        assert settings.text("film-folder") == "/films"
    for name in names:
        first.add_recent(str(name))
    assert first.recent() == [str(name) for name in reversed(names)][:RECENT_LIMIT]


def test_recent_files_that_no_system_can_name_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "here.json").touch()
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"recent": ["\x00", "x" * 9999, "", str(tmp_path / "here.json"), "\udcff"]}))
    assert Settings(file).recent() == [str(tmp_path / "here.json")]


HOMES = """
import os, sys
from explorer.session.settings import Settings
s = Settings()
s.set("dark", True); s.sync()
print(s.folder, s.folder.is_dir(), Settings().flag("dark"))
"""


@pytest.mark.parametrize("case", ["home", "xdg", "relative", "none"])
def test_where_settings_lie(tmp_path: Path, case: str) -> None:
    keep = {k: v for k, v in os.environ.items() if k not in ("HOME", "XDG_CONFIG_HOME", "LATENTWALK_SETTINGS")}
    more = {
        "home": {"HOME": str(tmp_path)},
        "xdg": {"HOME": "/nowhere", "XDG_CONFIG_HOME": str(tmp_path / "xdg")},
        "relative": {"HOME": str(tmp_path), "XDG_CONFIG_HOME": "conf"},
        "none": {"HOME": "~", "TMPDIR": str(tmp_path)},
    }[case]
    folder = {"home": ".config", "xdg": "xdg", "relative": "conf", "none": f"latentwalk-{os.getuid()}"}[case]
    done = subprocess.run(
        [sys.executable, "-c", HOMES], env=keep | more, capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert done.stdout.split() == [str(tmp_path / folder / "Latentwalk"), "True", "True"]
    if case == "none":
        assert (tmp_path / folder).stat().st_mode & 0o077 == 0
        (tmp_path / folder).chmod(0o777)  # somebody else could have put anything there
        done = subprocess.run(
            [sys.executable, "-c", HOMES], env=keep | more, capture_output=True, text=True, check=True
        )
        assert done.stdout.split()[0] != str(tmp_path / folder / "Latentwalk")


@pytest.mark.parametrize("text", [
    "", "[", "a", "=", "a=\\", "a=\\x", "a=@ByteArray(", "a=@ByteArray(\u4e2d)", "%U=1", "%UFFFF=\\xffffffffff",
    'a="', "a=@Variant(\\0)", "[a]\nb=@PyObject(x)", "a=b,@Variant(x)", "a=\\777777777",
])  # fmt: skip
def test_odd_ini_files_raise_nothing(text: str) -> None:
    assert not any("Variant" in str(value) for value in read_ini(text).values())
