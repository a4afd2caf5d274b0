"""Damaged and hostile files of every kind that the program opens: none may run anything, crash, hang or grow.

    python benchmarks/attack.py [--count 10000] [--seed 0] [--kinds pickle,project] [--jobs 2] [--keep FOLDER]

Each file is a mutation of a well-formed one (`attack_files.py`, `attack_mutations.py`), opened as the program opens
it (`attack_readers.py`) under an audit hook and limits of 2 GB and 10 s of processor time (`attack_guard.py`). The
exit code is 1 if anything ran, died, hung, took more, or raised an error that is not one of the program's own. File
number N of a seed is the same in every run of the same version, so that `--first N --count 1` repeats it.
"""

from __future__ import annotations

import argparse
import codecs
import json
import os
import random
import selectors
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from benchmarks.attack_files import KINDS, Seed, seeds
from benchmarks.attack_guard import Guard
from benchmarks.attack_mutations import mutated
from benchmarks.attack_readers import READERS

BAD = ("execution", "death", "hang", "raw", "slow", "memory")
WALL_SECONDS = 120.0  # without a word from a process


@dataclass(slots=True)
class Found:
    """One kind of failure: how often, and the smallest file that shows it."""

    count: int = 0
    number: int = -1
    size: int = 1 << 60
    example: str = ""


@dataclass(slots=True)
class Report:
    """What became of the files so far."""

    outcomes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    failures: dict[tuple[str, str, str], Found] = field(default_factory=dict)
    slowest: float = 0.0

    @property
    def is_good(self) -> bool:
        """True if nothing failed."""
        return not any(self.outcomes[name] for name in BAD)


@dataclass(frozen=True, slots=True)
class Plan:
    """Which files: number N is `files[N % len(files)]`, mutated by a generator of (`seed`, N)."""

    files: tuple[Seed, ...]
    seed: int
    keep: Path | None = None

    def file(self, number: int) -> tuple[Seed, bytes]:
        """Return the well-formed file behind a number, and its mutation."""
        origin = self.files[number % len(self.files)]
        return origin, mutated(origin, random.Random(f"{self.seed}:{number}"))


class _Process:
    """A forked process that opens the numbers of its part and writes a line before and after each."""

    def __init__(self, plan: Plan, numbers: range, folder: Path) -> None:
        self.numbers, self.current, self.heard, self.folder = numbers, -1, time.monotonic(), folder
        self._rest = b""
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reading)
            code = 1
            try:
                _work(plan, numbers, folder, writing)
                code = 0
            except BaseException:  # a fault of this benchmark, or what escaped the guard
                (folder / "fault.txt").write_text(traceback.format_exc())
            finally:
                os._exit(code)  # nothing of the parent's is to be finished here
        os.close(writing)
        self.pipe = reading

    def lines(self) -> list[dict[str, Any]] | None:
        """Return the messages received since; None at the end."""
        data = os.read(self.pipe, 1 << 16)
        if not data:
            return None
        self.heard = time.monotonic()
        *whole, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in whole]

    def end(self) -> int:
        """Wait for its end; its status."""
        os.close(self.pipe)
        return os.waitpid(self.pid, 0)[1]


def _work(plan: Plan, numbers: range, folder: Path, pipe: int) -> None:
    """The life of a process."""
    folder.mkdir(exist_ok=True)
    os.chdir(folder)
    os.environ["LATENTWALK_CACHE"] = str(folder / "cache")
    null = os.open(os.devnull, os.O_WRONLY)  # libraries print what they think of broken files
    os.dup2(null, 1)
    os.dup2(null, 2)
    guard = Guard(folder)
    for number in numbers:
        origin, data = plan.file(number)
        path = folder / f"file{origin.suffix}"
        path.write_bytes(data)
        os.write(pipe, json.dumps({"start": number}).encode() + b"\n")
        outcome = guard.run(READERS[origin.kind], path)
        if outcome.name == "execution":
            outcome.location = "; ".join(outcome.events)
        message = {"done": number, "kind": origin.kind, "size": len(data), **asdict(outcome)}
        os.write(pipe, json.dumps(message).encode() + b"\n")


def attack(plan: Plan, numbers: range, jobs: int, folder: Path, *, progress: bool = False) -> Report:
    """Open the files of these numbers in `jobs` processes."""
    report, selector = Report(), selectors.DefaultSelector()
    began = reported = time.monotonic()

    def start(part: range, where: Path) -> None:
        if len(part):
            process = _Process(plan, part, where)
            selector.register(process.pipe, selectors.EVENT_READ, (process, where))

    for job in range(jobs):
        start(numbers[job::jobs], folder / f"job{job}")
    while selector.get_map():
        for key, _ in selector.select(timeout=1.0):
            process, where = key.data
            lines = process.lines()
            for line in lines or ():
                process.current = line.get("start", -1)
                if "done" in line:
                    _note(report, plan, line)
            if lines is None:
                selector.unregister(key.fileobj)
                _bury(report, plan, process)
                if process.current >= 0:
                    step = process.numbers.step
                    start(range(process.current + step, process.numbers.stop, step), where)
        for key in list(selector.get_map().values()):
            process = key.data[0]
            if time.monotonic() - process.heard > WALL_SECONDS:
                process.heard = time.monotonic()
                os.kill(process.pid, 9)
        if progress and time.monotonic() - reported > 10:
            reported, done = time.monotonic(), sum(report.kinds.values())
            print(f"{done:,} files, {done / (reported - began):.0f} a second, {_bad(report)}", file=sys.stderr)
    return report


