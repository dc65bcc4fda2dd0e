"""The container contract test of Lambda: whether an image serves as a function.

::

    start as Lambda does ── files ── init ── samples, by each of the ways that events come
        ── events and requests that no app can use ── an event of 6 MB ── memory

Each rule is one of `odyssey.functions.rules`; one whose turn never comes is skipped with the
reason. The report is that of SageMaker's contract.
"""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from odyssey.console import Progress, size
from odyssey.errors import RequestError
from odyssey.functions import rules
from odyssey.functions.emulated import Emulated, Health
from odyssey.functions.emulator import INIT_LIMIT
from odyssey.functions.events import HttpAnswer, rest_api
from odyssey.functions.starting import is_late, reason
from odyssey.images import manifests, trials
from odyssey.images.probe import Probe
from odyssey.images.report import Report
from odyssey.images.rules import NO_SAMPLES, REPEATS, Check, Verdict, bad, good, skipped, warned
from odyssey.images.trials import JSON, padded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from odyssey.functions.emulated import Outcome
    from odyssey.images.image import Image
    from odyssey.images.probe import Answer
    from odyssey.images.rules import Rule
    from odyssey.images.samples import Sample

PING = rest_api("GET", "/ping")
PATH = "/invocations"
WRONG = b'{"odyssey-contract-test": [null, "x"]}'

ENDED = ("Runtime.", "Sandbox.", "Function.")
"""How the types of failures begin that are not the handler's own."""

WARM_EVENTS = 20
"""Events whose time is measured."""

START = INIT_LIMIT + 30.0
"""Seconds within which a container has started its emulator, and that its function."""

SHOWN = 3
"""Files that are named in a verdict."""


class Subject(Protocol):
    """A function that runs beside the emulator."""

    address: tuple[str, int]

    def alive(self) -> bool:
        """Return whether it runs."""

    def log(self, tail: int = 20) -> str:
        """Return the last lines that it printed."""

    def unreadable(self) -> list[str]:
        """Return the files of the app and of its Python that its user cannot read."""


@dataclass(frozen=True)
class Limits:
    """What a function may take.

    Args:
        timeout: Seconds for an event.
        memory_mb: Megabytes of memory.
    """

    timeout: float
    memory_mb: int


def check(
    subject: Subject,
    samples: Sequence[Sample],
    limits: Limits,
    *,
    image: Image | None = None,
    platform: str | None = None,
    progress: Progress | None = None,
) -> Report:
    """Test a function whose container has just been started.

    Args:
        subject: The function.
        samples: Requests that it answers.
        limits: What it may take.
        image: Its image, for the rules that are about that.
        platform: What the image is to run on, such as ``linux/amd64``; None takes any.
        progress: Where to tell what goes on. Default: stderr.
    """
    told = Progress("Testing the function") if progress is None else progress
    test = _Test(subject, samples, limits, told)
    try:
        return test.run(image, platform)
    finally:
        told.end()


