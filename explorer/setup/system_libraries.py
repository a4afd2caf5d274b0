"""The system libraries that Qt needs: finds missing ones, installs them without a password, or names them.

Standard library only: `start.py` uses it before anything is installed, `doctor` afterwards.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer.util.atomic_write import atomic_write_bytes

__all__ = [
    "FONTS",
    "OFFSCREEN",
    "SCREEN",
    "TEST_TOOLS",
    "Need",
    "administrator",
    "environment",
    "family_of",
    "has_display",
    "install",
    "install_line",
    "missing",
    "packages",
    "this_family",
    "unpack",
]


@dataclass(frozen=True)
class Need:
    """A shared library (`name` ends in `.so.N`), a program, or fonts, and the packages that hold it."""

    name: str
    debian: str
    fedora: str
    arch: str


OFFSCREEN = (
    Need("libGL.so.1", "libgl1", "libglvnd-glx", "libglvnd"),
    Need("libEGL.so.1", "libegl1", "libglvnd-egl", "libglvnd"),
    Need("libxkbcommon.so.0", "libxkbcommon0", "libxkbcommon", "libxkbcommon"),
    Need("libfontconfig.so.1", "libfontconfig1", "fontconfig", "fontconfig"),
    Need("libdbus-1.so.3", "libdbus-1-3", "dbus-libs", "dbus"),
    Need("libglib-2.0.so.0", "libglib2.0-0", "glib2", "glib2"),
    Need("libzstd.so.1", "libzstd1", "libzstd", "zstd"),
)
"""Libraries that Qt loads on every platform plugin, also without a screen."""

SCREEN = (
    Need("libxcb-cursor.so.0", "libxcb-cursor0", "xcb-util-cursor", "xcb-util-cursor"),
    Need("libxcb-icccm.so.4", "libxcb-icccm4", "xcb-util-wm", "xcb-util-wm"),
    Need("libxcb-keysyms.so.1", "libxcb-keysyms1", "xcb-util-keysyms", "xcb-util-keysyms"),
    Need("libxcb-shape.so.0", "libxcb-shape0", "libxcb", "libxcb"),
    Need("libxcb-randr.so.0", "libxcb-randr0", "libxcb", "libxcb"),
    Need("libxkbcommon-x11.so.0", "libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11"),
    Need("libX11-xcb.so.1", "libx11-xcb1", "libX11-xcb", "libx11"),
)
"""Additional libraries for a window under X11."""

FONTS = Need("fonts", "fonts-dejavu-core", "dejavu-sans-fonts", "ttf-dejavu")

TEST_TOOLS = (
    Need("Xvfb", "xvfb", "xorg-x11-server-Xvfb", "xorg-server-xvfb"),
    Need("xauth", "xauth", "xorg-x11-xauth", "xorg-xauth"),
    Need("xdotool", "xdotool", "xdotool", "xdotool"),
    Need("import", "imagemagick", "ImageMagick", "imagemagick"),
    # Without a window manager keyboard focus is lost after a dialog.
    Need("icewm", "icewm", "icewm", "icewm"),
)
"""Programs with which the tests drive a real window."""


def missing(needs: Iterable[Need], unpacked: Path | None = None) -> list[Need]:
    """Return the needs that this system (and a folder filled by `unpack`) does not meet."""
    return [need for need in needs if not _is_met(need, unpacked)]


def _is_met(need: Need, unpacked: Path | None) -> bool:
    if need is FONTS:
        # Not `Path.home()`: it fails where there is no home.
        own = Path(os.path.expanduser("~/.local/share/fonts"))
        roots = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), own]
        roots += [unpacked / "usr/share/fonts"] if unpacked else []
        return any(True for root in roots for _ in root.rglob("*.[to]t[fc]"))
    if ".so." not in need.name:
        return shutil.which(need.name) is not None
    if unpacked and any((folder / need.name).exists() for folder in _library_folders(unpacked)):
        return True
    try:
        ctypes.CDLL(need.name)
    except OSError:
        return False
    return True


def has_display() -> bool:
    """Return whether a window can be shown or a Qt platform is requested; always True except on Linux."""
    if sys.platform != "linux":
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def family_of(os_release: str) -> str:
    """Return 'debian', 'fedora' or 'arch' from the text of /etc/os-release; '' for any other system."""
    pairs = (line.partition("=") for line in os_release.splitlines())
    fields = {key.strip(): value.strip().strip('"') for key, _, value in pairs}
    names = f"{fields.get('ID', '')} {fields.get('ID_LIKE', '')}".split()
    aliases = {"debian": "debian", "ubuntu": "debian", "fedora": "fedora", "rhel": "fedora", "arch": "arch"}
    return next((aliases[name] for name in names if name in aliases), "")


def this_family() -> str:
    """Return `family_of` this system; '' where there is no such file."""
    try:
        return family_of(Path("/etc/os-release").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ""


def install_line(needs: Sequence[Need], family: str) -> str:
    """Return the command a user would type to install `needs`; for an unknown system a sentence that names them."""
    commands = {"debian": "sudo apt-get install", "fedora": "sudo dnf install", "arch": "sudo pacman -S"}
    if family not in commands:
        return "install what holds: " + ", ".join(need.name for need in needs)
    return f"{commands[family]} {' '.join(packages(needs, family))}"


def packages(needs: Iterable[Need], family: str) -> list[str]:
    """Return the package names of `needs` without duplicates."""
    return list(dict.fromkeys(str(getattr(need, family)) for need in needs))


def administrator() -> list[str] | None:
    """Return a command prefix for root rights without a password; None if that is not possible."""
    if not hasattr(os, "geteuid") or not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n"]
    return None


def install(names: Sequence[str], log: Callable[[str], None]) -> bool:
    """Install Debian packages system-wide; return False if that needs a password or fails."""
    prefix = administrator()
    if prefix is None:
        return False
    log("installing with apt-get: " + " ".join(names))
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    subprocess.run([*apt, "update"], stdout=subprocess.DEVNULL, check=False)
    command = [*apt, "install", "-y", "--no-install-recommends", *names]
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0


def unpack(names: Sequence[str], into: Path, log: Callable[[str], None]) -> bool:
    """Download Debian packages with their dependencies and unpack them into a folder, without special rights.

    apt uses separate lists and archives below `into`, and only reads the system's list of installed packages.
    Returns False if there is no apt or no network.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return False
    log(f"fetching into {into.name}/ (no rights to install for all): " + " ".join(names))
    into.mkdir(parents=True, exist_ok=True)
    # A separate folder, so that only apt's files are removed afterwards.
    with tempfile.TemporaryDirectory(prefix="apt-", dir=into, ignore_cleanup_errors=True) as work:
        archives = Path(work) / "archives"
        for folder in (Path(work) / "lists/partial", archives / "partial"):
            folder.mkdir(parents=True)
        apt = [
            "apt-get", "-qq", "-o", f"Dir::State::lists={work}/lists", "-o", f"Dir::Cache={work}",
            "-o", f"Dir::Cache::archives={archives}", "-o", "Dir::State::status=/var/lib/dpkg/status",
            "-o", "Debug::NoLocking=true", "-o", "APT::Sandbox::User=", "-o", "Dpkg::Use-Pty=0",
        ]  # fmt: skip
        subprocess.run([*apt, "update"], capture_output=True, check=False)
        command = [*apt, "install", "-y", "--no-install-recommends", "--download-only", *names]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            return False
        files = list(archives.glob("*.deb"))
        done = [subprocess.run(["dpkg-deb", "-x", str(f), str(into)], check=False).returncode == 0 for f in files]
    _write_font_configuration(into)
    return bool(files) and all(done)


