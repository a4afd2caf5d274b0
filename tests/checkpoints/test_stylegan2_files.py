"""StyleGAN2 from TensorFlow, genforce and modules in torch.save: one picture, and errors that explain."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from explorer.checkpoints import build_generator, convert, inspect, load
from explorer.errors import (
    CheckpointError,
    MismatchError,
    UnreadableFileError,
    UnsafeFileError,
    UnsupportedModelError,
)
from explorer.generators import registry
from explorer.generators.base import Generator, NoiseSpec
from explorer.testing.nvidia_writer import complete_config, module_call, network_bytes, network_value
from tests.checkpoints.damage import Calls, Tensors, changed, without
from tests.checkpoints.stylegan2_formats import genforce, persistent, tensorflow
from tests.checkpoints.stylegan_formats.tensorflow import dump, network
from tests.goldens import assert_close, load_net, weights

SMALL: dict[str, Any] = {
    "z_dim": 8, "w_dim": 12, "img_resolution": 32, "channel_base": 256, "channel_max": 12, "mapping_layers": 3,
    "mapping_layer_features": 10, "conv_clamp": None,
}  # fmt: skip
Save = Callable[[Path, Tensors], None]


def tensorflow_save(path: Path, tensors: Tensors, config: dict[str, Any], **options: Any) -> None:
    tensorflow.save(path, tensors, sides=config.get("init_size", (4, 4)), **options)


def genforce_save(path: Path, tensors: Tensors, config: dict[str, Any], form: str = "both") -> None:
    genforce.save(path, tensors, form)


# name -> (writer, file name)
FORMATS: dict[str, tuple[Callable[[Path, Tensors, dict[str, Any]], None], str]] = {
    "tensorflow": (tensorflow_save, "net.pkl"),
    "tensorflow alone": (partial(tensorflow_save, form="alone"), "net.pkl"),
    "tensorflow current": (partial(tensorflow_save, form="current"), "net.pkl"),
    "genforce": (genforce_save, "net.pth"),
    "genforce training": (partial(genforce_save, form="training"), "net.pth"),
    "genforce current": (partial(genforce_save, form="current"), "net.pth"),
    "genforce flat": (partial(genforce_save, form="flat"), "net.pth"),
    "persistent": (persistent.save, "model_ABC_multi_id.pt"),
    "persistent dict": (partial(persistent.save, form="G_ema"), "net.pt"),
    "persistent deep": (partial(persistent.save, form="deep"), "net.pt"),
    "persistent legacy": (partial(persistent.save, legacy=True), "net.pt"),
}
WHOLE = [name for name in FORMATS if " " not in name]  # one form of each

VARIANTS: dict[str, dict[str, Any]] = {
    "skip": {},
    "resnet": {"architecture": "resnet"},
    "orig": {"architecture": "orig"},
    "classes": {"c_dim": 3},
    "without noise": {"use_noise": False},
    "grey": {"img_channels": 1},
    "RGBA": {"img_channels": 4},
    "auto": {"mapping_layers": 2, "mapping_layer_features": None},
    "upright": {"init_size": (4, 2)},
    "wide": {"init_size": (3, 5), "architecture": "resnet"},
    "large start": {"init_size": (6, 8), "architecture": "orig", "img_channels": 4},
}


def made(**changes: Any) -> tuple[Generator, dict[str, Any]]:
    """A small generator in which no number is that of its initialisation, and its settings."""
    config = {**SMALL, **changes}
    torch.manual_seed(4)
    generator = registry.build("stylegan2", config).requires_grad_(False)
    for key, tensor in generator.named_parameters():
        if key.endswith(("bias", "noise_strength")):
            tensor.add_(0.2 * torch.randn_like(tensor))
    generator.w_avg.copy_(torch.randn_like(generator.w_avg))
    return generator, config


def picture(generator: Generator, mode: str = "const") -> Tensor:
    """A picture that every part of the network has a share in, but w_avg."""
    z = torch.randn(2, generator.info.z_dim, generator=torch.Generator().manual_seed(2))
    c = torch.eye(generator.info.c_dim)[:2] if generator.info.c_dim else None
    with torch.no_grad():
        ws = generator.broadcast(generator.mapping(z, c))
        return generator.synthesis(ws, noise=NoiseSpec(mode))  # type: ignore[arg-type]  # one of the modes


def same(opened: Generator, generator: Generator) -> None:
    """Biases of styles are stored without 1, which costs their last bit."""
    torch.testing.assert_close(picture(opened), picture(generator), rtol=1e-5, atol=2e-5)
    assert torch.equal(opened.w_avg, generator.w_avg)
    assert opened.info == generator.info


@pytest.mark.parametrize("name", FORMATS)
def test_every_form_gives_the_same_picture(tmp_path: Path, name: str) -> None:
    save, file = FORMATS[name]
    generator, config = made()
    save(tmp_path / file, generator.state_dict(), config)
    checkpoint = load(tmp_path / file)
    assert checkpoint.family == "stylegan2"
    same(build_generator(checkpoint), generator)
    assert any("no averaged generator" in note for note in checkpoint.notes) == ("current" in name)
    told = inspect(tmp_path / file)
    assert (told["resolution"], told["num_ws"], told["z_dim"], told["w_dim"]) == (32, 8, 8, 12)
    convert(tmp_path / file, tmp_path / "net.safetensors")
    same(build_generator(load(tmp_path / "net.safetensors")), generator)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", WHOLE)
def test_every_variant_gives_the_same_picture(tmp_path: Path, name: str, variant: str) -> None:
    save, file = FORMATS[name]
    generator, config = made(**VARIANTS[variant])
    if name == "genforce" and config.get("architecture") == "resnet":
        pytest.skip("genforce has no such network that works")
    save(tmp_path / file, generator.state_dict(), config)
    same(build_generator(load(tmp_path / file)), generator)
    convert(tmp_path / file, tmp_path / "net.safetensors")
    same(build_generator(load(tmp_path / "net.safetensors")), generator)


@pytest.mark.parametrize("variant", ["upright", "wide", "grey", "without noise"])
def test_state_dicts_of_variants(tmp_path: Path, variant: str) -> None:
    generator, _ = made(**VARIANTS[variant], conv_clamp=256)
    save_file(generator.state_dict(), tmp_path / "net.safetensors")
    same(build_generator(load(tmp_path / "net.safetensors")), generator)


def test_the_sides_of_a_picture_that_is_not_square(tmp_path: Path) -> None:
    generator, config = made(init_size=(4, 2))
    assert generator.info.img_size == (32, 16)
    assert picture(generator).shape == (2, 3, 32, 16)
    assert [layer.height // layer.width for layer in generator.info.layers] == [2] * 11
    persistent.save(tmp_path / "net.pt", generator.state_dict(), config)
    assert load(tmp_path / "net.pt").config["init_size"] == [4, 2]


@pytest.mark.parametrize("arguments", [{"init_res": [8, 6]}, {"square": False}])
def test_pickles_of_programs_whose_pictures_are_not_square(tmp_path: Path, arguments: dict[str, Any]) -> None:
    """Their arguments and what they call the resolution differ; the constant's shape and the blocks tell both."""
    generator, config = made(init_size=(8, 6))
    value = network_value("stylegan2", complete_config("stylegan2", config), generator.state_dict())
    module: Any = value["G_ema"]
    state = module.arguments[0]["state"]
    state["_init_kwargs"] |= arguments
    state["img_resolution"] = 64  # the height of the picture
    (tmp_path / "net.pkl").write_bytes(network_bytes(value))
    opened = build_generator(load(tmp_path / "net.pkl"))
    assert opened.info.img_size == (64, 48)
    same(opened, generator)


