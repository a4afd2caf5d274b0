"""Files of directions: ours, GANSpace's, bare arrays, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.directions.direction_set import DirectionSet
from explorer.directions.files import load_directions, save_directions
from explorer.directions.samples import with_sigmas
from explorer.errors import LatentError
from explorer.testing.tiny import TinyConfig, TinyGenerator

GENERATOR = TinyGenerator(TinyConfig())
INFO = GENERATOR.info
W, ROWS = INFO.w_dim, INFO.num_ws


def unit(*shape: int) -> np.ndarray:
    x = np.random.RandomState(2).randn(*shape)
    return (x / np.sqrt((x**2).sum(axis=tuple(range(1, len(shape))), keepdims=True))).astype(np.float32)


FOUND = DirectionSet(
    "sefa",
    "w",
    unit(3, W),
    np.array([9.0, 4.0, 1.0]),
    np.array([2.0, 1.0, 0.5]),
    ("ears", "a\u00e4", "c"),
    (0, 1),
    "ab",
)


@pytest.mark.parametrize("suffix", [".npz", ".pt", ".safetensors", ".npy"])
def test_a_saved_set_comes_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"d{suffix}"
    save_directions(path, FOUND)
    found = load_directions(path, INFO)
    np.testing.assert_allclose(found.vectors, FOUND.vectors, atol=1e-6)
    if suffix == ".npy":  # vectors alone
        assert np.isnan(found.sigmas).all()
        assert found.names == ("d 0", "d 1", "d 2")
    else:
        np.testing.assert_allclose(found.sigmas, FOUND.sigmas)
        np.testing.assert_allclose(found.values, FOUND.values)
        assert (found.names, found.entries, found.method, found.model_sha) == (FOUND.names, (0, 1), "sefa", "ab")


@pytest.mark.parametrize("total", [20.0, 0.0])
def test_the_share_of_the_variance_is_kept_where_others_were_left_out(tmp_path: Path, total: float) -> None:
    whole = replace(FOUND, total=total)
    save_directions(tmp_path / "d.npz", whole.of([1, 2]))
    found = load_directions(tmp_path / "d.npz", INFO)
    assert [found.share(i) for i in range(2)] == ([0.2, 0.05] if total else [0.0, 0.0])
    with np.load(tmp_path / "d.npz", allow_pickle=False) as stored:
        ratios = [0.2, 0.05] if total else [0.8, 0.2]
        np.testing.assert_allclose(stored["var_ratio"], ratios, rtol=1e-6)


def test_the_arrays_of_an_npz_are_those_of_ganspace_too(tmp_path: Path) -> None:
    save_directions(tmp_path / "d.npz", FOUND)
    with np.load(tmp_path / "d.npz", allow_pickle=False) as stored:
        assert stored["directions"].shape == (3, W)
        assert stored["lat_comp"].shape == (3, 1, W)
        assert stored["lat_mean"].shape == (1, 1, W)
        np.testing.assert_allclose(stored["lat_stdev"], FOUND.sigmas)
        assert {"act_comp", "act_mean", "act_stdev", "var_ratio", "random_stdevs"} <= set(stored)


def test_files_of_other_programs(tmp_path: Path) -> None:
    vectors = unit(4, W)
    np.savez(
        tmp_path / "g.npz", act_comp=np.ones((4, 7)), lat_comp=vectors[:, None], lat_stdev=np.arange(1.0, 5.0),
        lat_mean=np.zeros((1, W)),
    )  # fmt: skip
    found = load_directions(tmp_path / "g.npz", INFO)
    np.testing.assert_allclose(found.vectors, vectors, atol=1e-6)
    np.testing.assert_allclose(found.sigmas, [1, 2, 3, 4])
    # A closed-form factor holds its eigenvectors as columns.
    torch.save({"ckpt": "model.pt", "eigvec": torch.from_numpy(vectors.T.copy())}, tmp_path / "f.pt")
    np.testing.assert_allclose(load_directions(tmp_path / "f.pt", INFO).vectors, vectors, atol=1e-6)
    np.save(tmp_path / "boundary.npy", 5.0 * vectors[:1])
    found = load_directions(tmp_path / "boundary.npy", INFO)
    np.testing.assert_allclose(found.vectors, vectors[:1], atol=1e-6)
    np.save(tmp_path / "one.npy", vectors[0])
    assert len(load_directions(tmp_path / "one.npy", INFO)) == 1


def test_spaces_are_told_apart_by_shape(tmp_path: Path) -> None:
    np.save(tmp_path / "ws.npy", unit(2, ROWS, W))
    styles = sum(layer.style_dim for layer in INFO.layers)
    np.save(tmp_path / "s.npy", unit(2, styles))
    assert load_directions(tmp_path / "ws.npy", INFO).space == "ws"
    assert styles == W or load_directions(tmp_path / "s.npy", INFO).space == "s"


@pytest.mark.parametrize("shape", [(3, W + 1), (2, ROWS + 1, W), (0, W), (2, 2, 2, 2), ()])
def test_a_wrong_shape_is_explained(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "d.npy", np.ones(shape, np.float32))
    with pytest.raises(LatentError) as caught:
        load_directions(tmp_path / "d.npy", INFO)
    assert "d.npy" in str(caught.value)
    assert str(W) in caught.value.hint


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_directions_without_a_direction_are_refused(tmp_path: Path, value: float) -> None:
    np.save(tmp_path / "d.npy", np.full((2, W), value, np.float32))
    with pytest.raises(LatentError, match="zero or not finite"):
        load_directions(tmp_path / "d.npy", INFO)


def test_other_arrays_and_files_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", a=np.ones(3), b=np.ones(4))
    with pytest.raises(LatentError, match="none of which is named like directions: a, b"):
        load_directions(tmp_path / "d.npz", INFO)
    (tmp_path / "d.txt").write_text("1 2 3")
    with pytest.raises(LatentError, match="is not a direction file"):
        load_directions(tmp_path / "d.txt", INFO)
    (tmp_path / "d.npy").write_bytes(b"no array")
    with pytest.raises(LatentError, match=r"d\.npy"):
        load_directions(tmp_path / "d.npy", INFO)
    with pytest.raises(LatentError, match="not a format of directions"):
        save_directions(tmp_path / "d.txt", FOUND)


def test_missing_deviations_are_measured() -> None:
    found = with_sigmas(GENERATOR, replace(FOUND, sigmas=np.array([2.0, np.nan, np.nan])))
    assert found.sigmas[0] == 2.0
    assert (found.sigmas > 0.0).all()
