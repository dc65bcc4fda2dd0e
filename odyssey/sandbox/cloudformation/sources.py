"""Where a request's template is: in the request, in S3, or with the stack."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError

from odyssey.sandbox.cloudformation.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_INLINE = 51_200
"""Bytes of a template in a request."""

MOST_IN_S3 = 1_000_000
"""Bytes of a template in S3."""

_S3 = re.compile(r"(?:(?P<bucket>.+)\.)?s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com")
_LOCAL = re.compile(r"(?:(?P<bucket>[^:]+)\.)?(?:localhost|127\.0\.0\.1):(?P<port>\d+)")


def text(parameters: Mapping[str, Any], s3: Any, port: int, previous: str | None) -> str:
    """Return the text of a request's template.

    Args:
        parameters: The request, with ``TemplateBody``, ``TemplateURL`` or ``UsePreviousTemplate``.
        s3: A client of the sandbox's S3, as whoever asks.
        port: The sandbox's port.
        previous: The template of the stack as it stands.

    Raises:
        ServiceError: There is none, it cannot be read, or it is too large.
    """
    if "TemplateBody" in parameters:
        body = str(parameters["TemplateBody"])
        if len(body.encode()) > MOST_INLINE:
            raise invalid(
                "1 validation error detected: Value at 'templateBody' failed to satisfy "
                f"constraint: Member must have length less than or equal to {MOST_INLINE}"
            )
        return body
    if "TemplateURL" in parameters:
        return _of_s3(parameters["TemplateURL"], s3, port)
    if parameters.get("UsePreviousTemplate") and previous is not None:
        return previous
    raise invalid("Either Template URL or Template Body must be specified.")


def place(url: str, port: int) -> tuple[str, str]:
    """Return the bucket and the key that a URL means.

    Args:
        url: The URL: of S3, or of the sandbox itself.
        port: The sandbox's port.

    Raises:
        ServiceError: It is neither.
    """
    parts = urlsplit(url)
    found = _S3.fullmatch(parts.netloc) or _LOCAL.fullmatch(parts.netloc)
    if found is None or int(found.groupdict().get("port") or port) != port:
        raise invalid("TemplateURL must be a supported URL.")
    path = unquote(parts.path).removeprefix("/")
    if found["bucket"]:
        return found["bucket"], path
    bucket, _, key = path.partition("/")
    if not bucket or not key:
        raise invalid("TemplateURL must reference a valid S3 object to which you have access.")
    return bucket, key


def _of_s3(url: str, s3: Any, port: int) -> str:
    bucket, key = place(url, port)
    try:
        answer = s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        raise invalid(
            f"S3 error: {error.response['Error'].get('Message', 'no such key')}"
        ) from error
    with closing(answer["Body"]) as body:
        content = body.read(MOST_IN_S3 + 1)
    if len(content) > MOST_IN_S3:
        raise invalid(f"Template may not exceed {MOST_IN_S3} bytes in size.")
    try:
        return str(content.decode())
    except UnicodeDecodeError as error:
        raise invalid("Template format error: the template is not UTF-8") from error
