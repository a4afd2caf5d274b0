"""What every test has in common: one thread a kernel, and one thread in which what is left over is collected."""

import explorer  # before torch, because it says how OpenMP's threads wait

__all__ = ["explorer"]

import gc
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import torch

from explorer.testing import install_tiny
from tests.plugins.site import PluginSite, plugin_site_in

install_tiny()  # which users do not see
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job: what it starts would not hear of Ctrl+C, and some tests press it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
torch.set_num_threads(1)  # so that times do not depend on who else uses the cores


@pytest.fixture(autouse=True)
def collected_between_tests() -> Iterator[None]:
    """As in the program: a render thread never collects what is left of Qt objects, which could lock both threads.

    Collecting after every test would take minutes; what happens between two tests happens in their thread.
    """
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def plugin_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginSite]:
    """A folder on the path, into which a test installs packages."""
    folder = tmp_path / "plugin-site"
    folder.mkdir()
    with plugin_site_in(folder, monkeypatch) as site:
        yield site


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable(config: pytest.Config, report: object) -> Generator[None, object, object]:
    """Spell lone surrogates out (bytes of paths that are not UTF-8): pytest-xdist sends reports as UTF-8."""
    return _spelled_out((yield))


def _spelled_out(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_spelled_out(key): _spelled_out(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_spelled_out, value))
    return value
