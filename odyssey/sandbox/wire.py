"""Between HTTP and a `Call`: which operation is asked for, and how it is answered.

Requests are read and answers are written by botocore's models, whatever the service's protocol.
"""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from botocore.utils import parse_timestamp
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response
from werkzeug.wsgi import get_input_stream

from odyssey.sandbox.calls import Call, ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.iam.identities import Identities

MOST = 64 << 20
"""Bytes that a request's body may have where it is read as a whole."""

REGION = "us-east-1"
"""Where a request without a signature is taken to belong."""

RAW = {"s3", "sagemaker-runtime"}
"""Services whose requests' bodies are no documents: they are left where they are."""

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_INVOCATION = re.compile(r"/endpoints/[^/]+/(async-)?invocations(-response-stream)?$")
_NAMES = {"monitoring": "cloudwatch", "states": "stepfunctions", "email": "ses"}


class Signed:
    """A request as it arrives: for which service and region, and with whose key.

    Args:
        environ: WSGI's environment.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        """Read the signature."""
        self.environ = environ
        self.request = Request(environ)
        self.access_key, self.region, name = self._credential()
        path = environ.get("PATH_INFO", "")
        if name == "sagemaker" and _INVOCATION.search(path):
            name = "sagemaker-runtime"
        self.service = _NAMES.get(name, name)
        self.request_id = ""

    def _credential(self) -> tuple[str, str, str]:
        found = _CREDENTIAL.search(self.environ.get("HTTP_AUTHORIZATION", ""))
        if found is None and self.request.args.get("X-Amz-Credential"):
            found = _CREDENTIAL.search(f"Credential={self.request.args['X-Amz-Credential']}")
        if found is None:
            return "", REGION, "s3" if "HTTP_X_AMZ_TARGET" not in self.environ else ""
        return found.group(1), found.group(2), found.group(3)

    def keep_body(self) -> None:
        """Read the body, so that it can be read again.

        Raises:
            ServiceError: It is too large.
        """
        if int(self.environ.get("CONTENT_LENGTH") or 0) > MOST:
            raise ServiceError("RequestEntityTooLargeException", "the request is too large", 413)
        body = self.request.get_data(cache=False)
        self.environ["wsgi.input"] = io.BytesIO(body)
        self.environ["CONTENT_LENGTH"] = str(len(body))
        self.environ.pop("HTTP_TRANSFER_ENCODING", None)
        self.request = Request(self.environ)
        self.body = body

    def rewind(self) -> None:
        """Put the body that was read back, for whoever reads it next."""
        if self.service not in RAW:
            self.environ["wsgi.input"] = io.BytesIO(self.body)

    def call(self, identities: Identities) -> Call | None:
        """Return what is asked for; None where no model of botocore's knows.

        Raises:
            ServiceError: The request cannot be read, or its key is none of the sandbox's.
        """
        principal = identities.principal(self.access_key)
        if self.service not in RAW:
            self.keep_body()
        try:
            router = get_service_router(self.service)
            model, found = router.match(self.request)
        except (HTTPException, NotImplementedError, LookupError, ValueError):
            return None
        except Exception as error:  # What botocore has no model of, it raises as its own.
            if type(error).__name__ == "UnknownServiceError":
                return None
            raise
        headers = {name.lower(): value for name, value in self.request.headers.items()}
        body = None
        if self.service in RAW:
            parameters = {**self._of_url(found), **_of_headers(model, headers)}
            body = get_input_stream(self.environ)
        else:
            parameters = self._of_body(model, found)
        name = str(model.name)
        return Call(self.service, name, self.region, parameters, principal, headers, body)

    def _of_url(self, found: dict[str, Any]) -> dict[str, Any]:
        query = parse_qs(self.environ.get("QUERY_STRING", ""), keep_blank_values=True)
        return {**{name: values[0] for name, values in query.items()}, **found}

    def _of_body(self, model: Any, found: dict[str, Any]) -> dict[str, Any]:
        request = self.request
        protocol = determine_request_protocol(model.service_model, request.content_type)
        parser = PROTOCOL_PARSERS[protocol](model, timestamp_parser=parse_timestamp, map_type=dict)
        try:
            return dict(
                parser.parse(
                    {
                        "method": request.method,
                        "values": request.values,
                        "headers": request.headers,
                        "body": self.body,
                        "url_path": request.path,
                        "url_params": found,
                    }
                )
                or {}
            )
        except (ValueError, TypeError, AttributeError) as error:
            raise ServiceError("SerializationException", str(error)) from error

    def answer(self, call: Call, result: dict[str, Any]) -> Response:
        """Return an answer as the service writes it.

        Args:
            call: What was asked for.
            result: The answer's members.
        """
        model = get_service_model(call.service).operation_model(call.operation)
        protocol = determine_request_protocol(model.service_model, self.request.content_type)
        written = get_serializer_class(call.service, protocol)(model).serialize(result)
        headers = {**written["headers"], "x-amzn-RequestId": self.request_id}
        return Response(written["body"], written["status_code"], headers)

    def refusal(self, error: ServiceError) -> Response:
        """Return a refusal as the service writes it."""
        headers = {"x-amzn-RequestId": self.request_id, **error.headers}
        if self._speaks_xml():
            return Response(_xml(self.service, error, self.request_id), error.status, headers)
        document = {"__type": error.code, "message": error.message, **error.members}
        headers["x-amzn-ErrorType"] = error.code
        kind = "application/json" if self.service in RAW else "application/x-amz-json-1.1"
        return Response(json.dumps(document), error.status, headers, content_type=kind)

    def _speaks_xml(self) -> bool:
        if "HTTP_X_AMZ_TARGET" in self.environ:
            return False
        try:
            return str(get_service_model(self.service).protocol) not in ("json", "rest-json")
        except Exception:  # A service that botocore does not know: S3 is where such end up.
            return True


def _of_headers(model: Any, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the members of a request that its headers say."""
    found: dict[str, Any] = {}
    for name, shape in model.input_shape.members.items() if model.input_shape else ():
        if shape.serialization.get("location") != "header":
            continue
        value = headers.get(shape.serialization.get("name", name).lower())
        if value is None:
            continue
        if shape.type_name in ("integer", "long") and value.removeprefix("-").isdecimal():
            found[name] = int(value)
        else:
            found[name] = value == "true" if shape.type_name == "boolean" else value
    return found


def _xml(service: str, error: ServiceError, request_id: str) -> str:
    told = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    if service == "s3":
        return f"{head}<Error>{told}<RequestId>{request_id}</RequestId></Error>"
    kind = "Sender" if error.status < 500 else "Receiver"
    return (
        f"{head}<ErrorResponse><Error><Type>{kind}</Type>{told}</Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )
