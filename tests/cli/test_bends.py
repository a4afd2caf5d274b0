"""`render --bend`: the same pictures as the bends of a project, and what is wrong is explained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.analysis.channel_clusters import clusters_spec
from explorer.cli import main
from explorer.commands.bend_option import BendOption, bends_of
from explorer.edits.channels import ALL_CHANNELS, ChannelCluster, ChannelRange, Channels, ChannelShare
from explorer.errors import UsageError
from explorer.jobs.executors import run_inline
from explorer.render.headless import HeadlessRenderer, open_model
from explorer.state import Bend, Edit, Latent, Look
from explorer.state.request import RenderSettings
from tests.cli.test_render import raw


@pytest.fixture(scope="module")
def renderer(models: dict[str, str]) -> HeadlessRenderer:
    return open_model(models["stylegan2"], RenderSettings("cpu", "float32"))[0]


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("b8.conv0:rotate:30", Edit(Bend("b8.conv0", "rotate", (30.0,)))),
        ("b8.conv0:rotate:0-3", Edit(Bend("b8.conv0", "rotate", (30.0,), ChannelRange(0, 3)))),
        ("b8.conv0:rotate:-3.5:2", Edit(Bend("b8.conv0", "rotate", (-3.5,), ChannelRange(2, 2)))),
        ("b8.conv0:translate:0.25", Edit(Bend("b8.conv0", "translate", (0.25, 0.0)))),
        ("b8.conv1:scale:.5:50%@0.5", Edit(Bend("b8.conv1", "scale", (0.5,), ChannelShare(0.5)), 0.5)),
        ("b8.conv1:translate:1,-.5", Edit(Bend("b8.conv1", "translate", (1.0, -0.5)))),
        ("b8.conv1:ablate:3", Edit(Bend("b8.conv1", "ablate", (), ChannelRange(3, 3)))),
        ("b8.conv1:flip-h:25%/7", Edit(Bend("b8.conv1", "flip-h", (), ChannelShare(0.25, 7)))),
        ("b8.conv1:noise:0.5/9", Edit(Bend("b8.conv1", "noise", (0.5,), ALL_CHANNELS, 9))),
        ("b8.conv1:noise:2/4294967295:0-3", Edit(Bend("b8.conv1", "noise", (2.0,), ChannelRange(0, 3), 2**32 - 1))),
        ("input:rotate:90", Edit(Bend("input", "rotate", (90.0,)))),
        ("b8.conv0:resize:2", Edit(Bend("b8.conv0", "resize", (2.0,)))),
        ("b8.conv1:noise@.25", Edit(Bend("b8.conv1", "noise", (0.5,), ALL_CHANNELS), 0.25)),
    ],
)  # fmt: skip
def test_texts(renderer: HeadlessRenderer, text: str, edit: Edit) -> None:
    assert bends_of([text], renderer) == (edit,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b8.conv0", "expected LAYER:OPERATION"),
        (":rotate", "expected LAYER:OPERATION"),
        ("b8.conv0:rotate:1:0-3:2", "expected LAYER:OPERATION"),
        ("b8.conv0:melt", "no operation melt"),
        ("b8.conv0:rotate:1,2", "takes 1 number at most"),
        ("b8.conv0:noise:1/x", "SEED -1 is not within"),
        ("b8.conv0:noise:1/4294967296", "SEED 4294967296 is not within"),
        ("b8.conv0:resize:1:0-3", "changes all channels"),
        ("b8.conv0:flip-h:1:0-3", "takes no numbers"),
        ("b8.conv0:rotate:1e", "expected 1 finite number"),
        ("b8.conv0:rotate:30@half", "expected 1 finite number"),
        ("b8.conv0:rotate:30@nan", "expected 1 finite number"),
        ("elsewhere:rotate", "no layer elsewhere"),
        ("b8.torgb:rotate", "no layer b8.torgb of features"),
        ("b8.conv0:ablate:0-99", "not within 0 to 7"),
        ("b8.conv0:ablate:0,5", "one range"),
        ("b8.conv0:ablate:150%", "not within 0 to 100%"),
        ("b8.conv0:ablate:some", "not a number"),
        ("b8.conv0:ablate:cluster99", "clusters 1 to"),
    ],
)
def test_what_is_wrong_is_explained(renderer: HeadlessRenderer, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        bends_of([text], renderer)


def test_clusters_are_found_in_the_model(renderer: HeadlessRenderer) -> None:
    ((edit,)) = bends_of(["b8.conv1:ablate:cluster2"], renderer)
    found = run_inline(clusters_spec(renderer.request(Look()), "b8.conv1"), renderer.context)
    assert isinstance(edit.value, Bend)
    wanted: Channels = ChannelCluster(1, found.clusters[1])
    assert edit.value.channels == wanted


def test_pictures_are_bent(models: dict[str, str], out: Path, renderer: HeadlessRenderer) -> None:
    model = models["stylegan2"]
    plain = raw(model, out)
    np.testing.assert_array_equal(raw(model, out, "--bend", "b8.conv0:dilate:2@0"), plain)
    bent = raw(model, out, "--bend", "b8.conv0:dilate:2", "--bend", "b16.conv0:flip-h:0-3@0.5")
    edits = (
        Edit(Bend("b8.conv0", "dilate", (2.0,))),
        Edit(Bend("b16.conv0", "flip-h", (), ChannelRange(0, 3)), 0.5),
    )
    wanted = renderer.render_look(Look(Latent(0), edits=edits)).image
    np.testing.assert_array_equal(bent, wanted)
    assert np.abs(bent - plain).max() > 1e-3


def test_bends_of_a_file(models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, file = models["stylegan2"], out / "bends.yaml"
    file.write_text("- layer: 1\n  transform: flip-h\n- layer: b8.conv1\n  transform: ablate\n"
                    "  features: cluster\n  feature-param: 1\n")  # fmt: skip
    wanted = raw(model, out, "--bend", "b8.conv0:flip-h", "--bend", "b8.conv1:ablate:cluster2")
    np.testing.assert_array_equal(raw(model, out, "--bends", str(file)), wanted)
    file.write_bytes(b"\xff\xfe")
    assert main(["render", model, "--bends", str(file), "-o", str(out / "x.png")]) == 2
    assert "is not text" in capsys.readouterr().err
    assert main(["render", model, "--bends", str(out / "none"), "-o", str(out / "x.png")]) == 2
    assert "Check the path" in capsys.readouterr().err


def test_the_help_names_every_operation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "translate[:X,Y], rotate[:ANGLE], scale[:FACTOR], flip-h, flip-v" in text
    assert "50%/7" in text


def test_amounts_are_1_by_default() -> None:
    assert BendOption.of("a:erode").amount == 1.0
    assert BendOption.of("a:erode").parameters == (1.0,)


def test_a_network_of_one_size_refuses_to_resize(models: dict[str, str]) -> None:
    fixed = open_model(models["tiny"], RenderSettings("cpu", "float32"))[0]
    with pytest.raises(UsageError, match="maps of one size only"):
        bends_of(["t1:resize"], fixed)
