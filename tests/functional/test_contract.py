"""The container contract test against servers that keep it, and that break one rule each."""

from __future__ import annotations

import io
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from odyssey.client import JSON
from odyssey.console import Progress
from odyssey.errors import UsageError
from odyssey.images import contract, rules, samples, trials
from odyssey.images.contract import Limits
from odyssey.images.image import Image
from odyssey.images.probe import Answer, Probe
from odyssey.images.report import Report
from odyssey.images.rules import Rule
from odyssey.images.samples import Sample
from odyssey.images.served import listening
from odyssey.images.startup import misplaced, quick
from odyssey.images.timeline import Ping, Timeline

SAMPLE = Sample("request.json", b'{"x": 1}')
ROOT = Image("sha256:1", "app", "linux/amd64", size=1000)
LIMITS = Limits(startup=240, payload=20_000, own_payload=30_000, invocation=2, busy=0.3)
Reply = tuple[int, bytes] | None


def good(path: str, kind: str, body: bytes) -> Reply:
    """Answer as a server that keeps the contract; None closes the connection."""
    if path == "/ping":
        return 200, b""
    if len(body) > 30_000:
        return 413, b"too large"
    if kind not in (JSON, "text/csv"):
        return 415, b"no such type"
    if kind == "text/csv":
        return 400, b"not a number"
    try:
        value = json.loads(body)
    except ValueError:
        return 400, b"no JSON"
    return (200, b"42") if "x" in value else (400, b"no x")


