"""Weights without settings, whole modules, and files that lack what can be computed."""

from __future__ import annotations

import math
import sys
import types
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from explorer.checkpoints import Checkpoint, build_generator, convert, inspect, load, save_native
from explorer.errors import CheckpointError, MismatchError, UnreadableFileError, UnsupportedModelError
from explorer.generators import registry
from explorer.generators.base import Generator
from explorer.testing.nvidia_writer import Call, Name, complete_config, network_bytes, network_value
from tests.checkpoints.conftest import small_network, small_pickle

_FAMILIES = ("stylegan2", "stylegan3-t", "stylegan3-r")


def _picture(generator: Generator) -> Tensor:
    torch.manual_seed(0)
    z, c = torch.randn(1, generator.info.z_dim), None
    if generator.info.c_dim:
        c = torch.eye(generator.info.c_dim)[:1]
    with torch.no_grad():
        return generator.synthesis(generator.broadcast(generator.truncate(generator.mapping(z, c), 0.7)))


def _reference(family: str) -> Tensor:
    config, tensors = small_network(family)
    return _picture(build_generator(Checkpoint(family, config, tensors, "reference")))


def _wrap(form: str, tensors: dict[str, Tensor]) -> Any:
    """The state dict as people store it."""
    if form.endswith("."):
        return {f"{form}{key}": tensor for key, tensor in tensors.items()}
    value: Any = OrderedDict(tensors)
    for key in reversed(form.split("/")):
        value = {key: value} if key else value
    return value


FORMS = ("", "G_ema.", "module.", "generator.", "G.", "model.", "decoder.", "module.G_ema.", "g_ema", "G_ema", "G",
         "state_dict", "model", "models/generator_ema", "params_ema", "state_dict/G_ema", "a/b/c")  # fmt: skip


@pytest.mark.parametrize("family", _FAMILIES)
@pytest.mark.parametrize("form", FORMS)
def test_state_dicts_by_their_names_and_prefixes(tmp_path: Path, form: str, family: str) -> None:
    _, tensors = small_network(family)
    value = _wrap(form, tensors)
    for legacy in (False, True):
        path = tmp_path / f"net{legacy}.pth"
        torch.save(value, path, _use_new_zipfile_serialization=not legacy)
        checkpoint = load(path)
        assert checkpoint.family == family
        assert torch.equal(_picture(build_generator(checkpoint)), _reference(family))
        assert inspect(path)["notes"] == list(checkpoint.notes)
        assert "without settings" in " ".join(checkpoint.notes)


@pytest.mark.parametrize("family", _FAMILIES)
@pytest.mark.parametrize("prefix", ["", "G_ema.", "module."])
def test_state_dicts_as_safetensors(tmp_path: Path, prefix: str, family: str) -> None:
    _, tensors = small_network(family)
    save_file({f"{prefix}{key}": tensor for key, tensor in tensors.items()}, tmp_path / "net.safetensors")
    checkpoint = load(tmp_path / "net.safetensors")
    assert (checkpoint.family, checkpoint.source_format) == (family, "safetensors of a state dict")
    assert torch.equal(_picture(build_generator(checkpoint)), _reference(family))


def test_the_average_comes_before_the_generator_in_training(tmp_path: Path) -> None:
    _, tensors = small_network("stylegan2")
    other = {key: tensor + 1 for key, tensor in tensors.items()}
    flat = {**_wrap("G.", other), **_wrap("G_ema.", tensors), "D.b8.weight": torch.zeros(3)}
    for value in ({"G": other, "G_ema": tensors}, {"g": other, "d": {}, "g_ema": tensors}, flat):
        torch.save(value, tmp_path / "net.pt")
        checkpoint = load(tmp_path / "net.pt")
        assert torch.equal(checkpoint.tensors["mapping.w_avg"], tensors["mapping.w_avg"])
    assert any("other tensors" in note for note in checkpoint.notes)
    torch.save({"G": tensors}, tmp_path / "net.pt")
    assert "no averaged generator" in load(tmp_path / "net.pt").notes[0]


CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "skip": ("stylegan2", {"img_resolution": 32, "channel_base": 256, "channel_max": 32}),
    "resnet": ("stylegan2", {"img_resolution": 16, "channel_base": 128, "channel_max": 16,
                             "architecture": "resnet"}),
    "orig": ("stylegan2", {"img_resolution": 16, "channel_base": 100, "channel_max": 64, "architecture": "orig"}),
    "one block": ("stylegan2", {"img_resolution": 4, "channel_base": 64, "channel_max": 16}),
    "all of one width": ("stylegan2", {"img_resolution": 16, "channel_base": 4096, "channel_max": 8}),
    "odd base": ("stylegan2", {"img_resolution": 32, "channel_base": 333, "channel_max": 20}),
    "no noise": ("stylegan2", {"img_resolution": 8, "channel_base": 64, "channel_max": 8, "use_noise": False}),
    "grey": ("stylegan2", {"img_resolution": 8, "channel_base": 64, "channel_max": 8, "img_channels": 1}),
    "filter": ("stylegan2", {"img_resolution": 8, "channel_base": 64, "channel_max": 8,
                             "resample_filter": [1, 2, 1]}),
    "classes": ("stylegan2", {"img_resolution": 8, "channel_base": 64, "channel_max": 8, "c_dim": 5, "z_dim": 12,
                              "mapping_embed_features": 6, "mapping_layer_features": 10}),
    "t": ("stylegan3-t", {"img_resolution": 64, "channel_base": 1024, "channel_max": 32, "num_layers": 8}),
    "r": ("stylegan3-r", {"img_resolution": 64, "channel_base": 2048, "channel_max": 64, "num_layers": 6,
                          "conv_kernel": 1, "use_radial_filters": True}),
    "default depth": ("stylegan3-t", {"img_resolution": 128, "channel_base": 512, "channel_max": 16}),
    "margin": ("stylegan3-t", {"img_resolution": 32, "channel_base": 300, "channel_max": 12, "num_layers": 5,
                               "margin_size": 3, "num_critical": 1}),
    "filter size": ("stylegan3-t", {"img_resolution": 32, "channel_base": 256, "channel_max": 8, "num_layers": 4,
                                    "filter_size": 4, "num_critical": 0}),
    "five critical": ("stylegan3-r", {"img_resolution": 32, "channel_base": 256, "channel_max": 8, "num_layers": 8,
                                      "num_critical": 5, "conv_kernel": 1, "use_radial_filters": True}),
    "classes 3": ("stylegan3-t", {"img_resolution": 32, "channel_base": 256, "channel_max": 8, "num_layers": 4,
                                  "c_dim": 3}),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFIGS)
