"""Machines that are containers of a real engine: what runs, what it finds, what is left."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import docker
import pytest
from docker.errors import APIError

from odyssey.errors import ImageError
from odyssey.extraction import extract
from odyssey.images import image, orphans
from odyssey.images.image import Image
from odyssey.sandbox.executors.docker import DockerExecutor
from odyssey.sandbox.machines import Machine, MachineError, Task
from tests.sandbox.output import Output

START = "import os, pathlib, signal, sys, time\n"


class Local:
    """Images that the engine has."""

    def pull(self, engine: docker.DockerClient, name: str, region: str, role: str | None) -> Image:
        try:
            return image.find(engine, name)
        except ImageError as error:
            raise MachineError(error.message) from error


@pytest.fixture(scope="module")
def executor(engine: docker.DockerClient) -> DockerExecutor:
    return DockerExecutor(engine, Local())


Python = Callable[..., Task]


@pytest.fixture(scope="module")
def python(base_image: str) -> Python:
    """Make a task that runs a script."""

    def made(script: str, **words: Any) -> Task:
        return Task(base_image, [START + script], entrypoint=["python3", "-uc"], **words)

    return made


@contextlib.contextmanager
def running(executor: DockerExecutor, task: Task) -> Iterator[tuple[Machine, Output]]:
    output = Output()
    with executor.machine(task) as machine:
        machine.start(output)
        yield machine, output


def run(executor: DockerExecutor, task: Task) -> tuple[int | None, bytes]:
    with running(executor, task) as (machine, output):
        return machine.wait(30), output.bytes


def left(engine: docker.DockerClient, pid: int) -> dict[str, int]:
    """Count what a process has in the engine."""
    its = {"label": f"{orphans.LABEL}={socket.gethostname()}:{pid}"}
    return {
        "containers": len(engine.api.containers(all=True, filters=its)),
        "volumes": len(engine.api.volumes(filters=its)["Volumes"] or []),
        "networks": len(engine.api.networks(filters=its)),
    }


NOTHING = {"containers": 0, "volumes": 0, "networks": 0}


class TestRunning:
    def test_the_words_after_the_image_follow_its_entry_point(
        self, executor: DockerExecutor, base_image: str
    ) -> None:
        assert run(executor, Task(base_image, ["echo", "here"])) == (0, b"here\n")

    def test_an_entry_point_of_the_tasks_stands_in_its_place(
        self, executor: DockerExecutor, python: Python
    ) -> None:
        task = python(
            "print(os.environ['JOB'], os.uname().nodename); sys.exit(3)",
            environment={"JOB": "iris-1"},
            hostname="algo-7",
        )
        assert run(executor, task) == (3, b"iris-1 algo-7\n")

    def test_what_ends_by_a_signal_has_a_code_of_128_and_more(
        self, executor: DockerExecutor, python: Python
    ) -> None:
        script = "if os.fork(): os._exit(128 + os.wait()[1])\nos.kill(os.getpid(), 11)"
        assert run(executor, python(script))[0] == 139

    def test_its_output_is_whole_and_in_order_though_it_ends_at_once(
        self, executor: DockerExecutor, python: Python
    ) -> None:
        script = "os.write(1, b','.join(b'%d\\xff\\n' % number for number in range(100_000)))"
        code, printed = run(executor, python(script))
        assert code == 0
        assert printed == b",".join(b"%d\xff\n" % number for number in range(100_000))

    def test_a_last_line_without_an_end_is_passed_on(
        self, executor: DockerExecutor, python: Python
    ) -> None:
        assert run(executor, python("print('here', end='')")) == (0, b"here")

    def test_what_it_says_on_stderr_is_passed_on_too(
        self, executor: DockerExecutor, python: Python
    ) -> None:
        script = """
for number in range(10):
    os.write(1 + number % 2, b"%d\\n" % number)
    time.sleep(0.05)
