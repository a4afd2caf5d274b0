"""Loaded models: kept within the budget, found again by file, read from real checkpoints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from explorer.checkpoints import Checkpoint, bundled, save_native
from explorer.errors import RenderError, UnreadableFileError
from explorer.generators.registry import build
from explorer.render import devices
from explorer.render.model_store import LoadedModel, LoadJob, ModelStore, load_file, on_device
from explorer.state.request import ModelKey
from explorer.util.control import Control
from explorer.util.report import Report
from tests.generators.configs import small_generator
from tests.render.support import tiny_model


def test_a_model_is_found_by_its_hash() -> None:
    store = ModelStore(1 << 30)
    model = tiny_model()
    assert store.add(model) == ()
    assert store.get(ModelKey("tiny-a", "anything")) is model
    assert "tiny-a" in store
    assert store.nbytes == model.model_info.nbytes
    with pytest.raises(RenderError, match="/b is not loaded"):
        store.get(ModelKey("tiny-b", "/b"))


def test_the_least_recently_used_is_given_up_but_nothing_in_use() -> None:
    size = tiny_model().generator.held_bytes
    store = ModelStore(size)
    for name in "abc":
        assert store.add(tiny_model(name), in_use="a") == ()
    assert store.add(tiny_model("d"), in_use="a") == ("b",)
    store.get(ModelKey("c"))
    assert store.release("ab") == (("c",), ("d",))
    assert store.release("a") == (("c",), ())
    assert store.release("") == (("c",), ("a",)), "c was used last"
    assert store.given_up == 3


def test_a_large_model_that_nobody_uses_is_not_kept() -> None:
    store = ModelStore()
    model = tiny_model("large", w_dim=4096, z_dim=4096)
    assert model.model_info.nbytes > store.budget_bytes
    assert store.add(model) == (), "in use"
    store.add(tiny_model("small"), in_use=("large",))
    assert store.release(()) == (("small",), ("large",))


def test_the_same_model_from_another_path_shares_its_generator() -> None:
    store = ModelStore()
    first, again = tiny_model(), tiny_model()
    store.add(first)
    store.add(LoadedModel(again.generator, replace(again.model_info, path="/elsewhere")))
    assert store.get(first.model_info.key).generator is first.generator
    assert store.get(first.model_info.key).model_info.path == "/elsewhere"


def test_what_a_model_holds_is_counted_by_storages_with_what_was_made_from_the_weights() -> None:
    generator = small_generator("stylegan2-skip").eval().requires_grad_(False)
    assert generator.held_bytes >= generator.nbytes
    before = generator.held_bytes
    with torch.inference_mode():
        generator.synthesis(generator.broadcast(generator.mapping(torch.zeros(1, generator.info.z_dim))))
    used = generator.held_bytes
    assert used > 1.3 * before, "prepared weights"
    generator.forget_derived()
    assert generator.held_bytes == before
    # A view keeps all of its storage alive.
    large = torch.zeros(1000, 1000)
    generator.register_buffer("view", large[:1])
    assert generator.held_bytes == before + 4_000_000


def test_a_changed_file_is_another_model(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"1")
    store = ModelStore(1 << 30)
    model = tiny_model()
    store.add(LoadedModel(model.generator, replace(model.model_info, path=str(file))))
    assert store.find(str(file)) is not None
    assert store.find(str(tmp_path / "." / "x")) is not None
    assert store.find(str(tmp_path / "absent")) is None
    file.write_bytes(b"22")
    assert store.find(str(file)) is None


def test_a_real_file_becomes_a_model(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config: dict[str, object] = {
        "img_resolution": 16, "channel_base": 64, "channel_max": 8, "z_dim": 8, "w_dim": 8, "mapping_layers": 2,
    }  # fmt: skip
    tensors = build("stylegan2", config).state_dict()
    path = tmp_path / "small.safetensors"
    save_native(path, Checkpoint("stylegan2", config, tensors, "Small", "MIT", "a test", card={"data": "none"}))
    steps: list[float] = []
    model = load_file(str(path), lambda report: steps.append(report.fraction))
    model_info = model.model_info
    assert (model_info.name, model_info.licence, model_info.origin, model_info.family) == (
        "Small",
        "MIT",
        "a test",
        "stylegan2",
    )
    assert (model_info.info.img_size, len(model_info.sha256), model_info.path) == ((16, 16), 64, str(path))
    assert model_info.metadata["format"] == "safetensors"
    assert model_info.metadata["data"] == "none"
    assert model_info.key == ModelKey(model_info.sha256)
    assert steps == sorted(steps)
    assert not any(p.requires_grad for p in model.generator.parameters())
    with pytest.raises(UnreadableFileError, match="There is no file"):
        load_file(str(tmp_path / "absent.pkl"))


def test_a_cancelled_job_reports_nothing() -> None:
    told: list[str] = []

    def load(path: str, on_report: Any, control: Control, **options: bool) -> LoadedModel:
        job.cancel()
        on_report(Report(None, 1, 2, "late"))
        return tiny_model()

    def tell(*anything: object) -> None:
        told.append("something")

    job = LoadJob("x", tell, tell, tell, load)
    job.start()
    assert job.join(10.0)
    assert told == []


@pytest.mark.parametrize("error", [UnreadableFileError("bad"), ValueError("odd")])
def test_a_job_that_fails_after_its_cancel_reports_nothing(error: Exception) -> None:
    told: list[object] = []

    def load(path: str, on_report: Any, control: Control, **options: bool) -> LoadedModel:
        job.cancel()
        raise error

    job = LoadJob("x", told.append, told.append, told.append, load)
    job.start()
    assert job.join(10.0)
    assert told == []


def test_the_generator_is_used_as_it_is_where_it_is() -> None:
    model = tiny_model()
    assert on_device(model.generator, "cpu") is model.generator
    copied = on_device(model.generator, "meta")
    assert copied is not model.generator
    assert copied.device.type == "meta"
    assert model.generator.device.type == "cpu"


# -- devices ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory"), "memory"),
        (MemoryError(), "memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "memory"),
        (RuntimeError("MPS backend out of memory"), "memory"),
        (RuntimeError("CUDA error: device-side assert triggered"), "lost"),
        (RuntimeError("size mismatch"), "other"),
        (ValueError("out of memory"), "other"),
    ],
)
def test_errors_say_what_is_wrong_with_the_device(error: Exception, trouble: str) -> None:
    assert devices.classify_error(error) == trouble


def test_there_is_always_a_cpu_and_its_budget_is_bounded() -> None:
    cpu = devices.devices()[-1]
    assert (cpu.name, cpu.dtypes) == ("cpu", ("float32", "bfloat16"))
    assert 64 << 20 <= devices.cache_budget("cpu") <= 512 << 20


# -- bundled ---------------------------------------------------------------------------------------------------


def test_bundled_models_are_found_by_name_with_the_default_pair_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENTWALK_ASSETS", str(tmp_path))
    bundled._scan.cache_clear()
    assert bundled.bundled() == ()
    bundled._scan.cache_clear()
    model = Checkpoint("tiny", {}, {"x": torch.zeros(1)}, "Anything", card={})
    for name in ("a", "critters-stylegan3-t", "critters-stylegan2"):
        save_native(tmp_path / f"{name}.safetensors", model)
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "broken.safetensors").write_bytes(b"\xff" * 20)
    found = bundled.bundled()
    assert [b.name for b in found] == ["critters-stylegan2", "critters-stylegan3-t", "a", "broken"]
    assert [b.family for b in found] == ["tiny", "tiny", "tiny", ""]
    assert found[2].thumbnail == tmp_path / "a.png"
    assert found[0].thumbnail is None
    assert bundled.resolve("a") == str(tmp_path / "a.safetensors")
    assert bundled.resolve("/some/file.pkl") == "/some/file.pkl"
    bundled._scan.cache_clear()