def test_settings_are_inferred_from_shapes(tmp_path: Path, name: str) -> None:
    family, config = CONFIGS[name]
    config = complete_config(family, {"z_dim": 8, "w_dim": 8, "mapping_layers": 3, **config})
    torch.manual_seed(0)
    generator = registry.build(family, config)
    torch.save(generator.state_dict(), tmp_path / "net.pt")
    checkpoint = load(tmp_path / "net.pt")
    assert checkpoint.family == family
    built = build_generator(checkpoint)
    assert torch.equal(_picture(built), _picture(generator.requires_grad_(False)))
    assert [layer.name for layer in built.info.layers] == [layer.name for layer in generator.info.layers]
    untold = ["channel_base", "channel_max", "resample_filter"]  # several make the same network
    if config.get("num_critical") == 0:
        untold.append("num_critical")  # 1 gives the same layers; the filters are the file's
    told = {key: value for key, value in checkpoint.config.items() if key not in untold}
    assert told == {key: config[key] for key in told}
    if name not in ("orig", "all of one width", "odd base", "margin"):
        assert checkpoint.config["channel_base"] == config["channel_base"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"mapping.fc0.weight": None}, MismatchError, "lacks mapping.fc0.weight"),
        ({"synthesis.b8.torgb.weight": None}, MismatchError, "lacks synthesis.b8.torgb.weight"),
        ({"synthesis.b8.conv1.bias": None}, MismatchError, "lacks synthesis.b8.conv1.bias"),
        ({"synthesis.b8.conv1.weight": torch.zeros(9, 9, 3, 3)}, CheckpointError, "widths|shape"),
        ({"synthesis.b4.const": torch.zeros(7, 4, 4)}, MismatchError, r"\[7, 4, 4\], expected \[8, 4, 4\]"),
        ({"synthesis.extra": torch.zeros(3)}, MismatchError, "unexpected tensors: synthesis.extra"),
        ({"mapping.embed_proj.weight": torch.zeros(3, 3)}, UnsupportedModelError, "StyleGAN-XL"),
        ({"mapping.w_avg": torch.full((8,), math.nan)}, MismatchError, "not finite"),
    ],
)
def test_broken_state_dicts(
    tmp_path: Path, change: dict[str, Tensor | None], error: type[CheckpointError], message: str
) -> None:
    _, tensors = small_network("stylegan2")
    for key, tensor in change.items():
        if tensor is None:
            del tensors[key]
        else:
            tensors[key] = tensor
    torch.save(tensors, tmp_path / "net.pth")
    messages = []
    for step in (lambda path: build_generator(load(path)), inspect):
        with pytest.raises(error, match=message) as caught:
            step(tmp_path / "net.pth")
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_layers_that_follow_no_rule_are_refused(tmp_path: Path) -> None:
    _, tensors = small_network("stylegan3-t")
    renamed = {key.replace("L1_20_", "L1_21_"): tensor for key, tensor in tensors.items()}
    assert set(renamed) != set(tensors)
    torch.save(renamed, tmp_path / "net.pth")
    with pytest.raises(UnsupportedModelError, match="follow no published setting"):
        load(tmp_path / "net.pth")


_STRANGERS = types.ModuleType("strangers")  # where pickle looks classes up while it writes


def _modules(tensors: dict[str, Tensor], classes: dict[str, str]) -> nn.Module:
    """The generator as plain modules of classes that this program cannot import."""
    root = _named("Generator")
    buffers = ("w_avg", "noise_const", "resample_filter", "up_filter", "down_filter", "magnitude_ema", "transform",
               "freqs", "phases")  # fmt: skip
    for key, tensor in tensors.items():
        module = root
        *path, leaf = key.split(".")
        for part in path:
            if part not in module._modules:
                kind = next(kind for start, kind in classes.items() if part.startswith(start))
                module.add_module(part, _named(kind))
            module = module._modules[part]  # type: ignore[assignment]
        if leaf in buffers:
            module.register_buffer(leaf, tensor)
        else:
            module.register_parameter(leaf, nn.Parameter(tensor))
    return root


def _named(name: str) -> nn.Module:
    if not hasattr(_STRANGERS, name):
        setattr(_STRANGERS, name, type(name, (nn.Module,), {"__module__": "strangers"}))
    made: nn.Module = getattr(_STRANGERS, name)()
    return made