"""
        _, printed = run(executor, python(script))
        assert printed.split() == [b"%d" % number for number in range(10)]

    def test_one_that_closes_its_output_still_runs(
        self, executor: DockerExecutor, python: Python
    ) -> None:
        script = "os.write(1, b'closing'); os.close(1); os.close(2); time.sleep(1); os._exit(4)"
        with running(executor, python(script)) as (machine, output):
            output.wait_for(b"closing")
            assert machine.wait(0.1) is None
            assert machine.wait(20) == 4

    def test_many_run_at_once_from_threads(self, executor: DockerExecutor, python: Python) -> None:
        codes: list[int | None] = []
        threads = [
            threading.Thread(
                target=lambda number: codes.append(run(executor, python(f"sys.exit({number})"))[0]),
                args=(number,),
            )
            for number in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(code for code in codes if code is not None) == list(range(4))

    def test_one_that_takes_too_much_memory_is_told_apart(
        self, executor: DockerExecutor, engine: docker.DockerClient, python: Python
    ) -> None:
        script = "print('ready'); time.sleep(1); bytearray(10**9)"
        with running(executor, python(script)) as (machine, output):
            output.wait_for(b"ready\n")
            ours = {"label": f"{orphans.LABEL}={orphans.owner()}"}
            (container,) = engine.api.containers(filters=ours)
            engine.api.update_container(container["Id"], mem_limit="64m", memswap_limit="64m")
            assert machine.wait(20) == 137
            assert machine.was_out_of_memory


class TestRefusals:
    @pytest.mark.parametrize("entrypoint", [["nothing-like-it"], None])
    def test_what_cannot_start_is_told_in_the_engines_words(
        self, executor: DockerExecutor, base_image: str, entrypoint: list[str] | None
    ) -> None:
        task = Task(base_image, ["train"], entrypoint=entrypoint)
        with (
            executor.machine(task) as machine,
            pytest.raises(MachineError, match="cannot start.*executable file not found"),
        ):
            machine.start(Output())

    def test_an_image_that_is_not_there_is_told(self, executor: DockerExecutor) -> None:
        with pytest.raises(MachineError, match='there is no image "nothing:like-it"'):
            executor.machine(Task("nothing:like-it", ["train"])).__enter__()

    def test_a_network_that_is_not_there_is_told_and_nothing_is_left(
        self, executor: DockerExecutor, engine: docker.DockerClient, python: Python
    ) -> None:
        with (
            executor.machine(python("", network="gone")) as machine,
            pytest.raises(MachineError, match="network gone not found"),
        ):
            machine.start(Output())
        assert left(engine, os.getpid()) == NOTHING

    def test_an_engine_elsewhere_is_refused(self) -> None:
        far = docker.DockerClient("tcp://build.example.com:2375", version="1.41")
        with contextlib.closing(far), pytest.raises(ImageError, match="on another machine"):
            DockerExecutor(far, Local())


class TestFiles:
    def test_it_finds_what_was_put(
        self, executor: DockerExecutor, python: Python, tmp_path: Path
    ) -> None:
        source = tmp_path / "numbers"
        source.write_text("1 2 3")
        script = "print(pathlib.Path('/opt/ml/input/data/training/numbers').read_text())"
        output = Output()
        with executor.machine(python(script)) as machine:
            machine.put("/opt/ml", [("input", None), ("model", None)])
            machine.put("/opt/ml/input/data", [("training/numbers", source)])
            machine.start(output)
            assert machine.wait(20) == 0
        assert output.bytes == b"1 2 3\n"

    def test_what_it_wrote_is_taken(
        self, executor: DockerExecutor, python: Python, tmp_path: Path
    ) -> None:
        script = "pathlib.Path('/opt/ml/model/weights').write_text('w')"
        with executor.machine(python(script)) as machine:
            machine.put("/opt/ml", [("model", None)])
            machine.start(Output())
            assert machine.wait(20) == 0
            with machine.take("/opt/ml/model") as archive:
                assert archive is not None
                assert list(extract(archive, tmp_path, below="model")) == [tmp_path / "weights"]
            with machine.take("/opt/ml/output/failure") as archive:
                assert archive is None

    def test_files_larger_than_what_may_be_held_go_through(
        self, executor: DockerExecutor, python: Python, tmp_path: Path
    ) -> None:
        size = 300 * 2**20
        source = tmp_path / "large"
        with source.open("wb") as file:
            file.truncate(size)
        script = "print(os.stat('/opt/ml/input/large').st_size)"
        output = Output()
        with executor.machine(python(script)) as machine:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            machine.put("/opt/ml", [("input/large", source)])
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            machine.start(output)
            assert machine.wait(20) == 0
        assert output.bytes == b"%d\n" % size
        assert grown < 50 * 2**10  # Kilobytes.

    def test_a_model_that_is_served_cannot_be_written(
        self, executor: DockerExecutor, python: Python
    ) -> None:
        script = """
model = pathlib.Path('/opt/ml/model/weights')
print(model.read_text())
try:
    model.write_text('other')
except OSError as error:
    print(error.strerror)
