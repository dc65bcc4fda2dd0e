"""The playground's server: who is let in, what it sends on, what it says of the answer."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from odyssey import config
from odyssey.playground.application import ASSETS
from odyssey.playground.beside import LocalServer, ServedApp
from odyssey.playground.place import READY, State
from odyssey.playground.server import Server

PAGE = "<script>alert(1)</script>"


class Model(ThreadingHTTPServer):
    """A server of a model that repeats what it heard, or does what the body says."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.heard: list[tuple[str, str | None, bytes]] = []
        self.asked = threading.Event()
        self.freed = threading.Event()


class _Door(BaseHTTPRequestHandler):
    server: Model

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        accept = self.headers["Accept"]
        self.server.heard.append((self.headers["Content-Type"], accept, body))
        self.server.asked.set()
        if body == b"hang":
            self.server.freed.wait(30)
        status, kind = {b"bad": (400, "application/json"), b"page": (200, "text/html")}.get(
            body, (200, accept or "text/plain")
        )
        said = {b"bad": b'{"error": "no such flower"}', b"page": PAGE.encode()}.get(body, body)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None: ...


@dataclass
class Told:
    """What the playground answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def head(self) -> dict[str, Any]:
        return dict(json.loads(self.headers["X-Playground"]))


@dataclass
class Page:
    """A playground over a model, asked as a browser asks."""

    model: Model
    target: LocalServer
    port: int
    token: str = field(default="", init=False)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str | None) -> Told:
        usual = {"Host": f"127.0.0.1:{self.port}"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            sent = {**usual, **named}
            if body is not None:
                sent.setdefault("Content-Length", str(len(body)))
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return Told(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def send(self, body: bytes, query: str = "type=text/plain", **headers: str | None) -> Told:
        self.token = self.token or self.ask("GET", "/api/state").document["token"]
        ours = {"X_Playground_Token": self.token, "Origin": f"http://127.0.0.1:{self.port}"}
        path = f"/api/send?target=local&{query}"
        return self.ask("POST", path, body, **{**ours, **headers})


@pytest.fixture(scope="module")
def page(baked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page of an app whose server takes 1 MB."""
    app = tmp_path_factory.mktemp("playground") / "app"
    shutil.copytree(baked, app)
    (app / "samples" / "note.md").write_text("no sample")
    with Model() as model:
        threading.Thread(target=model.serve_forever, daemon=True).start()
        flags = {"local.port": model.server_address[1], "server.max_payload_mb": 1}
        settings = config.load(app, flags=flags)
        target = LocalServer(settings, on_lambda=False)
        target.log.tell(State(READY))
        again = "odyssey local serve --ui"
        with Server(ServedApp(settings, target, again), None) as server:
            yield Page(model, target, int(server.url.rpartition(":")[2]))
        model.freed.set()
        model.shutdown()


@pytest.fixture(autouse=True)
def nothing_heard(page: Page) -> None:
    page.model.heard.clear()
    page.model.asked.clear()


def test_every_file_of_the_page_has_a_policy_that_lets_nothing_else_in(page: Page) -> None:
    for file in ASSETS.iterdir():
        # when
        told = page.ask("GET", "/" if file.name == "index.html" else f"/{file.name}")
        # then
        assert (told.status, told.body) == (200, file.read_bytes())
        policy = told.headers["Content-Security-Policy"].split("; ")
        assert policy[0] == "default-src 'none'"
        assert {"script-src 'self'", "style-src 'self'", "connect-src 'self'"} <= set(policy)
        assert {"frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'"} <= set(policy)
        assert "unsafe" not in told.headers["Content-Security-Policy"]
        assert told.headers["X-Content-Type-Options"] == "nosniff"
        assert told.headers["Cache-Control"] == "no-store"
        assert told.headers["Access-Control-Allow-Origin"] is None


def test_nothing_of_the_page_comes_from_elsewhere_or_is_written_as_html() -> None:
    for file in ASSETS.iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "//" not in [text[at + 1 : at + 3] for at in range(len(text)) if text[at] == ":"]
        assert not {word for word in ("innerHTML", "insertAdjacentHTML", "eval(") if word in text}


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", None]
)
def test_a_host_that_is_not_ours_gets_nothing(page: Page, host: str | None) -> None:
    named = host.format(port=page.port) if host else None
    for path in ("/", "/page.js", "/api/state"):
        told = page.ask("GET", path, Host=named)
        assert told.status == 403
        assert "answers at" in told.document["error"]


def test_localhost_is_a_name_of_ours(page: Page) -> None:
    assert page.ask("GET", "/api/state", Host=f"localhost:{page.port}").status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Playground_Token": None},
        {"X_Playground_Token": "another"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Host": "evil.example"},
    ],
    ids=str,
)
def test_what_another_page_could_send_does_not_reach_the_model(
    page: Page, headers: dict[str, str | None]
) -> None:
    assert page.send(b"{}", **headers).status == 403
    assert page.model.heard == []


def test_another_site_may_link_here_and_read_nothing(page: Page) -> None:
    assert page.ask("GET", "/", Sec_Fetch_Site="cross-site").status == 200
    for path in ("/api/state", "/api/log?target=local", "/api/sample?name=request.csv", "/page.js"):
        assert page.ask("GET", path, Sec_Fetch_Site="cross-site").status == 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/send", 405),
        ("GET", "/nothing", 404),
        ("GET", "/../guard.py", 404),
        ("GET", "/%2e%2e/guard.py", 404),
        ("HEAD", "/", 200),
        ("OPTIONS", "/api/send", 403),
    ],
)
def test_only_what_there_is_can_be_asked(page: Page, method: str, path: str, status: int) -> None:
    assert page.ask(method, path).status == status


