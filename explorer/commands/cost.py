"""The option --allow-costly, and the refusal of models that are more than this machine can do."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

__all__ = ["add_cost_option", "check_cost"]

OPTION = "--allow-costly"


def add_cost_option(parser: argparse.ArgumentParser) -> None:
    """Declare the option."""
    parser.add_argument(
        OPTION, action="store_true", help="also render models whose picture takes more memory or time than is free"
    )


def check_cost(arguments: argparse.Namespace, models: Iterable[str], device: str) -> None:
    """Raise CostlyModelError if a picture of one of these models is more than this machine can do.

    Args:
        arguments: With `allow_costly`, which turns the check off.
        models: Files or bundled names.
        device: That will compute the pictures.

    Raises:
        CostlyModelError: One picture would take too much memory or time.
        CheckpointError: A model cannot be read.
    """
    if arguments.allow_costly:
        return
    from explorer.checkpoints import read_settings, resolve_model
    from explorer.errors import CostlyModelError
    from explorer.ops import native
    from explorer.render.devices import check_settings
    from explorer.render.limits import check_affordable

    check_settings(device, "float32")
    for path in dict.fromkeys(resolve_model(model) for model in models):
        family, config = read_settings(path)
        try:
            check_affordable(path.name, family, config, device)
        except CostlyModelError:
            native.build()  # with the kernels it may be affordable
            try:
                check_affordable(path.name, family, config, device)
            except CostlyModelError as error:
                raise CostlyModelError(error.message, f"Choose a smaller model, or add {OPTION}.") from None