@pytest.mark.filterwarnings("ignore:Couldn't retrieve source", "ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("family", _FAMILIES)
@pytest.mark.parametrize("form", ["alone", "G_ema", "parallel", "averaged", "compiled", "inside", "legacy"])
def test_whole_modules_of_unknown_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, family: str
) -> None:
    _, tensors = small_network(family)
    classes = {"mapping": "MappingNetwork", "synthesis": "SynthesisNetwork", "affine": "FullyConnectedLayer",
               "fc": "FullyConnectedLayer", "embed": "FullyConnectedLayer", "input": "SynthesisInput",
               "torgb": "ToRGBLayer", "conv": "SynthesisLayer", "skip": "Conv2dLayer", "L": "SynthesisLayer",
               "b": "SynthesisBlock"}  # fmt: skip
    module = _modules(tensors, classes)
    value: Any = {"G_ema": module, "D": nn.Linear(2, 2)} if form == "G_ema" else module
    if form == "parallel":
        value = nn.DataParallel(module)
    elif form == "averaged":
        value = torch.optim.swa_utils.AveragedModel(module)
    elif form == "compiled":
        value = torch.compile(module)
    elif form == "inside":  # of the module of a whole training
        value = nn.ModuleDict({"D": nn.Linear(2, 2), "G": module})
    path = tmp_path / "net.pt"
    monkeypatch.setitem(sys.modules, "strangers", _STRANGERS)
    torch.save(value, path, _use_new_zipfile_serialization=form != "legacy")
    monkeypatch.delitem(sys.modules, "strangers")
    checkpoint = load(path)
    assert checkpoint.family == family
    assert torch.equal(_picture(build_generator(checkpoint)), _reference(family))


def test_nvidias_modules_inside_a_torch_file(tmp_path: Path) -> None:
    """The same records as in a network pickle, with the tensors outside it."""
    import zipfile

    config, tensors = small_network("stylegan2")
    value: dict[str, Any] = network_value("stylegan2", config, tensors)
    path = tmp_path / "net.pt"
    for content in (value, value["G_ema"]):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("net/data.pkl", network_bytes(content))
        checkpoint = load(path)
        assert checkpoint.source_format == "torch.save file of NVIDIA's module"
        assert torch.equal(_picture(build_generator(checkpoint)), _reference("stylegan2"))


_COMPUTED = {
    "stylegan2": ("resample_filter",),
    "stylegan3-t": ("up_filter", "down_filter", "transform"),
    "stylegan3-r": ("up_filter", "down_filter", "transform"),
}


@pytest.mark.parametrize("form", ["pickle", "state dict", "native"])
@pytest.mark.parametrize("family", _FAMILIES)
def test_constants_that_can_be_computed_may_be_missing(tmp_path: Path, family: str, form: str) -> None:
    config, tensors = small_network(family)
    kept = {key: tensor for key, tensor in tensors.items() if not key.endswith(_COMPUTED[family])}
    assert len(kept) < len(tensors)
    path = tmp_path / ("net.safetensors" if form == "native" else "net.pkl")
    if form == "pickle":
        path.write_bytes(network_bytes(network_value(family, config, kept)))
    elif form == "native":
        save_native(path, Checkpoint(family, config, kept, "x"))
    else:
        torch.save(kept, path)
    assert torch.equal(_picture(build_generator(load(path))), _reference(family))
    assert inspect(path)["family"] == family
    convert(path, tmp_path / "whole.safetensors")
    assert set(load(tmp_path / "whole.safetensors").tensors) == set(tensors)


def test_noise_and_the_mean_of_w_are_replaced_with_a_note(tmp_path: Path) -> None:
    _, tensors = small_network("stylegan2")
    kept = {key: t for key, t in tensors.items() if not key.endswith(("noise_const", "w_avg"))}
    torch.save(kept, tmp_path / "net.pt")
    notes = " ".join(load(tmp_path / "net.pt").notes)
    assert "constant noise" in notes
    assert "mean of w" in notes
    first, second = (build_generator(load(tmp_path / "net.pt")) for _ in range(2))
    assert torch.equal(_picture(first), _picture(second))
    torch.manual_seed(5)
    with torch.no_grad():
        w = first.mapping(torch.randn(4000, 8), torch.eye(2).repeat(2000, 1))
    assert (first.w_avg - w.mean(dim=0)).abs().max() < 0.1 * w.std()


