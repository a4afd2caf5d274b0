"""Models that are more than this machine can do are refused before the first picture, with a message."""

from __future__ import annotations

from typing import Any

import pytest

from explorer.errors import CostlyModelError
from explorer.ops import backend
from explorer.render import limits
from explorer.util.free_memory import free_memory

# A file of 57 kB, and a network of 8 MB: both well-formed.
SLOW: dict[str, Any] = {
    "img_resolution": 32, "channel_base": 1024, "channel_max": 16, "conv_kernel": 1, "lrelu_upsampling": 3,
    "margin_size": 256, "use_radial_filters": True,
}  # fmt: skip
LARGE: dict[str, Any] = {"img_resolution": 8192, "channel_base": 8192 * 32, "channel_max": 32}
USUAL: list[tuple[str, dict[str, Any]]] = [
    ("stylegan2", {"img_resolution": 1024}),
    ("stylegan3-t", {"img_resolution": 1024}),
    ("stylegan3-r", {"img_resolution": 1024, "channel_base": 65536, "channel_max": 1024}),
]


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop of two cores and 8 GB with the native kernels."""
    monkeypatch.setattr(limits, "free_memory", lambda: 6_000_000_000)
    monkeypatch.setattr(backend, "operations_per_second", lambda: 2e11)
    monkeypatch.setattr(limits, "_has_kernels", lambda: True)


def test_a_picture_that_takes_too_long() -> None:
    with pytest.raises(CostlyModelError, match=r"picture of x\.pkl takes about \d+ s on this machine, and 1\.8 GB"):
        limits.check_affordable("x.pkl", "stylegan3-t", SLOW)


def test_a_picture_that_takes_too_much_memory() -> None:
    with pytest.raises(CostlyModelError, match=r"x\.pkl takes about [\d.]+ GB of memory, and 6\.0 GB are .*b8192"):
        limits.check_affordable("x.pkl", "stylegan2", LARGE)


@pytest.mark.parametrize(("family", "config"), USUAL)
def test_published_models_are_affordable(family: str, config: dict[str, Any]) -> None:
    limits.check_affordable("x.pkl", family, config)


@pytest.mark.parametrize(("family", "config"), USUAL)
def test_the_same_on_a_machine_without_memory(
    family: str, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "free_memory", lambda: 500_000_000)
    with pytest.raises(CostlyModelError, match="500 MB are free"):
        limits.check_affordable("x.pkl", family, config)


def test_free_memory_is_known_here_and_less_than_the_limit_of_the_process() -> None:
    free = free_memory()
    assert free is None or 0 <= free < 1 << 50
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 40, hard))
    try:
        assert (free_memory() or 0) < 1 << 40
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
