"""NVIDIA's PyTorch network pickles (StyleGAN2-ADA and StyleGAN3 formats): inert records -> config and tensors."""

from __future__ import annotations

import ntpath
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.checkpoints.checkpoint import CheckpointHeader
from explorer.checkpoints.describe import not_read
from explorer.checkpoints.infer import infer_config, largest_block, start_size, stylegan_xl
from explorer.checkpoints.records import ModuleRecord, NumpyArray, StubRecord, TensorRecord, module_of, table_of
from explorer.errors import UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explorer.checkpoints.monitor import Monitor
    from explorer.checkpoints.source import Source

__all__ = ["module_contents"]

_PERSISTENCE_VERSION = 6  # of torch_utils.persistence; every public file has it

_DEPTH_LIMIT = 16  # modules in modules; the deepest public file has 4
# Modules and their tables can be shared, so a small file could describe an endless tree.
_MODULE_LIMIT = 5_000
_ENTRY_LIMIT = 20_000  # in all tables of all modules, including empty ones (None)

_DIMENSIONS = ("z_dim", "c_dim", "w_dim", "img_resolution", "img_channels")
_MAPPING_OPTIONS = {
    "num_layers": "mapping_layers",
    "embed_features": "mapping_embed_features",
    "layer_features": "mapping_layer_features",
    "activation": "mapping_activation",
    "lr_multiplier": "mapping_lr_multiplier",
    "w_avg_beta": "w_avg_beta",
}
_STYLEGAN2_OPTIONS = {
    "channel_base", "channel_max", "num_fp16_res", "architecture", "resample_filter", "conv_clamp", "use_noise",
    "activation",
}  # fmt: skip
_STYLEGAN3_OPTIONS = {
    "channel_base", "channel_max", "num_layers", "num_critical", "first_cutoff", "first_stopband",
    "last_stopband_rel", "margin_size", "output_scale", "num_fp16_res", "conv_kernel", "filter_size",
    "lrelu_upsampling", "use_radial_filters", "conv_clamp", "magnitude_ema_beta",
}  # fmt: skip
# Settings of how NVIDIA's code computes, without effect on the picture.
_WITHOUT_EFFECT = {"fp16_channels_last", "fused_modconv_default"}
# Arguments of programs whose pictures are not square; the shape of the constant tells what they say.
_SHAPE_ARGUMENTS = {"init_res", "square"}

_CLASSES = {
    "stylegan2": {
        "Generator", "MappingNetwork", "SynthesisNetwork", "SynthesisBlock", "SynthesisLayer", "ToRGBLayer",
        "FullyConnectedLayer", "Conv2dLayer",
    },
    "stylegan3": {
        "Generator", "MappingNetwork", "SynthesisNetwork", "SynthesisInput", "SynthesisLayer",
        "FullyConnectedLayer",
    },
}  # fmt: skip


def module_contents(source: Source, monitor: Monitor, generator: ModuleRecord, value: object) -> CheckpointHeader:
    """Return the header of a generator that was pickled as a module; tensors stay in the file.

    Args:
        source: The file.
        monitor: Monitor of the whole job.
        generator: The module.
        value: The whole content of the file, which may state the network's origin.

    Raises:
        UnreadableFileError: Its modules are broken.
        UnsupportedModelError: The network is of another kind, or modified.
    """
    family = _family_of(source, generator)
    records = dict(_Walk(source, monitor, family).state(generator))
    inferred: dict[str, object] = {}
    shapes = {key: record.shape for key, record in records.items()}
    if "_init_kwargs" not in generator.state:  # a class without NVIDIA's record of its arguments
        inferred = infer_config(source.name, shapes)[1]
    config = (_stylegan2_config if family == "stylegan2" else _stylegan3_config)(source, generator, inferred)
    if family == "stylegan2" and (start := start_size(shapes)):
        config |= {**start, "img_resolution": largest_block(shapes)}
    if family == "stylegan3":
        is_rotation = config.get("conv_kernel") == 1 and config.get("use_radial_filters") is True
        family = "stylegan3-r" if is_rotation else "stylegan3-t"
    return CheckpointHeader(
        family=family,
        config=config,
        records=records,
        name=posixpath.splitext(source.name)[0],
        source_format="NVIDIA pickle",
        origin=_origin(value),
    )


def check_version(source: Source, module: ModuleRecord) -> None:
    """Raise UnsupportedModelError for a module in an unknown version of NVIDIA's format."""
    if module.version not in (None, _PERSISTENCE_VERSION):
        raise UnsupportedModelError(
            f"{source.name} stores its networks in version {module.version} of NVIDIA's format; "
            f"this program supports version {_PERSISTENCE_VERSION}.",
            "Save it again with the current stylegan3 code.",
        )


