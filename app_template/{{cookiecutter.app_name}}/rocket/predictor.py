"""The Flask door: the contract's three paths as a Flask application.

The familiar place to add a route, a before_request hook or a Flask extension. It is served when
`MODEL_SERVER=flask`; the core behind it is the fast door's too, so both answer alike.
"""

from __future__ import annotations

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from rocket import core
from rocket.errors import RequestError


def create_app(service: core.Core) -> Flask:
    """Makes the application around a core whose model is, or will be, loaded."""
    app = Flask("rocket")
    app.config["MAX_CONTENT_LENGTH"] = service.settings.max_payload

    @app.get("/ping")
    def ping() -> Response:
        return _send(service.ping())

    @app.get("/execution-parameters")
    def execution_parameters() -> Response:
        return _send(service.execution_parameters())

    @app.post("/invocations")
    def invocations() -> Response:
        content_type = request.headers.get("Content-Type", "")
        accept = request.headers.get("Accept", "")
        return _send(service.answer(content_type, accept, request.get_data(cache=False)))

    @app.errorhandler(RequestError)
    def request_error(error: RequestError) -> Response:
        return _send(core.Response.of_error(error))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        message = f"{request.method} {request.path}: {error.name}"
        answer = _send(core.Response.of_error(RequestError(error.code or 500, message)))
        answer.headers.extend(
            (name, value) for name, value in error.get_headers() if name == "Allow"
        )
        return answer

    return app


def _send(answer: core.Response) -> Response:
    response = Response(answer.body, answer.status, content_type=answer.media_type)
    response.headers.extend(answer.headers)
    return response
