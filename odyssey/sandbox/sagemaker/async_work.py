"""One asynchronous invocation: from S3 to the container, and back to S3.

What its topics are told:
https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from odyssey.errors import OdysseyError
from odyssey.sandbox.calls import ServiceError
from odyssey.sandbox.sagemaker.connections import NoAnswerError
from odyssey.sandbox.sagemaker.turn import Turn
from odyssey.storage import Uri

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from odyssey.sandbox.sagemaker.connections import Answer
    from odyssey.sandbox.sagemaker.endpoint import Endpoint
    from odyssey.sandbox.sandbox import Sandbox

LARGEST = 1 << 30
"""Bytes of an input."""

PIECE = 1 << 20


class InputError(Exception):
    """What a request names as its input cannot be used."""


class Work:
    """One request's way.

    Args:
        sandbox: The sandbox.
        endpoint: The endpoint.
        item: What `async_invocations` has noted of the request.
    """

    def __init__(self, sandbox: Sandbox, endpoint: Endpoint, item: Mapping[str, Any]) -> None:
        """Nothing is asked yet."""
        self._sandbox = sandbox
        self._endpoint = endpoint
        self._item = item

    def do(self) -> None:
        """Ask the container, and write its answer, or why there is none."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            kind = self._ask()
        except ServiceError as error:
            self._fail(error.message)
        except InputError as error:
            self._fail(f"ClientError: {error}")
        except (BotoCoreError, ClientError) as error:
            self._fail(f"ClientError: Data Error: {error}")
        else:
            self._tell("SuccessTopic", kind)

    def expire(self) -> None:
        """Write that the request has waited for too long."""
        self._fail("ClientError: the request's time to live ran out before it was worked on")

    def _ask(self) -> str:
        """Return the type of the answer, which is in S3 then."""
        body, length = self._input()
        with Turn(self._endpoint) as turn:
            answer = turn.send(self._item["asked"], body, self._item["timeout"], length)
            with answer, tempfile.TemporaryFile(dir=self._sandbox.settings.folder) as file:
                try:
                    while piece := answer.read1():
                        file.write(piece)
                except NoAnswerError as error:
                    raise turn.unanswered(error) from error
                file.seek(0)
                return self._put(self._item["output"], file, answer)

    def _input(self) -> tuple[bytes | Iterable[bytes], int | None]:
        """Return the body of the request, and its length where it is no bytes."""
        if "InputLocation" not in self._item["asked"]:
            return self._item["body"], None
        uri = _uri(self._item["asked"]["InputLocation"])
        found = self._client("s3").get_object(Bucket=uri.bucket, Key=uri.key)
        if found["ContentLength"] > LARGEST:
            found["Body"].close()
            raise InputError(f"{uri} has {found['ContentLength']} bytes, and {LARGEST} is the most")
        return found["Body"].iter_chunks(PIECE), found["ContentLength"]

    def _put(self, place: str, body: Any, answer: Answer | None = None) -> str:
        kind = answer.headers.get("Content-Type", "") if answer is not None else ""
        uri = Uri.parse(place)
        more = {"ContentType": kind} if kind else {}
        self._client("s3").put_object(Bucket=uri.bucket, Key=uri.key, Body=body, **more)
        return kind

    def _fail(self, reason: str) -> None:
        if self._sandbox.tasks.stopping.is_set():
            return  # It is begun again at the next start.
        if self._item["failure"]:
            # As on AWS, a failure that cannot be written is told by the topic alone.
            with contextlib.suppress(Exception):
                self._put(self._item["failure"], reason.encode())
        self._tell("ErrorTopic", "", reason)

    def _tell(self, topic: str, kind: str, failure: str = "") -> None:
        """Publish how it went, where the configuration has a topic for that."""
        if topic not in self._item["topics"]:
            return
        with contextlib.suppress(Exception):
            self._client("sns").publish(
                TopicArn=self._item["topics"][topic],
                Message=json.dumps(self._notification(kind, failure)),
            )

    def _notification(self, kind: str, failure: str) -> dict[str, Any]:
        asked = self._item["asked"]
        how: dict[str, Any] = {"invocationStatus": "Failed", "failureReason": failure}
        if not failure:
            response = {"contentType": kind, "outputLocation": self._item["output"]}
            how = {"invocationStatus": "Completed", "responseParameters": response}
        request = {
            "contentType": asked.get("ContentType"),
            "endpointName": self._endpoint.name,
            "inputLocation": asked.get("InputLocation"),
        }
        return {
            "awsRegion": self._endpoint.region,
            "eventTime": _time(datetime.now(UTC)),
            "receivedTime": _time(self._item["received"]),
            **how,
            "requestParameters": {name: value for name, value in request.items() if value},
            "inferenceId": self._item["inference"],
            "eventVersion": "1.0",
            "eventSource": "aws:sagemaker",
            "eventName": "InferenceResult",
        }

    def _client(self, service: str) -> Any:
        return self._sandbox.clients.client(service, self._endpoint.region, self._item["role"])


def _uri(text: str) -> Uri:
    try:
        return Uri.parse(text)
    except OdysseyError as error:
        raise InputError(f"{text} is no URI of S3 that the sandbox takes") from error


def _time(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"
