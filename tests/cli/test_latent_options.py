"""Latents on the command line: each form people have, each refusal with a hint that works when it is followed."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.checkpoints import build_generator, load
from explorer.cli import main
from explorer.project.document import read_project

INPUTS = Path(os.environ.get("LATENTWALK_INPUTS", Path(__file__).resolve().parents[3] / "shared" / "inputs"))
SHAPE = (5, 8)  # of a ws of the tiny network: rows, w_dim = z_dim
WS = np.random.RandomState(3).randn(4, *SHAPE).astype(np.float32)


def rendered(model: str, out: Path, *options: str) -> np.ndarray:
    """The floats of one picture."""
    assert main(["render", model, *options, "-o", str(out / "x.png"), "--raw", str(out / "x.npy")]) == 0
    values: np.ndarray = np.load(out / "x.npy")
    return values


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The hint of a refusal."""
    capsys.readouterr()
    assert main(arguments) == 2
    return capsys.readouterr().err


def of_ws(model: str, ws: np.ndarray) -> np.ndarray:
    """The picture by hand."""
    generator = build_generator(load(model))
    with torch.inference_mode():
        picture: np.ndarray = generator.synthesis(torch.from_numpy(ws)[None])[0].numpy()
    return picture


def save(path: Path, kind: str, ws: np.ndarray) -> None:
    """One ws in one of the forms that other programs write."""
    tensor = torch.from_numpy(ws)
    match kind:
        case "npz w":
            np.savez(path, w=ws[None])
        case "npy":
            np.save(path, ws)
        case "npy batch":
            np.save(path, ws[None])
        case "npy float64":
            np.save(path, ws.astype(np.float64))
        case "npy float16":
            np.save(path, ws.astype(np.float16))
        case "npy fortran":
            np.save(path, np.asfortranarray(ws))
        case "pt":
            torch.save(tensor, path)
        case "pt batch":
            torch.save(tensor[None], path)
        case "pt list":
            torch.save([tensor], path)
        case "pt picture":
            picture = {"img": torch.zeros(3, 4, 4), "latent": tensor, "noise": [torch.zeros(4)]}
            torch.save({"a/b.png": picture}, path)
        case "pt numpy":
            torch.save({"w": ws}, path)
        case "pt numpy fortran":
            torch.save({"w": np.asfortranarray(ws)}, path)
        case "pt old numpy":
            torch.save({"latents": ws[None]}, path, _use_new_zipfile_serialization=False)


@pytest.mark.parametrize(
    "kind",
    [
        "npz w", "npy", "npy batch", "npy float64", "npy float16", "npy fortran", "pt", "pt batch", "pt list",
        "pt picture", "pt numpy", "pt numpy fortran", "pt old numpy",
    ],
)  # fmt: skip
def test_forms_of_one_ws(models: dict[str, str], out: Path, kind: str) -> None:
    path = out / f"latent.{kind.split()[0]}"
    save(path, kind, WS[0])
    values = rendered(models["tiny"], out, "--ws", str(path))
    tolerance = 2e-2 if "float16" in kind else 1e-5
    np.testing.assert_allclose(values, of_ws(models["tiny"], WS[0]), atol=tolerance)


