"""Evidence from files: what the AWS command line has printed, or ``odyssey why`` itself."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from odyssey.diagnosis import evidence as evidences
from odyssey.diagnosis import told
from odyssey.diagnosis.evidence import LOG, REASON, STACK, Evidence, Line
from odyssey.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

VERSION = 1
"""The version of the document of ``odyssey why``."""

SUFFIXES = (".json", ".log", ".txt")
"""The files of a folder that are read; one without a suffix may be a failure file."""

LARGEST = 50_000_000
"""Bytes of a file that are read; a longer one is no recording of a single thing."""

KNOWN = (
    "outputs of aws cloudformation describe-stacks and describe-stack-events; aws sagemaker "
    "describe-endpoint, describe-training-job and describe-transform-job; aws lambda get-function; "
    "aws logs get-log-events and filter-log-events; odyssey why; or a log's text (.log, .txt)"
)


def read(place: Path, shown: str) -> tuple[Evidence, ...]:
    """Return the evidence in a file, or in the files of a folder.

    What is of one thing becomes one: its description, its events and the lines of logs.

    Args:
        place: The file or the folder.
        shown: How the user calls it.

    Raises:
        UsageError: There is none that can be read.
    """
    files = [place] if place.is_file() else sorted(_files(place))
    parts = [part for file in files for part in _part(file, shown, alone=len(files) == 1)]
    if not parts:
        raise UsageError(f"{shown}: no recording is in it", f"what can be read: {KNOWN}")
    return tuple(_joined(parts))


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_file() and (path.suffix in SUFFIXES or path.name == "failure"):
            yield path


def _part(file: Path, shown: str, *, alone: bool) -> Iterator[Evidence]:
    name = shown if alone else f"{shown.rstrip('/')}/{file.name}"
    try:
        if file.stat().st_size > LARGEST:
            raise UsageError(f"{name}: larger than the {LARGEST:,} bytes that are read")
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{name}: cannot be read: {error.strerror}") from error
    if file.suffix == ".json" or text.lstrip().startswith(("{", "[")):
        yield from _document(text, name, alone=alone)
    elif file.name == "failure":
        yield Evidence("", "", lines=(Line(REASON, text.strip(), "failure file"),))
    else:
        lines = [Line(LOG, line, f"log {file.name}") for line in text.splitlines() if line.strip()]
        yield Evidence("", "", lines=tuple(lines))


def _document(text: str, name: str, *, alone: bool) -> Iterator[Evidence]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{name}: no JSON: {error}", f"what can be read: {KNOWN}") from error
    try:
        found = list(_known(document))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{name}: not as AWS writes it: {error!r}") from error
    if not found and alone:
        raise UsageError(f"{name}: no recording that is known", f"what can be read: {KNOWN}")
    yield from found


def _known(document: Any) -> Iterator[Evidence]:
    """Yield the evidence in a document, by the members that only one kind of answer has."""
    if not isinstance(document, dict):
        return
    if "verdicts" in document:
        yield from (evidences.read(each["thing"]) for each in document["verdicts"])
    if "StackEvents" in document:
        yield told.events(document["StackEvents"])
    if "Stacks" in document:
        yield from (told.stack(state) for state in document["Stacks"])
    if "TrainingJobStatus" in document or "TransformJobStatus" in document:
        yield told.job(document)
    if "EndpointStatus" in document:
        yield told.endpoint(document)
    if "Configuration" in document or {"FunctionName", "State"} <= set(document):
        yield told.function(document)
    if "events" in document:
        yield Evidence("", "", lines=tuple(told.log(document["events"])))


def _joined(parts: Iterable[Evidence]) -> list[Evidence]:
    """Return one evidence for each thing; lines of nobody go to all that they may be of."""
    named: dict[tuple[str, str], Evidence] = {}
    loose: list[Line] = []
    for part in parts:
        if not part.kind:
            loose += part.lines
            continue
        before = named.get((part.kind, part.name))
        named[part.kind, part.name] = _merged(before, part) if before else part
    if not named:
        return [Evidence("", "", lines=_in_order(loose))]
    kinds = {kind for kind, _ in named if kind != STACK}
    only = kinds.pop() if len(kinds) == 1 else ""
    loose = [replace(line, about=line.about or only) for line in loose]
    return [_with(each, loose) for each in named.values()]


def _merged(one: Evidence, other: Evidence) -> Evidence:
    lines = dict.fromkeys((*one.lines, *other.lines))
    return replace(
        one,
        status=other.status or one.status,
        lines=_in_order(lines),
        healthy=one.healthy and other.healthy,
    )


def _with(thing: Evidence, loose: Iterable[Line]) -> Evidence:
    ours = [line for line in loose if not line.about or line.about == thing.kind]
    if thing.kind == STACK:
        ours = [line for line in loose if line.about not in ("training job", "transform job")]
    return replace(thing, lines=_in_order((*thing.lines, *ours)))


def _in_order(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return lines by their times; those without one come last, in their own order."""
    return tuple(sorted(lines, key=lambda line: (not line.time, line.time)))
