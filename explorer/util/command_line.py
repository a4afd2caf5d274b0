"""An argument parser with helpful errors that suggest the intended option, command or choice."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from explorer.errors import UsageError
from explorer.util import console

__all__ = ["Parser", "did_you_mean"]

_ELSEWHERE = {
    "--trunc": "--psi", "--truncation": "--psi", "--truncation-psi": "--psi", "--truncation_psi": "--psi",
    "--seeds": "--seed", "--seed": "--seeds", "--class-idx": "--class", "--class_idx": "--class",
    "--label": "--class", "--outdir": "--output", "--out": "--output", "--out-dir": "--output",
    "--outfile": "--output", "--network": "--model", "--network-pkl": "--model", "--network_pkl": "--model",
    "--pkl": "--model", "--ckpt": "--model", "--checkpoint": "--model", "--noise-mode": "--noise",
    "--noise_mode": "--noise", "--projected-w": "--ws", "--projected_w": "--ws", "--latent": "--ws",
    "--latents": "--ws", "--w-plus": "--ws", "--wplus": "--ws", "--frames": "--seconds", "--duration": "--seconds",
    "--length": "--seconds", "--framerate": "--fps", "--rate": "--fps", "--resolution": "--size",
    "--width": "--size", "--height": "--size", "--cols": "--grid", "--rows": "--grid", "--gpu": "--device",
    "--fp16": "--dtype", "--force": "--overwrite", "--yes": "--overwrite", "--metrics": "METRIC",
    "--metric": "METRIC", "--style-mixing": "--mix", "--easing": "--ease", "--codec": "--format",
}  # fmt: skip
"""Option names of similar programs, or of other commands, and our equivalents."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question that suggests up to three of `known` similar to `word`; empty if there are none."""
    by_lower = {name.lower().strip("-"): name for name in known}
    word = word.lower().strip("-")
    close = [name for name in by_lower if len(word) > 1 and name.startswith(word)]
    close += [name for name in difflib.get_close_matches(word, by_lower, n=3, cutoff=0.6) if name not in close]
    return f"Did you mean {' or '.join(by_lower[name] for name in close[:3])}?" if close else ""


class Parser(argparse.ArgumentParser):
    """A parser that raises `UsageError`s. Options cannot be abbreviated, so that new ones do not break scripts."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(allow_abbrev=False, **keywords)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of printing the usage and exiting."""
        for kind, expected in (("int", "a whole number"), ("float", "a number")):
            message = re.sub(rf"invalid {kind} value: (.*)", rf"\1 is not {expected}", message, flags=re.DOTALL)
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", f"See {self.prog} --help.")

    def parse_args(  # type: ignore[override]  # argparse has overloads for namespaces of other types
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> argparse.Namespace:
        """Parse the arguments, and report unknown ones.

        Raises:
            UsageError: An argument is unknown, malformed or missing.
        """
        # Unknown options first: with `--seeds 1` a required option may only appear to be missing.
        self._check_options(list(args or ()))
        found, rest = self.parse_known_args(args, namespace)
        if rest:
            hint = self._suggestion(f"-{rest[0]}") if rest[0].startswith("-") else f"See {self.prog} --help."
            raise UsageError(f"{self.prog} does not take {' '.join(rest)}.", hint)
        result: argparse.Namespace = found
        return result

    def _check_options(self, arguments: list[str]) -> None:
        if any(action.nargs == argparse.REMAINDER for action in self._actions):
            return  # the rest belongs to another parser
        known = self._option_string_actions
        for argument in arguments:
            if argument == "--":
                return
            name = argument.partition("=")[0]
            if re.match(r"--[A-Za-z]", name) and name not in known:
                raise UsageError(f"{self.prog} has no option {name}.", self._suggestion(name))

    def _suggestion(self, name: str) -> str:
        known = [option for option in self._option_string_actions if option.startswith("--")]
        help_ = f"See {self.prog} --help."
        meant = _ELSEWHERE.get(name.lower(), "")
        if meant in known:
            return f"Did you mean {meant}? {help_}"
        positional = {action.metavar for action in self._actions if not action.option_strings}
        if meant == "--model" and positional & {"MODEL", "MODEL_A"}:
            return f"Name the model without an option: {self.prog} MODEL. {help_}"
        return f"{did_you_mean(name, known)} {help_}".strip()

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            name = "/".join(action.option_strings) or str(action.metavar or action.dest)
            closest = did_you_mean(str(value), choices)
            message = f"Argument {name}: {str(value)!r} is not one of {', '.join(choices)}."
            raise UsageError(message, closest or f"See {self.prog} --help.")

    def _print_message(self, message: str, file: Any = None) -> None:
        if message:  # help and version
            console.out(message.removesuffix("\n"))
