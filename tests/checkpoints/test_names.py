"""Names in a file: those that run something are refused with a message that says which, others stay inert."""

from __future__ import annotations

import argparse
import collections
import datetime
import decimal
import enum
import io
import os
import pathlib
import pickle
import platform
import random
import re
import subprocess
import tempfile
import types
import typing
import urllib.parse
import uuid
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer.checkpoints import build_generator, inspect, load
from explorer.checkpoints.allow_list import known_names
from explorer.checkpoints.hostile import runs_code
from explorer.checkpoints.machine import Budget
from explorer.checkpoints.safe_pickle import Interpreter
from explorer.checkpoints.source import BytesSource
from explorer.errors import UnreadableFileError, UnsafeFileError, UnsupportedModelError
from explorer.testing.nvidia_writer import Call, Name, Raw, module_call, network_bytes, network_value
from tests.checkpoints.conftest import small_network, small_pickle


class _Colour(enum.Enum):
    RED = 1


class _Size(enum.IntFlag):
    SMALL = 2


class _Named(collections.namedtuple("_Named", "a b")):
    __slots__ = ()


class _Table(dict[str, int]):
    pass


class _List(list[int]):
    pass


class _Set(set[int]):
    pass


class _Slots:
    __slots__ = ("a",)

    def __init__(self) -> None:
        self.a = 1


class _Plain:
    def __init__(self) -> None:
        self.a = {"b": [1, 2]}


class _Rebuilt:
    @classmethod
    def _from_state(cls, state: dict[str, int]) -> _Rebuilt:
        return cls()

    def __reduce__(self) -> tuple[object, ...]:
        return (_Rebuilt._from_state, ({"a": 1},))


class _Keywords:
    def __new__(cls, *arguments: int, **keywords: int) -> _Keywords:
        return object.__new__(cls)

    def __getnewargs_ex__(self) -> tuple[object, ...]:
        return ((1,), {"k": 2})


def _memory_map() -> np.ndarray[Any, Any]:
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.float32, "w+", shape=(4,))


def _subclass() -> torch.Tensor:
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.note = "kept"  # type: ignore[attr-defined]
    return parameter


pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # by torch.compile itself