def test_the_request_goes_to_the_model_byte_by_byte(page: Page) -> None:
    # given
    body = bytes(range(256))
    # when
    told = page.send(body, "type=text/csv%3B%20header%3Dpresent&accept=application/json")
    # then
    assert page.model.heard == [("text/csv; header=present", "application/json", body)]
    assert told.body == body
    assert told.status == 200
    head = told.head
    assert 0 < head.pop("milliseconds") < 10_000
    assert head == {
        "status": 200,
        "reason": "OK",
        "content_type": "application/json",
        "bytes": 256,
        "failed": False,
        "note": "",
    }


def test_no_type_is_json_and_no_wish_is_no_accept(page: Page) -> None:
    page.send(b"{}", "type=&accept=")
    assert page.model.heard == [("application/json", None, b"{}")]


def test_an_error_of_the_model_comes_as_what_it_is(page: Page) -> None:
    told = page.send(b"bad")
    assert told.body == b'{"error": "no such flower"}'
    assert (told.head["status"], told.head["reason"], told.head["failed"]) == (
        400,
        "Bad Request",
        True,
    )


def test_an_answer_that_is_a_page_is_no_page_of_ours(page: Page) -> None:
    told = page.send(b"page")
    assert told.body == PAGE.encode()
    assert told.headers["Content-Type"] == "application/octet-stream"
    assert told.headers["Content-Disposition"] == "attachment"
    assert told.head["content_type"] == "text/html"


def test_a_body_over_the_server_s_limit_is_not_sent_on(page: Page) -> None:
    # given
    limit = page.ask("GET", "/api/state").document["targets"][0]["limit"]
    # when
    at, over = page.send(b"x" * limit), page.send(b"x" * (limit + 1))
    # then
    assert limit == 1 << 20
    assert (at.status, len(at.body)) == (200, limit)
    assert over.status == 413
    assert "1,048,576 bytes" in over.document["error"]
    assert len(page.model.heard) == 1


@pytest.mark.parametrize("query", ["type=a%0d%0aX:%20b", "accept=%00", "type=text/%C3%A9"])
def test_a_type_that_no_header_can_say_is_refused(page: Page, query: str) -> None:
    told = page.send(b"{}", query)
    assert told.status == 400
    assert "no header can say" in told.document["error"]
    assert page.model.heard == []


def test_a_server_that_does_not_listen_is_said_to(page: Page) -> None:
    # given
    settings = config.load(page.target._settings.folder, flags={"local.port": 1})
    target = LocalServer(settings, on_lambda=False)
    with Server(ServedApp(settings, target, "odyssey local serve --ui"), None) as server:
        # when
        told = Page(page.model, target, int(server.url.rpartition(":")[2])).send(b"{}")
    # then
    assert told.status == 502
    assert told.document == {
        "error": "nothing listens on 127.0.0.1:1",
        "hint": "odyssey local serve",
    }


def test_a_model_that_hangs_holds_up_nothing_else(page: Page) -> None:
    # given
    answers: list[Told] = []
    stuck = threading.Thread(target=lambda: answers.append(page.send(b"hang")))
    stuck.start()
    assert page.model.asked.wait(30)
    # when
    state, other = page.ask("GET", "/api/state"), page.send(b"other")
    waiting = not answers
    page.model.freed.set()
    stuck.join(30)
    page.model.freed.clear()
    # then
    assert (state.status, other.body, waiting) == (200, b"other", True)
    assert answers[0].head["milliseconds"] > other.head["milliseconds"]


def test_the_samples_are_the_app_s_with_what_predict_says(page: Page) -> None:
    # when
    state = page.ask("GET", "/api/state").document
    # then
    assert [(each["name"], each["type"]) for each in state["samples"]] == [
        ("request.csv", "text/csv"),
        ("request.json", "application/json"),
    ]
    assert state["folder"] == "samples/"
    assert 'here {"observation": [...]}' in state["says"]
    for sample in state["samples"]:
        told = page.ask("GET", f"/api/sample?name={sample['name']}")
        assert len(told.body) == sample["bytes"]
    for name in ("note.md", "../odyssey.toml", ""):
        assert page.ask("GET", f"/api/sample?name={name}").status == 400


def test_a_serve_py_that_cannot_be_read_is_only_left_out(page: Page) -> None:
    # given
    serve = page.target._settings.folder / "serve.py"
    code = serve.read_bytes()
    # when
    says = []
    for broken in (b"def predict(", b"\xff\xfe", b"x = 1"):
        serve.write_bytes(broken)
        says.append(page.ask("GET", "/api/state").document["says"])
    serve.write_bytes(code)
    # then
    assert says == ["", "", ""]


def test_the_log_comes_as_soon_as_there_is_some(page: Page) -> None:
    # given
    log = page.target.log
    before = page.ask("GET", "/api/log?target=local").document
    news: list[Told] = []
    path = f"/api/log?target=local&after={before['last']}&phase=ready"
    waiting = threading.Thread(target=lambda: news.append(page.ask("GET", path)))
    waiting.start()
    # when
    log.feed(b"half a li")
    log.feed(b"ne\n2026-01-01 ERROR no\n")
    waiting.join(10)
    # then
    assert news[0].document == {
        "lines": [
            {"number": before["last"] + 1, "text": "half a line", "mark": ""},
            {"number": before["last"] + 2, "text": "2026-01-01 ERROR no", "mark": "error"},
        ],
        "last": before["last"] + 2,
        "phase": "ready",
        "reason": "",
    }


def test_a_target_that_is_not_there_is_an_error(page: Page) -> None:
    for path in ("/api/log?target=other", "/api/log"):
        assert page.ask("GET", path).status == 400
