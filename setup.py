"""What `pyproject.toml` cannot say: a wheel also carries what lies beside the package in the repository."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ("assets/**/*", "benchmarks/**/*.py", "benchmarks/**/*.safetensors")
"""Goes into `explorer/_shipped` of a wheel, where `explorer/util/shipped.py` looks for it."""


class BuildWithShipped(build_py):
    """Copies the package and, unless it is installed as editable, `SHIPPED` into it."""

    def run(self) -> None:
        """Build, then copy."""
        super().run()
        if self.editable_mode:
            return
        for source, target in self._shipped().items():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Return the files that were built, for whoever lists or removes them."""
        shipped = [] if self.editable_mode else [str(target) for target in self._shipped().values()]
        return [*super().get_outputs(include_bytecode), *shipped]

    def _shipped(self) -> dict[Path, Path]:
        root, folder = Path(__file__).resolve().parent, Path(self.build_lib, "explorer", "_shipped")
        found = [path for pattern in SHIPPED for path in sorted(root.glob(pattern)) if path.is_file()]
        return {path: folder / path.relative_to(root) for path in found}


setup(cmdclass={"build_py": BuildWithShipped})
