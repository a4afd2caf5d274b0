"""`--class` in every command that shows a conditional model, by number or name; what is shown unasked is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.animation.compose import caption_of
from explorer.cli import main
from explorer.commands.class_option import ModelClasses, classes_from
from explorer.errors import UsageError
from explorer.latents.descriptions import describe_classes
from explorer.project.document import read_project
from explorer.state import Classes, Look

SHORT = ["--seconds", "0.2", "--fps", "10"]
ANIMALS = ModelClasses("animals", 3, ("cat", "dog", "fox"))


def call(command: str, models: dict[str, str], out: Path, *options: str) -> int:
    conditional, plain = models["tiny-classes"], models["tiny"]
    return main(
        {
            "render": ["render", conditional, "-o", str(out / "r.png"), *options],
            "compare": ["compare", plain, conditional, *SHORT, "-o", str(out / "f.mkv"), "--overwrite", *options],
            "video": [
                "video", "--seeds", "1,2", "--model", conditional, *SHORT, "-o", str(out / "f.mkv"), "--overwrite",
                *options,
            ],
            "slitscan": ["slitscan", conditional, *SHORT, "-o", str(out / "r.png"), *options],
            "measure": ["measure", "spectrum", conditional, "--samples", "2", *options],
        }[command]
    )  # fmt: skip


@pytest.mark.parametrize("command", ["render", "compare", "video", "slitscan", "measure"])
def test_the_class_is_chosen_by_name_or_number_and_printed_if_it_was_not(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    results = []
    for options in ([], ["--class", "0"], ["--class", "2"], ["--class", "fox"]):
        capsys.readouterr()
        assert call(command, models, out, *options) == 0
        told = capsys.readouterr()
        assert ("class 0 (cat) is shown" in told.err) == (not options)
        if command == "measure":
            results.append(told.out)
        elif command in ("compare", "video"):
            results.append(str(read_project(out / "f.mkv")[0].shared.classes))
        else:
            with Image.open(out / "r.png") as image:  # the file also holds the project
                results.append(str(np.array(image).tolist()))
    assert results[2] == results[3] != results[1]
    if command != "compare" and command != "video":
        assert results[0] == results[1]
    assert call(command, models, out, "--class", "3") == 2
    assert "classes 0 to 2: cat, dog, fox" in capsys.readouterr().err


def test_options_that_cannot_be_met() -> None:
    with pytest.raises(UsageError, match="has no classes"):
        classes_from("1", [ModelClasses("plain", 0)])
    with pytest.raises(UsageError, match="Did you mean dog"):
        classes_from("dgo", [ANIMALS])
    with pytest.raises(UsageError, match="class 1 in animals and 0 in others"):
        classes_from("dog", [ANIMALS, ModelClasses("others", 2, ("dog", "cat"))])
    for text in ("-1", "3", "1.5", "\u0661", "9" * 5000, ""):
        with pytest.raises(UsageError, match="classes 0 to 2"):
            classes_from(text, [ANIMALS])


def test_one_class_serves_conditional_and_other_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert classes_from("dog", [ModelClasses("plain", 0), ANIMALS]) == Classes(((1, 1.0),))
    assert classes_from(None, [ModelClasses("plain", 0)]) == Classes()
    assert capsys.readouterr().err == ""
    assert classes_from(None, [ANIMALS, ANIMALS]) == Classes()
    assert capsys.readouterr().err.count("\n") == 1


def test_captions_name_the_class() -> None:
    names = ("cat", "dog\x1b[2J")
    assert describe_classes(((0, 1.0),), names) == "class cat"
    assert describe_classes(((1, 1.0),), names) == "class dog\\x1b[2J"
    assert describe_classes(((7, 1.0),)) == "class 7"
    assert describe_classes(((0, 0.25), (1, 0.75)), ("a", "b")) == "class a 25 % + b 75 %"
    assert describe_classes(((0, 0.2), (1, 0.3), (2, 0.5))) == "3 classes"
    assert describe_classes(()) == ""
    assert "class cat" in caption_of(Look(), classes="class cat")


def test_eq_metrics_take_no_class(models: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", "eq-t", models["tiny-classes"], "--samples", "2", "--class", "dog"]) == 2
    assert "random classes" in capsys.readouterr().err


def test_a_seed_given_twice_is_shown_twice(models: dict[str, str], out: Path) -> None:
    assert main(["render", models["tiny"], "--seed", "5,6,5,7", "--grid", "-o", str(out / "g.png")]) == 0
    with Image.open(out / "g.png") as image:
        sheet = np.array(image)
    assert sheet.shape == (32, 32, 3)
    np.testing.assert_array_equal(sheet[16:, :16], sheet[:16, :16])
    assert main(["video", "--seeds", "2,3,8,2", "--model", models["tiny"], *SHORT, "-o", str(out / "f.mkv")]) == 0
    keys = read_project(out / "f.mkv")[0].timeline.keys
    assert [key.pose.shared.latent.seed for key in keys] == [2, 3, 8, 2]
