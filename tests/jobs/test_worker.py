"""What a worker of a cluster does with a part: here without a cluster."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch

from explorer.analysis.metric_jobs import measure_spec, samples_spec
from explorer.analysis.registry import metric_named
from explorer.errors import CheckpointError
from explorer.jobs import cluster
from explorer.jobs.registry import begin
from explorer.render.headless import context_of, open_model
from explorer.state import Look
from tests.animation.conftest import model  # noqa: F401


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that has opened nothing, with a folder of its own."""
    context_of.cache_clear()
    cluster._digest.cache_clear()
    monkeypatch.setattr(cluster, "_folder", lambda: str(tmp_path))


def test_a_model_that_the_node_lacks_is_taken_from_what_was_sent(
    model: str, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    content = Path(model).read_bytes()
    renderer, _ = open_model(model)
    spec = samples_spec(measure_spec([metric_named("eq-t")], renderer.request(Look()), 5, 3), 1, 2)
    expected = [report.value for report in begin(spec, renderer.context) if report is not None]
    missing = str(tmp_path / "elsewhere" / "m.safetensors")
    data = json.dumps(spec.to_json()).replace(json.dumps(model), json.dumps(missing))
    with pytest.raises(CheckpointError):
        cluster.do_part(data, torch.get_num_threads())
    sent = (missing, hashlib.sha256(content).hexdigest(), content)
    assert cluster.do_part(data, torch.get_num_threads(), *sent) == expected
    (copy,) = tmp_path.glob("*.safetensors")
    assert copy.read_bytes() == content


def test_a_file_of_other_contents_at_that_path_is_not_taken(model: str, tmp_path: Path) -> None:  # noqa: F811
    content = Path(model).read_bytes()
    other = tmp_path / "other.safetensors"
    other.write_bytes(content + b" ")
    place = cluster._local(str(other), hashlib.sha256(content).hexdigest(), content)
    assert Path(place).read_bytes() == content
    assert other.read_bytes() == content + b" "
    assert cluster._local(model, hashlib.sha256(content).hexdigest(), b"") == model
