"""Requests to the addresses of functions: each becomes an event, and the answer becomes HTTP.

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

import copy
import json
import uuid
from typing import TYPE_CHECKING, Any, cast

from werkzeug.wrappers import Request, Response

from odyssey.functions import emulator
from odyssey.sandbox.calls import ACCOUNT, ServiceError
from odyssey.sandbox.lambda_ import functions
from odyssey.sandbox.lambda_.functions import Functions
from odyssey.sandbox.lambda_.urls import PATH
from odyssey.sandbox.wire import Signed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from odyssey.sandbox.iam.identities import Principal
    from odyssey.sandbox.lambda_.environments import Environments
    from odyssey.sandbox.sandbox import Sandbox

    Record = dict[str, Any]

LARGEST = 6 * 1024 * 1024


class UrlRequests:
    """A WSGI application below `urls.PATH`.

    Args:
        sandbox: The sandbox.
        environments: What runs functions.
    """

    def __init__(self, sandbox: Sandbox, environments: Environments) -> None:
        """Nothing is asked yet."""
        self._sandbox = sandbox
        self._environments = environments
        self._functions = Functions(sandbox.store)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        try:
            answer = self._answer(environ)
        except ServiceError as error:
            answer = _refused(error.message, error.status)
        return answer(environ, start_response)

    def _answer(self, environ: dict[str, Any]) -> Response:
        number = str(uuid.uuid4())
        request = Request(environ)
        identifier, _, path = request.path.removeprefix(PATH).partition("/")
        with self._functions.lock:
            found = self._found(identifier)
            if found is None:
                return _refused("Not Found", 404)
            function, url, version = copy.deepcopy(found[:3])
            on = functions.arn(function["Region"], function["FunctionName"], found[3])
        principal = self._let_in(environ, url, on)
        request.max_content_length = LARGEST
        try:
            body = request.get_data()
        except Exception as error:
            raise ServiceError(
                "RequestTooLargeException", "Request Entity Too Large", 413
            ) from error
        target = f"/{path}"
        if request.query_string:
            target += f"?{request.query_string.decode('latin-1')}"
        headers = list(request.headers.items())
        event = emulator.url_event(request.method, target, headers, body, number)
        event["requestContext"].update(_context(identifier, request, principal))
        with self._environments.one(function, version) as environment:
            outcome = environment.invoke(json.dumps(event).encode(), number)
        told = cast("emulator.Outcome", outcome)
        status, answered, content = emulator.url_answer(told)
        return Response(content, status, [*answered, ("x-amzn-RequestId", number)])

    def _found(self, identifier: str) -> tuple[Record, Record, Record, str | None] | None:
        """Return the function of an address, the address, the version and the qualifier."""
        for function in self._functions.table.values():
            for key, url in function["urls"].items():
                if url["Id"] == identifier:
                    qualifier = key or None
                    version = functions.version_of(function, qualifier)
                    return function, url, version, qualifier
        return None

    def _let_in(self, environ: dict[str, Any], url: Record, on: str) -> Principal | None:
        """Return who asks, and may; None where anybody may.

        Raises:
            ServiceError: Nobody has signed the request, or whoever did may not ask.
        """
        if url["AuthType"] == "NONE":
            return None
        signed = Signed(environ)
        if not signed.access_key or signed.service != "lambda":
            raise ServiceError("AccessDeniedException", "Forbidden", 403)
        principal = self._sandbox.identities.principal(signed.access_key)
        context = {"lambda:FunctionUrlAuthType": "AWS_IAM", "lambda:InvokedViaFunctionUrl": "true"}
        for action in ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"):
            try:
                self._sandbox.guard.require(principal, action, on, context)
            except ServiceError as error:
                raise ServiceError(error.code, "Forbidden", 403) from error
        return principal


def _context(identifier: str, request: Request, principal: Principal | None) -> Record:
    context: Record = {
        "apiId": identifier,
        "domainName": request.host,
        "domainPrefix": identifier,
    }
    if principal is not None:
        iam = {
            "accessKey": principal.access_key,
            "accountId": ACCOUNT,
            "callerId": principal.arn,
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": principal.arn,
            "userId": principal.arn,
        }
        context.update(accountId=ACCOUNT, authorizer={"iam": iam})
    return context


def _refused(message: str, status: int) -> Response:
    return Response(json.dumps({"Message": message}), status, content_type="application/json")