class Subject:
    """A server in a thread, taken for a container."""

    def __init__(self, answer: Callable[[str, str, bytes], Reply] = good) -> None:
        self.answer = answer
        self.code: int | None = None
        self.addresses: list[tuple[str, int]] | None = [("0.0.0.0", 8080)]
        self.stops = (0, 0.1)
        self.stopped = 0
        self.url = "http://127.0.0.1:1"
        self.server: ThreadingHTTPServer | None = None

    def start(self, port: int = 0) -> None:
        subject = self

        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.reply(subject.answer(self.path, "", b""))

            def do_POST(self) -> None:
                kind = self.headers.get("Content-Type", "")
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.reply(subject.answer(self.path, kind, body))

            def reply(self, answer: Reply) -> None:
                if answer is None:
                    return
                status, content = answer
                head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(content)}\r\n"
                self.wfile.write(head.encode() + b"Connection: close\r\n\r\n" + content)

            def log_message(self, *words: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *words: object) -> None:
                pass

        self.server = Server(("127.0.0.1", port), Door)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def end(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.thread.join()
            self.server.server_close()
            self.server = None

    def alive(self) -> bool:
        return self.code is None

    def exit_code(self) -> int | None:
        return self.code

    def log(self, tail: int = 20) -> str:
        return "last \x1b[31mwords\n"

    def listening(self) -> list[tuple[str, int]] | None:
        return self.addresses

    def stop(self, grace: float = 30) -> tuple[int, float]:
        self.stopped += 1
        self.code = self.stops[0]
        return self.stops


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def subject() -> Iterator[Subject]:
    here = Subject()
    yield here
    here.end()


def run(
    subject: Subject,
    *,
    sent: tuple[Sample, ...] = (SAMPLE,),
    limits: Limits = LIMITS,
    image: Image | None = ROOT,
    listens: bool = True,
    clock: Clock | None = None,
    sleep: Callable[[float], object] | None = None,
) -> Report:
    if listens:
        subject.start()
    clock = clock or Clock()
    quiet = Progress("testing", stream=io.StringIO(), live=False)
    return contract.check(
        subject,
        sent,
        limits,
        image=image,
        platform="linux/amd64",
        progress=quiet,
        clock=clock,
        sleep=sleep or clock.sleep,
    )


def words(report: Report) -> dict[str, str]:
    return {check.rule.id: check.verdict.word for check in report.checks}


def broken(report: Report) -> dict[str, str]:
    return {check.rule.id: check.detail for check in report.broken}


def detail(report: Report, rule: Rule) -> str:
    return next(check.detail for check in report.checks if check.rule is rule)


def but(rule: Callable[[str, str, bytes], Reply | str]) -> Callable[[str, str, bytes], Reply]:
    """Answer as `good` does, but where a rule gives another answer than "as ever"."""

    def answer(path: str, kind: str, body: bytes) -> Reply:
        other = rule(path, kind, body)
        return good(path, kind, body) if isinstance(other, str) else other

    return answer


AS_EVER = "as ever"


def test_a_server_that_keeps_the_contract_passes_every_rule(subject: Subject) -> None:
    report = run(subject)
    assert set(words(report).values()) == {"PASS"}, report.text()
    assert report.passed
    assert [check.rule for check in report.checks] == list(rules.RULES)
    assert report.log == ""
    assert subject.stopped == 1


def test_every_rule_has_its_own_id_and_a_source_of_aws_s() -> None:
    assert len({rule.id for rule in rules.RULES}) == len(rules.RULES)
    assert all(rule.source.startswith("https://docs.aws.amazon.com/") for rule in rules.RULES)


class TestImage:
    def test_a_bad_image_breaks_its_rule_and_the_rest_is_tested(self, subject: Subject) -> None:
        report = run(subject, image=Image("sha256:1", "app", "linux/arm64"))
        assert list(broken(report)) == ["image"]
        assert "--platform linux/amd64" in broken(report)["image"]
        assert words(report)["samples"] == "PASS"

    @pytest.mark.parametrize(
        ("user", "word"), [("", "PASS"), ("0:0", "PASS"), ("root", "PASS"), ("app", "WARN")]
    )
    def test_another_user_than_root_is_a_warning(
        self, subject: Subject, user: str, word: str
    ) -> None:
        report = run(subject, image=Image("sha256:1", "app", "linux/amd64", user=user))
        assert words(report)["user"] == word
        assert report.passed

    def test_an_unknown_image_is_skipped(self, subject: Subject) -> None:
        report = run(subject, image=None)
        assert (words(report)["image"], words(report)["user"]) == ("SKIP", "SKIP")


class TestStart:
    def test_a_container_that_ends_is_told_with_its_exit_code(self, subject: Subject) -> None:
        subject.code = 3
        report = run(subject, listens=False)
        assert broken(report) == {"starts": "it ended with exit code 3 after 0.0 s"}
        assert words(report)["ping"] == "SKIP"
        assert detail(report, rules.PING) == "the container does not get so far"
        assert report.log == "last \x1b[31mwords\n"
        assert subject.stopped == 0

    def test_a_container_without_a_program_serve_says_so(self, subject: Subject) -> None:
        subject.code = 127
        assert 'no program "serve"' in broken(run(subject, listens=False))["starts"]

    def test_a_server_on_127_0_0_1_is_named_after_seconds(self, subject: Subject) -> None:
        subject.addresses = [("127.0.0.1", 8080), ("0.0.0.0", 9000)]
        report = run(subject, listens=False)
        assert broken(report)["listens"].startswith("listens on 127.0.0.1 only")
        assert report.timeline.seconds < 5
        assert words(report)["sigterm"] == "PASS"

    def test_a_server_on_another_port_is_named_before_the_time_is_over(
        self, subject: Subject
    ) -> None:
        subject.addresses = [("0.0.0.0", 5000), ("127.0.0.1", 9000)]
        report = run(subject, listens=False)
        assert broken(report)["listens"] == "listens on 5000, 9000, not on 8080"
        assert 30 <= report.timeline.seconds < 32

    def test_a_server_that_opens_its_port_late_is_waited_for(
        self, subject: Subject, free_port: int
    ) -> None:
        # given
        subject.addresses = [("0.0.0.0", 9000)]
        subject.url = f"http://127.0.0.1:{free_port}"
        clock = Clock()

        def sleep(seconds: float) -> None:
            clock.sleep(seconds)
            if clock.now >= 15 and subject.server is None:
                subject.start(free_port)

        # when
        report = run(subject, listens=False, clock=clock, sleep=sleep)
        # then
        assert report.passed, report.text()
        assert detail(report, rules.PING) == "after 15.0 s of 240 s"

    def test_ping_that_stays_503_is_told_with_how_long(self, subject: Subject) -> None:
        subject.answer = but(lambda path, kind, body: (503, b"") if path == "/ping" else AS_EVER)
        report = run(subject)
        assert broken(report) == {"ping": "ping answered 503 for 240 s"}
        assert words(report)["listens"] == "PASS"
        assert words(report)["samples"] == "SKIP"
        assert words(report)["sigterm"] == "PASS"

    def test_a_container_that_listens_nowhere_is_told(self, subject: Subject) -> None:
        subject.addresses = []
        report = run(subject, listens=False)
        assert broken(report) == {
            "listens": "listens on no port after 240 s",
            "ping": "ping refused the connection for 240 s",
        }

    def test_where_it_listens_is_not_claimed_of_an_image_that_cannot_tell(
        self, subject: Subject
    ) -> None:
        subject.addresses = None
        report = run(subject, listens=False, limits=Limits(startup=10))
        assert list(broken(report)) == ["ping"]
        assert words(report)["listens"] == "SKIP"

    def test_a_server_that_is_there_but_hangs_up_is_told(self, subject: Subject) -> None:
        subject.answer = lambda path, kind, body: None
        report = run(subject, limits=Limits(startup=10))
        assert "closed the connection without an answer for 10 s" in broken(report)["ping"]

    def test_a_first_200_after_503_is_told_with_its_time(self, subject: Subject) -> None:
        count = itertools.count()
        subject.answer = but(lambda path, kind, body: (503, b"") if next(count) < 8 else AS_EVER)
        report = run(subject)
        assert report.passed
        assert detail(report, rules.PING) == "after 2.0 s of 240 s"
        assert report.timeline.draw() == "0s xxxxxxxxoooooooooo 4.2s\nx 503   o 200"

    def test_a_ping_that_does_not_stay_200_breaks_a_rule(self, subject: Subject) -> None:
        count = itertools.count()
        subject.answer = but(lambda path, kind, body: (502, b"") if next(count) == 3 else AS_EVER)
        assert broken(run(subject)) == {"steady": "/ping answered 502, 0.8 s after its first 200"}

    def test_a_slow_ping_is_named(self) -> None:
        slow = Ping(0, Answer(None, seconds=2.0, timed_out=True, problem="gave no answer"))
        assert "SageMaker waits 2 s" in quick([slow]).detail
        assert "a ping took 2.4 s" in quick([Ping(0, Answer(200, seconds=2.4))]).detail

    def test_a_slow_connection_is_named(self) -> None:
        verdict = quick([Ping(0, Answer(200, connecting=0.3, seconds=0.4))])
        assert verdict.detail == "a connection took 300 ms, and 250 ms is the limit"
        assert quick([Ping(0, Answer(200, connecting=0.2, seconds=1.9))]).passed

    def test_a_ping_without_an_answer_is_cut_off_in_time(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            answer = Probe(f"http://127.0.0.1:{silent.getsockname()[1]}").ping(0.2)
        assert answer.timed_out
        assert answer.seen == "gave no answer within 0.2 s"
        assert Ping(0, answer).sign == "t"

    @pytest.mark.parametrize(
        ("addresses", "where"),
        [
            ([], ""),
            ([("0.0.0.0", 8080)], ""),
            ([("::", 8080)], ""),
            ([("127.0.0.1", 8080), ("172.17.0.2", 8080)], ""),
            ([("::1", 8080)], "listens on ::1 only: nothing outside of the container reaches it"),
            ([("0.0.0.0", 80), ("::", 80)], "listens on 80, not on 8080"),
        ],
    )
    def test_where_it_listens(self, addresses: list[tuple[str, int]], where: str) -> None:
        assert misplaced(addresses) == where


class TestRequests:
    def test_a_sample_that_is_refused_is_named_with_the_answer(self, subject: Subject) -> None:
        sent = (SAMPLE, Sample("b.csv", b"1,2\n", "text/csv"))
        report = run(subject, sent=sent)
        assert broken(report) == {"samples": "b.csv: answered 400: not a number"}
        assert detail(report, rules.REPEATS) == "a sample was refused"

    def test_a_sample_without_an_answer_is_named(self, subject: Subject) -> None:
        def never(path: str, kind: str, body: bytes) -> Reply | str:
            if body == SAMPLE.body:
                time.sleep(1)
            return AS_EVER

        subject.answer = but(never)
        limits = Limits(payload=20_000, invocation=0.3, busy=0.3)
        assert broken(run(subject, limits=limits))["samples"] == (
            "request.json: gave no answer within 0.3 s"
        )

    def test_another_answer_to_the_same_request_is_a_warning(self, subject: Subject) -> None:
        count = itertools.count()
        subject.answer = but(
            lambda path, kind, body: (200, b"%d" % next(count)) if body == SAMPLE.body else AS_EVER
        )
        report = run(subject)
        assert report.passed
        assert words(report)["repeats"] == "WARN"
        assert detail(report, rules.REPEATS) == "request.json: another answer to the same request"

    def test_without_samples_the_rest_is_tested(self, subject: Subject) -> None:
        report = run(subject, sent=())
        skips = {name for name, word in words(report).items() if word == "SKIP"}
        assert skips == {"samples", "repeats", "busy", "in-flight"}
        assert "samples/" in detail(report, rules.IN_FLIGHT)
        assert report.passed

    @pytest.mark.parametrize(("rule", "body", "kind", "_only"), trials.UNUSABLE)
    def test_5xx_to_a_request_that_it_cannot_use_breaks_the_rule(
        self, subject: Subject, rule: Rule, body: bytes, kind: str, _only: bool
    ) -> None:
        subject.answer = but(
            lambda path, k, b: (500, b"Oops\nTraceback") if (b, k) == (body, kind) else AS_EVER
        )
        assert broken(run(subject)) == {rule.id: "answered 500: Oops"}

    @pytest.mark.parametrize(("rule", "body", "kind", "only_4xx"), trials.UNUSABLE)
    def test_2xx_to_a_request_that_nobody_can_use_is_a_warning(
        self, subject: Subject, rule: Rule, body: bytes, kind: str, only_4xx: bool
    ) -> None:
        subject.answer = but(lambda path, k, b: (200, b"") if (b, k) == (body, kind) else AS_EVER)
        report = run(subject)
        assert report.passed
        assert words(report)[rule.id] == ("WARN" if only_4xx else "PASS")

    def test_a_server_that_hangs_up_on_malformed_json_breaks_a_rule(self, subject: Subject) -> None:
        broken_json = next(body for rule, body, *_ in trials.UNUSABLE if rule is rules.BROKEN_JSON)
        subject.answer = but(lambda path, kind, body: None if body == broken_json else AS_EVER)
        assert broken(run(subject)) == {"broken-json": "closed the connection without an answer"}

    def test_a_server_that_dies_of_a_request_is_found_out(self, subject: Subject) -> None:
        def die(path: str, kind: str, body: bytes) -> Reply | str:
            if kind != "text/csv":
                return AS_EVER
            subject.code = 139
            return None

        subject.answer = but(die)
        report = run(subject)
        assert broken(report) == {
            "wrong-csv": "closed the connection without an answer",
            "lives": "it ended with exit code 139",
        }
        assert detail(report, rules.BUSY) == "the container had ended before its turn"
        assert subject.stopped == 0

    def test_a_limit_below_sagemaker_s_is_named_with_the_size(self, subject: Subject) -> None:
        subject.answer = but(lambda path, kind, body: (413, b"") if len(body) > 10_000 else AS_EVER)
        assert broken(run(subject)) == {
            "payload": "answered 413 to 20,000 bytes: raise the limit of the server, or of nginx"
        }

    def test_hanging_up_on_a_body_within_the_limit_breaks_the_rule(self, subject: Subject) -> None:
        subject.answer = but(lambda path, kind, body: None if len(body) > 10_000 else AS_EVER)
        assert broken(run(subject)) == {
            "payload": "closed the connection without an answer, to 20,000 bytes"
        }

    def test_hanging_up_on_a_body_over_the_server_s_limit_is_fine(self, subject: Subject) -> None:
        subject.answer = but(lambda path, kind, body: None if len(body) > 30_000 else AS_EVER)
        assert run(subject).passed

    def test_no_limit_of_its_own_is_a_warning(self, subject: Subject) -> None:
        subject.answer = but(lambda path, kind, body: (400, b"") if len(body) > 30_000 else AS_EVER)
        report = run(subject)
        assert words(report)["over-limit"] == "WARN"
        assert "answered 400 to 30,001 bytes" in detail(report, rules.OVER)

    def test_a_server_that_is_gone_after_a_large_body_breaks_the_rule(
        self, subject: Subject
    ) -> None:
        sick = threading.Event()

        def fall_ill(path: str, kind: str, body: bytes) -> Reply | str:
            if len(body) > 30_000:
                sick.set()
            return (503, b"") if sick.is_set() and path == "/ping" else AS_EVER

        subject.answer = but(fall_ill)
        found = broken(run(subject))
        assert found["over-limit"] == "answered 413 to 30,001 bytes, and then /ping answered 503"
        assert found["lives"] == "/ping answered 503"

    def test_an_unknown_limit_is_not_tested(self, subject: Subject) -> None:
        report = run(subject, limits=Limits(payload=20_000, busy=0.3))
        assert words(report)["over-limit"] == "SKIP"

    def test_a_ping_that_fails_while_predictions_run_breaks_a_rule(self, subject: Subject) -> None:
        running = []

        def crowded(path: str, kind: str, body: bytes) -> Reply | str:
            if path == "/ping":
                return (503, b"") if len(running) > 1 else AS_EVER
            running.append(path)
            time.sleep(0.05)
            running.pop()
            return AS_EVER

        subject.answer = but(crowded)
        assert broken(run(subject)) == {"busy": "/ping answered 503 while 4 predictions ran"}

    def test_bodies_are_as_long_as_they_are_said_to_be(self) -> None:
        assert len(trials.padded(6_291_456)) == 6_291_456
        assert isinstance(json.loads(trials.padded(100)), dict)


class TestStop:
    def test_a_container_that_ignores_sigterm_is_told(self, subject: Subject) -> None:
        subject.stops = (137, 30.2)
        assert broken(run(subject)) == {"sigterm": "ignores SIGTERM: killed after 30 s"}

    def test_a_shell_form_entrypoint_that_eats_sigterm_is_named(self, subject: Subject) -> None:
        subject.stops = (137, 30.2)
        image = Image("sha256:1", "app", "linux/amd64", ("/bin/sh", "-c", "serve; true"))
        found = broken(run(subject, image=image))
        assert found["sigterm"].startswith("shell-form ENTRYPOINT eats SIGTERM: killed after 30 s")
        assert "in shell form" in found["image"]

    @pytest.mark.parametrize("code", [0, 143])
    def test_an_end_in_time_is_fine(self, subject: Subject, code: int) -> None:
        subject.stops = (code, 12.3)
        report = run(subject)
        assert words(report)["sigterm"] == "PASS"
        assert detail(report, rules.SIGTERM) == f"after 12.3 s, with exit code {code}"

    @pytest.mark.parametrize("code", [1, 139, 255])
    def test_an_end_in_time_by_a_failure_is_a_warning(self, subject: Subject, code: int) -> None:
        subject.stops = (code, 0.2)
        report = run(subject)
        assert report.passed
        assert words(report)["sigterm"] == "WARN"
        assert f"exit code {code}, which is a failure" in detail(report, rules.SIGTERM)

    def test_a_container_that_is_killed_before_its_time_is_told(self, subject: Subject) -> None:
        subject.stops = (137, 1.2)
        assert broken(run(subject)) == {
            "sigterm": "after 1.2 s, with exit code 137: it was killed, for its memory perhaps"
        }

    def test_a_prediction_that_is_cut_off_at_sigterm_is_a_warning(self, subject: Subject) -> None:
        cut = threading.Event()

        def cut_off(path: str, kind: str, body: bytes) -> Reply | str:
            if body == SAMPLE.body:
                time.sleep(0.01)
            return None if cut.is_set() else AS_EVER

        subject.answer = but(cut_off)
        stop = subject.stop

        def stop_rudely(grace: float = 30) -> tuple[int, float]:
            cut.set()
            time.sleep(0.05)
            return stop(grace)

        subject.stop = stop_rudely  # type: ignore[method-assign]
        report = run(subject)
        assert report.passed
        assert words(report)["in-flight"] == "WARN"
        assert "of 4 that ran at once had no answer" in detail(report, rules.IN_FLIGHT)


class TestTimeline:
    def test_its_signs(self) -> None:
        answers = [
            Answer(None),
            Answer(None, timed_out=True),
            Answer(503),
            Answer(502),
            Answer(200),
        ]
        line = Timeline([Ping(number / 2, answer) for number, answer in enumerate(answers)])
        assert line.draw() == "0s .txxo 2.0s\n. no answer   t over 2 s   x 502, 503   o 200"

    def test_many_pings_share_columns_in_proportion_to_time(self) -> None:
        pings = [Ping(at / 4, Answer(503 if at < 300 else 200)) for at in range(400)]
        drawn = Timeline(pings).draw().splitlines()[0]
        assert drawn == f"0s {'x' * 45}{'o' * 15} 99.8s"

    def test_a_time_without_pings_looks_as_before(self) -> None:
        pings = [Ping(at / 100, Answer(503)) for at in range(60)] + [Ping(100.0, Answer(200))]
        drawn = Timeline(pings).draw().splitlines()[0]
        assert drawn == f"0s {'x' * 59}o 100.0s"

    def test_without_pings_there_is_nothing_to_draw(self) -> None:
        assert Timeline().draw() == "no ping was sent"
        assert Timeline().ready is None


class TestReport:
    def test_its_text_has_the_timeline_the_rules_and_the_last_words(self, subject: Subject) -> None:
        subject.stops = (137, 30.0)
        text = run(subject).text()
        assert text.startswith("/ping  0s oooooooooo 2.2s\n       o 200\n\n")
        assert "FAIL  sigterm" in text
        assert "it ends within 30 s of SIGTERM: ignores SIGTERM: killed after 30 s" in text
        assert "sigterm: see https://docs.aws.amazon.com/sagemaker" in text
        assert "The container's last words:\nlast \\x1b[31mwords" in text
        assert text.endswith("The container breaks the contract: 19 pass, 1 fail")

    def test_its_summary_counts_what_passed_and_what_was_skipped(self, subject: Subject) -> None:
        report = run(subject, sent=())
        assert report.summary() == "The container keeps the contract: 16 pass, 4 skip"
        assert report.problems() == ""

    def test_its_document_is_json(self, subject: Subject) -> None:
        subject.stops = (137, 30.0)
        report = run(subject)
        document = json.loads(json.dumps(report.document()))
        assert document["passed"] is False
        assert document["checks"][-1] == {
            "rule": "sigterm",
            "verdict": "fail",
            "sentence": rules.SIGTERM.sentence,
            "detail": "ignores SIGTERM: killed after 30 s",
            "source": rules.SIGTERM.source,
            "seconds": 30.0,
        }
        assert len(document["timeline"]) == 10
        assert document["timeline"][0]["status"] == 200
        assert report.problems() == "  sigterm: ignores SIGTERM: killed after 30 s"


class TestSamples:
    def test_they_are_the_files_of_a_folder_by_name_and_type(self, tmp_path: Path) -> None:
        for name in ("b.csv", "a.json", "c.JSONL", "d.jpg", "e.odd", ".hidden", "README.md"):
            (tmp_path / name).write_text(name)
        (tmp_path / "folder").mkdir()
        assert samples.load(tmp_path) == (
            Sample("a.json", b"a.json", "application/json"),
            Sample("b.csv", b"b.csv", "text/csv"),
            Sample("c.JSONL", b"c.JSONL", "application/jsonlines"),
            Sample("d.jpg", b"d.jpg", "image/jpeg"),
            Sample("e.odd", b"e.odd", "application/json"),
        )

    def test_a_folder_that_is_not_there_has_none(self, tmp_path: Path) -> None:
        assert samples.load(tmp_path / "none") == ()

    def test_a_folder_that_is_a_file_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "samples").write_text("")
        with pytest.raises(UsageError, match="samples: cannot be read: Not a directory"):
            samples.load(tmp_path / "samples")


class TestListeners:
    def test_they_are_read_from_the_kernel_s_table(self) -> None:
        table = (
            "  sl  local_address rem_address   st tx_queue rx_queue\n"
            "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:0 0 0 0 1\n"
            "   1: 00000000:1388 00000000:0000 0A 00000000:00000000 00:0 0 0 0 1\n"
            "   2: 020011AC:C350 0300000A:01BB 01 00000000:00000000 00:0 0 0 0 1\n"
            "   0: 00000000000000000000000001000000:0050 "
            "00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 1\n"
        )
        assert listening(table) == [("0.0.0.0", 5000), ("127.0.0.1", 8080), ("::1", 80)]

    def test_without_a_table_there_are_none(self) -> None:
        assert listening("") == []
