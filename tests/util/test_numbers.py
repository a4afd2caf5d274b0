"""Numbers as people type them: one reading, whatever the language, and no silent factor."""

from __future__ import annotations

import pytest

from explorer.util.numbers import NumberTextError, begins_number, may_go_on, parse_number, parse_whole

NNBSP, NBSP, MINUS = "\u202f", "\u00a0", "\u2212"


@pytest.mark.parametrize(("text", "value"), [
    ("12.25", 12.25), ("12,25", 12.25), ("2,5", 2.5), (",7", 0.7), (".7", 0.7), ("7.", 7.0), ("7,", 7.0),
    ("-3", -3.0), (f"{MINUS}3", -3.0), ("+3", 3.0), ("- 3", -3.0), ("\u20133", -3.0), (f"{MINUS},5", -0.5),
    ("  4 ", 4.0), (f"{NBSP}4{NNBSP}", 4.0), ("\t4\n", 4.0),
    ("1e3", 1000.0), ("1E-3", 0.001), (f"1e{MINUS}3", 0.001), ("2,5e2", 250.0), ("1e+2", 100.0),
    ("0,125", 0.125), ("-0,125", -0.125), ("1.234", 1.234), ("12,2500", 12.25), ("1234,567", 1234.567),
    ("1,234.5", 1234.5), ("1.234,5", 1234.5), ("1,234,567", 1234567.0), ("1.234.567", 1234567.0),
    ("1.234.567,25", 1234567.25), ("1 234,5", 1234.5), (f"1{NNBSP}234,567", 1234.567), ("1'234.5", 1234.5),
    ("1\u2019234.5", 1234.5), ("1 234 567", 1234567.0), ("007", 7.0), ("-0", 0.0),
    ("\u0661\u0662\u066b\u0665", 12.5), ("\u061c-\u0663", -3.0), ("\uff11\uff0e\uff15", 1.5),
])  # fmt: skip
def test_numbers_that_are_read(text: str, value: float) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize(("text", "unit", "value"), [
    ("12 s", "s", 12.0), ("12s", "s", 12.0), ("12.25S", "s", 12.25), ("12,25 sec", "s", 12.25),
    ("250 ms", "s", 0.25),
    ("2 min", "s", 120.0), ("1:30", "s", 90.0), ("0:02.5", "s", 2.5), ("1:02,5", "s", 62.5),
    ("1:00:01", "s", 3601.0),
    ("-1:30", "s", -90.0), ("8.00 s", "s", 8.0), ("1.5 s", "ms", 1500.0), ("12px", "px", 12.0),
    ("12 pixels", "px", 12),
    ("30 %", "%", 30.0), ("30\u066a", "%", 30.0), ("45\u00b0", "\u00b0", 45.0), ("45 deg", "\u00b0", 45.0),
    ("24 fps", "fps", 24.0), ("120BPM", "bpm", 120.0), ("3 dB", "dB", 3.0), ("0.5 w", "w", 0.5),
    ("2x", "\u00d7", 2.0),
    ("1 /s", "/s", 1.0), ("1e3 s", "s", 1000.0), ("5", "s", 5.0), (f"{MINUS}3{NBSP}dB", "dB", -3.0),
])  # fmt: skip
def test_units_behind_a_number(text: str, unit: str, value: float) -> None:
    assert parse_number(text, unit) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("text", [
    "1,234", "12,345", "999,000", "-1,234", "1,234 s",
    "", " ", "-", "+", ".", ",", "e3", "abc", "1 2", "1 23", "12 3456", "1.2.3", "1,2,3", "1,23,456",
    "1.2,3.4", "1,2.3,4",
    "1,23.5", "--5", "+-5", "5-", "5+3", "0x10", "1_000", "1/2", "inf", "-inf", "nan", "NaN", "infinity", "1e999",
    "-1e400", "9" * 101, "1" * 90 + "e99999", "12 px", "12 %", "3 m", "1:75", "1:2:3:4", "1:99:00", ":30",
    "1:", "1::2",
    "12s s", "s", "1e", "1ee3", "e", "\x00", "1\x002", "\u00bd", "\u2460", "5 s 3", "' 1", "1''000", "(5)", "1e1.5",
])  # fmt: skip
@pytest.mark.parametrize("unit", ["s"])
def test_what_is_refused_with_a_message(text: str, unit: str) -> None:
    with pytest.raises(NumberTextError) as refused:
        parse_number(text, unit)
    message = str(refused.value)
    assert 10 < len(message) < 140
    assert message.endswith(".")
    assert "\x00" not in message


def test_what_is_ambiguous_is_reported_with_both_readings() -> None:
    with pytest.raises(NumberTextError, match=r"could mean 1\.234 or 1234"):
        parse_number("1,234")


@pytest.mark.parametrize("text", ["12 s", "50%", "1:30", "3 px", "5x"])
def test_a_field_without_a_unit_takes_none(text: str) -> None:
    with pytest.raises(NumberTextError):
        parse_number(text)


@pytest.mark.parametrize(("text", "value"), [
    ("12", 12), ("-1", -1), ("4294967295", 4294967295), (str(2**80 + 1), 2**80 + 1), ("1e3", 1000),
    ("12 345", 12345),
    ("7.0", 7), ("1,234,567", 1234567), (f"{MINUS}5", -5), ("\u0663", 3), ("007", 7),
])  # fmt: skip
def test_whole_numbers_keep_their_digits(text: str, value: int) -> None:
    assert parse_whole(text) == value


@pytest.mark.parametrize("text", ["1.5", "1,5", "1,234", "1.234", "x", "1e-3", "inf", ""])
def test_whole_numbers_that_are_refused(text: str) -> None:
    with pytest.raises(NumberTextError):
        parse_whole(text)


def test_first_characters() -> None:
    assert all(begins_number(c) for c in "0123456789.,+-\u2212\u0663")
    assert not any(begins_number(c) for c in ("", "a", " ", "12", "\u00bd", "\u00b2", "\x08", "\r", "e"))


@pytest.mark.parametrize(("text", "unit", "goes_on"), [
    ("12s", "s", True), ("12 s", "s", True), ("12m", "s", True), ("12k", "s", False), ("s", "s", False),
    ("", "s", False), ("12e", "s", True), ("12e", "", True), ("12s", "", False), ("12b", "bpm", True),
    ("12 ", "s", True), ("12 ", "", False), ("1:3", "s", True), ("1:", "s", True),
    ("1:", "bpm", False), ("2.5k", "bpm", False),
])  # fmt: skip
def test_letters_that_may_be_a_unit(text: str, unit: str, goes_on: bool) -> None:
    assert may_go_on(text, unit) is goes_on
