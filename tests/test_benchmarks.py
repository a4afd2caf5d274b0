"""Benchmarks run as scripts, so their folder comes first where Python looks for modules."""

from __future__ import annotations

import sys
from pathlib import Path


def test_no_benchmark_hides_a_module_of_the_standard_library() -> None:
    folder = Path(__file__).resolve().parent.parent / "benchmarks"
    names = {path.stem for path in folder.glob("*.py")}
    assert names & sys.stdlib_module_names == set()
