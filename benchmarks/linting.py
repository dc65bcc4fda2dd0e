"""What each linter finds in templates: a count of rule and resource for every file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import environments
from benchmarks.environments import UnavailableError

ROOT = Path(__file__).parents[1]
NAG = Path(__file__).parent / "peers" / "cdk_nag" / "app.py"

Found = Counter[tuple[str, str]]
"""How often a rule, by its id, finds something at a resource, by its logical id."""

Linter = Callable[[Sequence[Path]], dict[Path, Found | str]]
"""Takes files, and returns what is found in each, or why one could not be read."""

_ODYSSEY = """
import json, sys
from pathlib import Path
from odyssey.checks.template import read
from tests.checks.pairs import found
said = {file: [[f.rule, f.resource] for f in found(read(Path(file)))] for file in sys.argv[1:]}
json.dump(said, sys.stdout)
"""


def odyssey(files: Sequence[Path]) -> dict[Path, Found | str]:
    """Odyssey's own rules, without the linters that its check brings in."""
    said = json.loads(
        _run([sys.executable, "-c", _ODYSSEY, *map(str, files)], PYTHONPATH=str(ROOT))
    )
    return {file: Counter((rule, resource) for rule, resource in said[str(file)]) for file in files}


def cfn_lint(files: Sequence[Path]) -> dict[Path, Found | str]:
    """All rules that are on by default, warnings too."""
    found: dict[Path, Found | str] = {file: Counter() for file in files}
    program = str(Path(sys.executable).parent / "cfn-lint")
    said = json.loads(_run([program, "--format", "json", "--", *map(str, files)]))
    for match in said:
        path = match["Location"]["Path"] or []
        inside = len(path) > 1 and path[0] == "Resources"
        _count(found, Path(match["Filename"]), match["Rule"]["Id"], path[1] if inside else "")
    return found


def checkov(files: Sequence[Path]) -> dict[Path, Found | str]:
    """All checks of CloudFormation, and those of secrets, in an environment of its own."""
    program = environments.ensure("checkov").parent / "checkov"
    (folder,) = {file.parent for file in files}
    frameworks = ["--framework", "cloudformation", "secrets", "--skip-download"]
    argv = [str(program), "-d", str(folder), *frameworks, "-o", "json", "--compact", "--quiet"]
    reports = json.loads(_run(argv))
    found: dict[Path, Found | str] = {file: Counter() for file in files}
    for report in reports if isinstance(reports, list) else [reports]:
        results = report["results"]
        for file in results.get("parsing_errors", []):
            found[folder / Path(file).name] = "not read"
        for each in results["failed_checks"]:
            _, dot, resource = each["resource"].rpartition(".")
            name = Path(each["file_path"]).name
            _count(found, folder / name, each["check_id"], resource if dot else "")
    return found


def cdk_nag(files: Sequence[Path]) -> dict[Path, Found | str]:
    """The rules of AWS Solutions, over the templates included in CDK apps."""
    return _included(files, "AwsSolutions")


def cdk(files: Sequence[Path]) -> dict[Path, Found | str]:
    """The validation that the CDK does by itself, over the same apps."""
    return _included(files, "CloudFormation Validate")


def _included(files: Sequence[Path], plugin: str) -> dict[Path, Found | str]:
    from odyssey.infra import toolkit

    found: dict[Path, Found | str] = {file: Counter() for file in files}
    clean = toolkit.environment({**environments.clean_variables(), "PATH": os.environ["PATH"]})
    with tempfile.TemporaryDirectory(prefix="odyssey-nag-") as out:
        argv = [sys.executable, str(NAG), out, *map(str, files)]
        for line in _run(argv, **clean).splitlines():
            number, _, reason = line.partition(" ")
            found[files[int(number)]] = reason
        for number, file in enumerate(files):
            report = Path(out) / str(number) / "validation-report.json"
            parts = json.loads(report.read_bytes())["pluginReports"] if report.exists() else []
            for rule, resource in _violations(parts, plugin):
                _count(found, file, rule, resource)
    return found


def _violations(parts: list[dict[str, Any]], plugin: str) -> Iterator[tuple[str, str]]:
    for part in parts:
        for violation in part["violations"] if part["pluginName"] == plugin else ():
            # AwsSolutions-IAM5[Action::s3:*] is the rule AwsSolutions-IAM5.
            rule = re.sub(r"\[.*", "", violation["ruleName"], flags=re.DOTALL)
            for construct in violation["violatingConstructs"]:
                yield rule, construct["constructPath"].removeprefix("S/T/")


LINTERS: dict[str, Linter] = {
    "odyssey": odyssey,
    "cfn-lint": cfn_lint,
    "checkov": checkov,
    "cdk-nag": cdk_nag,
    "CDK validation": cdk,
}
"""Every linter by its name, in the order of the table."""


def _count(found: dict[Path, Found | str], file: Path, rule: str, resource: str) -> None:
    there = found.get(file)
    if isinstance(there, Counter):
        there[rule, resource] += 1


def _run(argv: list[str], **variables: str) -> str:
    done = subprocess.run(
        argv,
        cwd=ROOT,
        env={**environments.clean_variables(), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    # Linters exit with other codes than 0 where they find something.
    if not done.stdout.strip() and done.returncode:
        raise UnavailableError(f"{Path(argv[0]).name} failed: {done.stderr.strip()[-300:]}")
    return done.stdout


def versions() -> dict[str, Any]:
    """Return the versions of the linters."""
    from importlib.metadata import version

    own = {name: version(name) for name in ("cfn-lint", "cdk-nag", "aws-cdk-lib")}
    return {**own, "checkov": environments.versions("checkov").get("checkov", "unknown")}
