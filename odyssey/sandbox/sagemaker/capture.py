"""What endpoints are asked and answer, kept in S3 as the configuration says.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

from __future__ import annotations

import base64
import contextlib
import json
import random
import threading
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from odyssey.storage import Uri

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.calls import Call
    from odyssey.sandbox.sagemaker.endpoint import Endpoint
    from odyssey.sandbox.sagemaker.turn import Turn
    from odyssey.sandbox.sandbox import Sandbox

PAUSE = 1.0
"""Seconds from an invocation to its record's arrival in S3, at most."""


class Capture:
    """Takes records, and writes those of one variant into an object now and then.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """Nothing is kept yet, and nothing writes."""
        self._sandbox = sandbox
        self._lock = threading.Lock()
        self._records: dict[tuple[str, str, str], list[str]] = {}
        self._writes = False

    def note(
        self,
        endpoint: Endpoint,
        turn: Turn,
        call: Call,
        asked: bytes,
        answered: bytes,
        kind: str,
    ) -> None:
        """Take the record of an invocation, where it is one of those that are kept.

        Args:
            endpoint: The endpoint.
            turn: The invocation.
            call: The request.
            asked: Its body.
            answered: The body of the answer.
            kind: The type of the answer.
        """
        config = turn.fleet.plan["capture"]
        share = config["InitialSamplingPercentage"]
        if not config.get("EnableCapture", False) or random.uniform(0, 100) >= share:  # noqa: S311
            return
        record = _record(config, call, asked, answered, kind)
        place = str(Uri.parse(config["DestinationS3Uri"]) / endpoint.name / turn.variant.name)
        role = turn.variant.plan["model"]["ExecutionRoleArn"]
        with self._lock:
            self._records.setdefault((endpoint.region, role, place), []).append(record)
            if not self._writes:
                self._writes = True
                self._sandbox.tasks.start("data capture", self._write)

    def _write(self) -> None:
        """Write what there is, until there is no more for a while."""
        while True:
            self._sandbox.tasks.stopping.wait(PAUSE)
            with self._lock:
                records, self._records = self._records, {}
                if not records:
                    self._writes = False
                    return
            for (region, role, place), lines in records.items():
                # As on AWS, what cannot be written is lost, and no caller hears of it.
                with contextlib.suppress(Exception):
                    self._put(region, role, place, lines)

    def _put(self, region: str, role: str, place: str, lines: list[str]) -> None:
        now = datetime.now(UTC)
        name = f"{now:%Y/%m/%d/%H/%M-%S}-{now.microsecond // 1000:03}-{uuid.uuid4()}.jsonl"
        uri = Uri.parse(place) / name
        client = self._sandbox.clients.client("s3", region, role)
        client.put_object(Bucket=uri.bucket, Key=uri.key, Body="".join(lines).encode())


def _record(config: Mapping[str, Any], call: Call, asked: bytes, answered: bytes, kind: str) -> str:
    """Return the line of one invocation."""
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    kinds = config.get("CaptureContentTypeHeader", {})
    data = {}
    if modes & {"Input", "InputAndOutput"}:
        content_type = call.parameters.get("ContentType", "")
        data["endpointInput"] = _side("INPUT", content_type, asked, kinds)
    if modes & {"Output", "InputAndOutput"}:
        data["endpointOutput"] = _side("OUTPUT", kind, answered, kinds)
    event = {
        "eventId": str(uuid.uuid4()),
        "inferenceTime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    if "CustomAttributes" in call.parameters:
        event["customAttributes"] = call.parameters["CustomAttributes"]
    if "InferenceId" in call.parameters:
        event["inferenceId"] = call.parameters["InferenceId"]
    return json.dumps({"captureData": data, "eventMetadata": event, "eventVersion": "0"}) + "\n"


def _side(
    mode: str, content_type: str, body: bytes, kinds: Mapping[str, list[str]]
) -> dict[str, str]:
    kind = content_type.partition(";")[0].strip()
    if kind in kinds.get("CsvContentTypes", ["text/csv"]):
        encoding = "CSV"
    elif kind in kinds.get("JsonContentTypes", ["application/json"]):
        encoding = "JSON"
    else:
        encoding = "BASE64"
    text = base64.b64encode(body).decode()
    with contextlib.suppress(UnicodeDecodeError):
        text = text if encoding == "BASE64" else body.decode()
    return {"observedContentType": content_type, "mode": mode, "data": text, "encoding": encoding}
