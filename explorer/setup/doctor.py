"""Checks what this machine provides, with advice on what is missing; changes nothing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from explorer import __version__
from explorer.setup import system_libraries
from explorer.util import crash_log, plugins
from explorer.util.plain_text import visible
from explorer.util.user_folders import cache_folder, usable_cache_folder

__all__ = ["Finding", "examine"]


COMPILER = system_libraries.Need("a C++ compiler", "g++", "gcc-c++", "gcc")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: a name, what was found, and what to do if something is lacking ('' = all well).

    `details` is text of several lines below it, such as a traceback.
    """

    name: str
    found: str
    advice: str = ""
    details: str = ""


def examine() -> list[Finding]:
    """Look at everything, most important first. Takes a second or two: Qt is started in another process."""
    (compiler,) = _seen("compiler", _compiler)
    return [
        Finding("version", f"Latentwalk {__version__}"),
        *_seen("python", lambda: Finding("python", f"{platform.python_version()} on {platform.platform()}")),
        *_seen("torch", _computing),
        compiler,
        *_seen("kernels", lambda: _kernels(has_compiler=not compiler.advice)),
        *_seen("cache", _cache),
        *_seen("window libraries", _window),
        *_seen("video", _video),
        *_seen("bundled models", _models),
        *_seen("plug-ins", _plugins),
        *_seen("crashes", _crashes),
    ]


def _seen(name: str, look: Callable[[], Finding | list[Finding]]) -> list[Finding]:
    """Return the findings of a check; if the check itself fails, that is a finding too."""
    try:
        found = look()
    except Exception as error:  # on a broken machine a check may raise anything, which the report must show
        do = "The other lines are still correct; please report this one."
        return [Finding(name, f"cannot be examined ({type(error).__name__}: {visible(str(error))})", do)]
    return found if isinstance(found, list) else [found]


def _cache() -> Finding:
    do = "Everything works without it, more slowly at each start; LATENTWALK_CACHE may name another folder."
    try:
        folder = cache_folder()
        if folder == usable_cache_folder():
            return Finding("cache", str(folder))
    except OSError as error:
        return Finding("cache", error.strerror or str(error), do)
    return Finding("cache", f"{folder} is not writable", do)


def _computing() -> list[Finding]:
    import torch

    from explorer.render.devices import devices, total_memory

    found = devices()
    texts = [f"{d.name} ({d.label}, {total_memory(d.name) / 2**30:.0f} GB): {', '.join(d.dtypes)}" for d in found]
    lines = [Finding("torch", f"{torch.__version__}, {torch.get_num_threads()} threads")]
    advice = ""
    if found[0].name == "cpu":
        if shutil.which("nvidia-smi") and torch.version.cuda is None:
            advice = "An NVIDIA driver is installed, but PyTorch without CUDA: see https://pytorch.org/get-started."
        elif shutil.which("nvidia-smi"):
            advice = "An NVIDIA driver is installed, but PyTorch finds no GPU: update the driver."
        else:
            texts.append("no GPU, which is fine for pictures up to 256 pixels")
    lines.append(Finding("devices", "; ".join(texts), advice))
    lines.append(Finding("bfloat16 on the CPU", _cpu_bfloat16()))
    return lines


def _cpu_bfloat16() -> str:
    import torch

    from explorer.ops.backend import fastest_dtype

    capability = torch.backends.cpu.get_cpu_capability()
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return f"unknown ({capability})"
    native = sorted(flags & {"avx512_bf16", "amx_bf16", "bf16"})
    where = f"in hardware ({', '.join(native)})" if native else f"emulated ({capability})"
    faster = str(fastest_dtype("cpu")).removeprefix("torch.")
    return f"{where}; measured just now, {faster} is the faster one"


def _compiler() -> Finding:
    for name in ("c++", "g++", "clang++", "cl"):
        path = shutil.which(name)
        if path:
            return Finding("compiler", f"{path}: {_first_line([path, '--version'])}")
    do = system_libraries.install_line([COMPILER], system_libraries.this_family())
    return Finding("compiler", "none", f"{do}, to render and train faster. Nothing else needs it.")