def _family_of(source: Source, generator: ModuleRecord) -> str:
    check_version(source, generator)
    synthesis = generator.child("synthesis")
    if _is_stylegan_xl(generator):
        raise stylegan_xl(source.name)
    if generator.class_name == "Generator" and synthesis is not None and generator.child("mapping") is not None:
        entry = synthesis.child("input")
        if entry is not None and entry.class_name == "SynthesisInput":
            return "stylegan3"
        if synthesis.child("b4") is not None:
            return "stylegan2"
    raise UnsupportedModelError(
        f"{source.name} is a network of class {generator.class_name[:60]!r}, which is neither StyleGAN2 nor "
        "StyleGAN3.",
        "Supported are the generators of stylegan2-ada-pytorch and stylegan3.",
    )


def _is_stylegan_xl(generator: ModuleRecord) -> bool:
    """Return whether this is a StyleGAN-XL, or one of its networks for higher resolutions."""
    mapping = generator.child("mapping")
    vectors = mapping.child("embed") if mapping is not None else None
    return (
        generator.class_name == "SuperresGenerator"
        or (mapping is not None and mapping.child("embed_proj") is not None)
        or (vectors is not None and vectors.class_name == "Embedding")
    )


@dataclass(slots=True)
class _Walk:
    """A bounded traversal of all modules of a generator."""

    source: Source
    monitor: Monitor
    family: str
    modules: int = 0
    entries: int = 0

    def state(self, module: ModuleRecord, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, TensorRecord]]:
        """Yield keys and tensors in the order of torch's `state_dict`.

        Raises:
            UnreadableFileError: Modules are nested too deep or too many, or tables have unexpected entries.
            UnsupportedModelError: A module's class does not belong to the family.
            CancelledError: The user cancelled.
        """
        self._enter(module, prefix, depth)
        yield from self._tensors(module, prefix)
        for name, child in self._entries(module, "_modules"):
            inner = module_of(child)
            if inner is not None and isinstance(name, str):
                yield from self.state(inner, f"{prefix}{name}.", depth + 1)
            elif isinstance(child, StubRecord):
                raise not_read(self.source, f"the module {prefix}{name}"[:120], child)
            elif child is not None:
                raise self.source.damaged(f"the module {prefix}{name} is a {type(child).__name__}")

    def _enter(self, module: ModuleRecord, prefix: str, depth: int) -> None:
        self.monitor.step(1.0)
        self.modules += 1
        if self.modules > _MODULE_LIMIT:
            raise self.source.damaged(f"more than {_MODULE_LIMIT:,} modules")
        if depth > _DEPTH_LIMIT:
            raise self.source.damaged(f"modules nested more than {_DEPTH_LIMIT} deep")
        check_version(self.source, module)
        if module.class_name not in _CLASSES[self.family]:
            raise UnsupportedModelError(
                f"{self.source.name} is a modified network: its module {prefix[:60]!r} has the unknown class "
                f"{module.class_name[:60]!r}.",
                "Supported are the generators of stylegan2-ada-pytorch and stylegan3, unmodified.",
            )

    def _tensors(self, module: ModuleRecord, prefix: str) -> Iterator[tuple[str, TensorRecord]]:
        hidden = module.attribute("_non_persistent_buffers_set")
        for table in ("_parameters", "_buffers"):
            for name, tensor in self._entries(module, table):
                if tensor is None or (table == "_buffers" and isinstance(hidden, set) and name in hidden):
                    continue
                if isinstance(tensor, StubRecord):
                    raise not_read(self.source, f"the tensor {prefix}{name}"[:120], tensor)
                if not isinstance(tensor, TensorRecord) or not isinstance(name, str):
                    raise self.source.damaged(f"the entry {prefix}{name} is not a tensor")
                yield prefix + name, tensor

    def _entries(self, module: ModuleRecord, table: str) -> Iterator[tuple[object, object]]:
        for entry in module.table(table).items():
            self.entries += 1
            if self.entries > _ENTRY_LIMIT:
                raise self.source.damaged(f"more than {_ENTRY_LIMIT:,} entries in its modules")
            yield entry


def _options(source: Source, generator: ModuleRecord, known: set[str]) -> dict[str, object]:
    """Return the constructor's arguments, flat: those in `known` and the mapping's."""
    merged: dict[object, object] = {}
    mapping: dict[object, object] = {}
    for key, value in _keywords(source, generator).items():
        if key in ("mapping_kwargs", "synthesis_kwargs"):
            (mapping if key == "mapping_kwargs" else merged).update(_table(source, str(key), value))
        else:
            merged[key] = value
    config: dict[str, object] = {}
    for options, names in ((merged, {name: name for name in known}), (mapping, _MAPPING_OPTIONS)):
        for key, value in options.items():
            if isinstance(key, str) and key in names:
                config[names[key]] = _plain(source, key, value)
            elif key not in (*_WITHOUT_EFFECT, *_DIMENSIONS, *_SHAPE_ARGUMENTS):
                raise UnsupportedModelError(
                    f"{source.name} was trained with modified code: its generator has the unknown setting "
                    f"{str(key)[:60]!r}.",
                    "Supported are the generators of stylegan2-ada-pytorch and stylegan3, unmodified.",
                )
    return config


