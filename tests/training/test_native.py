"""The extension of training is built once for each source and machine, and a killed build is in nobody's way."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from explorer.ops.native.build import BuildError
from explorer.training import native
from explorer.util import cached_library

pytestmark = pytest.mark.skipif(native.native_module() is None, reason="no C++ compiler here")


def test_a_killed_build_leaves_nothing_to_wait_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folders: list[Path] = []

    def killed(script: str, product: Path, *_: float) -> None:
        folders.append(product.parent)
        (product.parent / "lock").touch()
        raise KeyboardInterrupt

    monkeypatch.setenv("LATENTWALK_NATIVE_CACHE", str(tmp_path))
    monkeypatch.setattr(cached_library, "try_out", killed)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            native.native_module.__wrapped__()
    assert len(set(folders)) == 2
    assert list(tmp_path.iterdir()) == []


def _cached(tmp_path: Path) -> Path:
    """The extension as another cache has it, with its checksum."""
    for file in native._library().parent.glob(f"{native._library().name}*"):
        shutil.copy2(file, tmp_path)
    return tmp_path / native._library().name


def _never(*_: object) -> None:
    raise BuildError("built again")


def test_what_is_built_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _cached(tmp_path)
    monkeypatch.setenv("LATENTWALK_NATIVE_CACHE", str(tmp_path))
    monkeypatch.setattr(native, "_build", _never)
    module = native.native_module.__wrapped__()
    assert module is not None
    assert callable(module.band_filter)


@pytest.mark.parametrize("how", ["empty", "cut", "flipped", "unsigned"])
def test_a_damaged_one_is_built_again_and_without_a_compiler_done_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    library = _cached(tmp_path)
    data = bytearray(library.read_bytes())
    if how == "flipped":
        data[len(data) // 2] ^= 16
    library.write_bytes({"empty": b"", "cut": bytes(data[:5000])}.get(how, bytes(data)))
    if how == "unsigned":
        library.with_name(f"{library.name}.sha256").unlink()
    monkeypatch.setenv("LATENTWALK_NATIVE_CACHE", str(tmp_path))
    monkeypatch.setattr(native, "_build", _never)
    assert native.native_module.__wrapped__() is None  # and no crash
    assert "training uses matrix products: built again" in caplog.text
