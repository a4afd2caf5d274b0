"""What comes with the program: every generator with its tile, card and sheets, and no network that is none."""

from __future__ import annotations

from PIL import Image

from explorer.checkpoints.bundled import DEFAULT_PAIR, assets_dir, bundled


def test_every_bundled_generator_is_whole() -> None:
    found = bundled()
    assert tuple(b.name for b in found[:2]) == DEFAULT_PAIR
    assert all(b.name.startswith("critters-stylegan") for b in found)
    for b in found:
        assert b.path.stat().st_size <= 12_000_000
        assert b.thumbnail is not None
        with Image.open(b.thumbnail) as picture:
            assert picture.width == picture.height
        for part in (".md", "-samples-psi1.png", "-samples-psi0.7.png"):
            assert (assets_dir() / f"{b.name}{part}").is_file()
    assert sum(path.stat().st_size for path in assets_dir().rglob("*.safetensors")) <= 60_000_000
