"""`odyssey local serve` and `odyssey local request`, with a server of a few lines."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from odyssey import client
from tests.functional.conftest import Done, Running, SmallApp, alive, until

Run = Callable[..., Done]


def start(app: SmallApp, *words: str, **environ: str) -> Running:
    server = app.start("local", "serve", *words, **environ)
    server.until_it_says("Serving on")
    return server


@pytest.fixture
def server(small_app: SmallApp) -> Iterator[Running]:
    server = start(small_app)
    yield server
    server.send(signal.SIGINT)
    server.finish()


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in found.split()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_says_where_and_ends_cleanly(small_app: SmallApp, number: signal.Signals) -> None:
    # given
    server = start(small_app)
    # when
    server.send(number)
    done = server.finish()
    # then
    assert (done.code, done.out) == (0, "")
    assert f"Serving on http://127.0.0.1:{small_app.port} " in done.err
    assert "  odyssey local request --data '" in done.err
    assert done.err.count("draining") == 1
    assert done.err.endswith("The server has stopped\n")
    assert not client.ping(small_app.port)[0]


def test_the_settings_reach_the_server(small_app: SmallApp, odyssey: Run) -> None:
    # given
    small_app.write(
        "odyssey.toml", (small_app.folder / "odyssey.toml").read_text() + "[server]\ntimeout = 7\n"
    )
    environ = {
        "MODEL_SERVER_THREADS": "9",
        "MODEL_SERVER_WORKERS": "5",
        "MODEL_SERVER_HOST": "0.0.0.0",
        "ODYSSEY_SERVER_CSV_HEADER": "present",
    }
    server = start(small_app, "--kind", "flask", "--reload", "--quiet", **environ)
    # when
    done = odyssey("local", "request", "--data", "{}", at=small_app.folder)
    # then
    assert done.document["settings"] == {
        "MODEL_SERVER": "flask",
        "MODEL_SERVER_ACCESS_LOG": "0",
        "MODEL_SERVER_CSV_HEADER": "present",
        "MODEL_SERVER_HOST": "127.0.0.1",
        "MODEL_SERVER_MAX_PAYLOAD_MB": "100",
        "MODEL_SERVER_NGINX": "auto",
        "MODEL_SERVER_PORT": str(small_app.port),
        "MODEL_SERVER_RELOAD": "1",
        "MODEL_SERVER_THREADS": "9",
        "MODEL_SERVER_TIMEOUT": "7",
        "MODEL_SERVER_WORKERS": "5",
    }
    server.send(signal.SIGINT)
    server.finish()


def test_no_number_of_workers_leaves_it_to_the_server(small_app: SmallApp, odyssey: Run) -> None:
    server = start(small_app, "--workers", "0", MODEL_SERVER_WORKERS="3")
    done = odyssey("local", "request", "--data", "{}", at=small_app.folder)
    assert "MODEL_SERVER_WORKERS" not in done.document["settings"]
    assert done.document["settings"]["MODEL_SERVER_ACCESS_LOG"] == "1"
    server.send(signal.SIGINT)
    server.finish()


def test_another_port_is_named_in_the_example(small_app: SmallApp) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = start(small_app, "--port", str(port))
    server.send(signal.SIGINT)
    assert f"  odyssey local request --port {port} --data" in server.finish().err


def test_json_is_the_url_alone(small_app: SmallApp) -> None:
    server = start(small_app, "--output", "json")
    server.send(signal.SIGINT)
    done = server.finish()
    assert done.document == {"url": f"http://127.0.0.1:{small_app.port}"}
    assert done.code == 0


def test_json_stays_one_document_when_the_server_dies_later(
    small_app: SmallApp, odyssey: Run
) -> None:
    server = start(small_app, "--output", "json")
    odyssey("local", "request", "--data", "die", at=small_app.folder)
    done = server.finish()
    assert done.code == 1
    assert done.document == {"url": f"http://127.0.0.1:{small_app.port}"}
    assert "Error: the server ended by itself (exit code 3)" in done.err


def test_a_taken_port_is_named_with_its_origin(odyssey: Run, small_app: SmallApp) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", small_app.port))
        taken.listen()
        done = odyssey("local", "serve", at=small_app.folder)
    assert done.code == 1
    assert f"port {small_app.port} (odyssey.toml [local]) is in use" in done.err
    assert "--port" in done.err


def test_a_port_taken_on_every_address_is_taken(odyssey: Run, small_app: SmallApp) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("0.0.0.0", small_app.port))
        taken.listen()
        assert odyssey("local", "serve", at=small_app.folder).code == 1


def test_no_model_says_how_to_get_one(odyssey: Run, small_app: SmallApp) -> None:
    (small_app.folder / "model" / "weights").unlink()
    done = odyssey("local", "serve", at=small_app.folder)
    assert done.code == 1
    assert str(small_app.folder / "model") in done.err
    assert "Hint: odyssey local train\n" in done.err


def test_a_model_that_does_not_load_ends_it_with_the_log(small_app: SmallApp) -> None:
    small_app.write("rocket/serve", "raise ValueError('no such model')")
    done = small_app.run("local", "serve", "--output", "json")
    assert done.code == 1
    assert "ValueError: no such model" in done.err
    assert "before its model was loaded (exit code 1)" in done.document["error"]["message"]


def test_a_stop_before_the_model_is_loaded_is_an_interruption(small_app: SmallApp) -> None:
    small_app.write("rocket/serve", "import time\nprint('loading')\ntime.sleep(600)")
    server = small_app.start("local", "serve")
    server.until_it_says("loading")
    server.send(signal.SIGINT)
    assert server.finish().code == 130


def test_a_killed_odyssey_takes_its_server_along(small_app: SmallApp) -> None:
    server = start(small_app)
    (script,) = children(server.pid)
    server.send(signal.SIGKILL)
    server.finish()
    until(lambda: not alive(script))


def test_a_server_in_the_background_hears_ctrl_c_too(small_app: SmallApp) -> None:
    """A shell's `&` makes a program deaf to SIGINT, and its children too."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", f'"{sys.executable}" -m odyssey local serve & echo $!; wait'],
        cwd=small_app.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    odyssey_pid = int(process.stdout.readline())
    until(lambda: client.ping(small_app.port)[0])
    os.kill(odyssey_pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert not client.ping(small_app.port)[0]


@pytest.mark.usefixtures("server")
class TestRequest:
    """Requests to a server that repeats what it heard."""

    def ask(self, odyssey: Run, app: SmallApp, *words: str) -> Done:
        return odyssey("local", "request", *words, at=app.folder)

    def test_data_is_json_unless_said_otherwise(self, odyssey: Run, small_app: SmallApp) -> None:
        done = self.ask(odyssey, small_app, "--data", '{"observation": ["é"]}')
        assert done.code == 0
        assert done.err == ""
        heard = done.document
        assert heard["path"] == "/invocations"
        assert heard["type"] == "application/json"
        assert heard["accept"] is None
        assert heard["body"] == '{"observation": ["é"]}'
        assert heard["model"] == "old"

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("iris.csv", "text/csv"),
            ("IRIS.CSV", "text/csv"),
            ("one.json", "application/json"),
            ("many.jsonl", "application/jsonlines"),
            ("other.txt", "application/json"),
        ],
    )
    def test_a_file_s_suffix_says_its_type(
        self, odyssey: Run, small_app: SmallApp, name: str, kind: str
    ) -> None:
        small_app.write(name, "5.1,3.5")
        by_file = self.ask(odyssey, small_app, "--file", name)
        by_data = self.ask(odyssey, small_app, "--data", f"@{name}")
        assert by_file.document == by_data.document
        assert by_file.document["type"] == kind
        assert by_file.document["body"] == "5.1,3.5"

    def test_the_types_can_be_given(self, odyssey: Run, small_app: SmallApp) -> None:
        small_app.write("x.json", "1")
        words = ["--file", "x.json", "--content-type", "text/csv; header=present"]
        done = self.ask(odyssey, small_app, *words, "--accept", "text/csv")
        assert done.document["type"] == "text/csv; header=present"
        assert done.document["accept"] == "text/csv"

    def test_stdin_can_be_the_body(self, small_app: SmallApp) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "odyssey", "local", "request", "--data", "-"],
            cwd=small_app.folder,
            input="from a pipe",
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(done.stdout)["body"] == "from a pipe"

    def test_json_has_the_answer_and_its_time(self, odyssey: Run, small_app: SmallApp) -> None:
        done = self.ask(odyssey, small_app, "--data", "x", "--output", "json")
        assert done.document["status"] == 200
        assert done.document["content_type"] == "application/json"
        assert done.document["body"]["body"] == "x"
        assert done.document["milliseconds"] > 0

    def test_bytes_come_as_they_are(self, small_app: SmallApp) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "odyssey", "local", "request", "--data", "bytes"],
            cwd=small_app.folder,
            capture_output=True,
            check=True,
        )
        assert done.stdout == b"\xff\xfe"

    def test_bytes_and_no_numbers_fit_into_json(self, odyssey: Run, small_app: SmallApp) -> None:
        json_ = ["--output", "json"]
        in_base64 = self.ask(odyssey, small_app, "--data", "bytes", *json_).document
        assert in_base64["body_base64"] == "//4="
        assert self.ask(odyssey, small_app, "--data", "nan", *json_).document["body"] == "NaN"

    def test_an_error_of_the_server_is_a_failure(self, odyssey: Run, small_app: SmallApp) -> None:
        done = self.ask(odyssey, small_app, "--data", "bad")
        assert (done.code, done.out) == (1, "")
        assert done.err == "Error: 400 Bad Request: no \\x1b[31mgood\n"
        html = self.ask(odyssey, small_app, "--data", "html")
        assert html.err == "Error: 502 Bad Gateway: <h1>Bad gateway</h1>\n"

    @pytest.mark.parametrize("words", [[], ["--data", "1", "--file", "odyssey.toml"]])
    def test_exactly_one_body_is_needed(
        self, odyssey: Run, small_app: SmallApp, words: list[str]
    ) -> None:
        done = self.ask(odyssey, small_app, *words)
        assert done.code == 2
        assert "give one of --data and --file" in done.err

    @pytest.mark.parametrize("words", [["--file", "nothing"], ["--data", "@nothing"]])
    def test_a_file_that_is_none_is_a_usage_error(
        self, odyssey: Run, small_app: SmallApp, words: list[str]
    ) -> None:
        done = self.ask(odyssey, small_app, *words)
        assert done.code == 2
        assert "nothing" in done.err

    def test_a_type_that_is_no_header_is_a_usage_error(
        self, odyssey: Run, small_app: SmallApp
    ) -> None:
        done = self.ask(odyssey, small_app, "--data", "1", "--content-type", "a\nb: c")
        assert done.code == 2


