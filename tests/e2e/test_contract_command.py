"""The container contract test with real containers, each of which breaks one rule."""

from __future__ import annotations

import io
import secrets
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from odyssey import config
from odyssey.images import contract, rules, samples
from odyssey.images import image as images
from odyssey.images.containers import Container, Recipe
from odyssey.images.contract import Limits
from odyssey.images.report import Report
from odyssey.images.run import serving
from odyssey.images.samples import Sample
from odyssey.images.served import Served

SERVE = r"""#!/usr/bin/env python3
import json, os, signal, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

flaw = os.environ.get("FLAW", "")
if flaw == "ends":
    print("ModuleNotFoundError: No module named 'numpy'", file=sys.stderr)
    sys.exit(1)


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(503 if flaw == "503" else 200)

    def do_POST(self):
        size = int(self.headers["Content-Length"])
        if size > (1 << 20 if flaw == "1 MB" else 8 << 20):
            self.close_connection = True
            # As nginx does, read what comes before hanging up.
            while size > 0:
                size -= len(self.rfile.read(min(size, 1 << 16)))
            return self.answer(413)
        body = self.rfile.read(size)
        if self.headers["Content-Type"] != "application/json":
            return self.answer(415)
        try:
            self.answer(200 if "x" in json.loads(body) else 400)
        except ValueError:
            self.answer(400)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"42")

    def log_message(self, *words):
        pass


signal.signal(signal.SIGTERM, signal.SIG_IGN if flaw == "deaf" else lambda *_: os._exit(0))
host = "127.0.0.1" if flaw == "127.0.0.1" else "0.0.0.0"
ThreadingHTTPServer((host, 5000 if flaw == "5000" else 8080), Door).serve_forever()
"""

MADE = "odyssey-contract-"
SAMPLE = Sample("request.json", b'{"x": 1}')
Run = Callable[..., Report]


@pytest.fixture(scope="module")
def build(engine: Any, base_image: str) -> Iterator[Callable[[str], str]]:
    """Build an image of the server above, with some lines more in its Dockerfile."""
    made: list[str] = []

    def build(lines: str) -> str:
        name = f"{MADE}{secrets.token_hex(4)}"
        docker = f"FROM {base_image}\nCOPY serve /usr/local/bin/serve\n{lines}\n"
        events = engine.api.build(
            fileobj=context({"Dockerfile": docker, "serve": SERVE}),
            custom_context=True,
            tag=name,
            rm=True,
            decode=True,
        )
        problems = [event["error"] for event in events if "error" in event]
        assert not problems
        made.append(name)
        return name

    yield build
    for name in made:
        engine.api.remove_image(name, force=True)


def context(files: dict[str, str]) -> io.BytesIO:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text.encode()), 0o755
            tar.addfile(member, io.BytesIO(text.encode()))
    archive.seek(0)
    return archive


@pytest.fixture
def run(engine: Any, build: Callable[[str], str]) -> Run:
    def run(lines: str = "", **limits: Any) -> Report:
        image = images.find(engine, build(lines))
        taken = Limits(**{"own_payload": 8 << 20, "busy": 0.5, **limits})
        with Container(engine, image, Recipe(["serve"], ports={0: 8080})) as container:
            container.start()
            return contract.check(
                Served(container), (SAMPLE,), taken, image=image, platform="linux/amd64"
            )

    return run


def broken(report: Report) -> dict[str, str]:
    return {check.rule.id: check.detail for check in report.broken}


def flaw(name: str) -> str:
    return f'ENV FLAW="{name}"'


def test_a_server_that_keeps_the_contract_passes(run: Run) -> None:
    report = run()
    assert report.passed, report.text()
    assert {check.verdict.word for check in report.checks} <= {"PASS", "WARN"}
    assert report.timeline.draw().endswith("o 200")


def test_a_server_that_listens_on_127_0_0_1_only_is_named(run: Run) -> None:
    report = run(flaw("127.0.0.1"))
    assert broken(report)["listens"].startswith("listens on 127.0.0.1 only")
    assert report.timeline.seconds < 20


def test_a_server_that_listens_on_another_port_is_named(run: Run) -> None:
    report = run(flaw("5000"), startup=3.0)
    assert broken(report)["listens"] == "listens on 5000, not on 8080"


def test_a_ping_that_stays_503_is_told_with_how_long(run: Run) -> None:
    report = run(flaw("503"), startup=3.0)
    assert list(broken(report)) == ["ping"]
    assert "ping answered 503 for " in broken(report)["ping"]
    assert "x 503" in report.timeline.draw()


def test_a_container_that_ends_at_once_is_told_with_its_last_words(run: Run) -> None:
    report = run(flaw("ends"))
    assert list(broken(report)) == ["starts"]
    assert "exit code 1" in broken(report)["starts"]
    assert "No module named 'numpy'" in report.text()


def test_a_limit_of_1_mb_as_nginx_has_it_is_named(run: Run) -> None:
    report = run(flaw("1 MB"))
    assert list(broken(report)) == ["payload"]
    assert "413 to 6,291,456 bytes" in broken(report)["payload"]


def test_a_server_that_ignores_sigterm_is_killed_and_named(run: Run) -> None:
    report = run(flaw("deaf"), grace=2.0)
    assert broken(report) == {"sigterm": "ignores SIGTERM: killed after 2 s"}


def test_a_shell_form_entrypoint_that_eats_sigterm_is_named(run: Run) -> None:
    # A shell that has something left to do does not leave its place to the server.
    report = run("ENTRYPOINT serve; echo the end", grace=2.0)
    assert list(broken(report)) == ["image", "sigterm"]
    assert "shell-form ENTRYPOINT eats SIGTERM: killed after 2 s" in broken(report)["sigterm"]


def test_another_user_than_root_is_a_warning(run: Run) -> None:
    report = run("USER nobody")
    assert report.passed
    user = next(check for check in report.checks if check.rule is rules.USER)
    assert user.verdict.word == "WARN"


def test_no_container_stays_behind(run: Run, engine: Any) -> None:
    report = run(flaw("ends"))
    assert report.broken
    # Others have containers at the same time; this one's image is of this test alone.
    names = {each["Image"] for each in engine.api.containers(all=True)}
    assert not {name for name in names if name.startswith(MADE)}


def test_the_app_s_own_image_passes_with_its_own_samples(
    trained: Path, built: str, engine: Any
) -> None:
    # given
    settings = config.load(trained)
    image = images.find(engine, built)
    sent = samples.load(trained / settings.docker.samples)
    limits = Limits(own_payload=settings.server.max_payload_mb << 20)
    # when
    with serving(engine, settings, image) as container:
        container.start()
        report = contract.check(
            Served(container), sent, limits, image=image, platform="linux/amd64"
        )
    # then
    assert sent
    assert {check.verdict.word for check in report.checks} == {"PASS"}, report.text()
