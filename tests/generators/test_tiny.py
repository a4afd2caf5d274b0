"""The tiny generator's gates and counters, which other tests rely on."""

from __future__ import annotations

import threading

import torch

from explorer.testing.tiny import TinyConfig, TinyGenerator


def _tiny() -> TinyGenerator:
    return TinyGenerator(TinyConfig(num_layers=3, img_resolution=8))


def test_layers_count_their_runs() -> None:
    generator = _tiny()
    ws = generator.broadcast(generator.mapping(torch.zeros(1, 8)))
    generator.synthesis(ws)
    generator.synthesis(ws)
    assert generator.runs == {"t0": 2, "t1": 2, "t2": 2, "rgb": 2}


def test_a_closed_gate_holds_the_layer() -> None:
    generator = _tiny()
    ws = generator.broadcast(generator.mapping(torch.zeros(1, 8)))
    gate = generator.layer("t1").gate
    gate.close()
    done = threading.Event()

    def work() -> None:
        generator.synthesis(ws)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert gate.wait_until_entered()
    assert generator.runs == {"t0": 1, "t1": 0, "t2": 0, "rgb": 0}
    assert not done.is_set()
    gate.open()
    thread.join(10)
    assert done.is_set()
    assert generator.runs["rgb"] == 1


def test_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = _tiny().state_dict()
    torch.manual_seed(2)
    assert all(torch.equal(v, first[k]) for k, v in _tiny().state_dict().items())