def test_a_ws_under_the_name_w_is_refused_with_the_option_that_reads_it(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(out / "a b.npz", w=WS[:1])
    line = refused(capsys, "render", models["tiny"], "--w", str(out / "a b.npz"), "-o", str(out / "x.png"))
    options = shlex.split(re.search(r"Use: (.*)", line)[1])  # type: ignore[index]
    np.testing.assert_allclose(rendered(models["tiny"], out, *options), of_ws(models["tiny"], WS[0]), atol=1e-5)


def test_rows_of_another_network_are_spread_on_request(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(out / "a.npz", w=np.repeat(WS[:1], 2, axis=1))  # every row twice
    options = ["--ws", str(out / "a.npz")]
    assert "Add --convert" in refused(capsys, "render", models["tiny"], *options, "-o", str(out / "x.png"))
    np.testing.assert_allclose(
        rendered(models["tiny"], out, *options, "--convert"), of_ws(models["tiny"], WS[0]), atol=1e-5
    )


def test_one_of_several_is_chosen_by_number(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = out / "all.npz"
    np.savez(path, w=WS)
    line = refused(capsys, "render", models["tiny"], "--ws", str(path), "-o", str(out / "x.png"))
    assert "holds 4 latents" in line
    for n in (1, 4):
        values = rendered(models["tiny"], out, "--ws", f"{path}:{n}")
        np.testing.assert_allclose(values, of_ws(models["tiny"], WS[n - 1]), atol=1e-5)
    assert main(["render", models["tiny"], "--ws", f"{path}:3,1-2,3", "-o", str(out / "s.png")]) == 0
    assert {p.name for p in out.glob("s*")} == {f"s-latent000{n}.png" for n in (1, 2, 3, 4)}
    assert "not within 1 to 4" in refused(
        capsys, "render", models["tiny"], "--ws", f"{path}:5", "-o", str(out / "x.png")
    )


def test_a_file_whose_name_ends_like_a_number_is_a_file(models: dict[str, str], out: Path) -> None:
    np.save(out / "a.npy", WS[0])
    (out / "a.npy").rename(out / "a:2.npy")
    np.testing.assert_allclose(
        rendered(models["tiny"], out, "--ws", str(out / "a:2.npy")), of_ws(models["tiny"], WS[0]), atol=1e-5
    )


def test_a_film_walks_through_all_latents_in_their_order(models: dict[str, str], out: Path) -> None:
    np.savez(out / "all.npz", w=WS)
    walk = ["--model", models["tiny"], "--seconds", "0.6", "--fps", "10"]
    assert main(["video", "--ws", str(out / "all.npz"), *walk, "-o", str(out / "a.mkv")]) == 0
    assert main(["video", "--ws", f"{out / 'all.npz'}:2,3,2", *walk, "-o", str(out / "b.mkv")]) == 0
    for film, numbers in (("a.mkv", [0, 1, 2, 3]), ("b.mkv", [1, 2, 1])):
        state, table = read_project(out / film)
        keys = [key.pose.shared.latent.stored for key in state.timeline.keys]
        assert len(keys) == len(numbers)
        for key, number in zip(keys, numbers, strict=True):
            np.testing.assert_array_equal(table.latent(key).array, WS[number])
        assert state.timeline.keys[0].pose.shared.truncation.psi == 1.0  # the numbers are taken as they are


def test_objects_are_refused_with_a_message_and_nothing_runs(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(out / "d.npy", np.array({"a.png": WS[0]}), allow_pickle=True)
    line = refused(capsys, "render", models["tiny"], "--ws", str(out / "d.npy"), "-o", str(out / "x.png"))
    assert "Python objects" in line
    assert "numpy.savez" in line


@pytest.mark.parametrize("kind", ["fifo", "folder", "missing", "model"])
def test_what_is_not_a_latent_file(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    path = out / "a.pt"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
        np.save(path / "0.npy", WS[0])
    elif kind == "model":
        torch.save({"g_ema": {"w": torch.zeros(8)}}, path)
    line = refused(capsys, "render", models["tiny"], "--ws", str(path), "-o", str(out / "x.png"))
    texts = {
        "fifo": "is a pipe", "folder": str(path / "0.npy"), "missing": "There is no file", "model": "is a model",
    }  # fmt: skip
    assert texts[kind] in line


@pytest.mark.skipif(not INPUTS.is_dir(), reason="the shared inputs are not here")
def test_the_files_of_strangers(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, target = str(INPUTS / "baseline.pkl"), str(out / "x.png")
    for name in ("l02_projected_wplus_key_w.npz", "l20_numpy_inside.pt"):
        assert "--ws" in refused(capsys, "render", model, "--w", str(INPUTS / name), "-o", target)
        assert main(["render", model, "--ws", str(INPUTS / name), "-o", target]) == 0
    rows = ["--ws", str(INPUTS / "l03_18_rows.npz")]
    assert "--convert" in refused(capsys, "render", model, *rows, "-o", target)
    assert main(["render", model, *rows, "--convert", "-o", target]) == 0
    several = str(INPUTS / "l15_combined.npz")
    assert f"{several}:1-5" in refused(capsys, "render", model, "--ws", several, "-o", target)
    assert main(["render", model, "--ws", f"{several}:1-5", "--grid", "-o", target]) == 0