def test_nothing_that_listens_says_how_to_start_it(odyssey: Run, small_app: SmallApp) -> None:
    done = odyssey("local", "request", "--data", "1", at=small_app.folder)
    assert done.code == 1
    assert f"nothing listens on 127.0.0.1:{small_app.port}" in done.err
    assert done.err.endswith("Hint: odyssey local serve\n")
    other = odyssey("local", "request", "--data", "1", "--port", "1", at=small_app.folder)
    assert other.err.endswith("Hint: odyssey local serve --port 1\n")


def answer_with(raw: bytes, port: int, *, read: int = 1) -> subprocess.Popen[str]:
    """A server that reads a little of one request and answers these bytes."""
    program = (
        "import socket, sys\n"
        f"door = socket.create_server(('127.0.0.1', {port}))\n"
        "print('ready', flush=True)\n"
        "line, _ = door.accept()\n"
        f"line.recv({read})\n"
        f"line.sendall({raw!r})\n"
        "line.shutdown(socket.SHUT_WR)\n"
        "while line.recv(65536): pass\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_an_answer_that_is_not_http_is_a_failure(odyssey: Run, small_app: SmallApp) -> None:
    with answer_with(b"SSH-2.0-x\r\n", small_app.port) as other:
        done = odyssey("local", "request", "--data", "1", at=small_app.folder)
        other.wait()
    assert done.code == 1
    assert "gave no answer that is HTTP" in done.err


def test_a_refusal_before_the_whole_body_was_sent_is_heard(
    odyssey: Run, small_app: SmallApp
) -> None:
    small_app.write("big", "x" * 3_000_000)
    refusal = b'HTTP/1.1 413 Too Large\r\nContent-Length: 20\r\n\r\n{"error": "too big"}'
    with answer_with(refusal, small_app.port) as other:
        done = odyssey("local", "request", "--file", "big", at=small_app.folder)
        other.wait()
    assert done.code == 1
    assert "413 Too Large" in done.err
