"""The front door: each request is ours, moto's, or refused."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from odyssey.sandbox import validation
from odyssey.sandbox.calls import Call, ServiceError, operations
from odyssey.sandbox.cut import Cut
from odyssey.sandbox.wire import Signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from werkzeug.wrappers import Response

    from odyssey.sandbox.faults import Faults
    from odyssey.sandbox.iam.guard import Guard
    from odyssey.sandbox.iam.identities import Identities

    Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

log = logging.getLogger("odyssey.sandbox")

BUG = ServiceError("InternalFailure", "a bug in odyssey's sandbox: see its log", 500)
NOT_FOR_US = b"this is a sandbox on localhost: pages of the web have no say here\n"
OUR_NAMES = ("localhost", "127.0.0.1", "[::1]")


class Gateway:
    """A WSGI application: the sandbox's AWS.

    Args:
        services: The services of ours, with methods marked by `calls.operation`.
        identities: Who is who.
        guard: What they may do.
        faults: What is ordered to go wrong.
        mounts: Applications of ours by the beginning of the path that leads to them.
        moto: What answers everything else.
    """

    def __init__(
        self,
        services: Sequence[object],
        identities: Identities,
        guard: Guard,
        faults: Faults,
        mounts: Mapping[str, Application],
        moto: Application,
    ) -> None:
        """Find what answers what."""
        self._operations = operations(services)
        self._services = {service for service, _ in self._operations}
        self._identities = identities
        self._guard = guard
        self._faults = faults
        self._mounts = mounts
        self._moto = moto

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        if not _is_for_us(environ.get("HTTP_HOST", "")) or _is_of_the_web(environ):
            # Without its length, the client would wait for the end, and the server for the client.
            size = str(len(NOT_FOR_US))
            headers = [("Content-Type", "text/plain"), ("Content-Length", size)]
            start_response("403 Forbidden", headers)
            return [NOT_FOR_US]
        path = environ.get("PATH_INFO", "/")
        for start, application in self._mounts.items():
            # No name of a bucket begins so, and functions are asked with a signature, too.
            is_ours = start.startswith("/_") or not _is_signed(environ)
            if path.startswith(start) and is_ours:
                return application(environ, start_response)
        signed = Signed(environ)
        signed.request_id = str(uuid.uuid4())
        try:
            answer = self._answer(signed)
        except ServiceError as error:
            return signed.refusal(error)(environ, start_response)
        except Exception:
            log.exception("a request to %s: a bug in odyssey", signed.service)
            return signed.refusal(BUG)(environ, start_response)
        if answer is not None:
            return answer(environ, start_response)
        return self._moto(environ, start_response)

    def _answer(self, signed: Signed) -> Application | None:
        """Return the answer; None leaves the request to moto."""
        if not self._must_look_at(signed):
            self._identities.principal(signed.access_key)
            return None
        call = signed.call(self._identities)
        if call is None:
            if signed.service in self._services:
                raise ServiceError("UnknownOperationException", "the sandbox does not know it")
            self._guard.check_unknown(self._identities.principal(signed.access_key))
            return None
        self._faults.check(call)
        self._guard.check(call)
        cut = self._faults.strike("cut", call.action)
        handler = self._operations.get((call.service, call.operation))
        if handler is None:
            signed.rewind()
            return Cut(self._moto, cut.bytes) if cut is not None else None
        validation.require(call)
        return self._written(signed, call, handler(call))

    def _must_look_at(self, signed: Signed) -> bool:
        """Return whether it matters which operation is asked for."""
        return signed.service in self._services or self._guard.watches or bool(self._faults)

    def _written(self, signed: Signed, call: Call, result: Any) -> Response:
        from werkzeug.wrappers import Response

        if isinstance(result, Response):
            result.headers.setdefault("x-amzn-RequestId", signed.request_id)
            return result
        return signed.answer(call, result or {})


def _is_signed(environ: Mapping[str, Any]) -> bool:
    """Return whether a request is one to AWS, some of whose paths begin as ours do."""
    return str(environ.get("HTTP_AUTHORIZATION", "")).startswith("AWS4-")


def _is_for_us(host: str) -> bool:
    """Return whether a Host header is one of ours.

    A page of the web that had its own name lead to 127.0.0.1 would be refused here.
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name in OUR_NAMES or name.endswith(".localhost")


def _is_of_the_web(environ: Mapping[str, Any]) -> bool:
    """Return whether a page of the web asks, by a browser on this machine.

    No tool of AWS's sends either header; a browser sends the second with what has no first, such as
    an image.
    """
    origin = environ.get("HTTP_ORIGIN")
    is_foreign = origin is not None and not _is_for_us(urlsplit(origin).netloc)
    return is_foreign or environ.get("HTTP_SEC_FETCH_SITE") == "cross-site"