def test_names_of_blocks_that_are_square_although_the_picture_is_not(tmp_path: Path) -> None:
    generator, _ = made(init_size=(6, 4))
    tensorflow.save(tmp_path / "net.pkl", generator.state_dict())
    same(build_generator(load(tmp_path / "net.pkl")), generator)


@pytest.mark.parametrize("form", ["tensorflow", "genforce"])
def test_a_class_that_is_joined_before_the_normalisation(tmp_path: Path, form: str) -> None:
    save, file = FORMATS[form]
    generator, config = made(c_dim=3, mapping_joins_label=True)
    save(tmp_path / file, generator.state_dict(), config)
    same(build_generator(load(tmp_path / file)), generator)
    state = generator.state_dict()
    z, c = torch.ones(1, 8), torch.eye(3)[1:2]
    x = torch.cat([z, state["mapping.label_weight"][1:2]], dim=1)
    x = x * (x.square().mean() + 1e-8).rsqrt()
    for i in range(3):
        weight, bias = state[f"mapping.fc{i}.weight"], state[f"mapping.fc{i}.bias"]
        x = x @ weight.t() * (0.01 / math.sqrt(x.shape[1])) + 0.01 * bias
        x = math.sqrt(2) * torch.nn.functional.leaky_relu(x, 0.2)
    torch.testing.assert_close(generator.mapping(z, c), x)


