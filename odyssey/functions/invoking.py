"""``odyssey lambda invoke``: one event to a function in AWS.

JSON is the event itself. Anything else is the body of a request, as a function URL would hand it
on, and the answer is taken out of its response.

Sources: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html and
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from odyssey import artifacts, client, limits, names, rules, runtime
from odyssey.client import JSON
from odyssey.console import Progress, clean, note
from odyssey.errors import (
    AwsError,
    InterruptedByUserError,
    OdysseyError,
    RequestError,
    TimedOutError,
    UsageError,
)
from odyssey.functions import data, events
from odyssey.functions.deploying import SERVE, TRAIN
from odyssey.functions.events import HttpAnswer
from odyssey.runtime import CLOCK, SHOWN, Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odyssey.aws import Access
    from odyssey.client import Body
    from odyssey.config import Config

ALIAS = "live"
"""The alias of a function with a URL, or with environments that are kept ready."""

READ_TIMEOUT = 960
"""Seconds that we wait for an answer: a function may take 900, and start before."""

NOT_TAKEN = runtime.NOT_TAKEN | {"ResourceConflictException", "ResourceNotReadyException"}
"""Refusals after which the function has not seen the event: it is being made or updated, too."""

ABSENT = "ResourceNotFoundException"

_NAME = re.compile(
    rf"({rules.ARN}:lambda:[a-z0-9-]+:\d{{12}}:function:)?(?P<name>[\w-]{{1,64}})"
    r"(:[\w$-]{1,128})?",
    re.ASCII,
)


@dataclass(frozen=True)
class Answer:
    """What a function answered.

    Args:
        function: The function's name.
        content_type: The type of the body.
        body: The bytes.
        milliseconds: From sending the event to having the whole answer.
        model: The s3:// URI of the model that it has made, which is recorded now.
    """

    function: str
    content_type: str
    body: bytes
    milliseconds: float
    model: str = ""

    def document(self) -> dict[str, Any]:
        """Return the answer as JSON takes it; the body as `odyssey.client.Answer` shows it."""
        shown = client.Answer(200, "OK", self.content_type, self.body, self.milliseconds).document()
        del shown["status"]
        recorded = {"recorded": artifacts.FILE} if self.model else {}
        return {"function": self.function, **shown, **recorded}


def invoke(
    settings: Config,
    access: Access,
    function: str | None,
    sent: Body | None,
    accept: str | None = None,
    *,
    again: str = "",
    clock: Clock = CLOCK,
) -> Answer:
    """Send an event to a function and return its answer.

    The model that the app's own function has trained is recorded.

    Args:
        settings: The app's settings.
        access: The way to AWS.
        function: The function: its name, ``NAME:ALIAS`` or ARN. Default: the app's, which serves.
        sent: What is sent, up to 6,291,456 bytes. Default, for the app's function that trains:
            the app's hyperparameters.
        accept: The type of the answer. Default: the function chooses.
        again: Options that lead there again, for hints.
        clock: The time.

    Raises:
        UsageError: The name is none, there is nothing to send, or it is too large or no JSON.
        RequestError: The function failed, or there is no such function.
        TimedOutError: The function took longer than it may, or no answer came in time.
        AwsError: AWS refuses.
        InterruptedByUserError: Ctrl-C; the function goes on.
    """
    name = function or names.function(settings, SERVE)
    trains = _bare(name) == names.function(settings, TRAIN)
    if sent is None and trains:
        sent = client.Body(json.dumps(data.event(settings)).encode())
    if sent is None:
        sent = client.body(None, None, command="odyssey lambda invoke")
    plain = trains or is_plain(sent, accept)
    payload = _event(sent) if plain else _request(sent, accept)
    _require_size(payload)
    call = _Call(access, name, payload, _alias(settings, name), again, clock)
    answer = call.plain() if plain else call.unwrapped()
    return _recorded(settings, answer) if trains else answer


def _bare(name: str) -> str:
    """Return the name of a function without its ARN and alias."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise UsageError(
            f'"{clean(name)}": the name of a function {rules.function(".")}',
            "odyssey lambda status shows names",
        )
    return found["name"]


def _alias(settings: Config, name: str) -> str:
    """Return the alias of the app's function that serves, if it has one by its settings."""
    wanted = settings.function
    followed = wanted.url or wanted.provisioned_concurrency
    return ALIAS if followed and name == names.function(settings, SERVE) else ""


def is_plain(sent: Body, accept: str | None) -> bool:
    """Return whether what is sent is the event itself, and not the body of a request."""
    kinds = [sent.content_type, *([accept] if accept else [])]
    return all(kind.partition(";")[0].strip().lower() == JSON for kind in kinds)


def _event(sent: Body) -> bytes:
    """Return JSON that is an event itself."""
    try:
        json.loads(sent.content)
    except ValueError as error:
        raise UsageError(
            f"the body is no JSON: {error}",
            "--content-type text/csv says that it is something else",
        ) from error
    return sent.content


def _request(sent: Body, accept: str | None) -> bytes:
    return events.function_url("POST", "/invocations", sent.content, sent.content_type, accept)


