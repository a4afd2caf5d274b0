"""A family of another package works like a built-in one, and a broken package is named and stops nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.plugins.conftest import Run

MAKE = """
import sys, torch
from explorer.generators import registry
torch.manual_seed(1)
weights = registry.build("ripples", {"num_layers": 4}).state_dict()
torch.save({"ripples": {"num_layers": 4}, "weights": weights}, sys.argv[1])
"""

CONTRACT = """
from explorer.testing import family_contract
from explorer.util import plugins
family_contract("ripples", {"img_resolution": 16})
print([item.name for item in plugins.loaded()])
"""

COMMANDS = """
import json, sys
from explorer.cli import main
model, folder = sys.argv[1:]
assert main(["inspect", model, "--json"]) == 0
assert main(["render", model, "--seed", "3", "-o", f"{folder}/a.png"]) == 0
assert main(["convert", model, f"{folder}/b.safetensors"]) == 0
assert main(["render", f"{folder}/b.safetensors", "--seed", "3", "-o", f"{folder}/b.png"]) == 0
"""

WINDOW = """
import json, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
app = QApplication([])
import explorer.app
from explorer.session.settings import Settings
from explorer.checkpoints.bundled import bundled
program = explorer.app.Program(app, Settings(sys.argv[1]), sys.argv[2:])
window = program.window
window.asks_before_discarding = False
program.start()

def look():
    session = window.session
    if session is None or not window.notices.strip.text("plugins"):
        return
    if any(session.info(view) is None or window.views.panes[view].image.image is None for view in (0, 1)):
        return
    poll.stop()
    notice = window.notices.strip
    text = notice.text("plugins")
    notice._notices["plugins"]._buttons[0].click()
    print(json.dumps({
        "families": [session.info(view).family for view in (0, 1)],
        "listed": [(item.name, item.family) for item in bundled()],
        "notice": text,
        "trace": window.views.active_pane().banner._trace.toPlainText(),
    }))
    window.close()

poll = QTimer(interval=20)
poll.timeout.connect(look)
poll.start()
limit = QTimer(singleShot=True, interval=200_000)
limit.timeout.connect(app.quit)
limit.start()
app.exec()
program.close()
"""


EDITING = """
import json, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
app = QApplication([])
import explorer.app
from explorer.session.settings import Settings
settings, model, project = sys.argv[1:]
program = explorer.app.Program(app, Settings(settings), [model])
window = program.window
window.asks_before_discarding = False
program.start()

def edit():
    session = window.session
    if session is None or session.info(0) is None or window.views.panes[0].image.image is None:
        return
    poll.stop()
    from pathlib import Path
    from explorer.edits import Edit, kinds
    from explorer.widgets.panels.edits.w_editor import WEditorPanel
    session.look.add_edit(Edit(kinds()["swell"].value(1), 0.25))
    window.reveal("w")
    (panel,) = window.findChildren(WEditorPanel)
    rows = [row for row in panel.edits.rows if not row.isHidden()]
    undo = session.store.undo_name
    session.transport.seek(0.0)
    session.transport.keys.add()
    session.transport.seek(1.0)
    session.look.set_edit(0, Edit(kinds()["swell"].value(1), 0.75))
    session.transport.keys.add()
    session.documents.save_project(project)
    print(json.dumps({"rows": [row.slider.label for row in rows], "undo": undo}))
    window.close()

poll = QTimer(interval=20)
poll.timeout.connect(edit)
poll.start()
limit = QTimer(singleShot=True, interval=200_000)
limit.timeout.connect(app.quit)
limit.start()
app.exec()
program.close()
"""

FILM = """
import sys
from explorer.cli import main
project, folder = sys.argv[1:]
sys.exit(main(["video", project, "--seconds", "1", "--fps", "2", "--layout", "a", "--format", "png", "-o", folder]))
"""

AGAIN = """
import json, sys
from pathlib import Path
from explorer.project.document import load_project, write_project
from explorer.project.model_search import find_models
old, new = map(Path, sys.argv[1:])
project = load_project(old)
print(json.dumps(find_models(project).notes))
write_project(new, project.state, project.table)
"""


@pytest.fixture
def model(run: Run, tmp_path: Path) -> Path:
    """A file of the plug-in's own format."""
    path = tmp_path / "waves.pt"
    run(MAKE, str(path))
    return path