@pytest.mark.parametrize(
    ("arguments", "config"),
    [
        ({"conv_clamp": 0.5}, {"conv_clamp": 0.5}),
        ({"nonlinearity": "relu"}, {"activation": "relu"}),
        ({"mapping_nonlinearity": "relu"}, {"mapping_activation": "relu"}),
        ({"mapping_lrmul": 0.1}, {"mapping_lr_multiplier": 0.1}),
        ({"resample_kernel": [1, 2, 1, 1]}, {"resample_filter": (1, 2, 1, 1)}),
        ({"resample_kernel": None}, {"resample_filter": (1, 1)}),
        ({"truncation_psi": 0.5, "fmap_base": 16, "min_h": 4, "dtype": "float32"}, {}),
    ],
)
def test_arguments_of_tensorflow_that_shapes_do_not_tell(
    tmp_path: Path, arguments: dict[str, Any], config: dict[str, Any]
) -> None:
    generator, _ = made(**config)
    tensorflow.save(tmp_path / "net.pkl", generator.state_dict(), arguments=arguments)
    same(build_generator(load(tmp_path / "net.pkl")), generator)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"normalize_latents": False}, UnsupportedModelError),
        ({"nonlinearity": "wings"}, MismatchError),
        ({"conv_clamp": "much"}, MismatchError),
        ({"mapping_lrmul": math.nan}, MismatchError),
        ({"resample_kernel": [1, -1]}, MismatchError),
    ],
)
def test_arguments_of_tensorflow_that_are_refused(
    tmp_path: Path, arguments: dict[str, Any], error: type[CheckpointError]
) -> None:
    tensorflow.save(tmp_path / "net.pkl", made()[0].state_dict(), arguments=arguments)
    with pytest.raises(error, match=r"net\.pkl"):
        load(tmp_path / "net.pkl")


def test_pictures_of_progressive_training(tmp_path: Path) -> None:
    """Configurations A to D have a picture at each resolution; a finished one shows the last."""
    generator, _ = made(architecture="orig")
    tensors = generator.state_dict()
    for size in (4, 8, 16):
        width = tensors[f"synthesis.b{size}.conv1.bias"].shape[0]
        tensors |= {
            f"synthesis.b{size}.torgb.weight": torch.randn(3, width, 1, 1),
            f"synthesis.b{size}.torgb.bias": torch.randn(3),
            f"synthesis.b{size}.torgb.affine.weight": torch.randn(width, 12),
            f"synthesis.b{size}.torgb.affine.bias": torch.randn(width),
        }
    tensorflow.save(tmp_path / "net.pkl", tensors, lods=True)
    checkpoint = load(tmp_path / "net.pkl")
    same(build_generator(checkpoint), generator)
    assert checkpoint.notes == ("Skipped 12 tensors of resolutions whose pictures only training uses.",)
    arrays = {**tensorflow.variables(tensors, lods=True), "lod": torch.tensor(1.5).numpy()}
    dump(tmp_path / "net.pkl", network("Gs", "G_main", arrays))
    with pytest.raises(UnsupportedModelError, match=r"net\.pkl .*stopped at level of detail 1\.5"):
        load(tmp_path / "net.pkl")


@pytest.mark.parametrize("fixture", ["sg2_skip_u64", "sg2_resnet_u32", "sg2_orig_u32", "sg2_skip_c3_32"])
@pytest.mark.parametrize("form", ["tensorflow", "genforce"])
def test_files_of_a_fixture_give_its_pictures(tmp_path: Path, fixture: str, form: str) -> None:
    golden, tensors = load_net(fixture), weights(fixture)
    if form == "genforce" and ("mapping.embed.weight" in tensors or "resnet" in fixture):
        pytest.skip("genforce has no such network")
    save = tensorflow.save if form == "tensorflow" else genforce.save
    save(tmp_path / "net.pkl", tensors)
    generator = build_generator(load(tmp_path / "net.pkl"))
    z, c = golden.array("z"), golden.array("c") if generator.info.c_dim else None
    with torch.no_grad():
        image = generator.synthesis(generator.broadcast(generator.mapping(z, c)))
    assert_close(
        image, golden.array("psi1_const/image"), golden.meta["cases"]["psi1_const"]["tensors"]["image"]["atol"]
    )


