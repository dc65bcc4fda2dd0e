"""The rules of a function's container, each with where AWS makes it."""

from __future__ import annotations

from odyssey.images.rules import (
    BROKEN_JSON,
    EMPTY,
    REPEATS,
    UNKNOWN_TYPE,
    WRONG_CSV,
    WRONG_JSON,
    Rule,
)

_IMAGES = "https://docs.aws.amazon.com/lambda/latest/dg/images-create.html"
_LIMITS = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
_LIFE = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"
_ERRORS = "https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html"
_GATEWAY = (
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/"
    "http-api-develop-integrations-lambda.html"
)

PAYLOAD = 6 * 1024 * 1024
"""Bytes of the largest event."""

QUICK_INIT = 5.0
"""Seconds of a start here from which on it may be too slow there, with less of a processor."""

NEARLY_FULL = 0.9
"""Share of the memory from which on there is little left."""

IMAGE = Rule("image", "the image is one that Lambda takes, for function.architecture", _IMAGES)
LISTENS = Rule("runs", "it runs Python as a user without rights, with /tmp alone to write", _IMAGES)
FILES = Rule("files", "every user can read the files of the app and of its Python", _IMAGES)
STARTS = Rule("starts", "app.serve is loaded, with its model", _LIFE)
INIT = Rule("init", "it is ready for its first event within 10 s", _LIFE)
SAMPLES = Rule(
    "samples", "the samples are answered with 2xx, as requests to a function URL", _GATEWAY
)
EVENTS = Rule(
    "events", "each sample has the same answer as a REST API's event, and plain", _GATEWAY
)
WRONG_EVENT = Rule("wrong-event", "a plain event it cannot use fails in Lambda's shape", _ERRORS)
LIMIT = Rule("payload", "an event of 6 MB is not refused, and does not end it", _LIMITS)
LIVES = Rule("lives", "it lives on after all of these events", _LIFE)
MEMORY = Rule("memory", "it stays within its memory", _LIMITS)

RULES = (
    IMAGE,
    LISTENS,
    FILES,
    STARTS,
    INIT,
    SAMPLES,
    REPEATS,
    EVENTS,
    WRONG_EVENT,
    WRONG_JSON,
    WRONG_CSV,
    BROKEN_JSON,
    EMPTY,
    UNKNOWN_TYPE,
    LIMIT,
    LIVES,
    MEMORY,
)
"""Every rule, in the order of the report."""
