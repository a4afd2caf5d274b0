"""The command line: `main.py` opens the window, `main.py COMMAND ...` works without one.

Every subcommand is a module of `explorer.commands` with `add_arguments(parser)` and `run(arguments)`, imported only
when it is called, so that `--help` answers at once. Errors are one line on stderr and exit code 2.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from explorer import __version__
from explorer.errors import LatentwalkError, UsageError
from explorer.util import console, crash_log, file_errors
from explorer.util.command_line import Parser, did_you_mean
from explorer.util.plain_text import visible
from explorer.util.program_name import program_name
from explorer.util.signals import Stopped, stopping

__all__ = ["COMMANDS", "Parser", "main", "program"]

_LONG, _LONGEST = 20_000, 1000
"""Characters of an error's message or hint that are read, and that are printed."""

COMMANDS: dict[str, tuple[str, str]] = {
    "window": ("explorer.commands.window", "open the window (also without any command), on files if given"),
    "render": ("explorer.commands.render", "render pictures from seeds or latents"),
    "grid": ("explorer.commands.grid", "source pictures in the styles of others, by an image-to-image network"),
    "compare": ("explorer.commands.compare", "video of two models side by side under the same motion"),
    "slitscan": ("explorer.commands.slitscan", "scroll the pixels under a line of each picture into one"),
    "measure": ("explorer.commands.measure", "equivariance, sticking or spectrum of models, with standard errors"),
    "directions": ("explorer.commands.directions", "find directions for edits in a model's latent space"),
    "video": ("explorer.commands.video", "film of a project or of a walk through seeds; resumable after a crash"),
    "project": ("explorer.commands.project", "show a project, or the project in a picture or film"),
    "inspect": ("explorer.commands.inspect", "show the content of a checkpoint; nothing in it is executed"),
    "convert": ("explorer.commands.convert", "write a checkpoint in another format"),
    "doctor": ("explorer.commands.doctor", "check this machine, with advice on what is missing"),
    "train": ("explorer.commands.train", "train a generator"),
    "figures": ("explorer.commands.figures", "measure a model against its data, and write sheets of pictures"),
    "bench": ("explorer.commands.bench", "time a model on this machine"),
}


class Command(Protocol):
    """The interface of a subcommand's module."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's options."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Run the command and return its exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return 0 (done), 1 (out of memory), 2 (a reported error) or 128 + N (signal N)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    console.prepare()
    crash_log.begin()
    try:
        with stopping():
            code = _guarded(arguments)
    except Stopped as stopped:
        if stopped.number != signal.SIGINT:  # the user knows about Ctrl+C
            console.note(f"latentwalk: ended by {stopped.name}")
        code = stopped.exit_code
    except KeyboardInterrupt:
        code = 130
    lost = console.finish()
    return _print_error(lost) if lost and code == 0 else code


def _check_current_folder() -> None:
    """Raise UsageError if the current folder was deleted, as some libraries then end the process."""
    try:
        os.getcwd()
    except OSError as error:
        raise UsageError("The current folder does not exist any more.", "Change to another one: cd") from error


def _guarded(arguments: list[str]) -> int:
    try:
        _check_current_folder()
        return _dispatch(arguments)
    except SystemExit as done:  # raised by argparse after --help and --version
        return done.code if isinstance(done.code, int) else 0
    except LatentwalkError as error:
        return _print_error(error.message, error.command_hint)
    except (MemoryError, RuntimeError) as error:
        return _print_out_of_memory(error)
    except BrokenPipeError:  # the reader of a library's output has ended, as in `... | head`
        return 0
    except OSError as error:
        return _print_error(file_errors.message(error))


def program() -> int:
    """Run `main` as the process: if it had a window, it ends as soon as that is closed."""
    code = main()
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is not None and widgets.QApplication.instance() is not None:
        crash_log.finish_process(code)
    return code


def _print_error(message: str, hint: str = "") -> int:
    # Truncated separately, so that the hint is readable however long the message of a file is.
    parts = [" ".join(text.split()) for text in (message[:_LONG], hint[:_LONG])]
    text = " ".join(visible(part, _LONGEST) for part in parts if part)
    console.note(f"latentwalk: error: {text}")
    return 2


def _print_out_of_memory(error: Exception) -> int:
    from explorer.ops.memory import lacks_memory

    if not lacks_memory(error):
        raise error
    _print_error(
        "There is not enough free memory for this.", "Close other programs, or choose a smaller model or picture."
    )
    return 1


def _dispatch(arguments: list[str]) -> int:
    name, rest = "window", arguments
    if arguments and arguments[0] in COMMANDS:
        name, rest = arguments[0], arguments[1:]
    elif arguments and arguments[0].startswith("-"):
        _front_page().parse_args(arguments[:1])
    elif arguments:
        _check_file(arguments[0])
    module, summary = COMMANDS[name]
    command = cast("Command", importlib.import_module(module))
    parser = Parser(prog=f"{program_name()} {name}", description=f"{summary[0].upper()}{summary[1:]}.")
    parser.add_argument(
        "-v", dest="verbose", metavar="AREA", action="append", default=[], help="log an area, e.g. -v render"
    )
    command.add_arguments(parser)
    parsed = parser.parse_args(_keep_negative_values(rest))
    _set_up_logging(parsed.verbose)
    return command.run(parsed)


def _check_file(word: str) -> None:
    """Raise UsageError for a first argument that is neither a command nor something the window can open."""
    from explorer.checkpoints.bundled import bundled

    names = [item.name for item in bundled()]
    if word in names or os.path.lexists(word) or Path(word).suffix or os.sep in word:
        return  # the window explains problems with a file
    help_ = f"See {program_name()} --help."
    hint = f"{did_you_mean(word, [*COMMANDS, *names])} {help_}".strip()
    raise UsageError(f"{word!r} is not a command, a file or a bundled model.", hint)


def _front_page() -> argparse.ArgumentParser:
    program = program_name()
    listed = "\n".join(f"  {name:<10} {summary}" for name, (_, summary) in COMMANDS.items())
    parser = Parser(
        prog=program,
        usage=f"{program} [FILE ...] | {program} COMMAND [OPTION ...]",
        description="Explore the latent space of style-based image generators with the mouse, in real time.",
        epilog=f"commands:\n{listed}\n\n{program} COMMAND --help explains a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"Latentwalk {__version__}")
    return parser


def _keep_negative_values(arguments: list[str]) -> list[str]:
    """Join `--translate -0.1,0` to `--translate=-0.1,0`, which argparse would parse as two options."""
    joined: list[str] = []
    for argument in arguments:
        before = joined[-1] if joined else ""
        if re.match(r"-[\d.]", argument) and before.startswith("--") and "=" not in before:
            joined[-1] = f"{before}={argument}"
        else:
            joined.append(argument)
    return joined


class _Format(logging.Formatter):
    """Formats log lines with control characters escaped."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record), None, keep_lines=True)


def _set_up_logging(areas: list[str]) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Format("%(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for area in areas:
        logging.getLogger("explorer" if area == "all" else f"explorer.{area}").setLevel(logging.DEBUG)
