"""The container contract, the same through every door."""

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

from tests.e2e.servers import Answer, Server, free_port, read

SETOSA = [5.1, 3.5, 1.4, 0.2]
VIRGINICA = [6.7, 3.0, 5.2, 2.3]
CSV = "5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n"


def test_ping_is_200_when_the_model_is_loaded(iris: Server) -> None:
    assert iris.get("/ping").status == 200


def test_execution_parameters_fit_the_limits_of_batch_transform(iris: Server) -> None:
    parameters = iris.get("/execution-parameters").json
    assert set(parameters) == {"MaxConcurrentTransforms", "BatchStrategy", "MaxPayloadInMB"}
    assert parameters["MaxConcurrentTransforms"] == 2
    assert parameters["MaxConcurrentTransforms"] * parameters["MaxPayloadInMB"] <= 100


class TestFormats:
    def test_a_json_record_is_answered_as_json(self, iris: Server) -> None:
        answer = iris.post({"observation": SETOSA})
        assert answer.headers["content-type"] == "application/json"
        assert answer.json == {"prediction": "Iris-setosa"}

    def test_answers_equal_the_models_own(self, iris: Server, trained) -> None:
        import pickle

        model = pickle.loads((trained / "model" / "model.pkl").read_bytes())
        rows = load_iris().data
        body = "\n".join(",".join(map(str, row)) for row in rows)
        answer = iris.post(body, "text/csv")
        assert answer.body.decode().split() == model.predict(rows).tolist()

    def test_csv_has_no_header_line(self, iris: Server) -> None:
        answer = iris.post(CSV, "text/csv")
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/csv")
        assert answer.body == b"Iris-setosa\nIris-virginica\n"

    def test_csv_may_say_that_it_has_a_header_line(self, iris: Server) -> None:
        answer = iris.post("a,b,c,d\n" + CSV, "text/csv; header=present; charset=utf-8")
        assert answer.body == b"Iris-setosa\nIris-virginica\n"

    def test_jsonlines_are_answered_line_by_line(self, iris: Server) -> None:
        lines = "\n".join(json.dumps({"observation": row}) for row in (SETOSA, VIRGINICA))
        answer = iris.post(lines + "\n", "application/jsonlines")
        assert answer.headers["content-type"] == "application/jsonlines"
        assert [json.loads(line) for line in answer.body.splitlines()] == [
            {"prediction": "Iris-setosa"},
            {"prediction": "Iris-virginica"},
        ]

    @pytest.mark.parametrize(
        ("accept", "body"),
        [
            ("application/json", b'["Iris-setosa","Iris-virginica"]'),
            ("text/csv", b"Iris-setosa\nIris-virginica\n"),
            ("*/*", b"Iris-setosa\nIris-virginica\n"),
            ("text/*;q=0.1, application/json", b'["Iris-setosa","Iris-virginica"]'),
            ("application/jsonlines", b'"Iris-setosa"\n"Iris-virginica"\n'),
        ],
    )
    def test_accept_chooses_the_answers_format(
        self, iris: Server, accept: str, body: bytes
    ) -> None:
        answer = iris.post(CSV, "text/csv", Accept=accept)
        assert answer.body.replace(b", ", b",") == body

    def test_an_answer_in_no_format_at_hand_is_406(self, iris: Server) -> None:
        answer = iris.post(CSV, "text/csv", Accept="image/png")
        assert answer.status == 406
        assert "application/json" in answer.error

    @pytest.mark.parametrize(
        ("expression", "expected"),
        [
            ("{'a': numpy.float64(1.5)}", {"a": 1.5}),
            ("[1, 2]", [1, 2]),
            ("5", 5),
            ("None", None),
            ('\'{"already": "JSON"}\'', {"already": "JSON"}),
            ("'plain words'", "plain words"),
            ("'NaN'", "NaN"),
            ("numpy.arange(4).reshape(2, 2)", [[0, 1], [2, 3]]),
            ("pandas.DataFrame({'a': [1, 2]})", [{"a": 1}, {"a": 2}]),
            ("pandas.Series([1.5, None])", [1.5, None]),
            ("{'nan': float('nan')}", {"nan": None}),
            ("{'when': pandas.Timestamp('2026-01-02')}", {"when": "2026-01-02T00:00:00"}),
        ],
    )
    def test_predict_may_return(self, probe: Server, expression: str, expected: object) -> None:
        assert probe.post({"evaluate": expression}).json == expected

    def test_bytes_are_sent_as_they_are(self, probe: Server) -> None:
        answer = probe.post({"evaluate": "bytes(range(256))"}, Accept="image/png")
        assert answer.headers["content-type"] == "image/png"
        assert answer.body == bytes(range(256))

    def test_an_answer_that_cannot_be_sent_is_500(self, probe: Server) -> None:
        answer = probe.post({"evaluate": "object()"})
        assert answer.status == 500
        assert "object" in answer.error

    def test_five_megabytes_of_csv_pass(self, iris: Server) -> None:
        rows = np.tile(load_iris().data, (1667, 1))[:250_000]
        body = "\n".join(",".join(map(str, row)) for row in rows.tolist())
        assert len(body) > 3.9e6
        answer = iris.request("POST", "/invocations", body, {"Content-Type": "text/csv"})
        assert answer.body.count(b"\n") == 250_000