"""
        output = Output()
        with executor.machine(python(script, port=8080)) as machine:
            machine.put("/opt/ml/model", [("weights", b"w")])
            machine.start(output)
            assert machine.wait(20) == 0
        assert output.bytes == b"w\nRead-only file system\n"


class TestNetwork:
    SERVE = (
        "os.chdir('/opt/ml/model'); os.execlp('python3', 'python3', '-m', 'http.server', '8080')"
    )

    def test_its_port_is_reached_from_here(self, executor: DockerExecutor, python: Python) -> None:
        with executor.machine(python(self.SERVE, port=8080)) as machine:
            machine.put("/opt/ml/model", [("weights", b"w")])
            machine.start(Output())
            host, port = machine.address
            assert host == "127.0.0.1"
            assert _read(f"http://{host}:{port}/weights") == b"w"
            machine.stop(0)

    def test_machines_of_one_network_find_each_other_by_name(
        self, executor: DockerExecutor, python: Python
    ) -> None:
        server = """
import socket
listening = socket.create_server(("", 5000))
print("ready")
listening.accept()[0].sendall(os.uname().nodename.encode())
"""
        caller = """
import socket
print(socket.create_connection(("algo-1", 5000), 10).recv(99).decode())
"""
        with executor.network() as network:
            first = python(server, network=network, hostname="algo-1")
            second = python(caller, network=network, hostname="algo-2")
            with running(executor, first) as (machine, output):
                output.wait_for(b"ready\n")
                assert run(executor, second) == (0, b"algo-1\n")
                assert machine.wait(20) == 0


class TestEnd:
    def test_it_is_asked_to_stop_and_has_its_time(
        self, executor: DockerExecutor, python: Python
    ) -> None:
        script = """
def stop(*_):
    time.sleep(0.5)
    os.write(1, b"saved")
    sys.exit(5)
signal.signal(signal.SIGTERM, stop)
print("ready")
time.sleep(600)
"""
        with running(executor, python(script)) as (machine, output):
            output.wait_for(b"ready\n")
            machine.stop(20)
            assert machine.wait(0) == 5
            assert output.bytes == b"ready\nsaved"

    def test_one_that_does_not_listen_is_killed_after_its_time(
        self, executor: DockerExecutor, python: Python
    ) -> None:
        script = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); time.sleep(600)"
        with running(executor, python(script)) as (machine, output):
            output.wait_for(b"ready\n")
            start = time.monotonic()
            machine.stop(0.5)
            assert 0.5 <= time.monotonic() - start < 10
            assert machine.wait(0) == 137
            assert not machine.was_out_of_memory

    def test_the_block_leaves_nothing(
        self, executor: DockerExecutor, engine: docker.DockerClient, python: Python
    ) -> None:
        with executor.network() as network:
            task = python("print('ready'); time.sleep(600)", network=network, port=8080)
            with running(executor, task) as (_, output):
                output.wait_for(b"ready\n")
                assert left(engine, os.getpid()) == {"containers": 1, "volumes": 1, "networks": 1}
        assert left(engine, os.getpid()) == NOTHING

    def test_an_engine_that_refuses_once_leaves_nothing(
        self, engine: docker.DockerClient, python: Python
    ) -> None:
        stumbling = Stumbling(engine.api)
        executor = DockerExecutor(cast("docker.DockerClient", stumbling), Local())
        with executor.network() as network:
            assert run(executor, python("sys.exit(3)", network=network))[0] == 3
        assert stumbling.refused == {"remove_container", "remove_volume", "remove_network", "wait"}
        assert left(engine, os.getpid()) == NOTHING

    def test_what_a_killed_sandbox_has_left_goes_at_the_next_start(
        self, engine: docker.DockerClient, base_image: str
    ) -> None:
        script = f"""
import docker, time
from odyssey.sandbox.executors.docker import DockerExecutor
from odyssey.sandbox.machines import Task
from tests.sandbox.test_docker import Local
executor = DockerExecutor(docker.from_env(), Local())
with executor.network() as network:
    task = Task({base_image!r}, ["sleep", "600"], network=network)
    with executor.machine(task) as machine:
        machine.start(print)
        print("ready", flush=True)
        time.sleep(600)
"""
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as sandbox:
            assert sandbox.stdout is not None
            assert sandbox.stdout.readline() == b"ready\n"
            os.kill(sandbox.pid, signal.SIGKILL)
        assert left(engine, sandbox.pid) == {"containers": 1, "volumes": 1, "networks": 1}
        DockerExecutor(engine, Local())
        assert left(engine, sandbox.pid) == NOTHING


class Stumbling:
    """An engine that refuses the first call of each kind that is made at an end."""

    def __init__(self, api: Any) -> None:
        self.refused: set[str] = set()
        self._api = api

    @property
    def api(self) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        if not name.startswith(("remove_", "wait")):
            return getattr(self._api, name)
        return partial(self._stumble, name)

    def _stumble(self, name: str, *words: Any, **options: Any) -> Any:
        if name in self.refused:
            return getattr(self._api, name)(*words, **options)
        self.refused.add(name)
        raise APIError("the engine is busy")


def _read(url: str) -> bytes:
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bytes(answer.read())
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