def _write_font_configuration(unpacked: Path) -> None:
    folders = (unpacked / "usr/share/fonts", Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
    rows = "".join(f"<dir>{folder}</dir>" for folder in folders)
    text = f'<?xml version="1.0"?><fontconfig>{rows}<cachedir prefix="xdg">fontconfig</cachedir></fontconfig>\n'
    atomic_write_bytes(unpacked / "fonts.conf", text.encode())


def _library_folders(unpacked: Path) -> list[Path]:
    triplet = sysconfig.get_config_var("MULTIARCH") or ""
    return [unpacked / "usr/lib" / triplet, unpacked / "lib" / triplet]


def environment(unpacked: Path) -> dict[str, str]:
    """Return the environment variables for the libraries, keyboard maps and fonts of `unpack`."""
    if not unpacked.is_dir():
        return {}
    folders = [str(folder) for folder in _library_folders(unpacked) if folder.is_dir()]
    before = os.environ.get("LD_LIBRARY_PATH", "")
    found = {"LD_LIBRARY_PATH": ":".join([*folders, *([before] if before else [])])}
    if (unpacked / "usr/share/X11/xkb").is_dir():
        found["XKB_CONFIG_ROOT"] = str(unpacked / "usr/share/X11/xkb")
    if not Path("/etc/fonts/fonts.conf").exists():
        found["FONTCONFIG_FILE"] = str(unpacked / "fonts.conf")
    return found
