"""`main.py figures`: numbers as text, as JSON and in a card, and sheets of pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.cli import main


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder of pictures, and a cache of our own."""
    monkeypatch.setenv("LATENTWALK_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(6):
        pixels = np.random.default_rng(i).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return str(folder)


def test_figures(models: dict[str, str], photos: str, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = out / "card.md"
    card.write_text("# x\n## Figures\nNone measured yet.\n\nSheets of 64 uncurated samples\n")
    call = ["figures", models["stylegan2"], "--data", photos, "--features", "attributes", "--samples", "6"]
    assert main([*call, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (frechet,) = found["frechet"]
    assert (frechet["samples"], frechet["data"]) == (6, 6)
    assert frechet["generator"] > 0
    assert main([*call, "--card", str(card)]) == 0
    assert f"**{frechet['generator']:.2f}**" in capsys.readouterr().out
    assert f"**{frechet['generator']:.2f}**" in card.read_text()


def test_sheets_without_figures(models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["figures", models["stylegan2"], "--no-figures", "--sheets", str(out / "sheets")]) == 0
    paths = capsys.readouterr().out.splitlines()
    assert paths[0].endswith("stylegan2-overview.png")
    assert all(Path(path).is_file() for path in paths)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--samples", "-1"], "0 leaves the figure out"),
        (["--threads", "-1"], "--threads is not within 0 and 1,024"),
        (["--card", "nowhere.md"], "is not a file"),
        (["--features", "inception", "--data", "PHOTOS"], "known are efficientnet and attributes"),
        (["--data", "nowhere"], "does not exist"),
        (["--likeness", "1"], "--likeness 1 has no mean picture"),
        (["--data", "ONE", "--features", "attributes"], "holds one picture only"),
    ],
)
def test_refusals(
    options: list[str], message: str, models: dict[str, str], photos: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (Path(photos).parent / "one").mkdir()
    (Path(photos).parent / "one" / "0.png").write_bytes((Path(photos) / "0.png").read_bytes())
    places = {"PHOTOS": photos, "ONE": str(Path(photos).parent / "one")}
    options = [places.get(option, option) for option in options]
    assert main(["figures", models["stylegan2"], *options]) == 2
    assert message in capsys.readouterr().err
