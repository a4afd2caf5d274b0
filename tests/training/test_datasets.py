"""A user's pictures: every format, depth and tree of folders is read as it looks, or refused with a message."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from explorer.errors import UsageError
from explorer.training.critters.pack import pack
from explorer.training.datasets import Folder, open_data


def _grey(path: Path, value: int = 128) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (value,) * 3).save(path)


def _bytes(folder: Folder, index: int = 0) -> np.ndarray:
    """A picture of `folder` in 0..255, `[3, R, R]`."""
    return ((folder.pictures(np.array([index]))[0] + 1) * 127.5).numpy()


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bits_of_grey_are_scaled(ending: str, tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 65535, 16).astype(np.uint16), (16, 1))
    Image.fromarray(ramp).save(tmp_path / f"ramp.{ending}")
    np.testing.assert_allclose(_bytes(Folder(tmp_path, 16))[1, 5], np.arange(16) * 17, atol=0.51)


def test_grey_whose_white_is_unknown_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(tmp_path / "float.tif")
    with pytest.raises(UsageError, match=r"float\.tif.*32 bits.*Save it with 8 or 16"):
        Folder(tmp_path, 8)
    Image.fromarray(np.full((8, 8), 70000, np.int32)).save(tmp_path / "float.tif")
    with pytest.raises(UsageError, match="32 bits"):
        Folder(tmp_path, 8)


def test_transparent_pixels_are_white(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:4, :, 0] = 255  # a hidden red above, hidden black below
    pixels[:, 4:, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([9, 9, 9, 200, 0, 0])
    palette.save(tmp_path / "b.png", transparency=0)
    folder = Folder(tmp_path, 8)
    assert _bytes(folder)[:, 0].T.tolist() == [[255] * 3] * 4 + [[255, 0, 0]] * 4
    assert _bytes(folder)[:, 7, 0].tolist() == [255] * 3
    assert _bytes(folder, 1).min() == 255


def test_a_picture_with_more_text_than_pillow_reads_is_named(tmp_path: Path) -> None:
    text = PngInfo()
    text.add_text("XML:com.adobe.xmp", "x" * 2_000_000, zip=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", pnginfo=text)
    with pytest.raises(UsageError, match=r"a\.png cannot be read"):
        Folder(tmp_path, 8)


@pytest.mark.parametrize("ending", ["bmp", "jpeg", "jpg", "png", "tif", "TIFF", "webp"])
def test_formats(ending: str, tmp_path: Path) -> None:
    _grey(tmp_path / f"a.{ending}")
    assert np.abs(_bytes(Folder(tmp_path, 8)) - 128).max() < 3


def test_a_folder_that_cannot_be_listed_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _grey(tmp_path / "a.png")
    (tmp_path / "lost+found").mkdir()
    listed = os.scandir

    def scandir(path: str | Path) -> object:
        if Path(path).name == "lost+found":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert len(Folder(tmp_path, 8)) == 1
    assert "lost+found: Permission denied" in caplog.text


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    _grey(tmp_path / "elsewhere" / "a.png")
    (tmp_path / "album" / "deep").mkdir(parents=True)
    (tmp_path / "album" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "album" / "deep" / "round").symlink_to(tmp_path / "album")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "album")
    assert len(Folder(tmp_path / "album", 8)) == 1


def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    _grey(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "moved.png")
    with pytest.raises(UsageError, match=r"b\.png cannot be read"):
        Folder(tmp_path, 8)


def test_what_only_bears_the_name_of_a_picture_is_left_out(tmp_path: Path) -> None:
    _grey(tmp_path / "album.png" / "a.jpg")
    (tmp_path / "._a.jpg").write_bytes(b"a Mac's notes")
    _grey(tmp_path / ".thumbnails" / "a.png")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
    assert len(Folder(tmp_path, 8)) == 1


def test_several_folders_are_joined(tmp_path: Path) -> None:
    _grey(tmp_path / "one" / "a.png", 10)
    _grey(tmp_path / "two" / "b.png", 200)
    joined = open_data(f"{tmp_path}/one,{tmp_path}/two", 8)
    assert isinstance(joined, Folder)
    assert [_bytes(joined, i).mean().round() for i in range(len(joined))] == [10, 200]
    assert len(open_data(f"{tmp_path},{tmp_path}/two", 8)) == 2
    (tmp_path / "none").mkdir()
    with pytest.raises(UsageError, match="none holds no pictures"):
        open_data(f"{tmp_path}/one,{tmp_path}/none", 8)


def test_a_folder_and_a_file_are_not_mixed(tmp_path: Path) -> None:
    _grey(tmp_path / "one" / "a.png")
    packed = pack(tmp_path / "critters.npy", 2, 8)
    with pytest.raises(UsageError, match="both folders and files"):
        open_data(f"{tmp_path}/one,{packed}", 8)


def test_what_is_not_a_packed_file_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("a.txt", "text")
    with pytest.raises(UsageError, match=r"d\.zip .*Unpack") as refused:
        open_data(f"{tmp_path}/d.zip", 8)
    assert "pickle" not in str(refused.value)
    np.savez(tmp_path / "d.npz", np.zeros((2, 3, 8, 8), np.uint8))
    _grey(tmp_path / "a.png")
    whole = pack(tmp_path / "critters.npy", 2, 8).read_bytes()
    (tmp_path / "cut.npy").write_bytes(whole[:-9])
    (tmp_path / "empty.npy").write_bytes(b"")
    for name in ("d.npz", "a.png", "cut.npy", "empty.npy"):
        with pytest.raises(UsageError, match=name):
            open_data(f"{tmp_path}/{name}", 8)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((2, 8, 8, 3), np.uint8),
        ((2, 3, 8, 8), np.float32),
        ((2, 3, 8, 6), np.uint8),
        ((3, 8, 8), np.uint8),
        ((0, 3, 8, 8), np.uint8),
    ],
)
def test_arrays_of_another_shape_or_type_are_refused(shape: tuple[int, ...], kind: type, tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", np.zeros(shape, kind))
    with pytest.raises(UsageError) as refused:
        open_data(f"{tmp_path}/mine.npy", 8)
    for word in ("mine.npy", str(list(shape)), np.dtype(kind).name, "folder"):
        assert word in str(refused.value)


def test_packed_files_of_different_sizes_are_refused(tmp_path: Path) -> None:
    small, large = pack(tmp_path / "a.npy", 2, 8), pack(tmp_path / "b.npy", 2, 16)
    with pytest.raises(UsageError, match=r"b\.npy.* 16 .* 8"):
        open_data(f"{small},{large}", 8)
