"""What the server survives, behind each door: kills, stops under load, hangs, broken models."""

import contextlib
import http.client
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.servers import Server, read


class Load:
    """Clients that send one request after another; `lost` are those sent and never answered."""

    def __init__(self, server: Server, clients: int, body: object, keep: bool) -> None:
        self.server = server
        self.body = json.dumps(body)
        self.keep = keep
        self.answered = 0
        self.refused = 0
        self.lost: list[str] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._client) for _ in range(clients)]

    def _client(self) -> None:
        connection = self.server.connection(timeout=20)
        with contextlib.closing(connection):
            self._ask(connection)

    def _ask(self, connection: http.client.HTTPConnection) -> None:
        while not self._stop.is_set():
            try:
                if connection.sock is None:
                    connection.connect()
            except OSError:  # Nobody is there to be asked: the client knows, and can go elsewhere.
                self.refused += 1
                if self._stop.wait(0.01):
                    return
                continue
            try:
                headers = {} if self.keep else {"Connection": "close"}
                connection.request("POST", "/invocations", self.body, headers)
                answer = read(connection)
                with self._lock:
                    if answer.status == 200:
                        self.answered += 1
                    else:
                        self.lost.append(str(answer))
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                with self._lock:
                    self.lost.append(repr(error))

    @contextmanager
    def running(self) -> Iterator["Load"]:
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()


def until(condition, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


OF_WORKERS = pytest.mark.parametrize("door", ["fast", "flask"])
"""For what the workers alone do: nginx before them would only pass it on."""


@pytest.fixture
def probe_copy(probe_app: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(probe_app, tmp_path / "probe"))


def test_a_killed_worker_is_replaced_and_loses_only_what_it_held(
    probe_copy: Path, door: str
) -> None:
    with Server(probe_copy, door) as server:
        server.wait_until(lambda: len(server.workers()) == 2)
        before = server.workers()
        load = Load(server, 8, {"sleep": 0.01}, keep=True)
        with load.running():
            until(lambda: load.answered > 50)
            victim = min(before)
            os.kill(victim, signal.SIGKILL)
            answered = load.answered
            until(lambda: load.answered > answered + 200)
        # Each client had at most one request in the worker that was killed.
        assert len(load.lost) <= 8, load.lost
        server.wait_until(lambda: len(server.workers()) == 2 and victim not in server.workers())
        assert server.post({}).status == 200


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "fresh"])
def test_a_stop_under_load_loses_no_request(probe_copy: Path, door: str, keep: bool) -> None:
    with Server(probe_copy, door) as server:
        load = Load(server, 16, {"sleep": 0.005}, keep)
        with load.running():
            until(lambda: load.answered > 100)
            assert server.stop() == 0
            until(lambda: load.refused > 0)
    if keep and door == "flask-nginx":
        # nginx closes kept connections at once, with what may just be on its way on them.
        assert len(load.lost) <= 16
        assert not [lost for lost in load.lost if lost.startswith("Answer")]
    else:
        assert load.lost == []


def test_a_stop_waits_for_the_prediction_in_flight(probe_copy: Path, door: str) -> None:
    with Server(probe_copy, door) as server, ThreadPoolExecutor(4) as pool:
        long = [pool.submit(server.post, {"sleep": 2}) for _ in range(4)]
        time.sleep(0.5)
        assert server.stop() == 0
        assert [future.result().status for future in long] == [200] * 4


def test_an_interrupt_stops_at_once(probe_copy: Path, door: str) -> None:
    with Server(probe_copy, door) as server:
        idle = server.connection()
        idle.request("GET", "/ping")
        assert read(idle).status == 200
        start = time.monotonic()
        assert server.stop(signal.SIGINT) == 0
        assert time.monotonic() - start < 4
        idle.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_that_is_just_being_born_hears_the_stop_too(probe_copy: Path, number: int) -> None:
    # given: a second between the births of the workers, and a slow childhood
    with (probe_copy / "serve.py").open("a") as code:
        code.write(
            "\nimport itertools, os, time, types, gunicorn.arbiter\n"
            "waits = itertools.chain([10], itertools.repeat(0))\n"
            "gunicorn.arbiter.random = types.SimpleNamespace(random=lambda: next(waits))\n"
            "os.register_at_fork(after_in_child=lambda: time.sleep(0.3))\n"
        )
    with Server(probe_copy, "fast") as server:
        start = time.monotonic()
        # when: the stop comes before the second, and is passed on as soon as that is there
        assert server.stop(number) == 0
        # then: nobody waits for a worker that has not heard it to be killed
        assert time.monotonic() - start < 12


