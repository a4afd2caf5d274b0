"""The option --allow-costly, and the check for models beyond this machine's memory or speed."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

__all__ = ["add_cost_option", "check_cost"]

OPTION = "--allow-costly"


def add_cost_option(parser: argparse.ArgumentParser) -> None:
    """Declare `--allow-costly`."""
    parser.add_argument(
        OPTION, action="store_true", help="also render models whose picture takes more memory or time than is free"
    )


def check_cost(arguments: argparse.Namespace, models: Iterable[str], device: str) -> None:
    """Raise CostlyModelError if a picture of one of the models would take too much memory or time.

    Args:
        arguments: Arguments with `allow_costly`, which disables the check.
        models: Files or bundled names.
        device: Device to render on.

    Raises:
        CostlyModelError: A picture would take too much memory or time.
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
            native.build()  # the model may be affordable with the kernels
            try:
                check_affordable(path.name, family, config, device)
            except CostlyModelError as error:
                raise CostlyModelError(error.message, f"Choose a smaller model, or add {OPTION}.") from None
