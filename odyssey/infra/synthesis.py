"""From settings to a cloud assembly in ``cdk.out``, in a process of its own, and only when needed.

The assembly of the last synthesis is taken again while nothing that went into it has changed:
settings, artifacts, ``cdk.json``, overrides, variables, and the code and libraries that were used.
A synthesis writes beside ``cdk.out`` and then takes its place, so that what is there is whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey import state
from odyssey.errors import ConfigError, InterruptedByUserError, OdysseyError, SynthesisError
from odyssey.infra import fingerprint, toolkit
from odyssey.process import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from odyssey.config import Config

FOLDER = "cdk.out"
APP = "python -m odyssey.infra"
"""What ``cdk.json`` names, unless its owner has put another CDK app there."""

REPORT = "validation-report.json"
"""Where the CDK writes what its validation found."""

INSPECTED = "odyssey:inspect"
"""The key of the CDK's context that asks the app for cdk-nag's opinion."""

RECORD = "synthesis.json"
LOG = "synthesis.log"

VALIDATION_RAISES = "@aws-cdk/core:failSynthOnValidationErrors"

USAGE = 2
"""The exit code of a CDK app whose settings are wrong."""


@dataclass(frozen=True)
class Synthesis:
    """A finished cloud assembly.

    Args:
        folder: Where it is.
        cached: Whether it is that of the last synthesis, since nothing has changed.
        seconds: How long it took.
        notes: What the app said on the way.
        findings: What the CDK's own validation found, when it was asked for; else empty.
        reports: What it and cdk-nag found, as the CDK writes it, when both were asked; else empty.
    """

    folder: Path
    cached: bool
    seconds: float
    notes: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    reports: tuple[dict[str, Any], ...] = ()


def synthesize(
    settings: Config, *, validate: bool = False, fresh: bool = False, inspect: bool = False
) -> Synthesis:
    """Make sure that ``cdk.out`` is what the settings say.

    Args:
        settings: The app's settings; those given by options count for the chosen environment.
        validate: Let the CDK check the templates against CloudFormation's rules, two seconds more.
        fresh: Do it even if nothing has changed.
        inspect: Let the CDK and cdk-nag look at the stacks, some seconds more. Whatever they find
            is in `Synthesis.reports` alone; ``cdk.out`` is the same without.

    Raises:
        ConfigError: A setting is wrong.
        SynthesisError: The CDK app failed.
    """
    started = time.monotonic()
    record = state.folder(settings.folder) / RECORD
    request = _request(settings)
    wanted = "inspected" if inspect else "validated" if validate else None
    known = None if fresh else _known(record, settings.folder, request, wanted)
    if known is not None:
        return _synthesis(settings.folder, known, started, cached=True)
    with state.locked(record.with_suffix(".lock")) as ours:
        if not ours:
            raise SynthesisError(
                "another odyssey synthesizes this app", "wait until it is done, then run this again"
            )
        made = _recorded(settings, request, record, wanted)
    return _synthesis(settings.folder, made, started, cached=False)


def _recorded(
    settings: Config, request: dict[str, Any], record: Path, wanted: str | None
) -> dict[str, Any]:
    """Make the assembly and its record; whatever happens, nothing half made is left."""
    beside = record.with_name(f"{FOLDER}.new")
    kept = record.with_suffix(".new")
    try:
        made = _make(settings, request, beside, wanted)
        kept.write_text(json.dumps(made), encoding="utf-8")
        kept.replace(record)
    except OSError as error:
        what = f"{error.filename or settings.folder} cannot be written: {error.strerror}"
        raise SynthesisError(
            what, "make room, or the folder writable; then run this again"
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        kept.unlink(missing_ok=True)
    return made


def _synthesis(app: Path, record: Mapping[str, Any], started: float, *, cached: bool) -> Synthesis:
    return Synthesis(
        folder=app / FOLDER,
        cached=cached,
        seconds=time.monotonic() - started,
        notes=tuple(record["notes"]),
        findings=tuple(record["findings"]),
        reports=tuple(record.get("reports", ())),
    )


def _request(settings: Config) -> dict[str, Any]:
    """Return what the CDK app is told beyond the app's files."""
    flags = {
        path: value.value for path, value in settings.values.items() if value.origin.startswith("-")
    }
    return {"env": settings.env, "flags": flags} if flags else {}


def _make(
    settings: Config, request: dict[str, Any], beside: Path, wanted: str | None
) -> dict[str, Any]:
    """Run the CDK app and put its assembly in place of the old one; return the record of it."""
    app = settings.folder
    inputs = fingerprint.inputs(app, request)
    # That of a synthesis that was killed.
    shutil.rmtree(beside, ignore_errors=True)
    description = _description(app)
    if description["app"] == APP:
        said = _run(app, beside, _context(app, description, request, wanted), wanted)
    else:
        # Nobody knows what goes into another CDK app: it is synthesized each time.
        inputs, said = "", _run_another(app, beside)
    findings = _findings(beside) if wanted == "validated" else []
    reports = _taken_reports(beside) if wanted == "inspected" else []
    _swap(beside, app / FOLDER)
    return {
        "inputs": inputs,
        "outputs": fingerprint.folder(app / FOLDER),
        "validated": wanted == "validated",
        "inspected": wanted == "inspected",
        "notes": said,
        "findings": findings,
        "reports": reports,
    }


