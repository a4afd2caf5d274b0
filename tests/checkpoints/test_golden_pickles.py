"""NVIDIA's pickles against what NVIDIA's code computed from them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from explorer.checkpoints import build_generator, inspect, load
from explorer.generators.base import Generator, NoiseSpec
from explorer.testing.nvidia_writer import complete_config, write_network
from tests.checkpoints.conftest import small_network
from tests.generators.configs import golden_config
from tests.goldens import assert_close, load_net, require, weights

VARIANTS = (
    "sg2_skip_u64_nosrc", "sg2ada_c3_u32_nosrc", "sg2ada_c3_u32_nosrc_p3", "sg2ada_c3_u32_nosrc_torch213",
    "sg3t_u64_nosrc", "sg3t_u64_nosrc_p3", "sg3t_u64_nosrc_torch213",
    "sg3r_u64_nosrc", "sg3r_u64_nosrc_p3", "sg3r_u64_nosrc_torch213",
)  # fmt: skip
FAMILIES = {"sg2": "stylegan2", "sg3t": "stylegan3-t", "sg3r": "stylegan3-r"}


def _family(name: str) -> str:
    return next(family for prefix, family in FAMILIES.items() if name.startswith(prefix))


def _check_pictures(generator: Generator, name: str) -> None:
    golden = load_net(name)
    checked = 0
    for case, details in golden.meta["cases"].items():
        mode = details["call"]["synthesis"].get("noise_mode", "const")
        if mode == "random":
            continue  # with drawn numbers of its own: a test of the generators
        forward = details["call"].get("transform_forward")
        transform = None if forward is None else torch.tensor(forward, dtype=torch.float64)
        if details["inputs"] == ["wplus"]:
            ws = golden.array("wplus")
        else:
            call = details["call"]["mapping"]
            ws = generator.broadcast(generator.mapping(golden.array("z"), golden.tensor("c")))
            ws = generator.truncate(ws, call["truncation_psi"], call["truncation_cutoff"])
        picture = generator.synthesis(ws, transform=transform, noise=NoiseSpec(mode=mode))
        assert_close(picture, golden.array(f"{case}/image"), details["tensors"]["image"]["atol"], f"{name} {case}")
        checked += 1
    assert checked >= 3


@pytest.mark.parametrize("name", VARIANTS)
def test_a_pickle_reproduces_the_pictures(name: str) -> None:
    path = require(f"pickles/{name}.pkl")
    fixture = name.split("_nosrc")[0]
    checkpoint = load(path)
    assert checkpoint.family == _family(name)
    stored = weights(fixture)
    assert list(checkpoint.tensors) == list(load_net(fixture).meta["state_dict"])  # torch's own order
    assert all(torch.equal(checkpoint.tensors[key], stored[key]) for key in stored)
    with torch.no_grad():
        _check_pictures(build_generator(checkpoint), fixture)


@pytest.mark.parametrize("name", ["sg2_skip_u64", "sg2ada_c3_u32", "sg3t_u64", "sg3r_u64"])
def test_the_configuration_is_the_one_the_network_was_built_with(name: str) -> None:
    checkpoint = load(require(f"pickles/{name}_nosrc.pkl"))
    init = golden_config(load_net(name).meta["init"])
    assert {key: checkpoint.config[key] for key in init} == init
    assert checkpoint.origin == "Network pickle in NVIDIA's format, trained on 'x.zip'"
    assert checkpoint.source_format == "NVIDIA pickle"


def test_ada_files_keep_their_own_defaults(tmp_path: Path) -> None:
    # The layer says None; a reader that filled in the newer code's default would clamp at 256.
    config, tensors = small_network("stylegan2")
    path = write_network(tmp_path / "a.pkl", "stylegan2", {**config, "conv_clamp": None}, tensors, nested=True)
    assert load(path).config["conv_clamp"] is None


def test_inspect_without_reading_weights() -> None:
    details = inspect(require("pickles/sg2ada_c3_u32_nosrc.pkl"))
    assert details["family"] == "stylegan2"
    assert (details["resolution"], details["z_dim"], details["w_dim"], details["num_ws"], details["classes"]) == (
        32,
        32,
        32,
        8,
        3,
    )
    assert details["tensors"] == 77
    stored = weights("sg2ada_c3_u32")
    buffers = ("w_avg", "noise_const", "resample_filter")
    assert details["parameters"] == sum(t.numel() for key, t in stored.items() if not key.endswith(buffers))
    assert len(str(details["sha256"])) == 64


class _Reference(pickle.Unpickler):
    """Python's own unpickler with torch's own functions, to check that the writer makes real pickles."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch_utils.persistence":
            return lambda meta: meta
        if module == "torch.storage":
            return lambda data: torch.storage._load_from_bytes(data)
        return super().find_class(module, name)


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("family", ["stylegan2", "stylegan3-t", "stylegan3-r"])
def test_the_writer_of_the_tests_makes_real_pickles(tmp_path: Path, family: str, protocol: int) -> None:
    config, tensors = small_network(family)
    tensors["mapping.fc0.weight"] = tensors["mapping.fc0.weight"].t().contiguous().t()  # strides must survive
    path = write_network(tmp_path / "net.pkl", family, config, tensors, protocol=protocol)
    with open(path, "rb") as file:
        reference = _Reference(file).load()["G_ema"]
    mapping = reference["state"]["_modules"]["mapping"]["state"]["_modules"]["fc0"]["state"]["_parameters"]
    assert torch.equal(mapping["weight"], tensors["mapping.fc0.weight"])
    assert mapping["weight"].stride() == tensors["mapping.fc0.weight"].stride()
    checkpoint = load(path)
    assert checkpoint.family == family
    assert {key: value for key, value in checkpoint.config.items() if value != config.get(key)} == {}
    assert all(torch.equal(checkpoint.tensors[key], tensors[key]) for key in tensors)
    build_generator(checkpoint)


@pytest.mark.parametrize("name", ["sg2_clamp_u32", "sg3t_c3_u32"])
def test_a_written_pickle_of_a_fixture_reproduces_its_pictures(tmp_path: Path, name: str) -> None:
    config = complete_config(_family(name), golden_config(load_net(name).meta["init"]))
    path = write_network(tmp_path / f"{name}.pkl", _family(name), config, weights(name))
    with torch.no_grad():
        _check_pictures(build_generator(load(path)), name)


def test_the_trained_generator_stands_in_for_a_missing_average(tmp_path: Path) -> None:
    config, tensors = small_network("stylegan2")
    path = write_network(tmp_path / "g.pkl", "stylegan2", config, tensors, entries=("G",))
    checkpoint = load(path)
    assert "G_ema" in checkpoint.notes[0]
    assert torch.equal(checkpoint.tensors["mapping.w_avg"], tensors["mapping.w_avg"])
