"""The virtual environments the servers live in: one per ``requirements.txt``, made on first use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE / ".envs"

# What a shell or a container image may set, and what would falsify the figures: without byte code
# every start compiles scikit-learn anew (about 8 s for 2 s), and OPENBLAS_* changes what a
# prediction costs. PYTHONPATH would let one environment see another's packages.
MISLEADING = {
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
}


class UnavailableError(Exception):
    """A subject cannot be measured here; the text is the reason that the report prints."""


def clean_variables() -> dict[str, str]:
    """Return this process's environment variables without those that would falsify a figure."""
    return {k: v for k, v in os.environ.items() if k not in MISLEADING}


def python_of(name: str) -> Path:
    """Return the interpreter of environment ``name`` (made or not)."""
    return FOLDER / name / "bin" / "python"


def ensure(name: str) -> Path:
    """Make the environment ``name`` unless it is there with the same requirements and Python.

    Args:
        name: A folder of ``benchmarks/peers`` with a ``requirements.txt``.

    Returns:
        The environment's interpreter.

    Raises:
        UnavailableError: The packages could not be installed; the reason is pip's last error line.
    """
    folder, stamp = FOLDER / name, FOLDER / name / "requirements.stamp"
    requirements = HERE / "peers" / name / "requirements.txt"
    wanted = f"# Python {sys.version_info.major}.{sys.version_info.minor}\n"
    wanted += requirements.read_text(encoding="utf-8")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python_of(name)
    print(f"making the environment {name} (once)", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(folder)])
    _run([str(python_of(name)), "-m", "pip", "install", "--compile", "-r", str(requirements)])
    # Written last: an interrupted installation leaves no stamp and is made again.
    stamp.write_text(wanted, encoding="utf-8")
    return python_of(name)


def versions(name: str) -> dict[str, str]:
    """Return the packages installed in environment ``name``: project name to version."""
    argv = [str(python_of(name)), "-m", "pip", "freeze", "--disable-pip-version-check"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=clean_variables())
    return dict(line.split("==", 1) for line in done.stdout.splitlines() if "==" in line)


def _run(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=clean_variables())
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        errors = [line for line in lines if "ERROR" in line]
        raise UnavailableError(f"installation failed: {(errors or lines)[-1].strip()}")
