"""Kills: processes are killed at random moments while they film, record, save and train; nothing may be lost.

    python benchmarks/kills.py                                a hundred kills of each kind
    python benchmarks/kills.py --count 20 --kinds film,latent --seed 3

After each kill a saved file is whole, the old one or the new one; films and trainings go on to the same pixels and
weights as undisturbed ones; recordings lose a second at most. The exit code is 1 if anything else happened.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import kill_work as work
from benchmarks.table import columns

__all__ = ["KINDS", "Tally", "main", "run"]

KINDS = ("film", "recording", *work.SAVES, "training")
SAVE_S = 0.15
RECORDING_S = 3.0
ALLOWED_S = 1.0
LIMIT_S = 300.0


@dataclass(slots=True)
class Tally:
    """What came of the kills of one kind. `notes`: what is measured besides."""

    kind: str
    kills: int = 0
    finished: int = 0  # works that were done before the kill
    problems: list[str] = field(default_factory=list)
    notes: dict[str, float] = field(default_factory=dict)

    def note(self, name: str, value: float) -> None:
        """Keep the largest value of that name."""
        self.notes[name] = max(self.notes.get(name, 0.0), value)


class Killer:
    """Runs work in processes of its own and kills them at random moments."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        methods = multiprocessing.get_all_start_methods()
        # A server that has read torch and Qt once forks each process in a few milliseconds.
        self._context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        if "forkserver" in methods:
            names = ("torch", "explorer.session", "explorer.training.loop", "explorer.animation.recorder")
            self._context.set_forkserver_preload(["benchmarks.kill_work", *names])

    def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Return the result of a function, in a process that is not killed."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_call, args=(theirs, function, arguments), daemon=True)
        process.start()
        theirs.close()
        try:
            if not ours.poll(LIMIT_S):
                raise TimeoutError(f"{function.__name__} took more than {LIMIT_S:.0f} s")
            kind, value = ours.recv()
        except EOFError:
            raise RuntimeError(f"{function.__name__} died") from None
        finally:
            process.kill()
            process.join()
        if kind == "error":
            raise RuntimeError(value)
        return value

    def kill(self, span: float, function: Callable[..., Any], *arguments: object) -> bool:
        """Begin a work and kill it within so many seconds; False if it was done before."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, function, arguments), daemon=True)
        process.start()
        theirs.close()
        try:
            if not ours.poll(LIMIT_S):
                raise TimeoutError(f"{function.__name__} did not begin within {LIMIT_S:.0f} s")
            _expect(ours.recv(), "ready")
            if ours.poll(self.chance.uniform(0.0, span)):
                _expect(ours.recv(), "done")
                return False
            return True
        except EOFError:
            raise RuntimeError(f"{function.__name__} died") from None
        finally:
            process.kill()
            process.join()


def _expect(message: tuple[str, str], wanted: str) -> None:
    if message[0] != wanted:
        raise RuntimeError(message[1] or message[0])


def _call(pipe: Any, function: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    _quietly()
    try:
        pipe.send(("value", function(*arguments)))
    except Exception as error:  # passed on to the waiting process
        pipe.send(("error", f"{type(error).__name__}: {error}"))


def _work(pipe: Any, function: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    _quietly()
    try:
        function(*arguments, lambda: pipe.send(("ready", "")))
        pipe.send(("done", ""))
    except Exception as error:  # passed on to the waiting process
        pipe.send(("error", f"{type(error).__name__}: {error}"))


def _quietly() -> None:
    import torch

    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    torch.set_num_threads(1)


def _no_wait() -> None:
    """For work that is not to be killed."""


# -- kinds -----------------------------------------------------------------------------------------------------


def _films(killer: Killer, folder: Path, tally: Tally, count: int) -> None:
    wholes: dict[str, tuple[list[bytes], float]] = {}
    number = 0
    while tally.kills < count:
        kind, name = work.FILMS[number % len(work.FILMS)], f"film{number}"
        if kind not in wholes:
            killer.call(work.film, folder, kind, "warm", _no_wait)
            killer.call(work.film_pixels, folder, kind, "warm")
            began = time.monotonic()
            killer.call(work.film, folder, kind, "whole", _no_wait)
            took = time.monotonic() - began
            wholes[kind] = killer.call(work.film_pixels, folder, kind, "whole"), took
        whole, took = wholes[kind]
        while tally.kills < count and killer.kill(took, work.film, folder, kind, name):
            tally.kills += 1
        killer.call(work.film, folder, kind, name, _no_wait)
        tally.finished += 1
        if killer.call(work.film_pixels, folder, kind, name) != whole:
            tally.problems.append(f"{kind}: not the pixels of an undisturbed film")
        number += 1


def _trainings(killer: Killer, folder: Path, tally: Tally, count: int) -> None:
    began = time.monotonic()
    killer.call(work.training, folder, "whole", _no_wait)
    took = time.monotonic() - began
    whole = killer.call(work.training_weights, folder, "whole")
    number = 0
    while tally.kills < count:
        name = f"run{number}"
        while tally.kills < count and killer.kill(took, work.training, folder, name):
            tally.kills += 1
        killer.call(work.training, folder, name, _no_wait)
        tally.finished += 1
        if killer.call(work.training_weights, folder, name) != whole:
            tally.problems.append("not the weights of an undisturbed run")
        number += 1


def _recordings(killer: Killer, folder: Path, tally: Tally, count: int) -> None:
    while tally.kills < count:
        (folder / "truth").unlink(missing_ok=True)
        killer.kill(RECORDING_S, work.recording, folder)
        tally.kills += 1
        lost, problem = killer.call(work.recording_lost, folder)
        tally.note("most seconds lost", round(lost, 3))
        if problem or lost > ALLOWED_S:
            tally.problems.append(problem or f"{lost:.2f} s lost")


def _saves(kind: str, killer: Killer, folder: Path, tally: Tally, count: int) -> None:
    while tally.kills < count:
        killer.kill(SAVE_S, work.save, folder, kind)
        tally.kills += 1
        left, problem = killer.call(work.save_problem, folder, kind)
        tally.note("most files left half written", left)
        if problem:
            tally.problems.append(problem)


def run(kinds: list[str], count: int, seed: int) -> list[Tally]:
    """Kill `count` processes of each kind."""
    killer, tallies = Killer(seed), []
    for kind in kinds:
        tally = Tally(kind)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            killer.call(work.prepare, folder)
            try:
                if kind == "film":
                    _films(killer, folder, tally, count)
                elif kind == "training":
                    _trainings(killer, folder, tally, count)
                elif kind == "recording":
                    _recordings(killer, folder, tally, count)
                else:
                    _saves(kind, killer, folder, tally, count)
            except (RuntimeError, TimeoutError) as error:  # a work that cannot even go on is the worst of all
                tally.problems.append(str(error))
        tallies.append(tally)
        print(f"{kind}: {tally.kills} kills, {len(tally.problems)} problems", file=sys.stderr, flush=True)
    return tallies


def main(argv: list[str] | None = None) -> int:
    """Read the command line; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", metavar="N", type=int, default=100, help="kills of each kind (default 100)")
    parser.add_argument("--kinds", metavar="LIST", default=",".join(KINDS), help=f"of {','.join(KINDS)}")
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="of the moments (default 0)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args(argv)
    kinds = arguments.kinds.split(",")
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        parser.error(f"--kinds: {', '.join(unknown)} is not one of {', '.join(KINDS)}")
    tallies = run(kinds, arguments.count, arguments.seed)
    rows = [
        {
            "kind": tally.kind,
            "kills": tally.kills,
            "finished": tally.finished,
            "problems": len(tally.problems),
            "measured": ", ".join(f"{name} {value:g}" for name, value in tally.notes.items()) or "-",
        }
        for tally in tallies
    ]
    if arguments.json:
        details = [{**row, "what": tally.problems} for row, tally in zip(rows, tallies, strict=True)]
        print(json.dumps(details, indent=1))
    else:
        print(columns(rows))
        for tally in tallies:
            for problem in tally.problems:
                print(f"{tally.kind}: {problem}")
    return 1 if any(tally.problems for tally in tallies) else 0


if __name__ == "__main__":
    raise SystemExit(main())