class _Test:
    """One run of the test."""

    def __init__(
        self, subject: Subject, samples: Sequence[Sample], limits: Limits, progress: Progress
    ) -> None:
        self._subject, self._samples, self._limits = subject, samples, limits
        self._progress = progress
        self._function = Emulated(subject.address)
        self._probe = Probe("http://{}:{}".format(*subject.address))
        self._checks: dict[Rule, Check] = {}
        self._figures: dict[str, Any] = {}
        self._answers: list[tuple[Sample, Answer]] = []

    def run(self, image: Image | None, platform: str | None) -> Report:
        self._note(rules.IMAGE, lambda: _image(image, platform))
        if self._start():
            self._serve()
        checks = tuple(self._checks.get(rule) or _untested(rule) for rule in rules.RULES)
        broken = any(each.passed is False for each in checks)
        return Report(checks, None, self._subject.log() if broken else "", self._figures)

    def _note(self, rule: Rule, test: Callable[[], Verdict]) -> bool:
        """Try a rule; return whether it holds."""
        self._progress.step(rule.sentence)
        began = time.monotonic()
        try:
            verdict = test()
        except RequestError as error:
            verdict = bad(error.message)
        self._checks[rule] = Check(rule, verdict, time.monotonic() - began)
        self._progress.tick()
        return verdict.passed is not False

    def _start(self) -> bool:
        """Wait for the start; return whether the function takes events."""
        seen: list[Health] = []

        def runs() -> Verdict:
            seen.append(self._function.await_ready(START, self._subject.alive))
            return good()

        if not self._note(rules.LISTENS, runs):
            return False
        health = seen[0]
        self._note(rules.FILES, self._files)
        starts = good() if health.error is None or is_late(health) else bad(reason(health))
        if not self._note(rules.STARTS, lambda: starts):
            return False
        self._note(rules.INIT, lambda: _init(health))
        self._figures["init_ms"] = health.init_ms
        return True

    def _files(self) -> Verdict:
        found = self._subject.unreadable()
        if not found:
            return good()
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        return bad(
            f"not {', '.join(found[:SHOWN])}{more}: in the Dockerfile, RUN chmod -R a+rX . makes "
            "them so"
        )

    def _serve(self) -> None:
        self._predict()
        self._note(rules.WRONG_EVENT, self._wrong_event)
        for rule, body, kind, only_4xx in trials.UNUSABLE:
            timeout = self._limits.timeout
            self._note(rule, partial(trials.unusable, self._probe, body, kind, only_4xx, timeout))
        self._note(rules.LIMIT, self._at_the_limit)
        if self._note(rules.LIVES, self._lives):
            self._measure()
        self._note(rules.MEMORY, self._memory)

    def _predict(self) -> None:
        if not self._samples:
            for rule in (rules.SAMPLES, REPEATS, rules.EVENTS):
                self._checks[rule] = Check(rule, skipped(NO_SAMPLES))
            return

        def first() -> Verdict:
            self._answers = self._send_samples()
            return trials.samples_answered(self._answers)

        if not self._note(rules.SAMPLES, first):
            for rule in (REPEATS, rules.EVENTS):
                self._checks[rule] = Check(rule, skipped("a sample was refused"))
            return
        self._note(REPEATS, lambda: trials.samples_repeated(self._answers, self._send_samples()))
        self._note(rules.EVENTS, self._events)

    def _send_samples(self) -> list[tuple[Sample, Answer]]:
        timeout = self._limits.timeout
        return [
            (sample, self._probe.predict(sample.body, sample.content_type, timeout))
            for sample in self._samples
        ]

    def _events(self) -> Verdict:
        """Send each sample by the other ways, and compare."""
        draws_lots = self._checks[REPEATS].verdict.warning
        for sample, answer in self._answers:
            event = rest_api("POST", PATH, sample.body, sample.content_type)
            seen = HttpAnswer.of(self._invoke(event).payload)
            if (seen.status, seen.body) != (answer.status, answer.body):
                told = f"{sample.name}: a REST API's event has another answer ({seen.status})"
                return warned(told) if draws_lots else bad(told)
            if sample.content_type == JSON and not self._is_same(sample, answer):
                told = f"{sample.name}: the plain event has another answer"
                return warned(told) if draws_lots else bad(told)
        return good()

    def _is_same(self, sample: Sample, answer: Answer) -> bool:
        outcome = self._invoke(sample.body)
        try:
            return not outcome.error and json.loads(outcome.payload) == json.loads(answer.body)
        except ValueError:
            return True  # The model's answer is no JSON, which a plain event cannot have.

    def _wrong_event(self) -> Verdict:
        outcome = self._invoke(WRONG)
        if not outcome.error:
            return good("it is answered")
        error = _error(outcome)
        if error.startswith(ENDED):
            return bad(error)
        return good(error)

    def _at_the_limit(self) -> Verdict:
        outcome = self._invoke(padded(rules.PAYLOAD))
        error = _error(outcome) if outcome.error else ""
        if outcome.status != 200 or error.startswith(ENDED):
            return bad(f"{rules.PAYLOAD:,} bytes: {error or outcome.status}")
        return good("it is refused by the app" if error else "it is answered")

    def _lives(self) -> Verdict:
        outcome = self._invoke(PING)
        if outcome.error:
            return bad(_error(outcome))
        seen = HttpAnswer.of(outcome.payload)
        return good() if seen.status == 200 else bad(f"GET /ping is answered {seen.status}")

    def _measure(self) -> None:
        """Measure warm events: the first sample that can be one, else pings."""
        plain = (sample.body for sample in self._samples if sample.content_type == JSON)
        event = next(plain, PING)
        taken = [
            float(self._invoke(event).report.get("duration_ms", 0.0)) for _ in range(WARM_EVENTS)
        ]
        self._figures["warm_ms"] = round(statistics.median(taken), 2)

    def _memory(self) -> Verdict:
        taken = int(self._invoke(PING).report.get("max_memory_mb", 0))
        self._figures["max_memory_mb"] = taken
        most = self._limits.memory_mb
        told = f"{taken} MB of {most} MB"
        return warned(f"{told}: little is left") if taken > rules.NEARLY_FULL * most else good(told)

    def _invoke(self, event: bytes) -> Outcome:
        return self._function.invoke(event, self._limits.timeout)


def _image(image: Image | None, platform: str | None) -> Verdict:
    if image is None:
        return skipped("the image is not known")
    found = manifests.local_problems(image, platform)
    return bad("\n".join(found)) if found else good(f"{image.platform}, {size(image.size)}")


def _init(health: Health) -> Verdict:
    if health.init_ms is None:
        return bad(
            f"not within {INIT_LIMIT:g} s: Lambda starts it again with the first event; load less "
            "when modules are imported, or give it more memory and so more of a processor"
        )
    seconds = health.init_ms / 1000
    told = f"after {seconds:.2f} s"
    if seconds > rules.QUICK_INIT:
        return warned(f"{told}, on this machine's processor: on Lambda's share it may be too late")
    return good(told)


def _error(outcome: Outcome) -> str:
    try:
        document = json.loads(outcome.payload)
        return f"{document['errorType']}: {document['errorMessage']}"
    except (ValueError, TypeError, KeyError):
        return "Runtime.Unknown: an error without errorType and errorMessage"


def _untested(rule: Rule) -> Check:
    return Check(rule, skipped("the function does not get so far"))
