"""`main.py doctor`: checks this machine, with advice on what is missing."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from explorer.util import console

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the output format."""
    parser.add_argument("--json", action="store_true", help="print a list of {name, found, advice, details}")


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; missing things are not errors, so the exit code is 0."""
    from explorer.setup.doctor import examine

    findings = examine()
    if arguments.json:
        console.out_json([asdict(finding) for finding in findings], indent=2)
        return 0
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        console.out(f"{'!' if finding.advice else ' '} {finding.name:<{width}}  {finding.found}")
        if finding.advice:
            console.out(f"  {'':<{width}}  -> {finding.advice}")
        for line in finding.details.splitlines():
            console.out(f"      {line}")
    return 0
