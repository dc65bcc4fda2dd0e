"""One request to an endpoint or a function of a sandbox, and what is answered."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from odyssey import client
from odyssey.errors import RequestError
from odyssey.playground.place import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odyssey.client import Body
    from odyssey.sandbox.ui.clients import Clients

PATIENCE = {"endpoint": 70, "function": 960}
"""Seconds that an answer may take, by kind."""


@dataclass(frozen=True)
class Run:
    """An endpoint or a function of a sandbox.

    Args:
        kind: ``endpoint`` or ``function``.
        region: Its region.
        name: Its name.
    """

    kind: str
    region: str
    name: str


def endpoint(clients: Clients, run: Run, sent: Body, accept: str | None) -> Reply:
    """Send a request to an endpoint and return its answer, also where that is an error.

    Args:
        clients: Makes clients.
        run: The endpoint.
        sent: What is sent.
        accept: The type of the answer; None lets the container choose.

    Raises:
        RequestError: There was no answer.
    """
    runtime = clients.client("sagemaker-runtime", run.region, PATIENCE["endpoint"])
    wanted = {"Accept": accept} if accept else {}

    def ask() -> Reply:
        told = runtime.invoke_endpoint(
            EndpointName=run.name,
            Body=sent.content,
            ContentType=sent.content_type,
            **wanted,
        )
        body = told["Body"].read()
        return Reply(200, "OK", told.get("ContentType", ""), body, clients.seconds() * 1000)

    return _answered(clients, ask)


def function(clients: Clients, run: Run, sent: Body, accept: str | None) -> Reply:
    """Send an event to a function and return its answer: JSON as it is, else as a request.

    Args:
        clients: Makes clients.
        run: The function.
        sent: What is sent.
        accept: The type of the answer; None lets the function choose.

    Raises:
        RequestError: There was no answer.
    """
    from odyssey.functions import events, invoking

    functions = clients.client("lambda", run.region, PATIENCE["function"])
    plain = invoking.is_plain(sent, accept)
    payload = sent.content
    if not plain:
        payload = events.function_url("POST", "/invocations", payload, sent.content_type, accept)

    def ask() -> Reply:
        told = functions.invoke(FunctionName=run.name, Payload=payload)
        answer = told["Payload"].read()
        return _of_function(told, answer, plain, clients.seconds() * 1000)

    return _answered(clients, ask)


def _answered(clients: Clients, ask: Callable[[], Reply]) -> Reply:
    """Return an answer, also where it is a refusal.

    Raises:
        RequestError: There was no answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return ask()
    except ClientError as error:
        return _refused(error.response, clients.seconds() * 1000)
    except BotoCoreError as error:
        raise RequestError(f"the sandbox gave no answer: {error}") from error


def _refused(told: Mapping[str, Any], spent: float) -> Reply:
    """Return what the sandbox, as AWS, answered instead of the model; or the model's own error."""
    code = str(told.get("Error", {}).get("Code", ""))
    status = int(told.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    text = "text/plain"
    if code != "ModelError":
        message = str(told.get("Error", {}).get("Message", ""))
        return Reply(status, code, text, message.encode(), spent, failed=True)
    own = int(told.get("OriginalStatusCode") or 0)
    said = str(told.get("OriginalMessage", ""))
    kind = client.JSON if said.lstrip().startswith("{") else text
    note = f"The container's answer, which SageMaker passes on as ModelError with {status}."
    if not own:
        note = f"The container gave no answer: SageMaker says ModelError with {status}."
    return Reply(own, _phrase(own), kind, said.encode(), spent, failed=True, note=note)


def _of_function(told: Mapping[str, Any], payload: bytes, plain: bool, spent: float) -> Reply:
    from odyssey.functions.events import HttpAnswer

    error = str(told.get("FunctionError", ""))
    if error:
        note = f"Lambda answers with 200, and says X-Amz-Function-Error: {error}."
        return Reply(0, "Function error", client.JSON, payload, spent, failed=True, note=note)
    answer = HttpAnswer(None) if plain else HttpAnswer.of(payload)
    if answer.status is None:
        return Reply(200, "OK", client.JSON, payload, spent)
    return Reply(
        answer.status,
        _phrase(answer.status),
        answer.content_type,
        answer.body,
        spent,
        failed=answer.status >= HTTPStatus.BAD_REQUEST,
        note="Taken out of the response that the function returned, as a function URL does.",
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "No answer" if not status else ""