HARMLESS: dict[str, Callable[[], object]] = {
    "torch.device": lambda: torch.device("cuda", 0),
    "torch.Size": lambda: torch.Size([1, 2]),
    "torch dtypes": lambda: [torch.int64, torch.uint8, torch.bool, torch.complex64, torch.float32],
    "torch layout": lambda: torch.strided,
    "torch generator": torch.Generator,
    "torch module": lambda: torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU()),
    "torch optimiser": lambda: torch.optim.Adam([torch.nn.Parameter(torch.ones(2))]).state_dict(),
    "torch tensor with attributes": _subclass,
    "torch sparse": lambda: torch.eye(3).to_sparse(),
    "defaultdict": lambda: collections.defaultdict(list, a=[1]),
    "OrderedDict": lambda: collections.OrderedDict(a=1),
    "Counter": lambda: collections.Counter("aab"),
    "deque": lambda: collections.deque([1, 2], 5),
    "named tuple": lambda: _Named(1, 2),
    "pathlib": lambda: [pathlib.PurePosixPath("/a/b"), pathlib.PureWindowsPath("c:/x")],
    "datetime": lambda: [datetime.datetime(2024, 1, 2), datetime.date(2024, 1, 2), datetime.timedelta(3)],
    "time zone": lambda: datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC),
    "Namespace": lambda: argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("x")),
    "SimpleNamespace": lambda: types.SimpleNamespace(a=1),
    "numpy numbers": lambda: [np.float32(1), np.int64(2), np.bool_(True), np.complex64(1j), np.str_("a")],
    "numpy types": lambda: [np.float32, np.dtype("f4"), np.dtype("i4,f4"), np.dtype("U3")],
    "numpy arrays": lambda: [np.zeros(3), np.array([object()]), np.array(["a"]), np.ma.masked_array([1], [True])],
    "numpy random": lambda: [np.random.RandomState(0), np.random.default_rng(0)],
    "enumerations": lambda: [_Colour.RED, _Size.SMALL, {_Colour.RED: 1}],
    "numbers": lambda: [1j, decimal.Decimal("1.5"), slice(1, 2), range(3), Ellipsis, type(None), uuid.UUID(int=5)],
    "keys": lambda: {(1, 2): "tuple", b"x": 1, frozenset({1}): 2, torch.device("cpu"): 3, None: 4},
    "sets": lambda: [{1, "a"}, frozenset({(1, 2)}), {(1, 2)}],
    "classes of one's own": lambda: [_Plain(), _Slots(), _Table(a=1), _List([1]), _Set({1})],
    "an expression": lambda: re.compile("a+"),
    "an exception": lambda: ValueError("x"),
    "a type": lambda: [int, dict, list],
    "iterators": lambda: [iter([1, 2]), iter((1,)), reversed([1]), enumerate([1]), iter({1: 2})],
    "bytes to a file": lambda: [io.StringIO("x"), b""],
    "time zone by name": lambda: datetime.datetime(2024, 1, 2, tzinfo=zoneinfo.ZoneInfo("UTC")),
    "class method": _Rebuilt,
    "keyword arguments": _Keywords,
    "memory map": _memory_map,
    "numpy shapes": lambda: [np.zeros((0, 5)), np.zeros((3, 0, 4)), np.zeros((1,) * 10), np.zeros(())],
    "complex tensors": lambda: [torch.zeros(3, dtype=torch.complex64), torch.zeros(3, dtype=torch.complex128)],
    "small types": lambda: [torch.zeros(3).to(torch.float8_e4m3fn), torch.zeros(3, dtype=torch.uint16)],
    "expanded tensor": lambda: [torch.zeros(1).expand(5), torch.nn.Parameter(torch.zeros(1).expand(5))],
    "many axes": lambda: torch.zeros((1,) * 9),
    "storages": lambda: torch.zeros(3).untyped_storage(),
    "lazy module": lambda: torch.nn.LazyLinear(3),
    "compiled module": lambda: torch.compile(torch.nn.Linear(2, 2)),
    "types of values": lambda: [typing.Optional[int], dict[str, int], int | str],  # noqa: UP045
    "address": lambda: urllib.parse.urlsplit("https://example.org/a"),
    "a program's result": lambda: [
        subprocess.CompletedProcess(["git"], 0, b"x"),
        subprocess.CalledProcessError(1, "git"),
    ],
    "the machine": lambda: [os.uname(), platform.uname(), os.terminal_size((1, 2))],
    "an interruption": lambda: [KeyboardInterrupt(), SystemExit(1), ExceptionGroup("a", [ValueError()])],
    "text that is not UTF-8": lambda: os.fsdecode(b"/home/\xff/data"),
    "bound methods": lambda: [[].append, random.Random(0).random],
    "a class per image": lambda: {index: index % 7 for index in range(20_000)},
    "bytes": lambda: [bytearray(b"abc"), io.BytesIO(b"x")],
}


def _value_with(extra: object, place: str) -> dict[str, Any]:
    config, tensors = small_network("stylegan2")
    value: dict[str, Any] = network_value("stylegan2", config, tensors)
    if place == "attribute":
        value["G_ema"].arguments[0]["state"]["extra"] = extra
    elif place == "discriminator":
        value["D"] = module_call("Discriminator", {"_parameters": {}, "extra": extra})
    else:
        value[place] = extra
    return value


def _raw(value: object, protocol: int) -> Raw:
    """A value as Python writes it, as a part of another pickle."""
    data = pickle.dumps(value, protocol)
    body = data[2:] if protocol >= 2 else data
    if protocol >= 4 and body[:1] == b"\x95":
        body = body[9:]
    return Raw(body[:-1])


@pytest.mark.parametrize("protocol", [0, 1, 2, 3])
@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_names_do_no_harm(tmp_path: Path, name: str, protocol: int) -> None:
    """Beside the networks and inside them, by every protocol that names its places in the memo."""
    try:
        extra = _raw(HARMLESS[name](), protocol)
    except (TypeError, ValueError, RuntimeError, pickle.PicklingError):
        pytest.skip("Python cannot write it by this protocol")
    for place in ("training_set_kwargs", "augment_pipe", "attribute", "discriminator", "D"):
        path = tmp_path / f"{place}.pkl"
        path.write_bytes(network_bytes(_value_with(extra, place), 3, memo=1_000_000))
        build_generator(load(path))
        assert inspect(path)["family"] == "stylegan2"


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_names_beside_a_state_dict(tmp_path: Path, name: str, legacy: bool) -> None:
    _, tensors = small_network("stylegan2")
    path = tmp_path / "x.pt"
    try:
        torch.save({"G_ema": tensors, "args": HARMLESS[name]()}, path, _use_new_zipfile_serialization=not legacy)
    except (TypeError, ValueError, RuntimeError, pickle.PicklingError, NotImplementedError):
        pytest.skip("torch cannot write it")
    build_generator(load(path))
    assert inspect(path)["family"] == "stylegan2"


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_names_alone(name: str, protocol: int) -> None:
    try:
        data = pickle.dumps([HARMLESS[name](), "behind"], protocol)
    except (TypeError, ValueError, RuntimeError, pickle.PicklingError):
        pytest.skip("Python cannot write it by this protocol")
    value, end = Interpreter(BytesSource(data, "x"), known_names).run()
    assert isinstance(value, list)
    assert value[1] == "behind"
    assert end == len(data)


