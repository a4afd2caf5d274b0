"""All families by name, built-in or from plug-ins, and their generators: `build("stylegan2", config)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from explorer.errors import LatentwalkError, UnsupportedModelError
from explorer.generators.family import Family, StartLook
from explorer.generators.ws_groups import by_depth, named_by_block, named_by_layer
from explorer.util import plugins
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from explorer.generators.base import Generator

__all__ = ["attribute", "build", "described", "families", "family", "read_config"]

_STYLEGAN3 = "explorer.generators.stylegan3_layers:StyleGAN3Config"

_BUILT_IN = {
    family.name: family
    for family in (
        Family(
            name="stylegan2",
            title="StyleGAN2",
            config="explorer.generators.stylegan2_config:StyleGAN2Config",
            build="explorer.generators.stylegan2:StyleGAN2Generator",
            readers=(
                "explorer.checkpoints.stylegan2_tf:StyleGAN2TensorFlowReader",
                "explorer.checkpoints.stylegan2_genforce:GenforceStyleGAN2Reader",
                "explorer.checkpoints.stylegan2_ports:RosinalityReader",
                "explorer.checkpoints.stylegan2_ports:BasicSRReader",
                "explorer.checkpoints.stylegan2_ports:MMGenerationReader",
            ),
            rgb_directions=True,
            trainer="explorer.training.stylegan2:StyleGAN2Trainer",
        ),
        Family(
            name="stylegan",
            title="StyleGAN",
            config="explorer.generators.stylegan_config:StyleGANConfig",
            build="explorer.generators.stylegan:StyleGANGenerator",
            readers=(
                "explorer.checkpoints.stylegan_tf:TensorFlowReader",
                "explorer.checkpoints.stylegan_ports:GenforceReader",
                "explorer.checkpoints.stylegan_ports:LernapparatReader",
                "explorer.checkpoints.stylegan_ports:Huangzh13Reader",
                "explorer.checkpoints.stylegan_ports:NamesOfTensorFlowReader",
                "explorer.checkpoints.stylegan_ports:OtherPorts",
            ),
            start=StartLook(psi=0.7, cutoff=8),
        ),
        Family(
            name="stylegan3-t",
            title="StyleGAN3-T",
            config=_STYLEGAN3,
            build="explorer.generators.stylegan3:build_t",
            equivariant=frozenset({"translate"}),
            group=by_depth,
            label=named_by_layer,
            trainer="explorer.training.stylegan3:StyleGAN3TTrainer",
        ),
        Family(
            name="stylegan3-r",
            title="StyleGAN3-R",
            config=_STYLEGAN3,
            build="explorer.generators.stylegan3:build_r",
            preset={"conv_kernel": 1, "use_radial_filters": True},
            equivariant=frozenset({"translate", "rotate"}),
            group=by_depth,
            label=named_by_layer,
            trainer="explorer.training.stylegan3:StyleGAN3RTrainer",
        ),
        Family(
            name="starganv2",
            title="StarGAN v2",
            config="explorer.generators.starganv2_config:StarGANv2Config",
            build="explorer.generators.starganv2:StarGANv2Generator",
            readers=("explorer.checkpoints.starganv2:StarGANv2Reader",),
            label=named_by_block,
        ),
        Family(
            name="mobilestylegan",
            title="MobileStyleGAN",
            config="explorer.generators.mobilestylegan_config:MobileStyleGANConfig",
            build="explorer.generators.mobilestylegan:MobileStyleGANGenerator",
            readers=("explorer.checkpoints.mobilestylegan:MobileStyleGANReader",),
            start=StartLook(psi=0.5),  # the original's only truncation
            trainer="explorer.training.mobilestylegan:MobileStyleGANTrainer",
        ),
    )
}


def families() -> Mapping[str, Family]:
    """Return all families by name, built-in ones first; load the plug-ins of `latentwalk.families`."""
    return {**_BUILT_IN, **plugins.load(plugins.FAMILIES, _accept, _BUILT_IN)}


def family(name: str) -> Family:
    """Return the family of that name; plug-ins are only loaded for a name that is not built in.

    Raises:
        UnsupportedModelError: There is no such family.
    """
    found = _BUILT_IN.get(name) or families().get(name)
    if found is None:
        raise UnsupportedModelError(
            f"There is no generator family named {visible(name, 80)!r}.",
            f"Known families: {visible(', '.join(families()))}.",
        )
    return found


def described(name: str) -> Family:
    """Return the family of an existing generator; for an unknown name, one with all defaults."""
    try:
        return family(name)
    except UnsupportedModelError:
        return Family(name, name, config="", build="")


def build(name: str, config: Mapping[str, Any]) -> Generator:
    """Return a generator with random weights, float32, on the CPU, in evaluation mode.

    Args:
        name: One of `families()`.
        config: Flat settings; the family's config dataclass documents names and defaults.

    Raises:
        UnsupportedModelError: For an unknown family, or a plug-in that does not work.
        MismatchError: For settings the family does not have.
    """
    import torch  # here and below, so that descriptors are available without importing torch

    from explorer.generators.base import Generator

    found = family(name)
    make = attribute(found, found.build)
    settings = read_config(name, config)
    # Inference tensors have no version counter, so values derived from them could not be cached.
    with torch.inference_mode(False):
        generator = _called(found, make, settings)
    if not isinstance(generator, Generator):
        raise _failed(found, TypeError(f"{found.build} returned a {type(generator).__name__}, not a Generator"))
    return generator.eval()


def read_config(name: str, config: Mapping[str, Any]) -> Any:
    """Return flat settings as the family's config dataclass, with types and bounds checked.

    Raises:
        UnsupportedModelError: For an unknown family, or a plug-in that does not work.
        MismatchError: For settings that the family does not support; names the setting.
    """
    from explorer.generators.config import config_from_mapping

    found = family(name)
    make = attribute(found, found.config)
    return _called(found, lambda values: config_from_mapping(make, values, found.title), {**found.preset, **config})


def _accept(name: str, value: Any) -> Family:
    """Check the value of a family's entry point."""
    if not isinstance(value, Family):
        raise TypeError(f"{name} is a {type(value).__name__}, not an explorer.generators.family.Family")
    if value.name != name:
        raise ValueError(f"the entry point is named {name!r}, but its family {value.name!r}; both must agree")
    return value


def attribute(found: Family, reference: str) -> Any:
    """Return what a reference `module:attribute` of a family's descriptor names, imported when first used.

    Raises:
        UnsupportedModelError: It cannot be imported from the plug-in.
    """
    try:
        return plugins.resolve(reference)
    except Exception as error:  # importing a plug-in may raise anything
        if found.name in _BUILT_IN:
            raise
        raise _failed(found, error) from error


def _called(found: Family, function: Callable[[Any], Any], argument: Any) -> Any:
    """Call a function of a family; errors of a plug-in are recorded and explained to the user."""
    try:
        return function(argument)
    except Exception as error:  # a plug-in may raise anything
        if found.name in _BUILT_IN or isinstance(error, LatentwalkError) or _lacks_memory(error):
            raise
        raise _failed(found, error) from error


def _lacks_memory(error: Exception) -> bool:
    from explorer.ops.memory import lacks_memory

    return lacks_memory(error)


def _failed(found: Family, error: Exception) -> UnsupportedModelError:
    plugins.report(plugins.FAMILIES, found.name, error)
    return UnsupportedModelError(
        f"The plug-in of the family {visible(found.title, 80)} does not work: "
        f"{type(error).__name__}: {visible(str(error))}.",
        "Update or remove the package that provides it; the command \u201cdoctor\u201d shows the traceback.",
    )
