"""The rules of a serving container, each with where AWS makes it, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_HOSTING = "https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html"
_INVOKE = (
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html"
)
_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/images-create.html"

EACH_PING = 2.0
"""Seconds that SageMaker waits for the answer to a ping."""

EACH_CONNECTION = 0.25
"""Seconds within which a server has to accept a connection."""

INVOCATION = 60.0
"""Seconds that SageMaker waits for a prediction."""

GRACE = 30.0
"""Seconds between SIGTERM and SIGKILL."""

PAYLOAD = 6_291_456
"""Bytes of the largest request to a real-time endpoint."""


NO_SAMPLES = "there are no samples: put requests that work into the folder samples/"


@dataclass(frozen=True)
class Rule:
    """A rule of the contract.

    Args:
        id: Its name, for scripts.
        sentence: What it asks for.
        source: Where AWS says so.
    """

    id: str
    sentence: str
    source: str = _HOSTING


IMAGE = Rule("image", "the image is one that SageMaker and Lambda take", _LAMBDA)
USER = Rule("user", "the image runs as root, as SageMaker expects")
STARTS = Rule("starts", "it starts with the word `serve`, and stays")
LISTENS = Rule("listens", "it listens on port 8080 of every address")
PING = Rule("ping", "GET /ping answers 200 within the time that the endpoint has to start")
QUICK = Rule("quick", "a connection is accepted within 250 ms, a ping answered within 2 s")
STEADY = Rule("steady", "once it is 200, /ping stays 200")
SAMPLES = Rule("samples", "the samples are answered with 2xx within 60 s")
REPEATS = Rule("repeats", "the same request has the same answer")
WRONG_JSON = Rule("wrong-json", "JSON that it cannot use is answered, and not with 5xx", _INVOKE)
WRONG_CSV = Rule("wrong-csv", "CSV that it cannot use is answered, and not with 5xx", _INVOKE)
BROKEN_JSON = Rule("broken-json", "malformed JSON is answered with 4xx", _INVOKE)
EMPTY = Rule("empty", "an empty body is answered with 4xx", _INVOKE)
UNKNOWN_TYPE = Rule("unknown-type", "an unknown content type is answered with 4xx", _INVOKE)
LIMIT = Rule("payload", "a body as large as SageMaker allows is not refused for its size", _INVOKE)
OVER = Rule("over-limit", "a body over the server's own limit is refused, with 413", _INVOKE)
BUSY = Rule("busy", "/ping is answered within 2 s while predictions run")
LIVES = Rule("lives", "it lives on after all of these requests")
SIGTERM = Rule("sigterm", "it ends within 30 s of SIGTERM")
IN_FLIGHT = Rule("in-flight", "what is being predicted at SIGTERM is still answered")

RULES = (
    IMAGE,
    USER,
    STARTS,
    LISTENS,
    PING,
    QUICK,
    STEADY,
    SAMPLES,
    REPEATS,
    WRONG_JSON,
    WRONG_CSV,
    BROKEN_JSON,
    EMPTY,
    UNKNOWN_TYPE,
    LIMIT,
    OVER,
    BUSY,
    LIVES,
    IN_FLIGHT,
    SIGTERM,
)
"""Every rule, in the order of the report."""


@dataclass(frozen=True)
class Verdict:
    """What became of a rule.

    Args:
        passed: Whether it holds; None where it could not be tested.
        detail: What was seen, or why it was not tested.
        warning: It holds, and yet somebody should look.
    """

    passed: bool | None
    detail: str = ""
    warning: bool = False

    @property
    def word(self) -> str:
        """The verdict in a word."""
        if self.passed is None:
            return "SKIP"
        return ("WARN" if self.warning else "PASS") if self.passed else "FAIL"


def good(detail: str = "") -> Verdict:
    """Return that a rule holds."""
    return Verdict(True, detail)


def warned(detail: str) -> Verdict:
    """Return that a rule holds as far as AWS minds, but not quite."""
    return Verdict(True, detail, warning=True)


def bad(detail: str) -> Verdict:
    """Return that a rule is broken."""
    return Verdict(False, detail)


def skipped(detail: str) -> Verdict:
    """Return that a rule could not be tested."""
    return Verdict(None, detail)


@dataclass(frozen=True)
class Check:
    """A rule and what became of it.

    Args:
        rule: The rule.
        verdict: What became of it.
        seconds: How long that took.
    """

    rule: Rule
    verdict: Verdict
    seconds: float = 0.0

    @property
    def passed(self) -> bool | None:
        """Whether the rule holds; None where it could not be tested."""
        return self.verdict.passed

    @property
    def detail(self) -> str:
        """What was seen."""
        return self.verdict.detail

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "rule": self.rule.id,
            "verdict": self.verdict.word.lower(),
            "sentence": self.rule.sentence,
            "detail": self.detail,
            "source": self.rule.source,
            "seconds": round(self.seconds, 3),
        }
