"""What commands print: foreign text spelled out, any encoding, closed and full outputs, plain JSON."""

from __future__ import annotations

import errno
import io
import json
import os
import sys

import pytest

from explorer.util import console


class Broken(io.StringIO):
    """A stream whose reader has gone, or whose disk is full."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number, self.tries = number, 0

    def write(self, text: str) -> int:
        self.tries += 1
        raise OSError(self.number, os.strerror(self.number))


@pytest.fixture(autouse=True)
def prepared() -> None:
    console.prepare()


def ascii_stream(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, encoding="ascii"))
    console.prepare()
    return content


def test_foreign_control_characters_are_spelled_out(capsys: pytest.CaptureFixture[str]) -> None:
    console.out("name\x1b]0;owned\x07\u202e.exe")
    console.note("a\x1b[2J")
    told = capsys.readouterr()
    assert told.out == "name\\x1b]0;owned\\x07\\u202e.exe\n"
    assert told.err == "a\\x1b[2J\n"


def test_signs_that_an_encoding_lacks_are_written_in_others(monkeypatch: pytest.MonkeyPatch) -> None:
    content = ascii_stream(monkeypatch)
    console.out("1.5 \u00b1 0.2 dB, 3 \u2192 8, \u9854")
    assert content.getvalue() == b"1.5 +/- 0.2 dB, 3 -> 8, \\u9854\n"


def test_a_path_reaches_other_programs_byte_for_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    content = ascii_stream(monkeypatch)
    console.out("first")
    console.out_path(os.fsdecode(b"walk\xff\xc3\xa4.png"))
    assert content.getvalue() == b"first\nwalk\xff\xc3\xa4.png\n"


def test_on_a_terminal_a_path_is_spelled_out(monkeypatch: pytest.MonkeyPatch) -> None:
    content = ascii_stream(monkeypatch)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    console.out_path(os.fsdecode(b"walk\xff\x1b.png"))
    assert content.getvalue() == b"walk\\xff\\x1b.png\n"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_json_can_be_read_again(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, encoding=encoding))
    console.prepare()
    value = {"ä\u202e": ["\x1b\x9b", "\udcff", "\U000e0041", 1.5]}
    console.out_json({**value, "none": float("nan"), "much": (float("inf"),)})
    text = content.getvalue().decode(encoding)
    assert json.loads(text) == {**value, "none": None, "much": [None]}
    assert not set(text) & set("\x1b\x9b\u202e\U000e0041")


@pytest.mark.parametrize(
    ("number", "message"), [(errno.EPIPE, ""), (errno.EIO, ""), (errno.ENOSPC, "No space left on device")]
)
def test_an_output_that_is_lost_is_reported_once_at_the_end(
    monkeypatch: pytest.MonkeyPatch, number: int, message: str
) -> None:
    stream = Broken(number)
    monkeypatch.setattr(sys, "stdout", stream)
    assert console.is_open()
    console.out("first")
    console.out_json([1])
    console.out_path("x.png")
    assert stream.tries == 1
    assert not console.is_open()
    assert message in console.finish()
    assert bool(console.finish()) == bool(message)


def test_without_streams_nothing_is_printed_and_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    console.prepare()
    console.out("a")
    console.note("b")
    console.Status().show("c")
    assert console.finish() == ""
    for stream in (sys.stdout, sys.stderr):
        stream.close()


@pytest.mark.parametrize(("term", "live"), [("xterm", True), ("dumb", False), ("", False)])
def test_a_line_is_rewritten_only_where_the_terminal_can(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], term: str, live: bool
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    status = console.Status()
    status.show("half \x1b[2J")
    status.clear()
    told = capsys.readouterr().err
    assert told == ("\r\x1b[Khalf \\x1b[2J\r\x1b[K" if live else "half \\x1b[2J\n")
