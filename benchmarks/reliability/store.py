"""The outcomes of a page as JSON: a run adds to them, and one that is ended leaves them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from benchmarks.reliability.experiment import Observed, Outcome


def read(file: Path) -> dict[str, Outcome]:
    """Return the outcomes in a file, by name; none where there is no such file."""
    if not file.is_file():
        return {}
    document = json.loads(file.read_text(encoding="utf-8"))
    return {
        each["name"]: Outcome(**{**each, "rounds": [Observed(**seen) for seen in each["rounds"]]})
        for each in document
    }


def write(file: Path, outcomes: Mapping[str, Outcome]) -> None:
    """Write outcomes to a file, whole or not at all."""
    document = [asdict(outcome) for outcome in outcomes.values()]
    put(file, json.dumps(document, indent=1) + "\n")


def put(file: Path, text: str) -> None:
    """Write beside, and rename: whoever looks meanwhile sees the old file or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)
