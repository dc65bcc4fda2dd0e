"""Lambda's contract, tested against functions in processes, each of which breaks one rule."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from odyssey.console import Progress
from odyssey.functions import contract
from odyssey.functions.contract import Limits
from odyssey.images.report import Report
from odyssey.images.samples import Sample
from tests.functional.emulation import Function
from tests.functional.function_app import APP

SAMPLES = [Sample("one.json", b'{"x": 1}'), Sample("two.json", b'{"x": [1, 2]}')]


class Subject:
    """A function in a process."""

    def __init__(self, function: Function, unreadable: list[str]) -> None:
        self.address = function.address
        self._function = function
        self._unreadable = unreadable

    def alive(self) -> bool:
        return self._function.process.poll() is None

    def log(self, tail: int = 20) -> str:
        return "\n".join(self._function.log.splitlines()[-tail:])

    def unreadable(self) -> list[str]:
        return self._unreadable


def run(
    folder: Path,
    flaw: str = "",
    *,
    samples: list[Sample] = SAMPLES,
    unreadable: list[str] | None = None,
    memory_mb: int = 1024,
    handler: str = "handler.serve",
) -> Report:
    with Function(folder, handler, source=APP, init=3, FLAW=flaw) as function:
        return contract.check(
            Subject(function, unreadable or []),
            samples,
            Limits(timeout=20, memory_mb=memory_mb),
            progress=Progress("Testing", stream=io.TextIOWrapper(io.BytesIO()), live=False),
        )


def broken(report: Report) -> list[str]:
    return [check.rule.id for check in report.broken]


def test_a_function_that_keeps_every_rule_passes(tmp_path: Path) -> None:
    report = run(tmp_path)
    assert report.passed, report.text()
    assert [check.rule.id for check in report.checks if check.passed is None] == ["image"]
    assert 0 < report.figures["init_ms"] < 3000
    assert 0 < report.figures["warm_ms"] < 100
    assert report.document()["figures"] == report.figures
    assert report.text().startswith(f"init {report.figures['init_ms']} ms   warm ")


@pytest.mark.parametrize(
    ("flaw", "rule", "detail"),
    [
        ("import", "starts", "Runtime.ImportModuleError: Unable to import module 'handler'"),
        ("shapes", "events", "one.json: a REST API's event has another answer (200)"),
        ("size", "payload", "Runtime exited with error: exit status 1"),
    ],
)
def test_a_flaw_breaks_its_rule_alone(tmp_path: Path, flaw: str, rule: str, detail: str) -> None:
    report = run(tmp_path, flaw)
    assert broken(report) == [rule]
    assert detail in report.broken[0].detail
    assert report.log


def test_a_function_that_ends_where_it_should_fail_breaks_the_rules_of_that(tmp_path: Path) -> None:
    assert broken(run(tmp_path, "exits")) == ["wrong-event", "wrong-json", "payload"]


def test_files_that_not_everybody_reads_are_named(tmp_path: Path) -> None:
    report = run(tmp_path, unreadable=["/a", "/b", "/c", "/d"])
    assert broken(report) == ["files"]
    assert report.broken[0].detail.startswith("not /a, /b, /c and 1 more: in the Dockerfile, RUN")


def test_a_start_that_takes_too_long_breaks_its_rule_and_the_rest_is_tested(tmp_path: Path) -> None:
    # given
    once = "import os, time\nif not os.path.exists('seen'):\n open('seen', 'w')\n time.sleep(60)\n"
    with Function(tmp_path, "handler.serve", source=once + APP, init=0.5) as function:
        # when
        progress = Progress("Testing", stream=io.TextIOWrapper(io.BytesIO()), live=False)
        subject, limits = Subject(function, []), Limits(timeout=20, memory_mb=1024)
        report = contract.check(subject, SAMPLES, limits, progress=progress)
    # then
    assert broken(report) == ["init"]


def test_little_memory_left_is_worth_a_look(tmp_path: Path) -> None:
    report = run(tmp_path, memory_mb=20, samples=[])
    assert report.passed
    memory = next(check for check in report.checks if check.rule.id == "memory")
    assert memory.verdict.word == "WARN"
    assert {check.rule.id for check in report.checks if check.passed is None} == {
        "image",
        "samples",
        "repeats",
        "events",
    }
