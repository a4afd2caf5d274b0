"""Names in a file that would run code if it were read by Python's own unpickler.

Names are never imported or called here, so a name that this module misses is harmless too: it only decides whether
the file is refused as an attack or read without that object.
"""

from __future__ import annotations

__all__ = ["runs_code"]

# Modules that run, import or unpickle things, or access files, processes or the network, with all their submodules.
_PACKAGES = frozenset(
    """
    os posix nt subprocess sys importlib imp runpy ctypes _ctypes cffi pickle _pickle cPickle cloudpickle dill
    joblib marshal shelve webbrowser socket _socket socketserver shutil pty popen2 commands pip ensurepip venv
    distutils setuptools pkg_resources zipimport idlelib lib2to3 asyncio multiprocessing _multiprocessing
    concurrent _thread signal tempfile io _io _pyio fileinput gzip bz2 lzma zipfile tarfile mmap fcntl sqlite3
    dbm http urllib urllib2 urllib3 httplib requests httpx aiohttp ftplib smtplib imaplib poplib telnetlib
    nntplib xmlrpc linecache pydoc doctest unittest pdb bdb cProfile timeit rlcompleter winreg _winreg
    _winapi msvcrt antigravity paramiko torch.hub torch.jit torch.ops torch._ops torch.classes torch._classes
    torch.package torch.serialization torch.fx torch.compiler torch._dynamo torch._inductor torch.onnx
    torch.export torch.multiprocessing torch.distributed.run torch.distributed.launch torch.distributed.elastic
    torch.distributed.launcher torch.distributed.rpc torch.utils.cpp_extension torch.utils.collect_env
    torch.utils.bottleneck torch.utils.model_zoo torch.utils._config_module torch.testing numpy.testing
    numpy.f2py numpy.distutils numpy.ctypeslib numpy.lib.npyio numpy.lib._npyio_impl numpy.lib.format
    logging.config logging.handlers pandas.io pandas.core.computation sympy.parsing sympy.core.sympify
    """.split()  # noqa: SIM905 - a column of names is easier to read and to add to
)
# The same for modules with names that are common in user code: without submodules.
_MODULES = frozenset({"code", "codeop", "trace", "profile", "site", "platform", "gc", "test", "cgi", "cgitb"})
# Individual functions and classes of otherwise harmless modules.
_NAMES = frozenset(
    """
    operator.attrgetter operator.methodcaller operator.call _operator.attrgetter _operator.methodcaller
    _operator.call types.FunctionType types.LambdaType types.CodeType types.MethodType types.ModuleType
    types.new_class torch.load torch.save torch.compile torch.import_ir_module torch.from_file numpy.load
    numpy.save numpy.savez numpy.savez_compressed numpy.savetxt numpy.loadtxt numpy.genfromtxt numpy.fromfile
    numpy.fromregex numpy.DataSource numpy.show_config pandas.read_pickle pandas.eval
    pathlib.Path.write_text threading.Thread threading.Timer codecs.open _codecs.lookup uuid._popen
    uuid._get_command_stdout logging.FileHandler
    """.split()  # noqa: SIM905
)
# Functions with these names run, fetch or open something in any module.
_ANYWHERE = frozenset(
    """
    open system popen popen2 popen3 popen4 eval exec execfile exec_module exec_command __import__ import_module
    load_module load_source run_module run_path run_code runcode runsource runstring rundoc Popen check_output
    check_call getoutput getstatusoutput execl execle execlp execv execve execvp execvpe spawnl spawnv fork
    startfile urlopen urlretrieve attrgetter methodcaller unlink rmtree rmdir write_text write_bytes read_pickle
    """.split()  # noqa: SIM905
)
# Modules through which a dotted name could leave its own module, as in `pathlib.os.system`.
_DOORS = frozenset({"os", "posix", "nt", "subprocess", "sys", "builtins", "__builtin__", "__builtins__"})
_BUILTINS = frozenset(
    """
    bool bytearray bytes complex dict Ellipsis NotImplemented None False True float frozenset int list long
    object property range xrange reversed set slice str tuple type unicode basestring buffer memoryview
    enumerate zip iter next map filter abs min max sum len round sorted print repr ascii format hash id any all
    divmod pow chr ord hex oct bin callable isinstance issubclass staticmethod classmethod super reduce hasattr
    KeyboardInterrupt SystemExit StopIteration StopAsyncIteration GeneratorExit BaseExceptionGroup ExceptionGroup
    """.split()  # noqa: SIM905
)
# Plain values from the modules above, and wrappers of torch.compile.
_HARMLESS = frozenset(
    """
    torch.serialization._get_layout _io.BytesIO _io.StringIO io.BytesIO io.StringIO
    signal.Signals signal.Handlers os.stat_result os.terminal_size posix.uname_result nt.uname_result
    platform.uname_result subprocess.CompletedProcess subprocess.TimeoutExpired commands.CompletedProcess
    commands.TimeoutExpired http.HTTPStatus http.HTTPMethod socket.AddressFamily socket.SocketKind
    urllib.parse.ParseResult urllib.parse.ParseResultBytes urllib.parse.SplitResult urllib.parse.SplitResultBytes
    urllib.parse.DefragResult urllib.parse.DefragResultBytes
    distutils.version.LooseVersion distutils.version.StrictVersion
    setuptools._vendor.packaging.version.Version pkg_resources._vendor.packaging.version.Version
    pkg_resources.extern.packaging.version.Version
    torch._dynamo.eval_frame.OptimizedModule torch._dynamo.eval_frame.OptimizeContext
    torch._dynamo.eval_frame.RunOnlyContext torch._dynamo.eval_frame.DisableContext
    torch._dynamo.convert_frame.CatchErrorsWrapper torch._dynamo.convert_frame.ConvertFrame
    torch._dynamo.convert_frame.ConvertFrameAssert torch._dynamo.convert_frame.ConvertFrameBox
    torch._dynamo.repro.after_dynamo.WrapBackendDebug torch._dynamo.hooks.Hooks
    torch.fx.immutable_collections.immutable_list torch.fx.immutable_collections.immutable_dict
    """.split()  # noqa: SIM905
)
# Names of the main module, in a script and in the processes that it starts.
_OWN_MODULES = frozenset({"__main__", "__mp_main__", "__init__"})
_PICKLES_OWN = frozenset({"_reconstructor", "__newobj__", "__newobj_ex__"})  # of copyreg, for pickled instances


def runs_code(module: str, name: str) -> bool:
    """Return whether `module.name` would run code, import, unpickle, or access files, processes or the network.

    Names that no program writes (`o;s`, `X.__globals__`) count too.
    """
    if f"{module}.{name}" in _HARMLESS:
        return False
    if module in ("copyreg", "copy_reg"):
        return name not in _PICKLES_OWN
    is_error = name.isidentifier() and name.endswith(("Error", "Exception", "Warning"))
    if module in ("builtins", "__builtin__", "exceptions"):
        return name not in _BUILTINS and not is_error
    path, parts = module.split("."), name.split(".")
    if not all(part.isidentifier() for part in (*path, *parts)):
        return True
    if any(part.startswith("__") and part.endswith("__") for part in (*path, *parts) if part not in _OWN_MODULES):
        return True
    if is_error and ".".join(path) in _PACKAGES:
        return False  # a stored exception beside the network
    if module in _MODULES or _DOORS.intersection((*path, *parts)) or _ANYWHERE.intersection(parts):
        return True
    full = [*path, *parts]
    return any(".".join(full[:end]) in _PACKAGES for end in range(1, len(full) + 1)) or ".".join(full) in _NAMES