def _kernels(has_compiler: bool) -> Finding:
    import torch

    from explorer.ops import native

    has_onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # torch's own
    libraries = {"oneDNN": has_onednn, "cuDNN": torch.cuda.is_available()}
    names = " and ".join(name for name, is_here in libraries.items() if is_here) or "no accelerated library"
    training = "the C++ filter, built on first use" if has_compiler else "matrix products"
    native.kernels()  # looks into the cache
    status = native.status()
    own = {
        "ready": f"own C++ kernels, built ({status.detail})",
        "unused": "own C++ kernels, built in the background when the window starts"
        + (f" ({status.detail})" if status.detail else ""),
        "failed": f"no own kernels: {status.detail}",
        "disabled": f"no own kernels: {status.detail}",
    }.get(status.state, status.state)
    advice = "" if status.state != "failed" or not has_compiler else "Rendering is slower; please report it."
    return Finding("kernels", f"rendering: PyTorch with {names}; {own}; training: {training}", advice)


def _window() -> list[Finding]:
    needs = [*system_libraries.OFFSCREEN, *system_libraries.SCREEN, system_libraries.FONTS]
    unpacked = Path(__file__).resolve().parents[2] / ".system"  # start.py's folder
    lacks = system_libraries.missing(needs, unpacked) if sys.platform == "linux" else []
    advice = system_libraries.install_line(lacks, system_libraries.this_family()) if lacks else ""
    found = ", ".join(need.name for need in lacks) + " missing" if lacks else "all here"
    lines = [Finding("window libraries", found, advice)]
    shown = {name: os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    text = ", ".join(f"{name}={value}" for name, value in shown.items() if value) or "none"
    has = system_libraries.has_display()
    do = "" if has else "Log in to a desktop, use ssh -X, or work with `render` and `compare`."
    lines.append(Finding("display", text if sys.platform == "linux" else sys.platform, do))
    lines.append(_qt(has))
    return lines


def _qt(has_display: bool) -> Finding:
    """Return which platform plugin Qt starts with, found in another process, which a wrong one aborts."""
    script = (
        "import PySide6.QtCore as c, PySide6.QtGui as g; a = g.QGuiApplication([]);"
        "print(c.qVersion(), 'on', a.platformName(), 'at scale', a.primaryScreen().devicePixelRatio())"
    )
    variables = dict(os.environ)
    if not has_display:
        variables["QT_QPA_PLATFORM"] = "offscreen"
    try:
        done = subprocess.run(
            [sys.executable, "-c", script], env=variables, capture_output=True, text=True, errors="replace",
            timeout=30, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Finding("Qt", "does not answer", "Check that the display named above is alive.")
    except OSError as error:
        return Finding("Qt", f"cannot be tried ({error})", "Check the limits on processes and memory.")
    if done.returncode == 0:
        return Finding("Qt", done.stdout.strip())
    message = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), f"exit {done.returncode}")
    return Finding("Qt", f"does not start: {message.strip()}", "Install the window libraries named above.")


def _video() -> Finding:
    try:
        import av
    except ImportError as error:
        return Finding("video", f"PyAV cannot be imported: {error}", "Run start.py again.")
    codecs = [name for name in ("libx264", "libsvtav1", "libvpx-vp9") if name in av.codecs_available]
    advice = "" if "libx264" in codecs else "Reinstall PyAV from PyPI: pip install --force-reinstall av"
    return Finding("video", f"PyAV {av.__version__}: {', '.join(codecs) or 'no encoder'}", advice)


def _models() -> Finding:
    from explorer.checkpoints.bundled import assets_dir, bundled

    names = [item.name for item in bundled()]
    if names:
        return Finding("bundled models", ", ".join(names))
    do = "Clone the repository again, or open files of your own."
    return Finding("bundled models", f"none in {assets_dir()}", do)


def _plugins() -> list[Finding]:
    from explorer.setup.plugins import load_plugins

    load_plugins()
    found = [f"{item.name} of {item.distribution} ({item.group})" for item in plugins.loaded()]
    lines = [Finding("plug-ins", visible("; ".join(found), 2000) or "none")]
    for item in plugins.broken():
        name = f"{item.name} of {item.distribution or item.group}"
        do = "Update or remove the package that provides it; everything else works without it."
        details = visible(item.traceback, 20_000, keep_lines=True).strip()
        lines.append(Finding("plug-in failed", f"{visible(name, 120)}: {visible(item.error)}", do, details))
    return lines


def _crashes() -> Finding:
    try:
        from explorer.session.settings import Settings

        folder = Settings().folder
    except Exception as error:  # without PySide or a home folder there are no traces, which is not an error
        return Finding("crashes", f"no folder for their traces ({error})")
    found = crash_log.last_crash(folder)
    if found is None:
        return Finding("crashes", f"none noted in {folder}")
    path, seconds = found
    text = f"the last one at {crash_log.when(seconds)}: {path}"
    return Finding("crashes", text, "Please report it with that file.")


def _first_line(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"does not run ({error})"
    return (done.stdout or done.stderr).partition("\n")[0].strip()
