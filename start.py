#!/usr/bin/env python3
"""Sets everything up and starts Latentwalk; `start.py test` sets everything up and runs the tests.

Needs Python 3.11 and nothing else. The first start makes a virtual environment in `.venv` and takes a minute or
more; later ones find it done and go straight on. `test --coverage` also says which lines the tests reach, `check`
reads the code (ruff, import rules, mypy), `setup` stops after setting up, and anything else is handed to `main.py`.
"""

import hashlib
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "latentwalk.json")
UNPACKED = os.path.join(ROOT, ".system")
PYTHON = os.path.join(VENV, *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))


class SetupError(Exception):
    """Set-up cannot go on; the message says what to do."""


def say(text):
    """One line to the user on the error stream, so that the output of commands stays clean."""
    print("latentwalk: " + text, file=sys.stderr, flush=True)


def find_newer_python():
    """Hands over to a Python that is new enough, if this one is not (this file must parse under any Python 3)."""
    if sys.version_info >= (3, 11):
        return
    for minor in (13, 12, 11, 14):
        other = shutil.which("python3.%d" % minor)
        if other:
            os.execv(other, [other, os.path.abspath(__file__), *sys.argv[1:]])
    raise SetupError("this is Python %d.%d; Latentwalk needs 3.11 or newer." % sys.version_info[:2])


def stamp_for(extras):
    """What the environment was made from: set-up is repeated when any of it changes."""
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return {"pyproject": digest, "interpreter": interpreter(), "root": ROOT, "extras": sorted(extras)}


def interpreter():
    """Which Python `.venv` runs: it is a link to one of the system, which an upgrade replaces under it."""
    path = os.path.realpath(PYTHON)
    try:
        return [path, os.stat(path).st_size, os.stat(path).st_mtime_ns]
    except OSError:
        return []


