"""Signals: the first one unwinds the work, the second ends the process, and what was ignored stays ignored."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from explorer.util.signals import Stopped, ending_signals, stopping


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 130)])
def test_the_first_signal_unwinds_and_handlers_come_back(name: str, code: int) -> None:
    number = getattr(signal, name)
    before = signal.getsignal(number)
    cleaned = []

    def work() -> None:
        with stopping():
            try:
                signal.raise_signal(number)
            finally:
                cleaned.append(True)

    with pytest.raises(Stopped) as caught:
        work()
    assert cleaned == [True]
    assert (caught.value.exit_code, caught.value.name) == (code, name)
    assert signal.getsignal(number) == before


def test_the_second_signal_does_not_wait_for_the_clean_up(monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)

    def work() -> None:
        with stopping():
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                signal.raise_signal(signal.SIGINT)  # raises too, but only because `_exit` returned

    with pytest.raises(Stopped):
        work()
    assert codes == [130]


def test_a_signal_that_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert signal.SIGHUP not in ending_signals()
        with stopping():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads_leave_the_handlers_alone() -> None:
    def run() -> None:
        with stopping():
            found.append(signal.getsignal(signal.SIGTERM))

    found: list[object] = []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGTERM)]