@pytest.mark.parametrize("prefix", ["module.", "module.module.", "generator.generator."])
def test_prefixes_of_any_length_are_removed(tmp_path: Path, prefix: str) -> None:
    generator, _ = made()
    state = genforce.state(generator.state_dict())
    torch.save({f"{prefix}{key}": tensor for key, tensor in state.items()}, tmp_path / "net.pth")
    same(build_generator(load(tmp_path / "net.pth")), generator)


def test_genforces_kernel_is_read(tmp_path: Path) -> None:
    generator, _ = made(resample_filter=(1, 2, 2, 1))
    taps = torch.tensor([1.0, 2.0, 2.0, 1.0])
    state = genforce.state(generator.state_dict())
    for key in [key for key in state if key.endswith(".kernel")]:
        state[key] = torch.outer(taps, taps)[None, None] / 9
    torch.save({"generator_smooth": state}, tmp_path / "net.pth")
    same(build_generator(load(tmp_path / "net.pth")), generator)


def test_genforces_resnet_is_refused(tmp_path: Path) -> None:
    state = genforce.state(made()[0].state_dict())
    torch.save({**state, "synthesis.layer1.skip.weight": torch.zeros(2, 2)}, tmp_path / "net.pth")
    with pytest.raises(UnsupportedModelError, match=r"net\.pth .*`resnet`"):
        load(tmp_path / "net.pth")


