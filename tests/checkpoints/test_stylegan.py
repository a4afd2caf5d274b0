"""StyleGAN (2019) in NVIDIA's TensorFlow pickles and in ports: one picture from all, and errors that explain."""

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
from tests.checkpoints.damage import Calls, changed, without
from tests.checkpoints.stylegan_formats import genforce, huangzh13, lernapparat, others, tensorflow
from tests.generators.stylegan_fixture import fixture_names
from tests.goldens import assert_close, load_net, require, weights

SIZE = 32
SMALL: dict[str, Any] = {
    "z_dim": 8, "w_dim": 12, "c_dim": 2, "img_resolution": SIZE, "channel_base": 256, "channel_max": 12,
    "mapping_layers": 3, "mapping_features": 10, "fused_scale": "auto",
}  # fmt: skip
Save = Callable[[Path, dict[str, Tensor]], None]

# name -> (writer, file name, epsilon of the normalisation, whether the file has noise, whether it can have classes)
FORMATS: dict[str, tuple[Save, str, float, bool, bool]] = {
    "tensorflow": (partial(tensorflow.save, size=SIZE), "net.pkl", 1e-8, True, True),
    "tensorflow alone": (partial(tensorflow.save, size=SIZE, form="alone"), "net.pkl", 1e-8, True, True),
    "tensorflow current": (partial(tensorflow.save, size=SIZE, form="current"), "net.pkl", 1e-8, True, True),
    "genforce": (genforce.save, "net.pth", 1e-8, True, True),
    "genforce training": (partial(genforce.save, form="training"), "net.pth", 1e-8, True, True),
    "genforce current": (partial(genforce.save, form="current"), "net.pth", 1e-8, True, True),
    "genforce flat": (partial(genforce.save, form="flat"), "net.pth", 1e-8, True, True),
    "lernapparat": (partial(lernapparat.save, size=SIZE), "net.pt", 1e-5, False, False),
    "lernapparat raw": (
        partial(lernapparat.save, size=SIZE, form="names of TensorFlow"), "net.pt", 1e-8, False, True,
    ),
    "huangzh13": (partial(huangzh13.save, size=SIZE), "net.pth", 1e-5, False, True),
}  # fmt: skip
formats = pytest.mark.parametrize("name", FORMATS)
WHOLE = [name for name in FORMATS if " " not in name]  # one form of each


def made(**changes: Any) -> tuple[Generator, dict[str, Tensor]]:
    """A small generator, and its tensors under the names of the fixtures."""
    torch.manual_seed(4)
    generator = registry.build("stylegan", {**SMALL, **changes}).requires_grad_(False)
    for key, tensor in generator.named_parameters():
        if key.endswith(("bias", "noise_strength")):
            tensor.add_(0.2 * torch.randn_like(tensor))
    generator.w_avg.copy_(torch.randn_like(generator.w_avg))
    return generator, fixture_names(generator)


def picture(generator: Generator, mode: str = "none") -> Tensor:
    """A picture that every part of the network has a share in, but w_avg."""
    numbers = torch.Generator().manual_seed(2)
    z = torch.randn(2, generator.info.z_dim, generator=numbers)
    c = torch.eye(2) if generator.info.c_dim else None
    with torch.no_grad():
        ws = generator.broadcast(generator.mapping(z, c))
        return generator.synthesis(ws, noise=NoiseSpec(mode))  # type: ignore[arg-type]  # one of the modes


@formats
def test_every_format_gives_the_same_picture(tmp_path: Path, name: str) -> None:
    save, file, eps, has_noise, has_classes = FORMATS[name]
    generator, tensors = made(norm_eps=eps, c_dim=2 if has_classes else 0)
    path = tmp_path / file
    save(path, tensors)
    checkpoint = load(path)
    assert checkpoint.family == "stylegan"
    opened = build_generator(checkpoint)
    assert torch.equal(picture(opened), picture(generator))
    assert has_noise == torch.equal(picture(opened, "const"), picture(generator, "const"))
    assert has_noise != any("constant noise" in note for note in checkpoint.notes)
    assert any("no averaged generator" in note for note in checkpoint.notes) == ("current" in name)
    told = inspect(path)
    assert (told["resolution"], told["num_ws"], told["z_dim"], told["w_dim"]) == (SIZE, 8, 8, 12)
    if not name.startswith("lernapparat"):
        assert torch.equal(opened.w_avg, generator.w_avg)
    convert(path, tmp_path / "net.safetensors")
    assert torch.equal(picture(build_generator(load(tmp_path / "net.safetensors"))), picture(generator))


