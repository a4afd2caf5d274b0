"""Reads StyleGAN from NVIDIA's TensorFlow pickles, without TensorFlow: the tuple (G, D, Gs), or one network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.checkpoints.stylegan_header import stylegan_header
from explorer.checkpoints.stylegan_names import TENSORFLOW
from explorer.checkpoints.tensorflow import TensorFlowNetwork, find_network, read_network
from explorer.checkpoints.unwrap import Found
from explorer.errors import CheckpointError, UnsupportedModelError

if TYPE_CHECKING:
    from explorer.checkpoints.checkpoint import CheckpointHeader
    from explorer.checkpoints.monitor import Monitor
    from explorer.checkpoints.reader import OpenFile
    from explorer.checkpoints.source import Source

__all__ = ["TensorFlowReader"]

_FUNCTIONS = ("G_style", "G_synthesis", "G_mapping")
_FINGERPRINT = "synthesis/4x4/Const/StyleMod/weight"
# Arguments that change the picture, with the only value that is supported here (the original's default).
_FIXED: dict[str, object] = {
    "nonlinearity": "lrelu", "mapping_nonlinearity": "lrelu", "normalize_latents": True, "use_wscale": True,
    "use_pixel_norm": False, "use_instance_norm": True, "use_styles": True, "const_input_layer": True,
    "fmap_decay": 1.0,
}  # fmt: skip
_FUSED = {"auto": "auto", True: "always", False: "never"}


class TensorFlowReader:
    """NVIDIA's StyleGAN as TensorFlow networks."""

    def matches(self, file: OpenFile) -> bool:
        network = find_network(file.value)
        if network is None:
            return False
        try:
            made = read_network(file.source, network)
        except CheckpointError:
            return True  # `read` raises it again
        return made.function in _FUNCTIONS or _FINGERPRINT in made.tensors

    def read(self, file: OpenFile, monitor: Monitor) -> CheckpointHeader:
        network = find_network(file.value)
        assert network is not None
        made = read_network(file.source, network)
        notes = (
            () if made.name == "Gs" else (f"The file has no averaged generator (Gs); {made.name or 'G'} is shown.",)
        )
        tensors = {key: record for key, record in made.tensors.items() if key.startswith(TENSORFLOW.parts)}
        found = Found(made.name, None, tensors, len(made.tensors) - len(tensors))
        settings = _settings(file.source, made)
        return stylegan_header(file.source, found, TENSORFLOW, settings, "NVIDIA TensorFlow pickle", notes)


def _settings(source: Source, network: TensorFlowNetwork) -> dict[str, object]:
    """Return the settings that shapes do not tell.

    Raises:
        UnsupportedModelError: An argument changes the network in a way that is not supported.
    """
    arguments = network.arguments
    for name, value in _FIXED.items():
        if name in arguments and arguments[name] != value:
            raise _modified(source, name, arguments[name])
    settings: dict[str, object] = {"lod": network.numbers.get("lod", network.numbers.get("synthesis/lod", 0.0))}
    fused = arguments.get("fused_scale", "auto")
    if not isinstance(fused, (str, bool)) or fused not in _FUSED:
        raise _modified(source, "fused_scale", fused)
    settings["fused_scale"] = _FUSED[fused]
    if "blur_filter" in arguments:
        settings["blur_filter"] = arguments["blur_filter"] or None
    if "mapping_lrmul" in arguments:
        settings["mapping_lr_multiplier"] = arguments["mapping_lrmul"]
    return settings


def _modified(source: Source, name: str, value: object) -> UnsupportedModelError:
    shown = value if isinstance(value, (str, bool, int, float)) or value is None else type(value).__name__
    return UnsupportedModelError(
        f"{source.name} is a StyleGAN with the setting {name} = {str(shown)[:40]!r}, which is not supported.",
        "Supported are networks of the original's configuration, of any resolution.",
    )