def test_a_family_of_a_plug_in_keeps_the_contract(run: Run) -> None:
    assert "ripples" in run(CONTRACT)


def test_commands_read_and_render_its_files(run: Run, model: Path, tmp_path: Path) -> None:
    printed = run(COMMANDS, str(model), str(tmp_path))
    summary = json.loads(printed[: printed.index("\n}") + 2])
    assert (summary["family"], summary["format"]) == ("ripples", "torch.save file of Ripples")
    assert (summary["z_dim"], summary["w_dim"], summary["num_ws"], summary["resolution"]) == (6, 5, 5, 32)
    pictures = [(tmp_path / name).read_bytes() for name in ("a.png", "b.png")]
    assert len(pictures[0]) > 1000
    assert pictures[0][-2000:] == pictures[1][-2000:], "the converted file gives the same pixels"


def test_doctor_names_both_and_shows_the_traceback_of_the_broken_one(run: Run) -> None:
    script = "import sys; from explorer.cli import main; sys.exit(main(['doctor', '--json']))"
    findings = json.loads(run(script))
    (found,) = [item["found"] for item in findings if item["name"] == "plug-ins"]
    assert "ripples of latentwalk-ripples 1.2 (latentwalk.families)" in found
    failed = [item for item in findings if item["name"] == "plug-in failed"]
    assert {item["found"].split(":")[0] for item in failed} == {
        "shattered of latentwalk-broken 0.1",
        "shards of latentwalk-broken 0.1",
    }
    for item in failed:
        assert "No module named 'a_package_that_nobody_has'" in item["found"]
        assert "latentwalk_broken.py" in item["details"]


def test_the_window_lists_and_opens_its_models_and_names_the_broken_package(
    run: Run, model: Path, tmp_path: Path
) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    run("import sys; from explorer.cli import main; sys.exit(main(['convert', *sys.argv[1:]]))",
        str(model), str(assets / "ripples-of-a-pond.safetensors"))  # fmt: skip
    shown = json.loads(
        run(WINDOW, str(tmp_path / "settings.json"), str(model), "ripples-of-a-pond", LATENTWALK_ASSETS=str(assets))
    )
    assert shown["families"] == ["ripples", "ripples"]
    assert shown["listed"] == [["ripples-of-a-pond", "ripples"]]
    assert "2 plug-ins failed to load: shattered (latentwalk-broken 0.1), shards" in shown["notice"]
    assert "doctor" in shown["notice"]
    assert "ModuleNotFoundError" in shown["trace"]


def test_its_metric_is_measured(run: Run, model: Path) -> None:
    script = "import sys; from explorer.cli import main; sys.exit(main(['measure', 'brightness', *sys.argv[1:]]))"
    (row,) = json.loads(run(script, str(model), "--samples", "3", "--json"))
    assert (row["metric"], row["unit"], row["samples"]) == ("brightness", "of 1", 3)


def test_its_edit_has_a_row_is_keyed_filmed_and_kept_without_the_plug_in(
    run: Run, model: Path, tmp_path: Path
) -> None:
    project, film = tmp_path / "walk.json", tmp_path / "film.png"
    shown = json.loads(run(EDITING, str(tmp_path / "settings.json"), str(model), str(project)))
    assert shown["undo"].endswith("Swell")
    (name,) = shown["rows"]
    assert "Swell" in name
    run(FILM, str(project), str(film))
    frames = [path.read_bytes() for path in sorted(tmp_path.rglob("film*.png")) if path.is_file()]
    assert len(set(frames)) == 2, "the strength changes between the keys"
    again = tmp_path / "again.json"
    (note,) = json.loads(run(AGAIN, str(project), str(again), LATENTWALK_PLUGINS="0"))
    assert "swell" in note
    before, after = (json.loads(path.read_text())["state"] for path in (project, again))
    assert before["shared"]["edits"] == after["shared"]["edits"]
    assert before["timeline"] == after["timeline"]
