"""`odyssey local serve --ui`: the page beside the server, from its start to its end."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from odyssey import client
from tests.functional.conftest import Done, Running, SmallApp
from tests.functional.function_app import APP

Run = Callable[..., Done]


def start(app: SmallApp, *words: str) -> tuple[Running, str]:
    """Serve an app with its page, and return where that is."""
    server = app.start("local", "serve", "--ui", *words)
    server.until_it_says("in the browser: ")
    return server, re.findall(r"in the browser: (\S+)\n", server.err)[0]


def asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


def send(page: str, body: bytes, content_type: str = "application/json") -> tuple[Any, bytes]:
    """Send a request by the page; return what is told of the answer, and its body."""
    headers = {"X-Playground-Token": asked(f"{page}/api/state")["token"]}
    url = f"{page}/api/send?target=local&type={content_type}"
    request = urllib.request.Request(url, body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.headers["X-Playground"]), answer.read()


def listens(page: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(page.rpartition(":")[2]))) == 0


def test_the_page_is_in_the_result_and_ends_with_the_server(small_app: SmallApp) -> None:
    # given
    server, page = start(small_app, "--output", "json")
    # when
    head, body = send(page, b"{}")
    lines: list[str] = []
    deadline = time.monotonic() + 20
    while len(lines) < 2:  # A ping and the request.
        assert time.monotonic() < deadline, lines
        log = asked(f"{page}/api/log?target=local")
        lines = [line["text"] for line in log["lines"]]
    server.send(signal.SIGINT)
    done = server.finish()
    # then
    assert done.code == 0
    assert done.document == {"url": f"http://127.0.0.1:{small_app.port}", "ui": page}
    assert (head["status"], json.loads(body)["body"]) == (200, "{}")
    assert not listens(page)
    assert not client.ping(small_app.port)[0]
    # and the terminal has the lines that the page has
    assert all(f"{line}\n" in done.err for line in lines)


def test_the_server_s_death_is_told_to_the_page(small_app: SmallApp) -> None:
    # given a page that waits for news
    server, page = start(small_app)
    last = asked(f"{page}/api/log?target=local")["last"]
    news: list[Any] = []
    path = f"{page}/api/log?target=local&phase=ready&after="
    waiting = threading.Thread(target=lambda: news.append(asked(f"{path}{last + 100}")))
    waiting.start()
    # when
    status = 0
    try:
        send(page, b"die")
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
    waiting.join(30)
    done = server.finish()
    # then
    assert (done.code, status) == (1, 502)
    assert news[0]["phase"] == "ended"
    assert news[0]["reason"] == (
        "The server ended by itself (exit code 3); the reason is in its log."
    )


def test_a_page_s_port_that_is_taken_is_an_error_before_anything_runs(
    small_app: SmallApp, odyssey: Run
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = odyssey("local", "serve", "--ui-port", port, at=small_app.folder)
    assert done.code == 1
    assert f"port {port} (--ui-port) is in use" in done.err
    assert "Hint: stop what listens there, or leave --ui-port out" in done.err


def test_a_page_cannot_have_the_server_s_own_port(small_app: SmallApp, odyssey: Run) -> None:
    done = odyssey("local", "serve", "--ui-port", str(small_app.port), at=small_app.folder)
    assert done.code == 2
    assert "is the port of the app's own server" in done.err


def test_a_function_has_a_page_too(small_app: SmallApp) -> None:
    # given
    toml = f'[app]\nname = "small"\nservice = "lambda"\n[local]\nport = {small_app.port}\n'
    small_app.write("odyssey.toml", toml)
    small_app.write("app.py", APP)
    server, page = start(small_app)
    # when
    head, body = send(page, b'{"x": 2}')
    target = asked(f"{page}/api/state")["targets"][0]
    log = asked(f"{page}/api/log?target=local")
    server.send(signal.SIGTERM)
    # then
    assert server.finish().code == 0
    assert (head["status"], body) == (200, b"4")
    assert (target["kind"], target["limit"]) == ("function", 6 << 20)
    assert any(line["text"].startswith("REPORT RequestId: ") for line in log["lines"])