class TestBadRequests:
    @pytest.mark.parametrize(
        ("content_type", "body", "words"),
        [
            ("application/json", '{"a": }', "line 1, column 7"),
            ("application/json", "[" * 100_000, "nested"),
            ("application/json", b'{"a": "\xff"}', "byte 8"),
            ("application/json", "", "empty"),
            ("application/json", " \n ", "empty"),
            ("application/jsonlines", '{"a": 1}\n{"b": }\n', "line 2"),
            ("text/csv", "1,2,3,4\n1,2,3\n", "line 2"),
            ("text/csv", "1,2,3,4\n1,2,3,4,5\n", "line 2"),
            ("text/csv; header=present", "a,b,c,d\n1,2,3,4\n1,2,3,4,5\n", "line 3"),
            ("text/csv; header=present", "a,b,c,d\n", "no record"),
            ("text/csv; header=present", "a,b,c,d\n1,2,3,4,5\n1,2,3,4,5\n", "line 2"),
            ("text/csv", b"1,2,\xff,4\n", "byte 5"),
            ("text/csv", '1,2,3,"4\n', "line"),
            ("text/csv", "", "empty"),
            ("text/csv", "\n\n", "empty"),
        ],
    )
    def test_malformed_bodies_are_400_and_say_where(
        self, iris: Server, content_type: str, body: bytes | str, words: str
    ) -> None:
        answer = iris.post(body, content_type)
        assert (answer.status, words in answer.error) == (400, True), answer.body

    @pytest.mark.parametrize(
        "record",
        [{}, [], 5, "x", None, {"observation": [1]}, {"observation": [1, 2, 3, "four"]}],
    )
    def test_a_record_that_predict_refuses_is_400(self, iris: Server, record: object) -> None:
        assert iris.post(record).status == 400

    def test_a_refusal_leaves_no_traceback_in_the_log(self, probe: Server) -> None:
        answer = probe.post({"refuse": "a remarkable refusal"})
        assert (answer.status, answer.error) == (400, "a remarkable refusal")
        assert "a remarkable refusal" not in probe.log

    def test_an_unsupported_content_type_is_415_and_lists_the_supported(self, iris: Server) -> None:
        answer = iris.post("x", "application/x-parquet")
        assert answer.status == 415
        for known in ("application/json", "application/jsonlines", "text/csv"):
            assert known in answer.error

    def test_an_unknown_charset_is_415(self, iris: Server) -> None:
        assert iris.post("x", "text/csv; charset=klingon").status == 415

    def test_no_content_type_means_json(self, iris: Server) -> None:
        body = json.dumps({"observation": SETOSA})
        assert iris.request("POST", "/invocations", body).status == 200

    @pytest.mark.parametrize("framing", ["length", "chunked"])
    def test_a_body_over_the_limit_is_413(self, iris: Server, framing: str) -> None:
        body = b"1,2,3,4\n" * (9 * 2**17)
        chunks = (body[at : at + 2**16] for at in range(0, len(body), 2**16))
        data = body if framing == "length" else chunks
        answer = iris.request("POST", "/invocations", data, {"Content-Type": "text/csv"})
        assert answer.status == 413
        assert "MODEL_SERVER_MAX_PAYLOAD_MB" in answer.error

    def test_other_methods_are_405_and_other_paths_404(self, iris: Server) -> None:
        answer = iris.get("/invocations")
        assert (answer.status, "POST" in answer.headers["allow"]) == (405, True)
        assert iris.request("POST", "/ping").status == 405
        assert iris.get("/nowhere").status == 404
        assert iris.get("/nowhere").error