def test_what_was_assumed_and_skipped_is_said(tmp_path: Path) -> None:
    _, tensors = made()
    genforce.save(tmp_path / "net.pth", tensors)
    notes = " ".join(load(tmp_path / "net.pth").notes)
    assert "sizes were inferred from their shapes" in notes
    assert "fused upsampling from 128 px" in notes
    tensorflow.save(tmp_path / "net.pkl", {**tensors, **heads(tensors)}, SIZE)
    assert load(tmp_path / "net.pkl").notes == (
        "Skipped 6 tensors of resolutions whose pictures only training uses.",
    )


def heads(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Pictures of the lower resolutions, which every trained network has."""
    made = {}
    for block in range(SIZE.bit_length() - 3):
        width = tensors[f"synthesis.layer{2 * block + 1}.bias"].shape[0]
        made[f"synthesis.output{block}.weight"] = torch.randn(3, width, 1, 1)
        made[f"synthesis.output{block}.bias"] = torch.randn(3)
    return made


@pytest.mark.parametrize("prefix", ["module.", "module.module.", "generator.generator."])
def test_prefixes_of_any_length_are_removed(tmp_path: Path, prefix: str) -> None:
    generator, tensors = made()
    torch.save({f"{prefix}{key}": tensor for key, tensor in genforce.state(tensors).items()}, tmp_path / "net.pth")
    assert torch.equal(picture(build_generator(load(tmp_path / "net.pth"))), picture(generator))


def test_ports_may_be_safetensors(tmp_path: Path) -> None:
    generator, tensors = made(norm_eps=1e-5)
    save_file(huangzh13.state(tensors, SIZE), tmp_path / "net.safetensors")
    assert torch.equal(picture(build_generator(load(tmp_path / "net.safetensors"))), picture(generator))


def test_a_port_without_a_blur(tmp_path: Path) -> None:
    generator, tensors = made(norm_eps=1e-5, blur_filter=None)
    huangzh13.save(tmp_path / "net.pth", tensors, SIZE, blurs=False)
    assert torch.equal(picture(build_generator(load(tmp_path / "net.pth"))), picture(generator))


def test_another_blur_is_read_from_its_kernel(tmp_path: Path) -> None:
    taps = torch.tensor([1.0, 1.0, 1.0])
    generator, tensors = made(blur_filter=(1, 1, 1))
    state = genforce.state(tensors)
    for key in [key for key in state if key.endswith("blur.kernel")]:
        state[key] = (torch.outer(taps, taps) / 9).expand_as(state[key]).clone()
    torch.save(state, tmp_path / "net.pth")
    torch.testing.assert_close(picture(build_generator(load(tmp_path / "net.pth"))), picture(generator))


@pytest.mark.parametrize(
    ("arguments", "config"),
    [
        ({"fused_scale": True}, {"fused_scale": "always"}),
        ({"fused_scale": False}, {"fused_scale": "never"}),
        ({"blur_filter": None}, {"blur_filter": None}),
        ({"blur_filter": [1, 3, 1]}, {"blur_filter": (1, 3, 1)}),
        ({"mapping_lrmul": 0.1}, {"mapping_lr_multiplier": 0.1}),
        ({"truncation_psi": 0.5, "structure": "fixed", "dtype": "float32"}, {}),
    ],
)
def test_arguments_of_tensorflow_that_shapes_do_not_tell(
    tmp_path: Path, arguments: dict[str, Any], config: dict[str, Any]
) -> None:
    generator, tensors = made(**config)
    tensorflow.save(tmp_path / "net.pkl", tensors, SIZE, arguments=arguments)
    assert torch.equal(picture(build_generator(load(tmp_path / "net.pkl"))), picture(generator))


@pytest.mark.parametrize(
    "arguments",
    [
        {"use_pixel_norm": True}, {"use_instance_norm": False}, {"nonlinearity": "relu"}, {"use_wscale": False},
        {"normalize_latents": False}, {"fused_scale": "sometimes"}, {"fused_scale": [1]}, {"fmap_decay": 0.5},
    ],
)  # fmt: skip
def test_arguments_that_make_another_network_are_refused(tmp_path: Path, arguments: dict[str, Any]) -> None:
    _, tensors = made()
    tensorflow.save(tmp_path / "net.pkl", tensors, SIZE, arguments=arguments)
    with pytest.raises(UnsupportedModelError, match=rf"net\.pkl .*{next(iter(arguments))}"):
        load(tmp_path / "net.pkl")


@pytest.mark.parametrize("lod", [1.0, 0.25, 1.5])
@pytest.mark.parametrize("name", ["tensorflow", "genforce"])
def test_unfinished_training_shows_the_smaller_picture(tmp_path: Path, name: str, lod: float) -> None:
    """The readable definition: pictures of two resolutions, blended and enlarged."""
    save, file, *_ = FORMATS[name]
    whole, tensors = made()
    added = heads(tensors)
    save(tmp_path / file, {**tensors, **added, "synthesis.lod": torch.tensor(lod)})
    checkpoint = load(tmp_path / file)
    assert any("stopped at level of detail" in note for note in checkpoint.notes)
    opened = build_generator(checkpoint)
    step, share = int(lod), lod % 1
    images = []
    for block in (3 - step, 2 - step):
        layer = f"b{4 << block}.norm1"
        x = features(whole, layer)
        weight = added.get(f"synthesis.output{block}.weight", tensors.get(f"synthesis.output{block}.weight"))
        bias = added.get(f"synthesis.output{block}.bias", tensors.get(f"synthesis.output{block}.bias"))
        assert weight is not None
        images.append(torch.nn.functional.conv2d(x, weight / math.sqrt(x.shape[1]), bias))
    small = images[1].repeat_interleave(2, 2).repeat_interleave(2, 3)
    expected = (1 - share) * images[0] + share * small
    expected = expected.repeat_interleave(2**step, 2).repeat_interleave(2**step, 3)
    torch.testing.assert_close(picture(opened), expected, atol=1e-4, rtol=1e-4)


def features(generator: Generator, name: str) -> Tensor:
    """The output of a layer for the latents of `picture`."""
    from explorer.generators.base import Inputs, fold

    z = torch.randn(2, generator.info.z_dim, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        ws = generator.broadcast(generator.mapping(z, torch.eye(2)))
        inputs = Inputs(ws, noise=NoiseSpec("none"))
        stop = [layer.name for layer in generator.info.layers].index(name)
        return fold(generator.layers, generator.begin(inputs), inputs, stop=stop).x


DAMAGE: dict[str, tuple[Callable[[dict[str, Tensor]], dict[str, Tensor]], type[CheckpointError], str]] = {
    "a layer's weight is missing": (without("synthesis.layer3.weight"), MismatchError, "lacks synthesis.b8.conv1"),
    "the first dense layer is missing": (without("mapping.dense0.weight"), MismatchError, "lacks mapping.dense0"),
    "a style is missing": (without("synthesis.layer4.style.bias"), MismatchError, "lacks .*b16.norm0.affine.bias"),
    "the picture's layer is missing": (without("synthesis.output3.weight"), MismatchError, "lacks .*b32.torgb"),
    "a narrower layer": (
        changed("synthesis.layer3.weight", lambda t: t[:, :5].contiguous()),
        MismatchError,
        r"b8\.conv1\.weight has shape",
    ),
    "half a style": (
        changed("synthesis.layer2.style.weight", lambda t: t[:12].contiguous()), MismatchError, "b8.norm0.affine",
    ),
    "widths without a rule": (
        changed("synthesis.layer5.weight", lambda t: t[:3, :3].contiguous()),
        UnsupportedModelError,
        "follows no rule",
    ),
    "an axis less": (changed("mapping.dense1.weight", lambda t: t[:, :, None]), CheckpointError, "mapping.dense1"),
    "not a number": (changed("synthesis.layer1.bias", lambda t: t * math.nan), MismatchError, "not finite"),
    "infinite": (changed("mapping.dense0.bias", lambda t: t + math.inf), MismatchError, "not finite"),
    "integers": (changed("synthesis.layer1.bias", lambda t: t.long()), CheckpointError, "int64|floating point"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", WHOLE)
def test_damaged_files_are_explained(tmp_path: Path, name: str, damage: str) -> None:
    save, file, *_ = FORMATS[name]
    change, error, message = DAMAGE[damage]
    _, tensors = made(c_dim=0)
    if name == "tensorflow" and damage == "an axis less":
        pytest.skip("the writer turns weights of two axes")
    save(tmp_path / file, change(tensors))
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
    save, file, *_ = FORMATS[name]
    _, tensors = made(c_dim=0)
    save(tmp_path / file, {**tensors, "synthesis.layer3.wings": torch.zeros(2)})
    with pytest.raises(MismatchError, match=r"unexpected tensors: .*wings"):
        build_generator(load(tmp_path / file))


@pytest.mark.parametrize("name", WHOLE)
def test_half_a_file(tmp_path: Path, name: str) -> None:
    save, file, *_ = FORMATS[name]
    save(tmp_path / file, made(c_dim=0)[1])
    data = (tmp_path / file).read_bytes()
    for share in (0.1, 0.5, 0.95):
        (tmp_path / file).write_bytes(data[: int(share * len(data))])
        with pytest.raises(UnreadableFileError, match=f"{file} .*truncated"):
            load(tmp_path / file)


@pytest.mark.parametrize("form", ["tensorflow", "genforce"])
def test_hostile_files_run_nothing(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _, tensors = made()
    if form == "genforce":
        torch.save({**genforce.state(tensors), "synthesis.layer2.bias": Calls()}, tmp_path / "net.pth")
    else:
        arrays = {**tensorflow.variables(tensors, SIZE), "synthesis/8x8/Conv1/bias": Calls()}
        tensorflow.dump(tmp_path / "net.pth", tensorflow.network("Gs", "G_style", arrays))
    with pytest.raises(UnsafeFileError):
        load(tmp_path / "net.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("lod", [-1.0, 4.0, 1e30, math.nan])
def test_an_impossible_lod_is_refused(tmp_path: Path, lod: float) -> None:
    _, tensors = made()
    for name in ("tensorflow", "genforce"):
        save, file, *_ = FORMATS[name]
        save(tmp_path / file, {**tensors, "synthesis.lod": torch.tensor(lod)})
        with pytest.raises(MismatchError, match="lod"):
            load(tmp_path / file)


def test_broken_networks_of_tensorflow(tmp_path: Path) -> None:
    arrays = tensorflow.variables(made()[1], SIZE)
    path = tmp_path / "net.pkl"
    text = tensorflow.network("Gs", "G_style", {**arrays, "synthesis/8x8/Conv1/bias": "text"})
    tensorflow.dump(path, text)
    with pytest.raises(UnreadableFileError, match="the variable synthesis/8x8/Conv1/bias is a str"):
        load(path)
    none = tensorflow.network("Gs", "G_style", arrays)
    none.__dict__["variables"] = None
    tensorflow.dump(path, none)
    with pytest.raises(UnreadableFileError, match="without a list of variables"):
        load(path)
    deep = tensorflow.network("Gs", "G_style", arrays)
    deep.__dict__["components"]["more"] = deep  # endless
    tensorflow.dump(path, deep)
    with pytest.raises(UnreadableFileError, match="nested more than"):
        load(path)
    wide = tensorflow.network("Gs", "G_style", {"lod": arrays["lod"]})
    for _ in range(3):  # shared, so that the file is small
        inner, wide = wide, tensorflow.network("Gs", "G_style", {"lod": arrays["lod"]})
        wide.__dict__["components"] = {f"part{i}": inner for i in range(500)}
    tensorflow.dump(path, wide)
    with pytest.raises(UnreadableFileError, match="more than 64"):
        load(path)


def test_other_networks_of_tensorflow_are_named(tmp_path: Path) -> None:
    path = tmp_path / "net.pkl"
    for function in ("G_main", "D_basic"):
        other = tensorflow.network("Gs", function, {"lod": torch.zeros(1).numpy()[0]})
        tensorflow.dump(path, other)
        with pytest.raises(
            UnsupportedModelError, match="TensorFlow network pickle without a generator of StyleGAN"
        ):
            load(path)
    tensorflow.dump(path, tensorflow.network("Gs", "G_mapping", {"Dense0/bias": torch.zeros(1).numpy()}))
    with pytest.raises(MismatchError, match=r"lacks mapping\.dense0\.weight"):
        load(path)


@pytest.mark.parametrize(
    ("save", "name"),
    [
        (others.save_rosinality, "rosinality's StyleGAN"),
        (partial(others.save_rosinality, form="flat"), "rosinality's StyleGAN"),
        (others.save_mmgen, "MMGeneration's StyleGAN"),
    ],
)
def test_ports_that_compute_another_picture_are_refused_by_name(tmp_path: Path, save: Any, name: str) -> None:
    save(tmp_path / "net.pt")
    with pytest.raises(UnsupportedModelError, match=f"{name}.* another network") as caught:
        load(tmp_path / "net.pt")
    assert "NVIDIA's .pkl" in caught.value.hint


@pytest.mark.parametrize("fixture", ["sg1_u64", "sg1_c3_128"])
@pytest.mark.parametrize("form", ["nvidia", "tensorflow", "genforce"])
def test_files_of_a_fixture_give_its_pictures(tmp_path: Path, fixture: str, form: str) -> None:
    golden, size = load_net(fixture), 64 if fixture == "sg1_u64" else 128
    path = tmp_path / "net.pkl"
    if form == "nvidia":
        path = require(f"pickles/{fixture}_tf_nosrc.pkl")
    elif form == "tensorflow":
        tensorflow.save(path, {k: t for k, t in weights(fixture).items() if "blur" not in k}, size)
    else:
        torch.save({"generator_smooth": weights(fixture)}, path)
    generator = build_generator(load(path))
    z, c = golden.array("z"), golden.tensor("c") if "c" in golden.arrays else None
    with torch.no_grad():
        image = generator.synthesis(generator.broadcast(generator.mapping(z, c)))
    assert_close(image, golden.array("psi1/image"), golden.meta["cases"]["psi1"]["tensors"]["image"]["atol"])
