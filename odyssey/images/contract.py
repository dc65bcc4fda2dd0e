"""The container contract test: whether an image serves as SageMaker wants it.

::

    start with `serve` ── ping until it is steady ── samples ── requests that no app can use
        ── bodies at the limits ── pings while it predicts ── SIGTERM while it predicts

Each rule is one of `odyssey.images.rules`; one whose turn never comes is skipped with the reason.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from odyssey.console import Progress, size
from odyssey.images import manifests, rules, trials
from odyssey.images.probe import Probe
from odyssey.images.report import Report
from odyssey.images.rules import Check, Rule, Verdict, bad, good, skipped, warned
from odyssey.images.startup import Startup, Subject, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from odyssey.images.image import Image
    from odyssey.images.probe import Answer
    from odyssey.images.samples import Sample

KILLED = 137
"""The exit code of what SIGKILL ended."""

TERMINATED = 143
"""The exit code of what SIGTERM ended."""

RUN_UP = 0.2
"""Seconds of predictions before SIGTERM."""


@dataclass(frozen=True)
class Limits:
    """What a container may take.

    Args:
        startup: Seconds until the first 200, as ``endpoint.startup_timeout`` says.
        invocation: Seconds for a prediction.
        payload: Bytes of the largest request that SageMaker sends.
        own_payload: Bytes of the largest request that the server itself takes; None if not known.
        grace: Seconds between SIGTERM and SIGKILL.
        busy: Seconds of pings while predictions run.
    """

    startup: float = 300.0
    invocation: float = rules.INVOCATION
    payload: int = rules.PAYLOAD
    own_payload: int | None = None
    grace: float = rules.GRACE
    busy: float = 2.0


def check(
    subject: Subject,
    samples: Sequence[Sample],
    limits: Limits,
    *,
    image: Image | None = None,
    platform: str | None = None,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Report:
    """Test a container that has just been started; it is stopped at the end.

    Args:
        subject: The container.
        samples: Requests that it answers.
        limits: What it may take.
        image: Its image, for the rules that are about that.
        platform: What the image is to run on, such as ``linux/amd64``; None takes any.
        progress: Where to tell what goes on. Default: stderr.
        clock: Seconds that only grow.
        sleep: Waits.
    """
    told = Progress("Testing the container") if progress is None else progress
    test = _Test(subject, samples, limits, image, platform, told, clock, sleep)
    try:
        return test.run()
    finally:
        told.end()


class _Test:
    """One run of the test."""

    def __init__(
        self,
        subject: Subject,
        samples: Sequence[Sample],
        limits: Limits,
        image: Image | None,
        platform: str | None,
        progress: Progress,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
    ) -> None:
        self._subject, self._image, self._platform = subject, image, platform
        self._samples, self._limits = samples, limits
        self._progress, self._clock, self._sleep = progress, clock, sleep
        self._probe = Probe(subject.url)
        self._checks: dict[Rule, Check] = {}
        self._serves = False

    def run(self) -> Report:
        self._look_at_the_image()
        started = self._start()
        self._serves = started.serves
        if self._serves:
            self._predict()
            self._disturb()
        log = self._subject.log()
        if self._subject.alive():
            self._stop(self._samples if self._serves else ())
        checks = tuple(self._checks.get(rule) or self._untested(rule) for rule in rules.RULES)
        broken = any(each.passed is False for each in checks)
        return Report(checks, started.timeline, log if broken else "")

    def _note(self, rule: Rule, test: Callable[[], Verdict]) -> None:
        """Try a rule, if the container still lives."""
        if rule is not rules.LIVES and not self._subject.alive():
            return
        self._progress.step(rule.sentence)
        began = time.monotonic()
        verdict = test()
        self._put(rule, verdict, time.monotonic() - began)
        self._progress.tick()

    def _put(self, rule: Rule, verdict: Verdict, seconds: float = 0.0) -> None:
        self._checks[rule] = Check(rule, verdict, seconds)

    def _untested(self, rule: Rule) -> Check:
        if rule is rules.IN_FLIGHT and not self._samples:
            return Check(rule, skipped(rules.NO_SAMPLES))
        if self._serves and rules.SIGTERM not in self._checks:
            return Check(rule, skipped("the container had ended before its turn"))
        return Check(rule, skipped("the container does not get so far"))

    def _look_at_the_image(self) -> None:
        image = self._image
        if image is None:
            self._put(rules.IMAGE, skipped("the image is not known"))
            self._put(rules.USER, skipped("the image is not known"))
            return
        found = manifests.local_problems(image, self._platform)
        verdict = bad("\n".join(found)) if found else good(f"{image.platform}, {size(image.size)}")
        self._put(rules.IMAGE, verdict)
        is_root = image.user.partition(":")[0] in ("", "root", "0")
        user = (
            good() if is_root else warned(f'it runs as "{image.user}", which may lack permissions')
        )
        self._put(rules.USER, user)

    def _start(self) -> Startup:
        wait = Wait(
            self._subject,
            self._probe,
            self._limits.startup,
            self._progress,
            self._clock,
            self._sleep,
        )
        began = self._clock()
        seen = wait.run()
        spent = self._clock() - began
        for rule, verdict in seen.verdicts.items():
            self._put(rule, verdict, spent)
        return seen

    def _predict(self) -> None:
        if not self._samples:
            for rule in (rules.SAMPLES, rules.REPEATS):
                self._put(rule, skipped(rules.NO_SAMPLES))
            return
        answers: list[tuple[Sample, Answer]] = []

        def first() -> Verdict:
            answers.extend(self._send_samples())
            return trials.samples_answered(answers)

        def again() -> Verdict:
            if not all(trials.is_good(answer) for _, answer in answers):
                return skipped("a sample was refused")
            return trials.samples_repeated(answers, self._send_samples())

        self._note(rules.SAMPLES, first)
        self._note(rules.REPEATS, again)

    def _send_samples(self) -> list[tuple[Sample, Answer]]:
        timeout = self._limits.invocation
        return [
            (sample, self._probe.predict(sample.body, sample.content_type, timeout))
            for sample in self._samples
        ]

    def _disturb(self) -> None:
        probe, limits = self._probe, self._limits
        for rule, body, kind, only_4xx in trials.UNUSABLE:
            wrong = partial(trials.unusable, probe, body, kind, only_4xx, limits.invocation)
            self._note(rule, wrong)
        self._note(
            rules.LIMIT, partial(trials.at_the_limit, probe, limits.payload, limits.invocation)
        )
        if limits.own_payload is None:
            self._put(rules.OVER, skipped("the server's own limit is not known"))
        else:
            large = partial(trials.over_the_limit, probe, limits.own_payload, limits.invocation)
            self._note(rules.OVER, large)
        busy = partial(
            trials.pings_while_busy, probe, self._samples, limits.busy, limits.invocation
        )
        self._note(rules.BUSY, busy)
        self._note(rules.LIVES, self._lives)

    def _lives(self) -> Verdict:
        if not self._subject.alive():
            return bad(f"it ended with exit code {self._subject.exit_code()}")
        answer = self._probe.ping()
        return good() if answer.status == 200 else bad(f"/ping {answer.seen}")

    def _stop(self, samples: Sequence[Sample]) -> None:
        self._progress.step(rules.SIGTERM.sentence)
        with trials.Load(self._probe, samples, self._limits.invocation) as load:
            if samples:
                time.sleep(RUN_UP)
            told = time.perf_counter()
            code, seconds = self._subject.stop(self._limits.grace)
        self._put(rules.SIGTERM, self._ended(code, seconds), seconds)
        if samples:
            lost = load.lost(told)
            wrong = f"{lost} of {trials.AT_ONCE} that ran at once had no answer"
            self._put(rules.IN_FLIGHT, warned(wrong) if lost else good())

    def _ended(self, code: int, seconds: float) -> Verdict:
        if seconds < self._limits.grace:
            told = f"after {seconds:.1f} s, with exit code {code}"
            if code == KILLED:
                return bad(f"{told}: it was killed, for its memory perhaps")
            return good(told) if code in (0, TERMINATED) else warned(f"{told}, which is a failure")
        patience = f"killed after {self._limits.grace:g} s"
        if manifests.is_shell_form(self._image.entrypoint if self._image else ()):
            return bad(
                f"shell-form ENTRYPOINT eats SIGTERM: {patience}; write it as a list, or begin the "
                "line with exec"
            )
        return bad(f"ignores SIGTERM: {patience}")
