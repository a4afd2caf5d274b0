"""`main.py doctor`: what this machine has, and what to do about each lack."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whether to print JSON."""
    parser.add_argument("--json", action="store_true", help="print a list of {name, found, advice}")


def run(arguments: argparse.Namespace) -> int:
    """Prints the findings; lacks are no errors, so the exit code is 0."""
    from explorer.doctor import examine

    findings = examine()
    if arguments.json:
        json.dump([asdict(finding) for finding in findings], sys.stdout, indent=2)
        sys.stdout.write("\n")
        return 0
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        sys.stdout.write(f"{'!' if finding.advice else ' '} {finding.name:<{width}}  {finding.found}\n")
        if finding.advice:
            sys.stdout.write(f"  {'':<{width}}  -> {finding.advice}\n")
    return 0
