"""The core: decode -> predict -> encode. It knows HTTP's words, and no web framework.

The doors hand it the two headers that count and the body, and send what it returns.
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from rocket.errors import RequestError
from rocket.formats import FORMATS, Answers, Format, Unfit
from rocket.model import Model
from rocket.settings import Settings

log = logging.getLogger("rocket")

#: SageMaker's default for one batch request, in MB; concurrency x payload must stay <= 100.
BATCH_PAYLOAD_MB = 6


class Response(NamedTuple):
    """An answer as both doors send it."""

    status: int
    media_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_error(cls, error: RequestError) -> Response:
        """The JSON document that every error is."""
        body = json.dumps({"error": error.message}).encode()
        return cls(error.status, "application/json", body, error.headers)


class Core:
    """Answers requests with the user's model.

    Args:
        model: The user's serve.py and its model.
        settings: The payload limit, the CSV default and what `/execution-parameters` says.
    """

    def __init__(self, model: Model, settings: Settings) -> None:
        self.model = model
        self.settings = settings

    def ping(self) -> Response:
        """200 once the model is loaded, otherwise 503 and the reason."""
        if self.model.trouble is None:
            return Response(200, "application/json", b"{}")
        return Response.of_error(RequestError(503, self.model.trouble))

    def execution_parameters(self) -> Response:
        """What a batch transform should send at once when its request does not say."""
        parameters = {
            "MaxConcurrentTransforms": min(self.settings.workers, 100 // BATCH_PAYLOAD_MB),
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": BATCH_PAYLOAD_MB,
        }
        return Response(200, "application/json", json.dumps(parameters).encode())

    @staticmethod
    def kind(content_type: str, body: bytes) -> tuple[str, int]:
        """What requests of about the same duration have in common: format and order of size."""
        media_type, _ = parse_content_type(content_type)
        return media_type if media_type in FORMATS else "", len(body).bit_length()

    def answer(self, content_type: str, accept: str, body: bytes) -> Response:
        """Answers one request: the whole way from bytes to bytes.

        Args:
            content_type: The request's `Content-Type`, "" for none (then JSON).
            accept: The request's `Accept`, "" for none (then the input's own format).
            body: The request's body.

        Raises:
            RequestError: The request, or the user's code, is at fault.
        """
        media_type, choices, data = self.decode(content_type, accept, body)
        if FORMATS[media_type].many:
            return self.encode(Answers(self.predict_all(data)), accept, choices)
        return self.encode(self.predict(data), accept, choices)

    def decode(
        self, content_type: str, accept: str, body: bytes
    ) -> tuple[str, tuple[str, ...], Any]:
        """The input's media type, the media types to answer with, and the decoded input."""
        if self.model.trouble is not None:
            raise RequestError(503, self.model.trouble)
        media_type, parameters = parse_content_type(content_type)
        decode = input_format(media_type).decode
        choices = negotiate(accept, media_type)
        if not body or body.isspace():
            raise RequestError(400, "the body is empty")
        if media_type == "text/csv" and self.settings.csv_header:
            parameters = {"header": "present", **parameters}
        assert decode is not None  # noqa: S101 - input_format returns only rows that decode
        return media_type, choices, decode(body, parameters)

    def predict(self, data: Any) -> Any:
        """Calls the user's `predict`."""
        return blame_predict(self.model.predict, data)

    def predict_all(self, records: list[Any]) -> list[Any]:
        """An answer for each record, by `predict_batch` where serve.py defines it."""
        if self.model.predict_batch is None:
            return [self.predict(record) for record in records]
        answers = blame_predict(self.model.predict_batch, records)
        # A DataFrame, a dictionary or a string has a length too, but list() takes it apart.
        listed = isinstance(answers, list | tuple) or getattr(answers, "ndim", 0) > 0
        count = len(answers) if listed and not hasattr(answers, "columns") else None
        if count != len(records):
            found = type(answers).__name__ if count is None else f"{count} answers"
            log.error("predict_batch returned %s for %d inputs", found, len(records))
            raise RequestError(500, f"predict_batch returned {found} for {len(records)} inputs")
        return list(answers)

    def encode(self, answer: Any, accept: str, choices: tuple[str, ...]) -> Response:
        """Writes an answer in the first of the formats that can carry it."""
        if isinstance(answer, bytes | bytearray | memoryview):
            return Response(200, first_type(accept), bytes(answer))
        for media_type in choices:
            encode = FORMATS[media_type].encode
            try:
                if encode is not None:
                    return Response(200, media_type, encode(answer))
            except Unfit:
                continue
            except Exception as error:
                log.exception("the answer of predict, a %s, cannot be sent", type(answer).__name__)
                raise RequestError(500, f"the answer of predict cannot be sent: {error}") from error
        kind = type(answer).__name__
        if "application/json" in choices:
            log.error("predict returned a %s, which no format can carry", kind)
            raise RequestError(500, f"predict returned a {kind}, which no format can carry")
        offered = ", ".join(name for name, row in FORMATS.items() if row.encode)
        raise RequestError(
            406, f"Accept {accept}: the answer, a {kind}, can be had as one of {offered}"
        )