def _keywords(source: Source, module: ModuleRecord) -> dict[object, object]:
    return _table(source, "_init_kwargs", module.attribute("_init_kwargs"))


def _table(source: Source, name: str, value: object) -> dict[object, object]:
    """Return a table of settings, even if its class is unknown; None is an empty one."""
    table = {} if value is None else table_of(value)
    if table is None:
        raise not_read(source, f"the settings {name}", value)
    return table


def _copy_attributes(
    source: Source, config: dict[str, object], module: ModuleRecord | None, names: dict[str, str]
) -> None:
    """Copy attributes to settings: keywords omit the defaults of the code's version, attributes do not."""
    for attribute, name in names.items():
        if module is not None and attribute in module.state:
            config[name] = _plain(source, attribute, module.state[attribute])


def _common_config(
    source: Source, generator: ModuleRecord, known: set[str], inferred: dict[str, object]
) -> dict[str, object]:
    config = inferred | _options(source, generator, known)
    _copy_attributes(source, config, generator, {name: name for name in _DIMENSIONS})
    mapping = generator.child("mapping")
    _copy_attributes(source, config, mapping, {"num_layers": "mapping_layers", "w_avg_beta": "w_avg_beta"})
    if mapping is not None and (layer := mapping.child("fc0")) is not None:
        _copy_attributes(source, config, layer, {"bias_gain": "mapping_lr_multiplier"})
    missing = [name for name in _DIMENSIONS if name not in config]
    if missing:
        raise source.damaged(f"the generator does not state its {', '.join(missing)}")
    return config


def _stylegan2_config(source: Source, generator: ModuleRecord, inferred: dict[str, object]) -> dict[str, object]:
    config = _common_config(source, generator, _STYLEGAN2_OPTIONS, inferred)
    synthesis = generator.child("synthesis")
    block = synthesis.child("b4") if synthesis is not None else None
    layer = block.child("conv1") if block is not None else None
    _copy_attributes(source, config, block, {"architecture": "architecture"})
    _copy_attributes(source, config, layer, {name: name for name in ("conv_clamp", "use_noise", "activation")})
    mapping = generator.child("mapping")
    first = mapping.child("fc0") if mapping is not None else None
    _copy_attributes(source, config, first, {"activation": "mapping_activation"})
    return config


def _stylegan3_config(source: Source, generator: ModuleRecord, inferred: dict[str, object]) -> dict[str, object]:
    config = _common_config(source, generator, _STYLEGAN3_OPTIONS, inferred)
    if config.pop("mapping_activation", "lrelu") != "lrelu":
        raise UnsupportedModelError(f"{source.name} has a mapping network with an unusual activation.")
    synthesis = generator.child("synthesis")
    names = ("num_layers", "num_critical", "margin_size", "output_scale", "num_fp16_res")
    _copy_attributes(source, config, synthesis, {name: name for name in names})
    children = synthesis.table("_modules").values() if synthesis is not None else ()
    layers = [module for child in children if (module := module_of(child)) is not None]
    first = next((layer for layer in layers if layer.class_name == "SynthesisLayer"), None)
    attributes = ("conv_clamp", "conv_kernel", "magnitude_ema_beta")
    _copy_attributes(source, config, first, {name: name for name in attributes})
    return config


def _plain(source: Source, name: str, value: object) -> object:
    """Return a setting as a plain JSON value."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, NumpyArray):
        value = value.values()
    if isinstance(value, (list, tuple)) and len(value) <= 64 and all(isinstance(v, (int, float)) for v in value):
        return list(value)
    if isinstance(value, StubRecord):
        raise not_read(source, f"the setting {name[:60]}", value)
    raise source.damaged(f"the setting {name[:60]} is a {type(value).__name__}")


def _origin(value: object) -> str:
    """Return the network's origin, as far as the pickle states it."""
    data = table_of(value.get("training_set_kwargs")) if isinstance(value, dict) else None
    path = data.get("path") if data is not None else None
    if not isinstance(path, str):
        return "Network pickle in NVIDIA's format"
    base = ntpath.basename(path.rstrip("/\\"))[:80]
    return f"Network pickle in NVIDIA's format, trained on {base!r}"