DAMAGE: dict[str, tuple[Callable[[Tensors], Tensors], type[CheckpointError], str]] = {
    "a layer's weight is missing": (without("synthesis.b8.conv1.weight"), MismatchError, r"lacks .*b8\.conv1"),
    "the first dense layer is missing": (without("mapping.fc0.weight"), MismatchError, r"lacks mapping\.fc0"),
    "a style is missing": (
        without("synthesis.b16.conv0.affine.bias"), MismatchError, r"lacks .*b16\.conv0\.affine\.bias",
    ),
    "the picture's layer is missing": (without("synthesis.b32.torgb.weight"), MismatchError, r"lacks .*b32\.torgb"),
    "a strength is missing": (
        without("synthesis.b8.conv0.noise_strength"), MismatchError, r"lacks .*b8\.conv0\.noise_strength",
    ),
    "a narrower layer": (
        changed("synthesis.b8.conv1.weight", lambda t: t[:, :5].contiguous()), MismatchError,
        r"b8\.conv1\.weight has shape",
    ),
    "half a style": (
        changed("synthesis.b16.conv0.affine.weight", lambda t: t[:5].contiguous()), MismatchError,
        r"b16\.conv0\.affine",
    ),
    "noise of another size": (
        changed("synthesis.b16.conv0.noise_const", lambda t: t[:5].contiguous()), MismatchError, "noise_const",
    ),
    "a constant without a side": (
        changed("synthesis.b4.const", lambda t: t[:, :, 0].contiguous()), MismatchError, "const",
    ),
    "an empty constant": (
        changed("synthesis.b4.const", lambda t: t[:, :, :0].contiguous()), CheckpointError, "init_size",
    ),
    "not a number": (changed("synthesis.b8.conv1.bias", lambda t: t * math.nan), MismatchError, "not finite"),
    "a strength that is not a number": (
        changed("synthesis.b8.conv1.noise_strength", lambda t: t * math.nan), MismatchError, "not finite",
    ),
    "infinite": (changed("mapping.fc0.bias", lambda t: t + math.inf), MismatchError, "not finite"),
    "integers": (changed("synthesis.b8.conv1.bias", lambda t: t.long()), CheckpointError, "int64|floating point"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", WHOLE)
def test_damaged_files_are_explained(tmp_path: Path, name: str, damage: str) -> None:
    save, file = FORMATS[name]
    change, error, message = DAMAGE[damage]
    generator, config = made()
    save(tmp_path / file, change(generator.state_dict()), config)
    said = []
    for step in (lambda path: build_generator(load(path)), inspect):
        with pytest.raises(CheckpointError, match=message) as caught:
            step(tmp_path / file)
        assert isinstance(caught.value, error)
        assert file in caught.value.message
        assert caught.value.hint
        said.append(caught.value.message)
    assert said[0] == said[1]


@pytest.mark.parametrize("name", WHOLE)
def test_an_unknown_key_is_named(tmp_path: Path, name: str) -> None:
    save, file = FORMATS[name]
    generator, config = made()
    save(tmp_path / file, {**generator.state_dict(), "synthesis.b8.conv1.wings": torch.zeros(2)}, config)
    with pytest.raises(MismatchError, match=r"unexpected tensors: .*wings"):
        build_generator(load(tmp_path / file))


@pytest.mark.parametrize("name", WHOLE)
def test_half_a_file(tmp_path: Path, name: str) -> None:
    save, file = FORMATS[name]
    generator, config = made()
    save(tmp_path / file, generator.state_dict(), config)
    data = (tmp_path / file).read_bytes()
    for share in (0.1, 0.5, 0.95):
        (tmp_path / file).write_bytes(data[: int(share * len(data))])
        with pytest.raises(UnreadableFileError, match=f"{file} .*truncated"):
            load(tmp_path / file)


@pytest.mark.parametrize("name", WHOLE)
def test_hostile_files_run_nothing(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    generator, config = made()
    tensors: dict[str, Any] = generator.state_dict()
    if name == "genforce":
        torch.save({**genforce.state(tensors), "synthesis.layer2.bias": Calls()}, tmp_path / "net")
    elif name == "tensorflow":
        arrays = {**tensorflow.variables(tensors), "synthesis/8x8/Conv1/bias": Calls()}
        dump(tmp_path / "net", network("Gs", "G_main", arrays))
    else:
        tensors["synthesis.b8.conv1.bias"] = Calls()
        persistent.save(tmp_path / "net", tensors, config)
    with pytest.raises(UnsafeFileError):
        load(tmp_path / "net")
    assert not (tmp_path / "ran").exists()


def test_a_start_beyond_all_pictures_is_refused(tmp_path: Path) -> None:
    config = {**SMALL, "init_size": [500, 400], "img_resolution": 128}
    with pytest.raises(MismatchError, match="12800x16000 px, more than 8,192"):
        registry.build("stylegan2", config)


def test_the_memory_of_a_start_larger_than_the_file_is_not_taken(tmp_path: Path) -> None:
    generator, config = made()
    tensors = generator.state_dict()
    tensors["synthesis.b4.const"] = torch.zeros(1).expand(12, 512, 512)  # of one number
    persistent.save(tmp_path / "net.pt", tensors, config)
    with pytest.raises(CheckpointError, match=r"net\.pt"):
        build_generator(load(tmp_path / "net.pt"))


@pytest.mark.parametrize("form", ["embedding", "projection", "super-resolution", "flat"])
def test_stylegan_xl_is_refused_by_name(tmp_path: Path, form: str) -> None:
    family, small = "stylegan3-t", {"z_dim": 8, "w_dim": 8, "img_resolution": 16, "num_layers": 3, "margin_size": 2}
    config = complete_config(family, {**small, "channel_base": 64, "channel_max": 8})
    tensors = registry.build(family, config).state_dict()
    value = network_value(family, config, tensors)
    generator: Any = value["G_ema"]
    state = generator.arguments[0]["state"]
    mapping = state["_modules"]["mapping"].arguments[0]["state"]["_modules"]
    vectors = module_call(
        "Embedding", {"_parameters": {"weight": torch.zeros(4, 6)}, "_buffers": {}, "_modules": {}}
    )
    if form == "embedding":
        mapping["embed"] = vectors
    elif form == "projection":
        mapping["embed_proj"] = vectors
    elif form == "super-resolution":
        value["G_ema"] = module_call("SuperresGenerator", state)
    (tmp_path / "net.pkl").write_bytes(network_bytes(value))
    if form == "flat":
        torch.save({**tensors, "mapping.embed.weight": torch.zeros(4, 6)}, tmp_path / "net.pkl")
    with pytest.raises(UnsupportedModelError, match=r"net\.pkl is a StyleGAN-XL, .*class vectors") as caught:
        load(tmp_path / "net.pkl")
    assert caught.value.hint