def blame_predict(function: Callable[[Any], Any], data: Any) -> Any:
    """Calls the user's code; what it raises is logged in full and answered in one line."""
    try:
        return function(data)
    except RequestError:
        raise
    # A prediction that calls sys.exit() must not take the server with it.
    except (Exception, SystemExit) as error:
        log.exception("predict failed")
        reason = f"predict raised {type(error).__name__}: {error}"
        raise RequestError(500, f"{reason[:500]} (the log has the traceback)") from error


def too_large(limit: int) -> RequestError:
    """413 for a body of more bytes than the settings allow."""
    return RequestError(
        413,
        f"the body is larger than {limit / 2**20:g} MB; "
        "MODEL_SERVER_MAX_PAYLOAD_MB raises the limit",
    )


@functools.lru_cache(maxsize=256)
def parse_content_type(header: str) -> tuple[str, dict[str, str]]:
    """`text/csv; header=present` to ("text/csv", {"header": "present"}); aliases resolved."""
    name, *rest = header.split(";")
    media_type = name.strip().lower() or "application/json"
    for canonical, row in FORMATS.items():
        if media_type in row.aliases:
            media_type = canonical
    pairs = (part.partition("=") for part in rest)
    parameters = {key.strip().lower(): value.strip().strip('"').lower() for key, _, value in pairs}
    parameters.pop("", None)
    if parameters.get("charset") in ("utf-8", "utf8", "us-ascii"):
        del parameters["charset"]
    return media_type, parameters


def input_format(media_type: str) -> Format:
    """The table's row for a request's body; 415 where there is none."""
    row = FORMATS.get(media_type)
    if row is None or row.decode is None:
        known = ", ".join(name for name, row in FORMATS.items() if row.decode)
        raise RequestError(415, f"Content-Type {media_type}: send one of {known}")
    return row


@functools.lru_cache(maxsize=1024)
def negotiate(accept: str, own: str) -> tuple[str, ...]:
    """The formats an answer may have, the best first.

    Args:
        accept: The `Accept` header; "" accepts everything.
        own: The media type of the request's body, preferred where the client has no wish.

    Returns:
        Media types of the table; none where the client accepts no format of it.
    """
    offered = [own, *(name for name in FORMATS if name != own)]
    offered = [name for name in offered if name in FORMATS and FORMATS[name].encode]
    wishes = ranges(accept)
    found = []
    for name in offered:
        places = [place for place, (wish, _) in enumerate(wishes) if _matches(name, wish)]
        # The most specific range decides: a type's own, then its kind's, then that of all.
        place = max(places, key=lambda place: len(wishes[place][0].strip("*/")), default=None)
        if place is not None and wishes[place][1] > 0:
            found.append((place, name))
    return tuple(name for _, name in sorted(found, key=lambda pair: pair[0]))


def _matches(name: str, wish: str) -> bool:
    kind, _, subtype = wish.partition("/")
    return (
        wish in ("*/*", "*", name)
        or wish in FORMATS[name].aliases
        or (subtype == "*" and name.startswith(f"{kind}/"))
    )


@functools.lru_cache(maxsize=1024)
def ranges(accept: str) -> tuple[tuple[str, float], ...]:
    """The media ranges of an `Accept` header with their quality, the most wanted first."""
    found = []
    for part in (accept or "*/*").split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        if name:
            found.append((name, quality))
    return tuple(sorted(found, key=lambda wish: -wish[1]))


def first_type(accept: str) -> str:
    """The concrete type that a client wants most, for answers that are bytes already."""
    concrete = [wish for wish, quality in ranges(accept) if quality > 0 and "*" not in wish]
    return concrete[0] if concrete else "application/octet-stream"