def test_the_notes_name_what_was_left_out(tmp_path: Path) -> None:
    path = tmp_path / "net.pkl"
    foreign = Call(Name("pg_modules.discriminator", "ProjectedDiscriminator"), 5)
    path.write_bytes(network_bytes(_value_with(foreign, "D")))
    for notes in (load(path).notes, inspect(path)["notes"]):
        assert "Skipped" in str(notes)
        assert "pg_modules.discriminator.ProjectedDiscriminator" in str(notes)
    many = [Call(Name("mod", f"Class{index}")) for index in range(50)]
    path.write_bytes(network_bytes(_value_with(many, "D")))
    assert "mod.Class0" in load(path).notes[0]
    assert "and 44 more" in load(path).notes[0]
    path.write_bytes(small_pickle())
    assert load(path).notes == ()


@pytest.mark.parametrize("place", ["G_ema", "module", "parameter", "setting", "settings"])
def test_a_stub_in_the_generators_place_is_named(tmp_path: Path, place: str) -> None:
    stub = Call(Name("strange.module", "Thing"), 1)
    config, tensors = small_network("stylegan2")
    value: dict[str, Any] = network_value("stylegan2", config, tensors)
    state = value["G_ema"].arguments[0]["state"]
    if place == "G_ema":
        value["G_ema"] = stub
    elif place == "module":
        state["_modules"]["synthesis"].arguments[0]["state"]["_modules"]["b8"] = stub
    elif place == "parameter":
        mapping = state["_modules"]["mapping"].arguments[0]["state"]
        mapping["_modules"]["fc0"].arguments[0]["state"]["_parameters"]["weight"] = stub
    elif place == "setting":
        state["_init_kwargs"]["channel_base"] = stub
    else:
        state["_init_kwargs"] = stub
    path = tmp_path / "net.pkl"
    path.write_bytes(network_bytes(value))
    with pytest.raises(UnsupportedModelError, match=r"strange\.module\.Thing.*None of it was imported"):
        load(path)


def test_a_stub_of_the_average_is_not_passed_over(tmp_path: Path) -> None:
    """The generator in training must not be shown in silence instead of the one that was asked for."""
    config, tensors = small_network("stylegan2")
    value: dict[str, Any] = network_value("stylegan2", config, tensors, entries=("G",))
    value["G_ema"] = Call(Name("strange.module", "Thing"), 1)
    path = tmp_path / "net.pkl"
    path.write_bytes(network_bytes(value))
    with pytest.raises(UnsupportedModelError, match=r"strange\.module\.Thing"):
        load(path)


@pytest.mark.parametrize("module", ["dnnlib.util", "dnnlib", "easydict", "training.misc", "addict.addict", "munch"])
@pytest.mark.parametrize("cls", ["EasyDict", "Dict", "Munch", "AttrDict"])
def test_settings_in_tables_of_other_names(tmp_path: Path, module: str, cls: str) -> None:
    config, tensors = small_network("stylegan2")
    value: dict[str, Any] = network_value("stylegan2", config, tensors)
    state = value["G_ema"].arguments[0]["state"]
    mapping = state["_init_kwargs"]["mapping_kwargs"]
    items = network_bytes(mapping, 3)[2:-1]
    assert items[:2] == b"}("
    state["_init_kwargs"]["mapping_kwargs"] = Raw(f"c{module}\n{cls}\n".encode() + b")\x81" + items[1:])
    path = tmp_path / "net.pkl"
    path.write_bytes(network_bytes(value, 2))
    assert load(path).config["mapping_layers"] == 1


