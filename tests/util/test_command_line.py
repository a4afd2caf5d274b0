"""What the parser says of options, choices and numbers that it does not know."""

from __future__ import annotations

import pytest

from explorer.errors import UsageError
from explorer.util.command_line import Parser, did_you_mean


def parser() -> Parser:
    p = Parser(prog="prog")
    p.add_argument("model", metavar="MODEL")
    p.add_argument("--seed", type=int)
    p.add_argument("--psi", type=float)
    p.add_argument("--ease", choices=("linear", "in-out"))
    p.add_argument("--overwrite", action="store_true")
    p.add_argument("-o", "--output", required=True)
    return p


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["m", "--seeds", "1"], "no option --seeds. Did you mean --seed?"),  # and not: -o is missing
        (["m", "--trunc=0.5"], "Did you mean --psi?"),
        (["m", "--over"], "Did you mean --overwrite?"),  # abbreviations may come to mean another
        (["m", "--outdir", "x"], "Did you mean --output?"),
        (["--network", "m"], "Name the model without an option: prog MODEL."),
        (["m", "-o", "x", "-seed", "1"], "Did you mean --seed?"),
        (["m", "-o", "x", "more"], "does not take more"),
        (["m", "--ease", "inout"], "'inout' is not one of linear, in-out. Did you mean in-out?"),
        (["m", "--seed", "1.5"], "'1.5' is not a whole number"),
        (["m", "--psi", "half"], "'half' is not a number"),
        (["m"], "-o/--output"),
        (["m", "--zzzz"], "no option --zzzz. See prog --help."),
    ],
)
def test_what_is_refused_is_explained(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parser().parse_args(arguments)
    assert message in str(caught.value)


def test_behind_two_dashes_everything_is_a_value() -> None:
    assert parser().parse_args(["-o", "x", "--", "--seeds"]).model == "--seeds"


def test_the_closest_come_first() -> None:
    assert did_you_mean("rendr", ["render", "bench", "video"]) == "Did you mean render?"
    assert did_you_mean("CRITTERS", ["critters-a", "critters-b"]) == "Did you mean critters-a or critters-b?"
    assert did_you_mean("xyzzy", ["render"]) == did_you_mean("", ["render"]) == ""
