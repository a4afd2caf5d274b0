"""Why there is no file where one is named, and the command that helps, which works when it is followed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from explorer.util.missing import is_address, why_missing

DRIVE = "1AbCdEfGhIjKlMnOpQrStUvWxYz012345"


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("https://x.org/a b.pkl", "curl -LO 'https://x.org/a b.pkl'"),
        ("https:/x.org/a.pkl", "curl -LO https://x.org/a.pkl"),  # what `Path` makes of it
        ("https://github.com/a/b/blob/main/x.pkl", "curl -LO https://github.com/a/b/raw/main/x.pkl"),
        (
            "https://huggingface.co/a/b/resolve/main/d/x.pkl?download=true",
            "pip install huggingface_hub && hf download a/b d/x.pkl --local-dir .",
        ),
        ("hf:a/b", "pip install huggingface_hub && hf download a/b --local-dir ."),
        ("hf://a/b/x.pkl", "pip install huggingface_hub && hf download a/b x.pkl --local-dir ."),
        (f"gdrive:{DRIVE}", f"pip install gdown && gdown {DRIVE}"),
        (f"https://drive.google.com/file/d/{DRIVE}/view?usp=sharing", f"gdown {DRIVE}"),
        (f"https://drive.google.com/uc?export=download&id={DRIVE}", f"gdown {DRIVE}"),
        ("s3://bucket/x.pkl", "aws s3 cp s3://bucket/x.pkl ."),
        ("gs://bucket/x.pkl", "gcloud storage cp gs://bucket/x.pkl ."),
        ("file:///models/my%20x.pkl", "Use its path: '/models/my x.pkl'"),
    ],
)
def test_addresses(text: str, command: str) -> None:
    assert is_address(text)
    message, hint = why_missing(text)
    assert "is an address" in message
    assert hint.endswith(command) or command in hint


@pytest.mark.parametrize("text", ["a.pkl", "C:\\models\\a.pkl", "c:a.pkl", "a:b.pkl", "name:1-3", ""])
def test_paths_are_not_addresses(text: str) -> None:
    assert not is_address(text)


def test_links_and_folders(tmp_path: Path) -> None:
    link, loop, folder = tmp_path / "link.pkl", tmp_path / "loop.pkl", tmp_path / "away"
    link.symlink_to(tmp_path / "gone.pkl")
    loop.symlink_to(loop)
    folder.symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    assert f"is a link to {tmp_path / 'gone.pkl'}, which does not exist" in why_missing(link)[0]
    assert "is a link to" in why_missing(loop)[0]
    assert f"{folder} is a link to" in why_missing(folder / "a.pkl")[0]
    assert f"the folder {tmp_path / 'no'} does not exist" in why_missing(tmp_path / "no" / "such" / "a.pkl")[0]
    assert "is not a folder" in why_missing(tmp_path / "file" / "a.pkl")[0]
    assert why_missing(tmp_path / "a.pkl")[0] == f"There is no file {tmp_path / 'a.pkl'}."
    for text in ("", "-", os.fsdecode(b"\xff")):
        assert all(why_missing(text))
