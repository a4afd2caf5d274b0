"""Picture files as sources: orientation, depth, transparency, profiles, and what is refused."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from explorer.assets import picture_files
from explorer.assets.picture import MAX_PIXELS
from explorer.assets.picture_files import load_masks, load_picture
from explorer.errors import AssetError

RAMP = np.linspace(0, 255, 16 * 24 * 3).reshape(16, 24, 3).astype(np.uint8)


def saved(folder: Path, picture: Image.Image, name: str = "p.png", **options: Any) -> Path:
    picture.save(folder / name, **options)
    return folder / name


def test_pixels_and_name_come_back(tmp_path: Path) -> None:
    found = load_picture(saved(tmp_path, Image.fromarray(RAMP)))
    np.testing.assert_array_equal(found.array, RAMP)
    assert found.name == "p.png"


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff", "gif", "bmp"])
def test_common_formats(tmp_path: Path, suffix: str) -> None:
    found = load_picture(saved(tmp_path, Image.fromarray(RAMP), f"p.{suffix}"))
    assert found.array.shape == (16, 24, 3)
    assert np.abs(found.array.astype(int) - RAMP).mean() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_a_camera_is_honoured(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = load_picture(saved(tmp_path, Image.fromarray(RAMP), exif=exif)).array
    turned = {
        1: RAMP, 2: RAMP[:, ::-1], 3: RAMP[::-1, ::-1], 4: RAMP[::-1], 5: RAMP.transpose(1, 0, 2),
        6: np.rot90(RAMP, -1), 7: np.rot90(RAMP, 2).transpose(1, 0, 2), 8: np.rot90(RAMP),
    }  # fmt: skip
    np.testing.assert_array_equal(upright, turned[orientation])


def test_sixteen_bits_are_scaled(tmp_path: Path) -> None:
    grey = np.linspace(0, 65535, 16 * 16).reshape(16, 16).astype(np.uint16)
    found = load_picture(saved(tmp_path, Image.fromarray(grey)))
    np.testing.assert_array_equal(found.array[:, :, 0], np.rint(grey / 65535 * 255).astype(np.uint8))


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("1", 1), ("P", 3), ("RGBA", 4), ("LA", 4), ("CMYK", 3)])
def test_modes(tmp_path: Path, mode: str, channels: int) -> None:
    name = "p.jpg" if mode == "CMYK" else "p.png"
    assert load_picture(saved(tmp_path, Image.fromarray(RAMP).convert(mode), name)).array.shape == (
        16,
        24,
        channels,
    )


def test_a_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    picture = Image.new("P", (16, 16), 1)
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.putpixel((3, 3), 0)
    found = load_picture(saved(tmp_path, picture, transparency=0)).array
    assert found.shape == (16, 16, 4)
    assert found[3, 3, 3] == 0
    assert found[0, 0].tolist() == [0, 255, 0, 255]


def test_a_profile_is_converted_and_a_damaged_one_ignored(tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (lab, b"no profile"):
        found = load_picture(saved(tmp_path, Image.fromarray(RAMP), icc_profile=profile))
        assert np.abs(found.array.astype(int) - RAMP).max() <= 1


def test_large_pictures_are_scaled_down(tmp_path: Path) -> None:
    for name in ("p.png", "p.jpg"):
        found = load_picture(saved(tmp_path, Image.new("RGB", (5000, 2000), (9, 8, 7)), name)).array
        height, width = found.shape[:2]
        assert MAX_PIXELS * 0.9 < height * width <= MAX_PIXELS
        assert width / height == pytest.approx(2.5, rel=0.01)
        assert np.abs(found[0, 0].astype(int) - (9, 8, 7)).max() <= 2


def test_what_is_no_source_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(AssetError, match=r"text\.png is not a picture"):
        load_picture(tmp_path / "text.png")
    with pytest.raises(AssetError, match="1\u00d71 pixels"):
        load_picture(saved(tmp_path, Image.new("RGB", (1, 1))))
    with pytest.raises(AssetError, match="does not exist"):
        load_picture(tmp_path / "gone.png")
    with pytest.raises(AssetError, match="folder"):
        load_picture(tmp_path)
    whole = saved(tmp_path, Image.fromarray(RAMP)).read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AssetError, match=r"half\.png cannot be read"):
        load_picture(tmp_path / "half.png")
    monkeypatch.setattr(picture_files, "MOST_PIXELS", 100)
    with pytest.raises(AssetError, match="24\u00d716 pixels"):
        load_picture(saved(tmp_path, Image.fromarray(RAMP)))


def test_a_picture_of_twenty_thousand_pixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.new("1", (20_000, 20_000)))
    with pytest.raises(AssetError, match=r"p\.png has more than 134,217,728 pixels"):
        load_picture(path)
    strip = load_picture(saved(tmp_path, Image.new("L", (20_000, 16), 7))).array
    assert strip.shape == (16, 20_000, 1)
    assert (strip == 7).all()


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.png")
    with pytest.raises(AssetError, match=r"p\.png cannot be read"):
        load_picture(tmp_path / "p.png")


def test_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", RAMP)
    np.testing.assert_array_equal(load_picture(tmp_path / "a.npy").array, RAMP)
    np.save(tmp_path / "m.npy", np.stack([RAMP[:, :, 0], RAMP[:, :, 1]]))
    masks = load_masks(tmp_path / "m.npy")
    assert [mask.array.tolist() for mask in masks] == [RAMP[:, :, 0].tolist(), RAMP[:, :, 1].tolist()]
    for array, said in ((RAMP.astype(np.float32), "float32"), (RAMP[None], "shape")):
        np.save(tmp_path / "a.npy", array)
        with pytest.raises(AssetError, match=said):
            load_picture(tmp_path / "a.npy")
    huge = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (20_000, 20_000, 3)}
    np.lib.format.write_array_header_1_0(huge, header)  # and no values, of which none is to be read
    (tmp_path / "huge.npy").write_bytes(huge.getvalue())
    with pytest.raises(AssetError, match=r"huge\.npy cannot be read: it holds 1,200,000,000 values"):
        load_picture(tmp_path / "huge.npy")
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(AssetError, match=r"a\.npy cannot be read"):
        load_picture(tmp_path / "a.npy")


def test_a_mask_is_where_a_picture_is_bright_and_opaque(tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:8] = 255
    pixels[:4, :, 3] = 0
    (mask,) = load_masks(saved(tmp_path, Image.fromarray(pixels)))
    assert mask.array[[0, 5, 12], 0].tolist() == [0, 255, 0]