def _run(app: Path, out: Path, context: dict[str, Any], wanted: str | None) -> list[str]:
    """Run our CDK app as the CDK's own program would, without waiting for that to start.

    Returns:
        The lines that it printed.
    """
    variables = {
        **toolkit.environment(os.environ),
        "CDK_OUTDIR": str(out),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_VALIDATION": str(wanted is not None).lower(),
    }
    done = subprocess.run(
        [sys.executable, "-m", "odyssey.infra"],
        cwd=app,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # It holds no lock: one that outlived us would write where the next synthesis does.
        preexec_fn=die_with_parent(),
        check=False,
        text=True,
        errors="replace",
    )
    if done.returncode:
        raise _failure(app, done.returncode, done.stdout)
    return [line for line in done.stdout.splitlines() if line.startswith("Note: ")]


def _run_another(app: Path, out: Path) -> list[str]:
    """Have the CDK run the app that its owner has put into ``cdk.json``."""
    cdk = toolkit.find(app, schema=0, path=os.environ.get("PATH", os.defpath))
    # `python` in there is the Python that odyssey runs with.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    ended = cdk.synthesize(app, out, env={**os.environ, "PATH": path})
    if ended.stopped_by is not None:
        raise InterruptedByUserError("interrupted; cdk.out is as it was")
    if ended.code:
        raise _failure(app, 1, ended.output)
    return []


def _failure(app: Path, code: int, output: str) -> OdysseyError:
    """Return what stopped the CDK app: what it says itself, or the last line of its traceback."""
    lines = [line.strip() for line in toolkit.plain(output).splitlines() if line.strip()]
    if code == USAGE:
        first = next((at for at, line in enumerate(lines) if line.startswith("Error: ")), 0)
        words = [line.removeprefix("Error: ") for line in lines[first:]]
        hints = [line.removeprefix("Hint: ") for line in words if line.startswith("Hint: ")]
        return ConfigError(
            [line for line in words if not line.startswith("Hint: ")], hints[0] if hints else None
        )
    log = state.folder(app) / LOG
    log.write_text(output, encoding="utf-8")
    told = [line for line in lines if re.match(r"[A-Za-z_.]*(Error|Exception)\b.*:", line)]
    why = (told or lines or ["it said nothing"])[-1]
    return SynthesisError(f"the CDK app failed: {why}", f"the whole of it: {log}")


def _findings(assembly: Path) -> list[str]:
    """Return what the CDK's validation found, one line each.

    Raises:
        SynthesisError: A plugin of the app, such as cdk-nag, refuses the templates.
    """
    reports = _json(assembly / REPORT).get("pluginReports", [])
    refused = [
        text for report in reports if report["conclusion"] == "failure" for text in _lines(report)
    ]
    if refused:
        raise SynthesisError("the app's validation refuses the templates:\n" + "\n".join(refused))
    return [text for report in reports for text in _lines(report)]


def _taken_reports(assembly: Path) -> list[dict[str, Any]]:
    """Take the reports out of an assembly, which is then as it is without any validation."""
    reports: list[dict[str, Any]] = _json(assembly / REPORT).get("pluginReports", [])
    (assembly / REPORT).unlink(missing_ok=True)
    return reports


def _lines(report: dict[str, Any]) -> Iterator[str]:
    for violation in report["violations"]:
        for place in violation["violatingConstructs"]:
            where = place.get("constructPath") or place["cloudFormationResource"]["logicalId"]
            yield f"{where}: {violation['description']} ({violation['ruleName']})"


def _description(app: Path) -> dict[str, Any]:
    """Return what ``cdk.json`` says, or, where there is none, what that of a new app does."""
    plain = {"app": APP, "pathMetadata": False, "assetMetadata": False}
    return {"app": APP, **_json(app / "cdk.json")} if (app / "cdk.json").exists() else plain


def _context(
    app: Path, description: dict[str, Any], request: dict[str, Any], wanted: str | None
) -> dict[str, Any]:
    """Return the context that the CDK's own program would pass on."""
    context = {**_json(app / "cdk.context.json"), **description.get("context", {})}
    if request:
        context["odyssey"] = {**context.get("odyssey", {}), **request}
    if description.get("pathMetadata", True):
        context["aws:cdk:enable-path-metadata"] = True
    if description.get("assetMetadata", True):
        context["aws:cdk:enable-asset-metadata"] = True
    if wanted == "inspected":
        context[INSPECTED] = True
    # What is refused is then in the report, all of it, rather than in a traceback.
    return context | {VALIDATION_RAISES: False, "aws:cdk:bundling-stacks": ["**"]}


def _swap(new: Path, old: Path) -> None:
    """Put a finished folder in the place of another."""
    gone = new.with_suffix(".old")
    shutil.rmtree(gone, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        old.rename(gone)
    new.rename(old)
    shutil.rmtree(gone, ignore_errors=True)


def _json(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ConfigError([f"{path.name}: not JSON: {error}"]) from error
    return document


def _known(
    record: Path, app: Path, request: Mapping[str, Any], wanted: str | None
) -> dict[str, Any] | None:
    """Return the record of the last synthesis if it still holds."""
    try:
        last: dict[str, Any] = json.loads(record.read_bytes())
        if wanted is not None and not last[wanted]:
            return None
        if last["inputs"] != fingerprint.inputs(app, request):
            return None
        return last if last["outputs"] == fingerprint.folder(app / FOLDER) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
