"""Files that want code to be run: each is refused by name, and nothing runs.

Every payload would create a file (the canary) if Python's unpickler, or anything like it, touched it.
"""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from explorer.checkpoints import build_generator, inspect, load
from explorer.errors import LatentwalkError, UnsafeFileError, UnsupportedModelError
from explorer.testing.nvidia_writer import (
    Call,
    Name,
    Raw,
    module_call,
    network_bytes,
    network_value,
    storage_stream,
)
from tests.checkpoints.conftest import small_network, small_pickle


def _text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def _payloads(canary: Path) -> dict[str, bytes]:
    """Pickles by the way they would run something; all but `ext` and `persid` do in Python's own unpickler."""
    command, source = f"touch {canary}", f"open({str(canary)!r}, 'w').close()"
    c, s = _text(command), _text(source)
    return {
        "reduce os.system": b"cos\nsystem\n(" + c + b"tR.",
        "reduce posix.system": b"cposix\nsystem\n(" + c + b"tR.",
        "reduce builtins.eval": b"\x80\x04cbuiltins\neval\n(" + s + b"tR.",
        "reduce builtins.exec": b"\x80\x04cbuiltins\nexec\n(" + s + b"tR.",
        "reduce __builtin__.eval, protocol 2": b"\x80\x02c__builtin__\neval\n(" + s + b"tR.",
        "stack_global os.system": b"\x80\x04\x8c\x02os\x8c\x06system\x93(" + c + b"tR.",
        "stack_global dotted": b"\x80\x04\x8c\x02os\x8c\x0fsystem.__call__\x93(" + c + b"tR.",
        "inst": b"(" + c + b"ios\nsystem\n.",
        "obj": b"(cos\nsystem\n" + c + b"o.",
        "newobj": b"\x80\x02csubprocess\nPopen\n(](" + _text("touch") + _text(str(canary)) + b"et\x81.",
        "newobj_ex": b"\x80\x04csubprocess\nPopen\n(](" + _text("touch") + _text(str(canary)) + b"et}\x92.",
        "getattr of an allowed module": b"cbuiltins\ngetattr\n(ctorch\nhub\n" + _text("load") + b"tR.",
        "import": b"cbuiltins\n__import__\n(" + _text("antigravity") + b"tR.",
        "runpy": b"crunpy\nrun_path\n(" + _text("/tmp/x.py") + b"tR.",
        "pickle in a pickle": b"cpickle\nloads\n(C" + bytes([len(c) + 14]) + b"cos\nsystem\n(" + c + b"tR.tR.",
        "build on a function": b"\x80\x02ccollections\nOrderedDict\n}(" + _text("__reduce__") + s + b"ub.",
        "open": b"cio\nopen\n(" + _text(str(canary)) + _text("w") + b"tR.",
        "module by a detour": b"cpathlib\nos\n0\x80\x04\x8c\x07pathlib\x8c\x09os.system\x93(" + c + b"tR.",
        "globals of a function": b"\x80\x04\x8c\x0bcollections\x8c\x22namedtuple.__globals__.__getitem__\x93.",
        "result that is called": b"cfunctools\npartial\n(cbuiltins\nprint\ntR(" + s + b"tR.",
        "result of a harmless name that is called": b"cfunctools\npartial\n(cabc\nf\ntR(" + s + b"tR.",
        "getattr with a hidden name": b"cbuiltins\ngetattr\n(cevil\nA\n" + _text("__class__") + b"tR.",
        "getattr of a module": b"cbuiltins\ngetattr\n(cpathlib\nos\n" + _text("system") + b"tR.",
        "called attribute": b"cbuiltins\ngetattr\n(cevil\nA\n" + _text("run") + b"tR(" + s + b"tR.",
        "numpy runstring": b"cnumpy.testing._private.utils\nrunstring\n(" + s + b"}tR.",
        "torch.load": b"ctorch\nload\n(" + _text(str(canary)) + b"tR.",
        "torch.storage internals": b"ctorch.serialization\nload\n(" + _text(str(canary)) + b"tR.",
        "attrgetter": b"coperator\nattrgetter\n(" + _text("system") + b"tR.",
        "webbrowser": b"cwebbrowser\nopen\n(" + _text("http://localhost") + b"tR.",
        "ctypes": b"cctypes\nCDLL\n(" + _text(str(canary)) + b"tR.",
        "code object": b"ctypes\nFunctionType\n(N}tR.",
        "torch.fx": b"ctorch.fx.graph_module\nreduce_graph_module\n(}" + s + b"tR.",
        "numpy.load": b"cnumpy\nload\n(" + _text(str(canary)) + b"NN\x88tR.",
        "copyreg": b"ccopyreg\nadd_extension\n(" + _text("os") + _text("system") + b"K\x01tR.",
        "ext1": b"\x80\x02\x82\x01(" + c + b"tR.",
        "ext2": b"\x80\x02\x83\x01\x00(" + c + b"tR.",
        "ext4": b"\x80\x02\x84\x01\x00\x00\x00(" + c + b"tR.",
        "persid": b"Pevil\n.",
        "binpersid": b"\x80\x02" + c + b"Q.",
    }