def read_stamp():
    """What `.venv` was made from; empty if it was never completed."""
    try:
        with open(STAMP, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def is_current(extras):
    """Whether `.venv` was completed for this checkout, and its Python, with at least the given extras."""
    found, wanted = read_stamp(), stamp_for(extras)
    found.setdefault("interpreter", wanted["interpreter"])  # stamps of before did not say
    same = all(found.get(key) == wanted[key] for key in ("pyproject", "interpreter", "root"))
    return same and set(extras) <= set(found.get("extras", ())) and os.path.exists(PYTHON)


def make_environment():
    """Makes `.venv` with a working pip in it."""
    from explorer.setup import system_libraries as system

    if os.path.exists(PYTHON) and run([PYTHON, "-m", "pip", "--version"], quiet=True) == 0:
        return
    check_environment_is_ours()
    say("making the virtual environment .venv")
    has_ensurepip = importlib.util.find_spec("ensurepip") is not None
    if not has_ensurepip and system.install(["python%d.%d-venv" % sys.version_info[:2]], say):
        importlib.invalidate_caches()
        has_ensurepip = importlib.util.find_spec("ensurepip") is not None
    if has_ensurepip:
        if run([sys.executable, "-m", "venv", "--clear", VENV]) != 0:
            raise SetupError("python -m venv failed; its message stands above.")
        return
    # Debian keeps pip out of python3: take its wheel without installing anything for the whole system.
    wheels = os.path.join(UNPACKED, "usr", "share", "python-wheels")
    if not system.unpack(["python3-pip-whl"], system.Path(UNPACKED), say) or not os.path.isdir(wheels):
        raise SetupError("this Python cannot make virtual environments: sudo apt-get install python3-venv")
    wheel = next(os.path.join(wheels, name) for name in sorted(os.listdir(wheels)) if name.startswith("pip-"))
    run([sys.executable, "-m", "venv", "--clear", "--without-pip", VENV])
    if run([PYTHON, "-m", "pip", "install", "-q", wheel], environment={"PYTHONPATH": wheel}) != 0:
        raise SetupError("pip could not be put into .venv: sudo apt-get install python3-venv")


def check_environment_is_ours():
    """Making `.venv` empties it: refuses where somebody else's packages are in it."""
    if os.path.exists(STAMP) or not os.path.isdir(VENV):
        return
    for folder, names, _ in os.walk(VENV):
        if os.path.basename(folder) == "site-packages":
            usual = ("pip", "setuptools", "_distutils_hack", "__pycache__")
            foreign = [name for name in names if not name.startswith(usual)]
            if foreign:
                raise SetupError(
                    ".venv was not made by start.py and its pip does not work, but it holds %s: "
                    "move it away, or put pip into it." % ", ".join(sorted(foreign)[:3])
                )
            names.clear()


def install_packages(extras):
    """Installs the project and what it needs into `.venv`, and marks it done."""
    extras = sorted(set(read_stamp().get("extras", ())) | set(extras))
    # An interrupted installation must not look finished, but like one of ours.
    write_stamp({"extras": extras})
    target = "." + ("[%s]" % ",".join(extras) if extras else "")
    say("installing packages into .venv (once; PyTorch alone is several hundred MB)")
    if run([PYTHON, "-m", "pip", "install", "-e", target]) != 0:
        raise SetupError("pip could not install the packages; its message stands above. Start again to go on.")
    write_stamp(stamp_for(extras))


def write_stamp(found):
    """Notes what `.venv` was made from: whole or not at all."""
    from explorer.util.atomic_write import atomic_write_bytes

    path = pathlib.Path(STAMP)
    try:
        atomic_write_bytes(path, json.dumps(found).encode())
    except OSError as error:
        words = "%s cannot be written: %s. Make room, or check its folder."
        raise SetupError(words % (path, error.strerror)) from error


def install_libraries(for_tests):
    """Sees to Qt's system libraries on Linux: installs them where no password is asked for, else names them."""
    if not sys.platform.startswith("linux"):
        return
    from explorer.setup import system_libraries as system

    unpacked = system.Path(UNPACKED)
    needs = [*system.OFFSCREEN, *system.SCREEN, system.FONTS]
    tools = list(system.TEST_TOOLS) if for_tests else []
    lacks = system.missing([*needs, *tools], unpacked)
    if not lacks:
        return
    family = system.this_family()
    if family == "debian" and system.install(system.packages(lacks, family), say):
        return
    libraries = [need for need in lacks if need not in tools]
    if family == "debian" and libraries:
        system.unpack(system.packages(libraries, family), unpacked, say)
    lacks = system.missing([*needs, *tools], unpacked)
    if lacks:
        what = "for the window" if any(need in needs for need in lacks) else "for the tests of the real window"
        say("missing %s: %s" % (what, system.install_line(lacks, family)))


def run(command, quiet=False, environment=None):
    """Runs a command in the project's folder and gives its exit code."""
    stream = subprocess.DEVNULL if quiet else None
    variables = dict(os.environ, **(environment or {}))
    return subprocess.call(command, cwd=ROOT, stdout=stream, stderr=stream, env=variables)


def hand_over(arguments):
    """Replaces this process by Python of `.venv` with `arguments` (on Windows: runs it and exits as it does)."""
    variables = dict(os.environ)
    if sys.platform.startswith("linux"):
        from explorer.setup import system_libraries as system

        variables.update(system.environment(system.Path(UNPACKED)))
    command = [PYTHON, *arguments]
    if os.name == "nt":
        raise SystemExit(subprocess.call(command, env=variables))
    os.execve(PYTHON, command, variables)


def parallel(options):
    """Options that run the tests on all processors, each file on one; none where the user looks into a run."""
    own = ("-n", "--numprocesses", "-s", "--capture", "--pdb", "--trace", "-p")
    return [] if any(option.startswith(own) for option in options) else ["-n", "auto", "--dist", "loadfile"]


def main(arguments):
    """Set-up, then the window, the tests, or whatever `main.py` is asked for."""
    find_newer_python()
    sys.path.insert(0, ROOT)
    for_tests = arguments[:1] == ["test"]
    extras = {"test": ["test"], "check": ["dev", "test"]}.get(arguments[0] if arguments else "", [])
    started = time.monotonic()
    if not is_current(extras):
        make_environment()
        install_packages(extras)
        say("ready after %.0f s" % (time.monotonic() - started))
    install_libraries(for_tests)
    if for_tests:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"  # the window tests bring a screen of their own
        os.chdir(ROOT)
        options = [option for option in arguments[1:] if option != "--coverage"]
        measured = len(options) < len(arguments[1:])
        runner = [os.path.join(ROOT, "scripts", "measure_coverage.py")] if measured else ["-m", "pytest"]
        hand_over([*runner, *parallel(options), *options])
    elif extras:
        hand_over([os.path.join(ROOT, "scripts", "check.py"), *arguments[1:]])
    elif arguments[:1] != ["setup"]:
        hand_over([os.path.join(ROOT, "main.py"), *arguments])
    return 0


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except SetupError as error:
        say(str(error))
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