def test_nothing_is_left_after_a_stop(probe_copy: Path, door: str, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with Server(probe_copy, door, TMPDIR=scratch) as server:
        processes = server.processes()
        server.stop()
    assert list(scratch.iterdir()) == []
    assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize("program", ["nginx: master", "rocket/serve"])
def test_the_server_ends_when_nginx_or_gunicorn_is_killed(probe_copy: Path, program: str) -> None:
    with Server(probe_copy, "flask-nginx") as server:
        processes = server.processes()
        (victim,) = [
            pid
            for pid, command in processes.items()
            if program in command and pid not in server.workers() and pid != server.process.pid
        ]
        os.kill(victim, signal.SIGKILL)
        assert server.process.wait(40) != 0
        until(lambda: not [pid for pid in processes if Path(f"/proc/{pid}").exists()], 40)
        server.stop = lambda: 0  # type: ignore[method-assign]


@OF_WORKERS
@pytest.mark.parametrize(
    "code",
    [
        "def get_model(model_path):\n    raise OSError('no weights here')\n",
        "def get_model(model_path):\n    raise RuntimeError('no weights here')\n",
        "raise ImportError('no weights here')\n",
        "def get_model(model_path):\n    raise OSError('no weights here')\n"
        "get_model.per_worker = True\n",
    ],
    ids=["get_model", "runtime", "import", "per-worker"],
)
def test_a_model_that_cannot_be_loaded_ends_the_server(
    probe_copy: Path, door: str, code: str
) -> None:
    (probe_copy / "serve.py").write_text(code + "def predict(input_data, model): ...\n")
    server = Server(probe_copy, door).start()
    try:
        assert server.process.wait(30) not in (0, None)
        assert "Traceback" in server.log
        assert "no weights here" in server.log
    finally:
        server.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_while_the_model_loads_is_heard(
    probe_copy: Path, door: str, number: signal.Signals
) -> None:
    code = "import time\ndef get_model(model_path):\n    print('loading', flush=True)\n"
    code += "    time.sleep(60)\ndef predict(input_data, model): ...\n"
    (probe_copy / "serve.py").write_text(code)
    server = Server(probe_copy, door).start()
    until(lambda: "loading" in server.log)
    start = time.monotonic()
    assert server.stop(number) == 0
    assert time.monotonic() - start < 10


@OF_WORKERS
def test_ping_answers_when_calls_that_were_always_short_are_long_at_once(
    probe_copy: Path, door: str
) -> None:
    with Server(probe_copy, door) as server, ThreadPoolExecutor(8) as pool:
        # given: workers that run such calls on their event loops
        for _ in range(40):
            assert server.post({"sleep": 0.0}).status == 200
        # when: as many long ones as there are workers, and more
        long = [pool.submit(server.post, {"sleep": 3.0}) for _ in range(4)]
        time.sleep(0.2)
        slowest = 0.0
        while not any(future.done() for future in long):
            start = time.monotonic()
            assert server.get("/ping").status == 200
            slowest = max(slowest, time.monotonic() - start)
        # then
        assert slowest < 2
        assert [future.result().status for future in long] == [200] * 4


def test_serve_py_without_predict_is_named(probe_copy: Path) -> None:
    (probe_copy / "serve.py").write_text("def get_model(model_path): ...\n")
    server = Server(probe_copy).start()
    assert server.process.wait(30) == 1
    assert "serve.py must define predict(input_data, model)" in server.log


def test_a_wrong_setting_is_named(probe_copy: Path) -> None:
    server = Server(probe_copy, MODEL_SERVER_TIMEOUT="soon", MODEL_SERVER_THREADS=0).start()
    assert server.process.wait(30) == 2
    assert "MODEL_SERVER_TIMEOUT=soon: must be a number from 1 to 3600" in server.log
    assert "MODEL_SERVER_THREADS=0" in server.log


@OF_WORKERS
def test_ping_is_503_with_the_reason_while_each_worker_loads(probe_copy: Path, door: str) -> None:
    code = (
        "import os, time\n"
        "def get_model(model_path):\n    time.sleep(2)\n    return os.getpid()\n"
        "get_model.per_worker = True\n"
        "def predict(input_data, model):\n    return [model, os.getpid()]\n"
    )
    (probe_copy / "serve.py").write_text(code)
    server = Server(probe_copy, door).start()
    try:
        server.wait_until(lambda: server.get("/ping").status == 503)
        assert "loaded" in server.get("/ping").error
        assert server.post({}).status == 503
        server.wait_until(lambda: server.get("/ping").status == 200)
        answers = []
        server.wait_until(lambda: answers.append(server.post({})) or answers[-1].status == 200)
        loaded_in, answered_by = answers[-1].json
        assert loaded_in == answered_by
    finally:
        assert server.stop() == 0


@OF_WORKERS
def test_a_prediction_over_the_time_limit_is_504_and_the_worker_lives(
    probe_copy: Path, door: str
) -> None:
    with Server(probe_copy, door, MODEL_SERVER_TIMEOUT=1, MODEL_SERVER_WORKERS=1) as server:
        before = server.workers()
        answer = server.post({"sleep": 3})
        assert (answer.status, answer.error) == (504, "no answer within 1 s")
        assert "time.sleep(argument)" in server.log  # Where it hangs.
        assert server.post({}).status == 200
        assert server.workers() == before


@OF_WORKERS
def test_a_worker_whose_threads_all_hang_is_replaced(probe_copy: Path, door: str) -> None:
    settings = {"MODEL_SERVER_TIMEOUT": 1, "MODEL_SERVER_WORKERS": 1, "MODEL_SERVER_THREADS": 2}
    with Server(probe_copy, door, **settings) as server, ThreadPoolExecutor(2) as pool:
        (before,) = server.workers()
        hung = [pool.submit(server.post, {"sleep": 3600}) for _ in range(2)]
        assert {future.result().status for future in hung} == {504}
        server.wait_until(lambda: server.workers() and before not in server.workers())
        server.wait_until(lambda: server.post({}).status == 200)


@OF_WORKERS
def test_an_edit_restarts_the_server_that_reloads(probe_copy: Path, door: str) -> None:
    serve = probe_copy / "serve.py"
    original = serve.read_text()
    with Server(probe_copy, door, MODEL_SERVER_RELOAD=1) as server:
        serve.write_text(original + "\ndef predict(input_data, model):\n    return 'second'\n")
        server.wait_until(lambda: server.post({}).json == "second")
        # A mistake does not end it; it says what is wrong, and goes on when that is mended.
        serve.write_text("def get_model(: broken\n")
        server.wait_until(lambda: "SyntaxError" in server.get("/ping").json.get("error", ""))
        serve.write_text(original + "\ndef predict(input_data, model):\n    return 'third'\n")
        server.wait_until(lambda: server.get("/ping").status == 200)
        server.wait_until(lambda: server.post({}).json == "third")


def test_a_client_that_leaves_is_no_fault(probe_copy: Path, door: str) -> None:
    with Server(probe_copy, door) as server:
        body = json.dumps({"sleep": 0.5}).encode()
        head = f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        for sent in (head.encode(), head.encode() + body[:4], head.encode() + body):
            for _ in range(5):
                with socket.create_connection(("127.0.0.1", server.port)) as client:
                    client.sendall(sent)
        time.sleep(1)
        assert server.post({}).status == 200
        assert "Traceback" not in server.log


def test_micro_batches_answer_each_in_its_place_and_let_a_bad_record_fail_alone(
    probe_copy: Path,
) -> None:
    code = """
import time
from rocket import BadInput

def get_model(model_path):
    return None

def one(value):
    if value == "bad":
        raise BadInput("a bad record")
    if value == "broken":
        raise KeyError("a broken record")
    return value

def predict(input_data, model):
    time.sleep(0.002)
    return {"value": one(input_data["value"]), "together": 1}

def predict_batch(inputs, model):
    time.sleep(0.002)
    return [{"value": one(item["value"]), "together": len(inputs)} for item in inputs]
"""
    (probe_copy / "serve.py").write_text(code)
    expected = {"bad": 400, "broken": 500}
    together: list[int] = []
    wrong: list[object] = []

    def client(server: Server, number: int) -> None:
        connection = server.connection()
        for turn in range(60):
            value = f"{number}-{turn}"
            if number < 2 and turn % 10 == 0:
                value = ("bad", "broken")[number]
            connection.request("POST", "/invocations", json.dumps({"value": value}))
            answer = read(connection)
            if answer.status != expected.get(value, 200):
                wrong.append(answer)
            elif answer.status == 200:
                if answer.json["value"] != value:
                    wrong.append((value, answer))
                together.append(answer.json["together"])
        connection.close()

    with Server(probe_copy, MODEL_SERVER_WORKERS=1) as server, ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: client(server, number), range(16)))
    assert wrong == []
    assert max(together) > 4