def _require_size(payload: bytes) -> None:
    if len(payload) > limits.LARGEST:
        raise UsageError(
            f"the event has {len(payload):,} bytes, and a function takes {limits.LARGEST:,}",
            "send it in pieces; an endpoint takes more: odyssey sagemaker batch-transform",
        )


@dataclass(frozen=True)
class _Call:
    """One event on its way to a function and back."""

    access: Access
    name: str
    payload: bytes
    alias: str
    again: str
    clock: Clock

    def plain(self) -> Answer:
        """Return the answer as it is."""
        payload, spent = self._sent()
        return Answer(self.name, JSON, payload, spent)

    def unwrapped(self) -> Answer:
        """Return what is in the response that the function answers."""
        payload, spent = self._sent()
        told = HttpAnswer.of(payload)
        if told.status is None:
            return Answer(self.name, JSON, payload, spent)
        if told.status >= 400:
            said = client.Answer(told.status, "", told.content_type, told.body, spent).error()
            raise runtime.failed(self.name, said, f" with {told.status}", hint=self._log())
        return Answer(self.name, told.content_type, told.body, spent)

    def _sent(self) -> tuple[bytes, float]:
        started = self.clock.now()
        # The one client that does not try again by itself: the function may be at work.
        functions = self.access.client(
            "lambda",
            read_timeout=READ_TIMEOUT,
            retries={"total_max_attempts": 1},
            tcp_keepalive=True,
        )

        asked = {"FunctionName": self.name, "Payload": self.payload}
        if self.alias:
            asked["Qualifier"] = self.alias

        def ask() -> dict[str, Any]:
            told: dict[str, Any] = functions.invoke(**asked)
            return {**told, "Payload": told["Payload"].read()}

        try:
            told = _attended(
                lambda: runtime.patiently(ask, self.clock, NOT_TAKEN), f"Invoking {self.name}"
            )
        except AwsError as error:
            if self.alias and runtime.code(error) == ABSENT:
                # The settings are not deployed yet.
                return replace(self, alias="")._sent()
            raise self._meant(error) from error
        except KeyboardInterrupt:
            raise InterruptedByUserError(
                f"stopped waiting; the function {self.name} goes on", self._log()
            ) from None
        if told.get("FunctionError"):
            raise self._failed(told["Payload"])
        return told["Payload"], (self.clock.now() - started) * 1000

    def _failed(self, payload: bytes) -> OdysseyError:
        """Return what a function's error says."""
        try:
            told: Any = json.loads(payload)
        except ValueError:
            told = None
        error: Mapping[str, Any] = told if isinstance(told, dict) else {}
        kind, said = error.get("errorType"), clean(str(error.get("errorMessage") or payload))
        cut = said if len(said) <= SHOWN else f"{said[:SHOWN]}..."
        if kind == "Sandbox.Timedout" or "Task timed out after" in said:
            return TimedOutError(
                f"the function {self.name} took longer than it may: {cut}",
                f"odyssey lambda -t SECONDS serve gives it more, up to 900; {self._log()}",
            )
        word = f"{clean(str(kind))}: " if kind else ""
        return RequestError(f"the function {self.name} failed: {word}{cut}", self._log())

    def _meant(self, error: AwsError) -> OdysseyError:
        """Return what a refusal of Lambda means."""
        if type(error.__cause__).__name__ == "ReadTimeoutError":
            return TimedOutError(
                f"the function {self.name} gave no answer within {READ_TIMEOUT} s", self._log()
            )
        if runtime.code(error) == ABSENT:
            return RequestError(
                f"there is no function {self.name} here",
                "odyssey lambda serve, or odyssey lambda train; "
                f"{' '.join(['odyssey lambda status', self.again]).rstrip()} shows what there is",
            )
        return error

    def _log(self) -> str:
        return f"odyssey lambda logs -n {_bare(self.name)} --since 10m {self.again}".rstrip()


def _recorded(settings: Config, answer: Answer) -> Answer:
    """Record the model that the app's own function says it has made."""
    try:
        told = json.loads(answer.body)
    except ValueError:
        return answer
    model = told.get("model") if isinstance(told, dict) else None
    if not isinstance(model, str) or not model or rules.model(model):
        return answer
    artifacts.record(settings.folder, settings.env, {"model": model})
    note(f"Recorded in {artifacts.FILE}: odyssey lambda serve deploys it")
    return Answer(answer.function, answer.content_type, answer.body, answer.milliseconds, model)


def _attended(work: Callable[[], dict[str, Any]], label: str) -> dict[str, Any]:
    """Return what something long returns; meanwhile it is said that it goes on."""
    done: list[dict[str, Any]] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:
            failed.append(error)

    # Nobody waits for it after Ctrl-C.
    thread = threading.Thread(target=run, daemon=True)
    shown = Progress(label)
    try:
        thread.start()
        while thread.is_alive():
            thread.join(shown.tick())
    finally:
        shown.end()
    if failed:
        raise failed[0]
    return done[0]
