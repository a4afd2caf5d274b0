"""Reads the source: what is written appears whole, what is removed is ours, what is read is a regular file.

A new place that writes, removes or reads by a library of its own fails here: take `explorer/util`, or say below why
it cannot.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

WITHIN = {"atomic_write", "scratch_beside", "build_folder", "TemporaryDirectory"}
"""Blocks in which a file may be written as one likes: it has not its name yet, or goes again."""

WRITERS = {
    *("write_text", "write_bytes", "tofile", "savetxt", "save", "savez", "savez_compressed", "save_file"),
    *("copyfile", "copy2", "copytree", "rename", "symlink_to", "hardlink_to", "mkfifo"),
}
REMOVERS = {"unlink", "rmdir", "rmtree", "removedirs"}
READERS = {"read_text", "read_bytes", "fromfile", "loadtxt", "genfromtxt", "memmap", "safe_open"}

ALLOWED_WRITES = {
    "explorer/util/atomic_write.py": "the writer itself",
    "explorer/animation/container.py:__init__": "films grow, and play after a kill",
    "explorer/animation/folder.py:finish": "gives the folder of a film its name",
    "explorer/animation/finish.py:_webp": "writes what `finish` gives its name",
    "explorer/project/embedded.py:with_gif_comment": "likewise",
    "explorer/project/embedded.py:_set_last_delay": "likewise",
    "explorer/project/embedded.py:with_png_text": "likewise",
    "explorer/animation/still_webp.py:keep_webp_duration": "likewise",
    "explorer/training/history.py:append": "appends a line, and takes half a one back",
    "explorer/session/documents.py": "Recovery.save writes a project",
    "explorer/training/attributes.py:export": "attribute_network.save is atomic",
    "explorer/latents/files.py:save_latent": "encodes into memory",
    "explorer/directions/files.py:save_directions": "likewise",
    "explorer/util/console.py": "nowhere: the null device",
    "explorer/util/crash_log.py:write_to": "an open file is all that a crash can write to",
    "explorer/animation/recording.py:_open": "a recording grows, and what was written of it is read after a kill",
    "explorer/session/settings.py:_set_aside": "renames damaged settings, so that nothing of them is lost",
    "explorer/util/held_lock.py": "a lock's file, which is held open",
}
ALLOWED_REMOVALS = {
    "explorer/util/atomic_write.py": "the partial file of this call",
    "explorer/util/left_overs.py": "partial files by their exact pattern, of dead writers",
    "explorer/util/cached_library.py:publish": "a cached library by its digest, built again",
    "explorer/animation/parts.py": "frames that the film's own job file names",
    "explorer/animation/encoder.py:_forget": "a part that the film's own job file names",
    "explorer/animation/job.py:discard": "a job file that was read as one",
    "explorer/session/recovery.py": "recovery files of this program, in its own folder",
    "explorer/session/autosave.py:_discard": "likewise",
    "explorer/animation/recording.py": "the recording that it writes, in the same folder",
    "explorer/project/favourite_files.py:remove_favourite": "a favourite, by the exact pattern of its name",
    "explorer/util/held_lock.py": "the file of a lock that this process holds",
}
ALLOWED_READS = {
    "explorer/util/regular_file.py": "the opener itself",
    "explorer/util/atomic_write.py": "what it has just written",
    "explorer/project/film_container.py:open_film": "after a look at its first bytes",
    "explorer/project/embedded.py": "what `finish` has just written",
    "explorer/animation/still_webp.py:keep_webp_duration": "likewise",
    "explorer/analysis/attribute_network.py:load": "after check_regular",
    "explorer/training/datasets.py:_open_packed": "after check_regular",
    "explorer/checkpoints/source.py": "looks for itself, and keeps the file open",
    "explorer/ops/native/build.py": "its own sources, and /proc/cpuinfo",
    "explorer/setup/doctor.py:_cpu_bfloat16": "/proc/cpuinfo",
    "explorer/setup/system_libraries.py:this_family": "/etc/os-release",
    "start.py": "its own pyproject.toml and stamp",
    "explorer/training/critters/pack.py:pack": "what it writes",
    "explorer/latents/array_files.py": "after check_regular",
    "explorer/util/held_lock.py:_system": "/proc/sys/kernel/random/boot_id",
    "explorer/util/free_memory.py:_text": "/proc/meminfo and the control group's limits",
    "explorer/util/plugins.py": "metadata of installed packages, by importlib.metadata",
}


class _Calls(ast.NodeVisitor):
    """Calls of a file with the function and the `with` blocks that they stand in."""

    def __init__(self) -> None:
        self.function, self.is_within = "", False
        self.buffers: set[str] = set()
        self.found: list[tuple[str, bool, set[str], ast.Call]] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        before = self.function, self.is_within, self.buffers
        self.function, self.is_within, self.buffers = node.name, False, set()
        self.generic_visit(node)
        self.function, self.is_within, self.buffers = before

    def visit_Assign(self, node: ast.Assign) -> None:
        if isinstance(node.value, ast.Call) and _name(node.value) == "BytesIO":
            self.buffers |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        self.generic_visit(node)

    def visit_With(self, node: ast.With) -> None:
        before = self.is_within
        for item in node.items:
            self.visit(item)
            called = item.context_expr
            self.is_within |= isinstance(called, ast.Call) and _name(called) in WITHIN
        for child in node.body:
            self.visit(child)
        self.is_within = before

    def visit_Call(self, node: ast.Call) -> None:
        self.found.append((self.function, self.is_within, self.buffers, node))
        self.generic_visit(node)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _owner(call: ast.Call) -> str:
    return ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""


def _mode(call: ast.Call) -> str:
    """The mode of an opening; "r" if it says none, "" if it is none of a file."""
    given = [k.value for k in call.keywords if k.arg == "mode"]
    given += call.args[:1] if _owner(call) not in ("", "av", "io", "os") else call.args[1:2]
    modes = [value.value for value in given if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    modes = [mode for mode in modes if mode and set(mode) <= set("rwaxbt+")]
    if modes:
        return modes[0]
    return "r" if _owner(call) in ("", "av", "io", "Image") or "path" in _owner(call) else ""


def _kind(call: ast.Call, buffers: set[str]) -> str:
    """What a call does to files: "write", "remove", "read" or nothing."""
    name, owner, text = _name(call), _owner(call), ast.unparse(call)
    if name in REMOVERS or (name == "remove" and owner == "os"):
        return "remove"
    if name in ("load", "open") and owner in ("np", "numpy", "torch", "Image"):
        first = call.args[0] if call.args else None
        opened = {*buffers, "file", "data"}
        return "" if isinstance(first, ast.Call) or getattr(first, "id", "") in opened else "read"
    if name == "open" and owner == "os":
        return "write" if any(flag in text for flag in ("O_WRONLY", "O_RDWR", "O_CREAT")) else ""
    if name in ("open", "open_memmap") and "wheel" not in owner:
        mode = _mode(call)
        return "" if not mode else ("write" if set(mode) & set("wax+") else "read")
    if name == "imwrite":
        return "" if "'<bytes>'" in text else "write"
    if name == "replace" and (owner == "os" or (len(call.args) == 1 and not call.keywords)):
        return "write"
    if name in READERS:
        return "read"
    if name in WRITERS and call.args and not {n.id for n in call.args if isinstance(n, ast.Name)} & buffers:
        return "write"
    return ""


def _places(kind: str) -> Iterator[tuple[str, str, int]]:
    for path in [*sorted((ROOT / "explorer").rglob("*.py")), ROOT / "start.py", ROOT / "main.py"]:
        calls = _Calls()
        calls.visit(ast.parse(path.read_text(encoding="utf-8")))
        for function, is_within, buffers, call in calls.found:
            if _kind(call, buffers) == kind and not (kind == "write" and is_within):
                yield path.relative_to(ROOT).as_posix(), function, call.lineno


@pytest.mark.parametrize(
    ("kind", "allowed", "instead"),
    [
        ("write", ALLOWED_WRITES, "explorer/util/atomic_write.py"),
        ("remove", ALLOWED_REMOVALS, "nothing: what is it, and who made it?"),
        ("read", ALLOWED_READS, "explorer/util/regular_file.py"),
    ],
)
def test_files_are_touched_by_known_places_only(kind: str, allowed: dict[str, str], instead: str) -> None:
    strange = [
        f"{file}:{line} in {function or 'the module'}"
        for file, function, line in _places(kind)
        if file not in allowed and f"{file}:{function}" not in allowed
    ]
    assert not strange, f"these {kind} by themselves; take {instead}, or say why not above: {strange}"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("path.write_text('x')", "write"),
        ("Path(p).write_bytes(b'')", "write"),
        ("open(p, 'w')", "write"),
        ("open(p, mode='ab')", "write"),
        ("path.open('wb')", "write"),
        ("np.save(path, a)", "write"),
        ("torch.save(state, path)", "write"),
        ("image.save(path)", "write"),
        ("save_file(tensors, path)", "write"),
        ("os.replace(a, b)", "write"),
        ("partial.replace(target)", "write"),
        ("av.open(str(path), 'w')", "write"),
        ("np.lib.format.open_memmap(path, mode='w+')", "write"),
        ("os.open(path, os.O_WRONLY | os.O_CREAT)", "write"),
        ("shutil.copyfile(a, b)", "write"),
        ("imageio.imwrite(path, pixels)", "write"),
        ("path.unlink(missing_ok=True)", "remove"),
        ("os.remove(path)", "remove"),
        ("shutil.rmtree(folder)", "remove"),
        ("path.read_bytes()", "read"),
        ("path.open('rb')", "read"),
        ("open(path)", "read"),
        ("np.load(path)", "read"),
        ("torch.load(path, weights_only=True)", "read"),
        ("Image.open(path)", "read"),
        ("av.open(str(path))", "read"),
        ("safe_open(path, framework='pt')", "read"),
        ("text.replace('a', 'b')", ""),
        ("dataclasses.replace(look, seed=1)", ""),
        ("painter.save()", ""),
        ("items.remove(item)", ""),
        ("imageio.imwrite('<bytes>', pixels, extension='.png')", ""),
    ],
)
def test_the_reader_of_the_source_sees_it(code: str, kind: str) -> None:
    call = ast.parse(code, mode="eval").body
    assert isinstance(call, ast.Call)
    assert _kind(call, set()) == kind