def test_predict_batch_with_a_wrong_count_falls_back_to_single_records(probe_copy: Path) -> None:
    code = (
        "import time\n"
        "def get_model(model_path): ...\n"
        "def predict(input_data, model):\n    time.sleep(0.01)\n    return input_data\n"
        "def predict_batch(inputs, model):\n    return inputs[1:]\n"
    )
    (probe_copy / "serve.py").write_text(code)
    with Server(probe_copy, MODEL_SERVER_WORKERS=1) as server, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(server.post, range(40)))
        assert [answer.json for answer in answers] == list(range(40))
        assert "predict_batch returned" in server.log


def test_connections_are_shared_among_the_workers(probe_copy: Path) -> None:
    with Server(probe_copy) as server:
        server.wait_until(lambda: len(server.workers()) == 2)
        shares = []
        for _ in range(3):
            connections = [server.connection() for _ in range(32)]
            for connection in connections:
                connection.connect()
            by: dict[int, int] = {}
            for connection in connections:
                connection.request("POST", "/invocations", "{}")
                pid = read(connection).json["pid"]
                by[pid] = by.get(pid, 0) + 1
            for connection in connections:
                connection.close()
            shares.append(min(by.values()) if len(by) == 2 else 0)
        assert max(shares) >= 8, shares