class TestTheUsersCode:
    def test_an_exception_is_500_in_short_and_in_full_in_the_log(self, probe: Server) -> None:
        answer = probe.post({"raise": "a remarkable failure"})
        assert answer.status == 500
        assert answer.error.startswith("predict raised RuntimeError: a remarkable failure")
        assert "Traceback" not in answer.error
        assert "Traceback" in probe.log
        assert "a remarkable failure" in probe.log

    def test_an_exit_does_not_end_the_server(self, probe: Server) -> None:
        before = probe.workers()
        assert probe.post({"exit": 3}).status == 500
        assert probe.post({"sleep": 0}).status == 200
        assert probe.workers() == before

    def test_the_model_is_loaded_once_for_all_workers(self, probe: Server, probe_app) -> None:
        probe.wait_until(lambda: len(probe.workers()) == 2)
        loads = (probe_app / "model" / "loads").read_text().split()
        assert len(loads) == len(set(loads))  # Once for each server that the tests started.
        assert not probe.workers() & set(map(int, loads))


class TestConnections:
    def test_a_connection_is_kept(self, iris: Server) -> None:
        connection = iris.connection()
        for _ in range(3):
            connection.request("POST", "/invocations", json.dumps({"observation": SETOSA}))
            used = connection.sock
            assert read(connection).status == 200
            assert connection.sock is used
        connection.close()

    def test_a_body_may_come_in_chunks(self, iris: Server) -> None:
        chunks = (part.encode() for part in ('{"observation": ', "[5.1, 3.5, ", "1.4, 0.2]}"))
        answer = iris.request("POST", "/invocations", chunks)
        assert answer.json == {"prediction": "Iris-setosa"}

    def test_a_client_that_waits_for_100_continue_gets_it(self, iris: Server) -> None:
        body = json.dumps({"observation": SETOSA}).encode()
        head = (
            "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", iris.port), timeout=10) as client:
            client.sendall(head.encode())
            assert client.recv(1024).startswith(b"HTTP/1.1 100")
            client.sendall(body)
            response = http.client.HTTPResponse(client, method="POST")
            response.begin()
            assert response.status == 200

    def test_slow_clients_do_not_hold_up_the_others(self, iris: Server) -> None:
        head = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"
        slow = []
        for _ in range(40):
            client = socket.create_connection(("127.0.0.1", iris.port), timeout=10)
            client.sendall(head)
            slow.append(client)
        try:
            start = time.monotonic()
            for _ in range(20):
                assert iris.post({"observation": SETOSA}).status == 200
            assert time.monotonic() - start < 5
        finally:
            for client in slow:
                client.close()

    @pytest.mark.parametrize("verb", ["sleep", "spin"])
    def test_ping_answers_while_long_predictions_run(self, probe: Server, verb: str) -> None:
        # given: short ones, that have earned their place on the event loop
        for _ in range(10):
            assert probe.post({"sleep": 0}).status == 200
        # when: many long ones at once
        with ThreadPoolExecutor(12) as pool:
            long = [pool.submit(probe.post, {verb: 2.0, "pad": "x" * 300}) for _ in range(12)]
            slowest, pings = 0.0, 0
            while not all(future.done() for future in long):
                start = time.monotonic()
                assert probe.get("/ping").status == 200
                slowest = max(slowest, time.monotonic() - start)
                pings += 1
                time.sleep(0.05)
        # then
        assert slowest < 2
        assert pings > 5
        assert all(future.result().status == 200 for future in long)


def test_answers_are_not_mixed_up_under_load(probe: Server) -> None:
    wrong: list[Answer] = []

    def client(number: int) -> None:
        connection = probe.connection()
        for turn in range(50):
            mark = {"mark": f"{number}-{turn}"}
            connection.request("POST", "/invocations", json.dumps(mark))
            answer = read(connection)
            if answer.status != 200 or answer.json["echo"] != mark:
                wrong.append(answer)
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_access_log_cannot_be_forged(probe_app: Path, door: str) -> None:
    with Server(probe_app, door, MODEL_SERVER_ACCESS_LOG=1) as server:
        assert server.get("/%0aFORGED%1b[31m").status == 404
        server.wait_until(lambda: "FORGED" in server.log)
        assert not [line for line in server.log.splitlines() if line.startswith("FORGED")]
        assert "\x1b" not in server.log


def test_any_wsgi_server_can_serve_the_flask_application(trained: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--preload", "-b", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, "rocket.wsgi:app"],
        cwd=trained,
        env={**os.environ, "ROCKET_ML_ROOT": str(trained)},
        stderr=subprocess.DEVNULL,
    )
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        deadline = time.monotonic() + 30
        while True:
            try:
                connection.connect()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        connection.request("POST", "/invocations", json.dumps({"observation": SETOSA}))
        assert read(connection).json == {"prediction": "Iris-setosa"}
        connection.close()
    finally:
        process.terminate()
        assert process.wait(30) == 0


def test_a_websocket_is_refused_in_silence(iris: Server) -> None:
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version": "13",
    }
    answer = iris.request("GET", "/ping", headers=upgrade)
    assert answer.status < 500
    assert "Traceback" not in iris.log