NAMES = tuple(_payloads(Path("x")))


def _refused(path: Path, canary: Path) -> UnsafeFileError:
    for function in (load, inspect):
        with pytest.raises(UnsafeFileError) as caught:
            function(path)
        assert path.name in caught.value.message
        assert "Nothing was run" in caught.value.message
        assert caught.value.hint
    assert not canary.exists()
    return caught.value


def test_the_payloads_are_real(tmp_path: Path) -> None:
    # A canary that could not sing would prove nothing.
    for name in ("reduce os.system", "reduce builtins.eval", "inst", "obj", "stack_global os.system"):
        canary = tmp_path / name.replace(" ", "_")
        pickle.loads(_payloads(canary)[name])
        assert canary.exists(), name


@pytest.mark.parametrize("name", NAMES)
def test_alone(tmp_path: Path, name: str) -> None:
    canary, path = tmp_path / "canary", tmp_path / "model.pkl"
    path.write_bytes(_payloads(canary)[name])
    _refused(path, canary)


def _bare(payload: bytes) -> Raw:
    """A payload as one value inside another pickle."""
    body = payload[2:] if payload[:1] == b"\x80" else payload
    return Raw(body[:-1])


@pytest.mark.parametrize("name", NAMES)
def test_inside_a_network(tmp_path: Path, name: str) -> None:
    """In a working network pickle, as an attribute of a layer, before and behind everything else."""
    canary = tmp_path / "canary"
    payload = _bare(_payloads(canary)[name])
    config, tensors = small_network("stylegan2")
    for place in ("attribute", "augment_pipe", "D"):
        value: dict[str, Any] = network_value("stylegan2", config, tensors)
        if place == "attribute":
            value["G_ema"].arguments[0]["state"]["extra"] = payload
        elif place == "D":
            value["D"] = module_call("Discriminator", {"_parameters": {"w": payload}})
        else:
            value["augment_pipe"] = payload
        path = tmp_path / f"{place}.pkl"
        path.write_bytes(network_bytes(value))
        _refused(path, canary)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("where", ["header", "before"])
def test_inside_a_stored_tensor(tmp_path: Path, name: str, where: str) -> None:
    """In the pickle streams that NVIDIA's pickles nest for each tensor."""
    canary, path = tmp_path / "canary", tmp_path / "model.pkl"
    payload = _payloads(canary)[name]
    if name == "binpersid":
        payload = b"\x80\x02cos\nsystem\nQ."  # persistent ids as such are how tensors are stored
    stream = storage_stream(torch.zeros(4), "1", header=payload if where == "header" else None)
    if where == "before":
        stream = payload + stream
    stored = Call(Name("torch.storage", "_load_from_bytes"), stream)
    path.write_bytes(network_bytes({"G_ema": stored}))
    if name in ("persid", "build on a function") or "call" in name:
        with pytest.raises(LatentwalkError):
            load(path)
        assert not canary.exists()
    else:
        _refused(path, canary)


@pytest.mark.parametrize("name", NAMES)
def test_inside_a_torch_archive(tmp_path: Path, name: str) -> None:
    canary, path = tmp_path / "canary", tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", _payloads(canary)[name])
    with pytest.raises(LatentwalkError) as caught:
        load(path)
    assert not canary.exists()
    if name not in ("persid", "binpersid"):
        assert isinstance(caught.value, UnsafeFileError)