def _bury(report: Report, plan: Plan, process: _Process) -> None:
    """A process has ended: at its last number, or by the file that it was opening."""
    status = process.end()
    if process.current < 0:
        return
    kind, data = plan.file(process.current)
    is_hang = os.WIFSIGNALED(status) and os.WTERMSIG(status) == 9
    name = "hang" if is_hang else "death"
    fault = process.folder / "fault.txt"
    location = fault.read_text().strip().splitlines()[-1] if fault.exists() else f"status {status}"
    fault.unlink(missing_ok=True)
    line = {"done": process.current, "kind": kind.kind, "size": len(data), "name": name, "seconds": 0.0}
    _note(report, plan, {**line, "location": location})


def _note(report: Report, plan: Plan, line: dict[str, Any]) -> None:
    name = line["name"]
    report.outcomes[name] += 1
    report.kinds[line["kind"]] += 1
    report.slowest = max(report.slowest, line["seconds"])
    if name not in BAD:
        return
    found = report.failures.setdefault((name, line["kind"], line["location"].split(": ")[0]), Found())
    found.count += 1
    if line["size"] < found.size:
        found.size, found.number, found.example = line["size"], line["done"], line["location"]
        if plan.keep is not None:
            _keep(plan, plan.keep, name, line)


def _keep(plan: Plan, folder: Path, name: str, line: dict[str, Any]) -> None:
    """The smallest file of each kind and location, under a name that says both."""
    origin, data = plan.file(line["done"])
    folder.mkdir(parents=True, exist_ok=True)
    label = "".join(c if c.isalnum() else "-" for c in f"{name}-{origin.kind}-{line['location'].split(': ')[0]}")
    (folder / f"{label[:120]}{origin.suffix}").write_bytes(data)


def _bad(report: Report) -> str:
    return ", ".join(f"{report.outcomes[name]} {name}" for name in BAD)


_CODECS = (
    "ascii", "latin-1", "idna", "unicode-escape", "raw-unicode-escape",
    "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be",
)  # fmt: skip


def prepared(folder: Path, kinds: frozenset[str], seed: int, keep: Path | None = None) -> Plan:
    """Return the well-formed files, each opened once so that the guard sees no imports of the readers."""
    torch.set_num_threads(1)
    for codec in _CODECS:
        codecs.lookup(codec)  # Python imports each when a text first needs it
    os.environ["LATENTWALK_CACHE"] = str(folder / "cache")
    files = seeds(folder, kinds)
    for number, each in enumerate(files):
        path = folder / f"good{number}{each.suffix}"
        path.write_bytes(each.data)
        try:
            READERS[each.kind](path)
        except Exception as error:
            if each.kind not in ("torch-zip", "torch-legacy"):  # not every version reads bare state dicts
                raise SystemExit(f"a well-formed {each.kind} is not opened: {error}") from error
    return Plan(tuple(files), seed, keep)


def _print(report: Report, seconds: float) -> None:
    done = sum(report.kinds.values())
    print(f"{done:,} files in {seconds:.0f} s, {done / max(seconds, 1e-9):.0f} a second: {_bad(report)}")
    print("kinds: " + ", ".join(f"{kind} {count:,}" for kind, count in sorted(report.kinds.items())))
    print("outcomes: " + ", ".join(f"{name} {count:,}" for name, count in report.outcomes.most_common()))
    print(f"slowest: {report.slowest:.1f} s of processor time")
    for (name, kind, location), found in sorted(report.failures.items(), key=lambda item: -item[1].count):
        print(f"{found.count:6} {name} {kind}: {location} (number {found.number}, {found.size:,} bytes)")
        print(f"       {found.example[:200]}")


def main() -> int:
    """Attack, report, and exit with 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=10_000, help="files (default 10,000)")
    parser.add_argument("--first", type=int, default=0, help="number of the first file (default 0)")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations (default 0)")
    parser.add_argument("--kinds", default="", help=f"of files, comma between them (all): {', '.join(KINDS)}")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: cores)")
    parser.add_argument(
        "--keep", type=Path, help="folder for the smallest file of each kind and location of failure"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not hasattr(os, "fork"):
        raise SystemExit("This system has no fork.")
    kinds = frozenset(options.kinds.split(",")) if options.kinds else frozenset(KINDS)
    if unknown := kinds - set(KINDS):
        raise SystemExit(f"There is no kind {', '.join(sorted(unknown))}; choose of {', '.join(KINDS)}.")
    with tempfile.TemporaryDirectory(prefix="latentwalk-attack-") as name:
        folder = Path(os.path.realpath(name))
        plan = prepared(folder, kinds, options.seed, options.keep.resolve() if options.keep else None)
        began = time.monotonic()
        numbers = range(options.first, options.first + options.count)
        report = attack(plan, numbers, max(1, options.jobs), folder, progress=not options.json)
    if options.json:
        failures = [{"failure": key, **asdict(found)} for key, found in report.failures.items()]
        print(json.dumps({"outcomes": report.outcomes, "kinds": report.kinds, "failures": failures}, indent=1))
    else:
        _print(report, time.monotonic() - began)
    return 0 if report.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