@pytest.mark.parametrize("key", ["synthesis.input.freqs", "synthesis.input.phases", "mapping.fc0.bias"])
def test_what_cannot_be_computed_is_missed(tmp_path: Path, key: str) -> None:
    changes = {key.replace(".", "__"): None}
    (tmp_path / "net.pkl").write_bytes(small_pickle("stylegan3-t", **changes))
    with pytest.raises(MismatchError, match=f"lacks {key}"):
        build_generator(load(tmp_path / "net.pkl"))
    with pytest.raises(MismatchError, match=f"lacks {key}"):
        inspect(tmp_path / "net.pkl")


@pytest.mark.parametrize("form", ["pickle", "state dict", "native"])
@pytest.mark.parametrize("family", ["stylegan3-t", "stylegan3-r"])
def test_a_stored_transform_is_reported_and_not_applied(tmp_path: Path, family: str, form: str) -> None:
    config, tensors = small_network(family)
    tensors["synthesis.input.transform"] = torch.tensor([[0.8, -0.6, 0.2], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    path = tmp_path / ("net.safetensors" if form == "native" else "net.pkl")
    if form == "pickle":
        path.write_bytes(network_bytes(network_value(family, config, tensors)))
    elif form == "native":
        save_native(path, Checkpoint(family, config, tensors, "x"))
    else:
        torch.save(tensors, path)
    checkpoint = load(path)
    assert any("input transform ([0.8 -0.6 0.2; 0.6 0.8 0])" in note for note in checkpoint.notes)
    assert any("input transform" in note for note in inspect(path)["notes"])  # type: ignore[attr-defined]
    assert torch.equal(_picture(build_generator(checkpoint)), _reference(family))
    convert(path, tmp_path / "whole.safetensors")
    again = load(tmp_path / "whole.safetensors")
    assert again.notes == ()
    assert torch.equal(again.tensors["synthesis.input.transform"], torch.eye(3))


def test_whole_numbers_written_with_a_point(tmp_path: Path) -> None:
    config, tensors = small_network("stylegan2")
    path = tmp_path / "net.pkl"
    changed = {**config, "channel_base": 64.0, "img_resolution": 8.0, "mapping_layers": 1.0}
    path.write_bytes(network_bytes(network_value("stylegan2", changed, tensors)))
    checkpoint = load(path)
    assert type(checkpoint.config["channel_base"]) is int
    assert torch.equal(_picture(build_generator(checkpoint)), _reference("stylegan2"))
    save_native(tmp_path / "net.safetensors", Checkpoint("stylegan2", changed, tensors, "x"))
    build_generator(load(tmp_path / "net.safetensors"))


@pytest.mark.parametrize(
    "change",
    [
        {"mapping__fc0__weight": None},
        {"mapping__fc0__weight": torch.zeros(3, 3)},
        {"mapping__extra": torch.zeros(3)},
        {"mapping__w_avg": torch.full((8,), math.inf)},
        {"mapping__w_avg": torch.zeros(8, dtype=torch.int64)},
    ],
)
def test_inspect_refuses_what_would_not_render(tmp_path: Path, change: dict[str, Tensor | None]) -> None:
    (tmp_path / "net.pkl").write_bytes(small_pickle("stylegan2", **change))
    with pytest.raises(MismatchError) as rendered:
        build_generator(load(tmp_path / "net.pkl"))
    with pytest.raises(MismatchError) as inspected:
        inspect(tmp_path / "net.pkl")
    assert str(inspected.value) == str(rendered.value)


def test_inspect_refuses_settings_that_make_no_generator(tmp_path: Path) -> None:
    config, tensors = small_network("stylegan2")
    for family, change in (("stylegan2", {"evil": 1}), ("stylegan9", {}), ("stylegan2", {"img_resolution": 12})):
        save_native(tmp_path / "net.safetensors", Checkpoint(family, {**config, **change}, tensors, "x"))
        with pytest.raises(CheckpointError) as rendered:
            build_generator(load(tmp_path / "net.safetensors"))
        with pytest.raises(CheckpointError) as inspected:
            inspect(tmp_path / "net.safetensors")
        assert str(inspected.value) == str(rendered.value)


def test_tables_of_tables_are_searched_to_a_limit(tmp_path: Path) -> None:
    """Shared tables name more places than could be walked; the generator is still found near the top."""
    _, tensors = small_network("stylegan2")
    deep: Any = {"end": 1}
    for _ in range(30):
        deep = {f"k{index}": deep for index in range(10)}
    torch.save({"a": deep, "g_ema": tensors}, tmp_path / "net.pt")
    build_generator(load(tmp_path / "net.pt"))
    torch.save({"a": {"b": {"c": {"d": {"e": {"f": tensors}}}}}}, tmp_path / "net.pt")
    with pytest.raises(UnsupportedModelError):
        load(tmp_path / "net.pt")


def test_a_state_dict_whose_tensors_share_one_storage(tmp_path: Path) -> None:
    _, tensors = small_network("stylegan2")
    big = torch.zeros(1_000_000)
    shared = {**tensors, **{f"synthesis.x{index}": big for index in range(50)}}
    torch.save(shared, tmp_path / "net.pt")
    for step in (load, inspect):
        with pytest.raises(UnreadableFileError, match="declare"):
            step(tmp_path / "net.pt")


def test_files_laid_out_like_rosinalitys_are_named(tmp_path: Path) -> None:
    value = {"g_ema": {"linear.weight": torch.zeros(2, 2)}, "latent_avg": torch.zeros(2)}
    for legacy in (False, True):
        torch.save(value, tmp_path / "net.pt", _use_new_zipfile_serialization=not legacy)
        with pytest.raises(UnsupportedModelError, match=r"like rosinality's StyleGAN2 .* without its layers"):
            load(tmp_path / "net.pt")


def test_a_tensor_of_another_class_is_named(tmp_path: Path) -> None:
    _, tensors = small_network("stylegan2")
    value: dict[str, Any] = {"G_ema": Call(Name("torch.nn.quantized", "Thing")), "G": dict(tensors)}
    (tmp_path / "net.pkl").write_bytes(network_bytes(value))
    with pytest.raises(UnsupportedModelError, match=r"torch\.nn\.quantized\.Thing"):
        load(tmp_path / "net.pkl")


def _halves(tensors: dict[str, Tensor], prefix: str = "") -> dict[str, dict[str, Tensor]]:
    found: dict[str, dict[str, Tensor]] = {f"{prefix}mapping": {}, f"{prefix}synthesis": {}}
    for key, tensor in tensors.items():
        part, _, name = key.partition(".")
        found[f"{prefix}{part}"][name] = tensor
    return found


_SHAPES_OF_FILES: dict[str, Any] = {
    "a list": lambda tensors: [{"step": 1}, tensors],
    "a tuple of one": lambda tensors: (tensors,),
    "G, D, averaged G": lambda tensors: ({k: v * 0 for k, v in tensors.items()}, {"x": torch.ones(1)}, tensors),
    "halves": _halves,
    "halves with a prefix": lambda tensors: _halves(tensors, "G_"),
    "numpy arrays": lambda tensors: {key: item.numpy() for key, item in tensors.items()},
    "numpy arrays by columns": lambda tensors: {k: np.asfortranarray(v.numpy()) for k, v in tensors.items()},
    "numpy arrays of float64": lambda tensors: {"G_ema": {k: v.double().numpy() for k, v in tensors.items()}},
}


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("form", _SHAPES_OF_FILES)
def test_state_dicts_in_other_containers(tmp_path: Path, form: str, protocol: int) -> None:
    _, tensors = small_network("stylegan2")
    path = tmp_path / "net.pt"
    torch.save(_SHAPES_OF_FILES[form](tensors), path, pickle_protocol=protocol)
    assert torch.equal(_picture(build_generator(load(path))), _reference("stylegan2"))
