"""How the sticking lab keeps pace: both pictures in motion at the same moments, with and without slit-scans.

    python benchmarks/compare.py [--seconds 5] [--dtype float32] [--json] [MODEL_A MODEL_B]

Each row is one motion: moments shown a second on both views, the render time of a moment (both pictures, median),
the longest time between two moments, and the processor time that the whole program took a second.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PySide6.QtWidgets import QApplication

from benchmarks.interaction import run_for, wait_for
from benchmarks.table import columns
from explorer.app import Program
from explorer.session import Session
from explorer.session.settings import Settings
from explorer.state import Animation, Look, Transform, Truncation
from explorer.widgets.controls.theme import apply_theme

MOTIONS: dict[str, Look] = {
    "walk": Look(drift=0.3, truncation=Truncation(psi=0.8)),
    "translate": Look(transform=Transform(animation=Animation("circle", 0.12, 0.08))),
    "rotate": Look(transform=Transform(animation=Animation("spin", 0.1))),
}
WARM_UP_MS = 1500


def measure(session: Session, name: str, scan: bool, layout: str, seconds: float) -> dict[str, object]:
    """Return one motion for some seconds."""
    state = session.state
    lab = replace(state.lab, scan=scan, slit=replace(state.lab.slit, follows=name == "rotate"))
    session.store.update_transient(replace(state, shared=MOTIONS[name], lab=lab, layout=layout))  # type: ignore[arg-type]
    run_for(WARM_UP_MS)
    shown: dict[int, list[float]] = {0: [], 1: []}
    costs: dict[int, list[float]] = {0: [], 1: []}

    def note(frame: object) -> None:
        view = frame.view  # type: ignore[attr-defined]
        shown[view].append(perf_counter())
        costs[view].append(frame.total_ms)  # type: ignore[attr-defined]

    connection = session.frame.connect(note)
    begin, processor = perf_counter(), time.process_time()
    run_for(round(1000 * seconds))
    took, processor = perf_counter() - begin, time.process_time() - processor
    session.frame.disconnect(connection)
    gaps = [b - a for times in shown.values() for a, b in pairwise(times)]
    return {
        "motion": name,
        "layout": layout,
        "slit-scan": "on" if scan else "off",
        "shown_per_s": round(min(map(len, shown.values())) / took, 1),
        "moment_ms": round(sum(statistics.median(c) for c in costs.values() if c), 1),
        "longest_gap_ms": round(1000 * max(gaps, default=0.0), 1),
        "processor_s_per_s": round(processor / took, 2),
    }


def open_window(
    models: list[str], dtype: str, folder: str, run: Callable[[Session], list[dict[str, object]]]
) -> dict[str, object]:
    """Return the program with both models loaded; what `run` measures in it."""
    app = QApplication([])
    apply_theme(app, True)
    settings = Settings(Path(folder) / "settings.json")
    settings.set("welcomed", True)
    program = Program(app, settings, models)
    program.window.asks_before_discarding = False
    program.window.resize(1280, 800)
    program.start()
    wait_for(lambda: program.window.session is not None)
    session = program.window.session
    assert session is not None
    wait_for(lambda: all(session.last_frame(v) is not None and not session.is_refining(v) for v in range(2)))
    if dtype:
        session.devices.set_dtype(dtype)
    names = [model_info.name if (model_info := session.model_info(view)) else "" for view in range(2)]
    result: dict[str, object] = {
        "models": names,
        "dtype": session.devices.settings.dtype,
        "platform": app.platformName(),
        "rows": run(session),
    }
    program.window.close()
    program.close()
    return result


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("models", nargs="*", help="two models instead of the bundled pair")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each motion")
    parser.add_argument("--dtype", default="", help="float32 or bfloat16 instead of the program's choice")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    options = parser.parse_args()

    def rows(session: Session) -> list[dict[str, object]]:
        cases = [(name, scan, "grid") for name in MOTIONS for scan in (False, True)]
        cases += [("walk", True, "wipe"), ("walk", True, "flicker")]
        return [measure(session, *case, options.seconds) for case in cases]

    with tempfile.TemporaryDirectory() as folder:
        result = open_window(options.models, options.dtype, folder, rows)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    result["load"] = round(load, 1)  # of the machine: with more than its cores, other work was measured too
    print(json.dumps(result, indent=1) if options.json else table(result))
    return 0


def table(result: dict[str, object]) -> str:
    """Return the result for people."""
    head = f"{result['models']}, {result['dtype']}, {result['platform']}, load {result['load']}"
    return f"{head}\n{columns(result['rows'])}"


if __name__ == "__main__":
    sys.exit(main())