def test_the_error_names_what_was_asked(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x04\x8c\x02os\x8c\x06system\x93(" + _text("true") + b"tR.")
    assert "os.system" in _refused(path, tmp_path / "canary").message


def test_names_cannot_play_tricks_on_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x04" + _text("o\x1b[2Js\n" * 50) + _text("\u202esystem") + b"\x93.")
    message = _refused(path, tmp_path / "canary").message
    assert message.isprintable()
    assert message.isascii()
    assert len(message) < 300


def test_a_class_body_in_the_settings_is_only_an_unknown_setting(tmp_path: Path) -> None:
    """`_init_kwargs` are looked up by name in a fixed list: they cannot become attributes or arguments."""
    config, tensors = small_network("stylegan2")
    value: dict[str, Any] = network_value("stylegan2", config, tensors)
    value["G_ema"].arguments[0]["state"]["_init_kwargs"]["__class__"] = "Evil"
    path = tmp_path / "model.pkl"
    path.write_bytes(network_bytes(value))
    with pytest.raises(UnsupportedModelError, match="__class__"):
        load(path)


def test_attributes_of_the_file_do_not_reach_the_generator(tmp_path: Path) -> None:
    config, tensors = small_network("stylegan2")
    value: dict[str, Any] = network_value("stylegan2", config, tensors)
    extra = {"synthesis_hook": "x", "forward": "evil", "mapping": 5, "__dict__": {"a": 1}, "info": None}
    value["G_ema"].arguments[0]["state"].update(extra)
    path = tmp_path / "model.pkl"
    path.write_bytes(network_bytes(value))
    checkpoint = load(path)
    assert set(checkpoint.config) <= set(config)
    generator = build_generator(checkpoint)
    assert not hasattr(generator, "synthesis_hook")
    assert callable(generator.forward)
    assert callable(generator.mapping)
    assert generator.info.family == "stylegan2"


def test_the_module_source_is_neither_run_nor_kept(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    data = small_pickle()
    assert b"raise SystemExit" in data  # what the writer puts into module_src
    path.write_bytes(data)
    checkpoint = load(path)
    assert "SystemExit" not in repr(checkpoint.config)


def test_nothing_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module on the path with the name a file asks for stays unimported."""
    import sys

    (tmp_path / "evil_module.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')\nclass Evil: pass\n")
    (tmp_path / "dnnlib.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "model.pkl"
    for payload in (b"\x80\x02cevil_module\nEvil\n)\x81.", b"cevil_module\nEvil\n)R.", b"(ievil_module\nEvil\n."):
        path.write_bytes(payload)
        with pytest.raises(UnsupportedModelError, match=r"as evil_module\.Evil.*None of it was imported or run"):
            load(path)
    path.write_bytes(b"\x80\x02cdnnlib.util\nEasyDict\n)\x81.")
    with pytest.raises(UnsupportedModelError):
        load(path)
    assert "evil_module" not in sys.modules
    assert "dnnlib" not in sys.modules
    assert not (tmp_path / "canary").exists()


def test_no_dangerous_call_is_reached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Reading a good file and the hostile ones calls none of Python's ways to run code."""
    import builtins
    import importlib
    import os
    import subprocess

    canary = tmp_path / "canary"
    files = []
    for index, payload in enumerate([small_pickle(), *_payloads(canary).values()]):
        files.append(tmp_path / f"{index}.pkl")
        files[-1].write_bytes(payload)
    load(files[0])  # imports of our own happen here

    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError("code was run")

    targets: list[tuple[Any, str]] = [
        (os, "system"), (os, "popen"), (subprocess, "Popen"), (importlib, "import_module"), (builtins, "eval"),
        (pickle, "loads"), (pickle, "load"), (pickle, "Unpickler"), (torch, "load"), (torch.hub, "load"),
    ]  # fmt: skip
    for owner, name in targets:
        monkeypatch.setattr(owner, name, forbidden)
    load(files[0])
    for path in files[1:]:
        with pytest.raises(LatentwalkError):
            load(path)


@pytest.mark.parametrize(
    "writer", [pickle.dumps, lambda value: _protocol(value, 0), lambda value: _protocol(value, 1)]
)
def test_a_real_attack_made_by_python(tmp_path: Path, writer: Callable[[object], bytes]) -> None:
    canary, path = tmp_path / "canary", tmp_path / "model.pkl"
    path.write_bytes(writer({"G_ema": _Attack(str(canary))}))
    _refused(path, canary)


class _Attack:
    def __init__(self, canary: str) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (self.canary, "w"))


def _protocol(value: object, protocol: int) -> bytes:
    file = io.BytesIO()
    pickle.dump(value, file, protocol)
    return file.getvalue()