HOSTILE = """
    os.system posix.system nt.system os.popen os.path.os.system subprocess.Popen subprocess.run sys.exit
    builtins.eval builtins.exec builtins.compile builtins.__import__ builtins.open builtins.setattr builtins.input
    builtins.breakpoint builtins.globals builtins.apply __builtin__.eval __builtin__.file importlib.import_module
    importlib._bootstrap._call_with_frames_removed runpy.run_path runpy._run_code ctypes.CDLL
    pickle.loads _pickle.loads cPickle.loads dill.loads cloudpickle.cloudpickle.loads joblib.load marshal.loads
    webbrowser.open socket.socket shutil.rmtree pty.spawn code.interact code.InteractiveInterpreter timeit.timeit
    operator.attrgetter operator.methodcaller _operator.attrgetter functools.partial.__globals__ types.FunctionType
    torch.hub.load torch.jit.load torch.load torch.serialization.load torch.utils.cpp_extension.load
    torch.fx.graph_module.reduce_graph_module torch.package.PackageImporter numpy.load numpy.fromfile
    numpy.f2py.main ctypes.cdll.LoadLibrary
    numpy.testing._private.utils.runstring pandas.read_pickle pip.main pip._internal.main multiprocessing.Process
    asyncio.create_subprocess_shell urllib.request.urlopen requests.get http.client.HTTPConnection tempfile.mktemp
    io.open _io.FileIO codecs.open gzip.open zipfile.ZipFile sqlite3.connect logging.config.fileConfig
    logging.FileHandler copyreg.add_extension pathlib.os.system pathlib.Path.write_text pathlib.Path.unlink
    collections.namedtuple.__globals__ typing.sys.modules torch.os.system torch._os.system.__call__ bdb.Bdb.run
    pdb.run idlelib.pyshell.ModifiedInterpreter.runcode sympy.core.sympify.sympify PIL.Image.open
    builtins.open.Error threading.Thread signal.signal anything.at.all.system anything.subprocess.Popen
    distutils.file_util.copy_file urllib.parse.os.system subprocess.CompletedProcess.__globals__
    torch._dynamo.eval_frame.optimize __mp_main__.os.system subprocess.Popen.Error
""".split()  # noqa: SIM905


@pytest.mark.parametrize("full_name", HOSTILE)
def test_hostile_names_are_refused_with_a_message_that_says_so(tmp_path: Path, full_name: str) -> None:
    module, name = full_name.rsplit(".", 1)
    config, tensors = small_network("stylegan2")
    path = tmp_path / "net.pkl"
    for extra in (Name(module, name), Call(Name(module, name), "x")):
        path.write_bytes(network_bytes({**network_value("stylegan2", config, tensors), "D": extra}))
        with pytest.raises(UnsafeFileError, match=r"asks to run code through .*Nothing was run"):
            load(path)


INNOCENT = """
    __mp_main__.Config package.__init__.Config builtins.KeyboardInterrupt
    pkg_resources.extern.packaging.version.Version
    training.networks.Generator code.networks.Generator test.models.Net trace.nets.G profile.G.Net site.model.M
    torch.nn.modules.linear.Linear torch.optim.adam.Adam torch.nn.parallel.distributed.DistributedDataParallel
    pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint omegaconf.dictconfig.DictConfig
    omegaconf.base.ContainerMetadata torch.utils.data.dataset.Subset torchvision.transforms.transforms.Compose
    numpy.random._pickle.__randomstate_ctor copy_reg._reconstructor copyreg.__newobj__ copyreg.__newobj_ex__
    logging.getLogger functools.partial collections.abc.Mapping fractions.Fraction typing.Any
    builtins.ValueError builtins.iter signal.Signals inspect.Parameter distutils.version.LooseVersion
    exceptions.IOError enum.Flag __main__.Config wandb.sdk.wandb_config.Config
    torch.serialization._get_layout torch._C.Generator torch._utils.channels_last transformers.training_args.X
""".split()  # noqa: SIM905


@pytest.mark.parametrize("full_name", INNOCENT)
def test_names_of_classes_are_not_called_hostile(full_name: str) -> None:
    module, name = full_name.rsplit(".", 1)
    assert not runs_code(module, name)


@pytest.mark.parametrize("name", ["a b", "a;b", "", "a\x1b", "x.", "a-b", "<locals>", "f.<locals>.g"])
def test_what_is_not_a_name_at_all_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "net.pkl"
    path.write_bytes(network_bytes({"G_ema": Name("module", name)}))
    with pytest.raises(UnsafeFileError):
        load(path)


def test_names_and_their_number_are_bounded() -> None:
    def read(data: bytes) -> object:
        return Interpreter(BytesSource(data, "x"), known_names, budget=Budget()).run()

    with pytest.raises(UnreadableFileError, match="a name of"):
        read(network_bytes(Name("m" * 3000, "x")))
    read(network_bytes([Name("m", f"C{index}") for index in range(2000)]))
    with pytest.raises(UnreadableFileError, match="names of classes"):
        read(network_bytes([Name("m", f"C{index}") for index in range(2001)]))
