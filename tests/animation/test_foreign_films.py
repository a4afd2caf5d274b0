"""Films of strangers: nothing but the file itself is opened, nothing is waited for, nothing fills the memory."""

from __future__ import annotations

import os
import struct
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from explorer.animation.container import packets_of
from explorer.animation.encoder import part_paths, pictures_of
from explorer.animation.job import job_path, read_job
from explorer.animation.recorder import Recorder
from explorer.errors import FilmError, ProjectError
from explorer.project import embedded
from explorer.project.document import read_project
from explorer.project.film_container import open_film
from explorer.state import ExplorerState
from tests.animation.conftest import decoded, job_of

LISTS = {
    "concat.mp4": "ffconcat version 1.0\nfile good.mp4\n",
    "concat.mkv": "ffconcat version 1.0\nfile good.mp4\n",
    "hls.mp4": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\ngood.mp4\n#EXT-X-ENDLIST\n",
    "dash.webm": '<?xml version="1.0"?><MPD><Period><BaseURL>good.mp4</BaseURL></Period></MPD>',
    "session.mov": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_files_is_not_followed(project: ExplorerState, tmp_path: Path, name: str) -> None:
    Recorder(job_of(project, tmp_path / "good.mp4")).run()
    path = tmp_path / name
    path.write_text(LISTS[name])
    with pytest.raises(ProjectError, match="not a readable film"):
        read_project(path)
    with pytest.raises(av.error.InvalidDataError):
        open_film(path)
    assert list(packets_of(path, Fraction(25))) == []
    if name.startswith("concat"):  # FFmpeg by itself does
        with av.open(str(path)) as followed:
            assert followed.format.name == "concat"


def test_a_part_that_lists_other_files_is_not_followed(project: ExplorerState, tmp_path: Path) -> None:
    Recorder(job_of(project, tmp_path / "good.mkv", format="mkv")).run()
    part = part_paths(tmp_path / "f.mkv")[0]
    part.write_text("ffconcat version 1.0\nfile good.mkv\n")
    with pytest.raises(av.error.InvalidDataError):
        next(pictures_of(part))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.gif", "a.webp", "f.mp4.job.json"])
@pytest.mark.parametrize("kind", ["fifo", "device", "link to fifo"])
def test_pipes_and_devices_are_refused(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / name
    if kind == "device":
        path.symlink_to("/dev/zero")
    else:
        os.mkfifo(path if kind == "fifo" else tmp_path / "fifo")
        if kind == "link to fifo":
            path.symlink_to(tmp_path / "fifo")
    read = read_job if name.endswith("json") else embedded.text_of_film
    with pytest.raises((ProjectError, FilmError), match="not a regular file"):
        read(path)


def test_a_job_too_large_is_refused(tmp_path: Path) -> None:
    with job_path(tmp_path / "f.mp4").open("wb") as file:
        file.truncate(1 << 40)  # of zeros that take no room
    with pytest.raises(FilmError, match="cannot be read"):
        read_job(tmp_path / "f.mp4")


def test_endless_blocks_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "MOST_BLOCKS", 1000)
    (tmp_path / "a.webp").write_bytes(b"RIFF\0\0\0\0WEBP" + b"junk\0\0\0\0" * 2000 + b"XMP \4\0\0\0late")
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.gif")
    head = (tmp_path / "plain.gif").read_bytes()[:-1]
    extensions = b"!\xff" + b"\1x" * 1500 + b"\0"
    (tmp_path / "a.gif").write_bytes(head + extensions + b"!\xfe\4late\0;")
    for name in ("a.webp", "a.gif"):
        with pytest.raises(ProjectError, match="does not contain a project"):
            embedded.text_of_film(tmp_path / name)
    assert struct.pack("<I", 4) in (tmp_path / "a.webp").read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("name", ["walk:1.mp4", "concat:a.gif", os.fsdecode(b"w\xff.mkv"), "%03d.mp4", "-o.mp4"])
def test_names_that_mean_something_to_ffmpeg_are_names(
    project: ExplorerState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    kind = Path(name).suffix[1:]
    job = job_of(project, Path(name), format=kind)
    assert Recorder(job).run() == Path(name)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert read_project(name)[0] == project
    if not name.endswith("gif"):
        (tmp_path / name).rename(tmp_path / f"plain.{kind}")
        assert len(decoded(tmp_path / f"plain.{kind}")[0]) == job.film.frames
