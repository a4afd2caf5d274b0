"""Latent files: ours carry every fact, foreign ones are told by shape, misfits are refused with an offer."""

from __future__ import annotations

import io
import os
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.assets.latent import StoredLatent
from explorer.errors import LatentError
from explorer.generators.base import GeneratorInfo
from explorer.latents.files import SUFFIXES, LatentMisfit, convert_to, fit_to, load_latents, save_latent

INFO = GeneratorInfo("stylegan2", 16, 0, 24, 6, (32, 32), 3, (), True, False)
SAME = GeneratorInfo("stylegan2", 24, 0, 24, 6, (32, 32), 3, (), True, False)  # z and w of one width
RNG = np.random.RandomState(0)
ARRAYS = {
    "z": RNG.randn(16).astype(np.float32),
    "w": RNG.randn(24).astype(np.float32),
    "ws": RNG.randn(6, 24).astype(np.float32),
}


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt", ".safetensors"])
@pytest.mark.parametrize("space", ["z", "w", "ws"])
def test_saved_latents_come_back(tmp_path: Path, suffix: str, space: str) -> None:
    path = tmp_path / f"mine{suffix}"
    latent = StoredLatent(space, ARRAYS[space], "sha", 0.7, "näme")  # type: ignore[arg-type]
    save_latent(path, latent)
    (found,) = load_latents(path, INFO)
    np.testing.assert_array_equal(found.array, latent.array)
    assert found.space == space
    if suffix != ".npy":  # a bare array carries nothing else
        assert (found.model_sha, found.psi, found.name, found.key) == ("sha", 0.7, "näme", latent.key)
    else:
        assert (found.model_sha, found.psi, found.name) == ("", 1.0, "mine")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are Unicode there")
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt", ".safetensors"])
def test_paths_and_names_of_any_bytes(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9" + suffix.encode())
    save_latent(path, StoredLatent("z", ARRAYS["z"], "", 1.0, os.fsdecode(b"n\xff")))
    (found,) = load_latents(path, INFO)
    np.testing.assert_array_equal(found.array, ARRAYS["z"])
    assert found.name == (os.fsdecode(b"caf\xe9") if suffix == ".npy" else "n\\xff")
    assert found.key


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt", ".safetensors"])
def test_special_files_are_refused(tmp_path: Path, suffix: str) -> None:
    os.mkfifo(tmp_path / f"f{suffix}")
    with pytest.raises(LatentError, match="pipe"):
        load_latents(tmp_path / f"f{suffix}", INFO)


@pytest.mark.parametrize(
    ("shape", "space", "count"),
    [((16,), "z", 1), ((24,), "w", 1), ((1, 24), "w", 1), ((3, 24), "w", 3), ((6, 24), "ws", 1),
     ((2, 6, 24), "ws", 2), ((1, 1, 6, 24), "ws", 1), ((5, 16), "z", 5), ((1, 9, 24), "ws", 1)],
)  # fmt: skip
def test_a_foreign_arrays_space_is_determined_by_its_shape(
    tmp_path: Path, shape: tuple[int, ...], space: str, count: int
) -> None:
    np.save(tmp_path / "a.npy", RNG.randn(*shape))
    found = load_latents(tmp_path / "a.npy", INFO)
    assert [latent.space for latent in found] == [space] * count
    assert found[0].model_sha == ""
    assert found[0].name == ("a" if count == 1 else "a 1")


def test_where_the_shape_does_not_tell_the_user_is_asked(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ARRAYS["w"])
    with pytest.raises(LatentMisfit, match="may be z or w") as caught:
        load_latents(tmp_path / "a.npy", SAME)
    assert caught.value.choices == ("z", "w")
    assert load_latents(tmp_path / "a.npy", SAME, "z")[0].space == "z"
    assert load_latents(tmp_path / "a.npy", SAME, "w")[0].space == "w"


def test_a_name_in_the_file_tells(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", w=ARRAYS["w"][None])
    assert load_latents(tmp_path / "a.npz", SAME)[0].space == "w"
    np.savez(tmp_path / "b.npz", w=ARRAYS["ws"][None])  # a projector's file: called w, but one for each layer
    assert load_latents(tmp_path / "b.npz", SAME)[0].space == "ws"
    torch.save({"pic.png": {"latent": torch.tensor(ARRAYS["ws"]), "noise": []}}, tmp_path / "c.pt")
    assert load_latents(tmp_path / "c.pt", SAME)[0].space == "ws"
    torch.save(torch.tensor(ARRAYS["ws"], dtype=torch.float64)[None], tmp_path / "d.pt")
    assert load_latents(tmp_path / "d.pt", SAME)[0].array.shape == (6, 24)


def test_a_broadcast_w_declared_as_w_is_one(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.repeat(ARRAYS["w"][None, None], 6, axis=1))
    (found,) = load_latents(tmp_path / "a.npy", INFO, "w")
    np.testing.assert_array_equal(found.array, ARRAYS["w"])


# -- refusals --------------------------------------------------------------------------------------------------


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def npy_header(shape: tuple[int, ...]) -> bytes:
    """A .npy that declares much and holds nothing."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


class Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1/0",)


def test_files_that_are_not_latents_are_refused(tmp_path: Path) -> None:
    good = tmp_path / "good.npy"
    np.save(good, ARRAYS["w"])
    bomb = tmp_path / "bomb.npz"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.npy", npy_header((100_000_000,)) + bytes(400_000_000))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "texts.npy", np.array(["a"]))
    np.save(tmp_path / "scalar.npy", np.float32(3.0))
    np.save(tmp_path / "nan.npy", np.full(24, np.nan))
    np.save(tmp_path / "many.npy", np.zeros((2000, 24)))
    np.savez(tmp_path / "none.npz", a=ARRAYS["w"], b=ARRAYS["w"])
    torch.save([1, 2], tmp_path / "list.pt")
    torch.save({"a": 1}, tmp_path / "dict.pt")
    torch.save(Hostile(), tmp_path / "hostile.pt")
    bad = [
        tmp_path / "absent.npy",
        tmp_path / "picture.jpg",
        write(tmp_path / "cut.npy", good.read_bytes()[:-10]),
        write(tmp_path / "huge.npy", npy_header((1_000_000_000_000,))),
        write(tmp_path / "text.pt", b"hello"),
        write(tmp_path / "text.npz", b"hello"),
        write(tmp_path / "text.safetensors", b"hello hello hello"),
        write(tmp_path / "empty.npy", b""),
        bomb,
        *(tmp_path / name for name in ("objects.npy", "texts.npy", "scalar.npy", "nan.npy", "many.npy")),
        *(tmp_path / name for name in ("none.npz", "list.pt", "dict.pt", "hostile.pt")),
    ]
    for path in bad:
        with pytest.raises(LatentError) as caught:
            load_latents(path, INFO)
        assert caught.value.hint, path


def test_a_file_too_large_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.latents.array_files.MAX_BYTES", 100)
    np.save(tmp_path / "a.npy", ARRAYS["ws"])
    with pytest.raises(LatentError, match="too large"):
        load_latents(tmp_path / "a.npy", INFO)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt", ".safetensors"])
def test_a_latent_of_too_many_numbers_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    save_latent(path, StoredLatent("ws", ARRAYS["ws"]))
    monkeypatch.setattr("explorer.latents.array_files.MAX_NUMBERS", 143)
    with pytest.raises(LatentError, match="144 numbers; at most 143"):
        load_latents(path, INFO)


def test_arrays_are_counted_together_and_others_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.latents.array_files.MAX_NUMBERS", 39)
    np.savez_compressed(tmp_path / "a.npz", w=ARRAYS["w"], pictures=np.zeros((100, 100)))
    assert len(load_latents(tmp_path / "a.npz", INFO)) == 1
    np.savez_compressed(tmp_path / "b.npz", w=ARRAYS["w"], z=ARRAYS["z"])
    with pytest.raises(LatentError, match="40 numbers"):
        load_latents(tmp_path / "b.npz", INFO)


def test_words_about_a_latent_are_limited(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", w=ARRAYS["w"], latentwalk=np.array("[" + "0," * 300_000 + "0]"))
    with pytest.raises(LatentError, match="unpacks to more"):
        load_latents(tmp_path / "a.npz", INFO)


def test_a_tensor_repeated_by_its_stride_is_refused_unread(tmp_path: Path) -> None:
    torch.save(torch.zeros(24).expand(6, 24), tmp_path / "a.pt")
    with pytest.raises(LatentError, match="whose storage holds 24 elements") as caught:
        load_latents(tmp_path / "a.pt", INFO)
    assert "contiguous()" in caught.value.hint


def test_a_packed_torch_file_is_refused_unread(tmp_path: Path) -> None:
    torch.save(torch.zeros(6, 24), tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "a.pt") as plain, zipfile.ZipFile(tmp_path / "b.pt", "w") as packed:
        for item in plain.infolist():
            method = zipfile.ZIP_DEFLATED if "/data/" in item.filename else zipfile.ZIP_STORED
            packed.writestr(item.filename, plain.read(item), method)
    with pytest.raises(LatentError, match="missing or too short"):
        load_latents(tmp_path / "b.pt", INFO)


def test_files_of_an_older_torch(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    rows = torch.tensor(RNG.randn(3, 24), dtype=torch.float16)
    for value in (rows, {"w": rows.T.contiguous().T, "noise": [rows]}, {"a.png": {"latent": rows, "img": rows[1]}}):
        torch.save(value, path, _use_new_zipfile_serialization=False)
        found = load_latents(path, INFO)
        np.testing.assert_array_equal([latent.array for latent in found], rows.float().numpy())
    torch.save(rows[1:2, :], path, _use_new_zipfile_serialization=False)
    np.testing.assert_array_equal(load_latents(path, INFO)[0].array, rows[1].float().numpy())


def test_damaged_files_of_an_older_torch(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save({"w": torch.ones(24)}, path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    numel = data.rindex(b"\x18\x00\x00\x00\x00\x00\x00\x00")
    for broken in (
        *(data[:size] for size in range(0, len(data), 7)),
        data[:numel] + b"\xff" * 8 + data[numel + 8 :],
        data[:numel] + b"\xff" * 7 + b"\x7f" + data[numel + 8 :],
        data.replace(b"little_endian", b"huge__endian_"),
        data.replace(b"\xe9\x03", b"\xea\x03", 1),
    ):
        with pytest.raises(LatentError):
            load_latents(write(path, broken), INFO)
    torch.save(torch.zeros(24).expand(6, 24), path, _use_new_zipfile_serialization=False)
    with pytest.raises(LatentError, match="24 elements"):
        load_latents(path, INFO)
    torch.save(Hostile(), path, _use_new_zipfile_serialization=False)
    with pytest.raises(LatentError, match="Nothing was run"):
        load_latents(path, INFO)


def test_ws_of_one_dimension_is_none(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", ws=ARRAYS["w"])
    with pytest.raises(LatentError, match="not a ws"):
        load_latents(tmp_path / "a.npz", INFO)


def test_saving_needs_a_known_suffix_and_a_folder(tmp_path: Path) -> None:
    latent = StoredLatent("w", ARRAYS["w"])
    with pytest.raises(LatentError, match="not a latent format"):
        save_latent(tmp_path / "a.txt", latent)
    with pytest.raises(LatentError, match="cannot be written"):
        save_latent(tmp_path / "nowhere" / "a.npy", latent)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failed_write_leaves_the_old_latent(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")

    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(LatentError, match="No space left"):
        save_latent(path, StoredLatent("w", ARRAYS["w"]))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


# -- fitting ---------------------------------------------------------------------------------------------------


def test_a_latent_of_this_model_or_of_an_unknown_one_fits() -> None:
    for sha in ("mine", ""):
        latent = StoredLatent("ws", ARRAYS["ws"], sha)
        assert fit_to(latent, INFO, "mine") is latent
    z = StoredLatent("z", ARRAYS["z"], "other")  # a z belongs to no model
    assert fit_to(z, INFO, "mine") is z


def test_a_latent_of_another_model_is_refused_with_an_offer() -> None:
    latent = StoredLatent("w", ARRAYS["w"], "other", name="theirs")
    with pytest.raises(LatentMisfit, match="theirs was created with another model") as caught:
        fit_to(latent, INFO, "mine")
    assert caught.value.offer
    converted = convert_to(latent, INFO, "mine")
    assert converted.model_sha == "mine"
    np.testing.assert_array_equal(converted.array, latent.array)


def test_rows_are_spread_over_those_of_this_model() -> None:
    latent = StoredLatent("ws", RNG.randn(11, 24).astype(np.float32), "other")
    with pytest.raises(LatentMisfit, match="11 x 24") as caught:
        fit_to(latent, INFO, "mine")
    assert "11 rows over the 6" in caught.value.offer
    np.testing.assert_array_equal(convert_to(latent, INFO, "mine").array, latent.array[[0, 2, 4, 6, 8, 10]])


def test_a_latent_of_another_width_cannot_be_converted() -> None:
    wrong = [("w", ARRAYS["z"]), ("z", ARRAYS["w"]), ("ws", ARRAYS["ws"][:, 1:])]
    for latent in (StoredLatent(space, array) for space, array in wrong):  # type: ignore[arg-type]
        with pytest.raises(LatentMisfit) as caught:
            convert_to(latent, INFO, "mine")
        assert not caught.value.offer


def test_a_header_of_gigabytes_is_refused_before_there_is_room_for_it(tmp_path: Path) -> None:
    good = io.BytesIO()
    np.lib.format.write_array(good, np.zeros(4, np.float32), version=(2, 0))
    raw = bytearray(good.getvalue())
    raw[8:12] = (3 << 30).to_bytes(4, "little")
    (tmp_path / "w.npy").write_bytes(raw)
    with pytest.raises(LatentError, match="declares a header of 3,221,225,472 bytes"):
        load_latents(tmp_path / "w.npy", INFO)
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        archive.writestr("w.npy", bytes(raw))
    with pytest.raises(LatentError, match="declares a header"):
        load_latents(tmp_path / "w.npz", INFO)
