"""Foreign text is shown as it is, or spelled out where it would do something."""

from __future__ import annotations

import os

import pytest

from explorer.util.plain_text import shortened, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ordinary text, ä, 顔, e\u0301", "ordinary text, ä, 顔, e\u0301"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\u202egnp.exe", "a\\u202egnp.exe"),
        ("line\nbreak\ttab", "line\\nbreak\\ttab"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("tag\U000e0041", "tag\\U000e0041"),
        (os.fsdecode(b"walk\xff.json"), "walk\\xff.json"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_would_do_something_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown
    visible(text).encode()


def test_lines_are_kept_where_asked() -> None:
    assert visible("a\n\tb\x07", keep_lines=True) == "a\n\tb\\x07"


def test_long_text_is_cut() -> None:
    assert visible("a" * 5_000_000) == "a" * 299 + "…"
    assert len(visible("\x1b" * 1000)) == 300
    assert visible("a" * 300) == "a" * 300
    assert visible("a" * 1000, None) == "a" * 1000
    assert shortened("abcdef", 4) == "abc…"
