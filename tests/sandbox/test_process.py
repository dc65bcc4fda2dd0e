"""Machines that are processes: what runs, what it finds, and that nothing of it is left."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from odyssey.errors import AppNotFoundError
from odyssey.extraction import extract
from odyssey.ports import RANGE
from odyssey.sandbox.executors.process import ProcessExecutor, ProcessMachine
from odyssey.sandbox.machines import Entry, Machine, MachineError, Task
from tests.sandbox.output import Output

# It does what the word after "train" says.
TRAIN = """
import os, signal, subprocess, sys, time
from pathlib import Path
root = Path(os.environ["ROCKET_ML_ROOT"])
exec((root / "input/what").read_text())
"""

NAP = "[sys.executable, '-c', 'import time; time.sleep(600)']"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    app = tmp_path / "app"
    (app / "rocket").mkdir(parents=True)
    (app / "odyssey.toml").write_text('[app]\nname = "small"\n[server]\nthreads = 7\n')
    (app / "rocket" / "train").write_text(TRAIN)
    return app


@pytest.fixture
def executor(small: Path) -> ProcessExecutor:
    return ProcessExecutor(small)


@contextlib.contextmanager
def running(
    executor: ProcessExecutor, what: str, *entries: Entry, **environment: str
) -> Iterator[tuple[Machine, Output]]:
    """A machine that does what it is told, and what it prints."""
    output = Output()
    with executor.machine(Task("any", ["train"], environment)) as machine:
        machine.put("/opt/ml", [("input/what", what.encode()), ("model", None), *entries])
        machine.start(output)
        yield machine, output


def run(
    executor: ProcessExecutor, what: str, *entries: Entry, **environment: str
) -> tuple[int | None, bytes]:
    with running(executor, what, *entries, **environment) as (machine, output):
        return machine.wait(20), output.bytes


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until_gone(*pids: int) -> None:
    deadline = time.monotonic() + 10
    while any(map(is_alive, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


class TestRunning:
    def test_the_rocket_of_the_app_runs_whatever_the_image_is_called(
        self, executor: ProcessExecutor
    ) -> None:
        assert run(executor, "print('here', flush=True); sys.exit(3)") == (3, b"here\n")

    def test_what_ends_by_a_signal_has_a_code_of_128_and_more(
        self, executor: ProcessExecutor
    ) -> None:
        assert run(executor, "os.kill(os.getpid(), signal.SIGSEGV)")[0] == 139

    def test_its_output_is_whole_and_in_order_though_it_ends_at_once(
        self, executor: ProcessExecutor
    ) -> None:
        what = """
for number in range(20000):
    os.write(1 + number % 2, b"%d\\n" % number)
"""
        code, printed = run(executor, what)
        assert code == 0
        assert printed.split() == [b"%d" % number for number in range(20000)]

    def test_what_it_printed_is_passed_on_before_it_counts_as_ended(
        self, executor: ProcessExecutor
    ) -> None:
        heard = []
        with executor.machine(Task("any", ["train"])) as machine:
            machine.put("/opt/ml", [("input/what", b"print('slowly')")])
            machine.start(lambda piece: (time.sleep(0.5), heard.append(piece)))  # type: ignore[func-returns-value]
            assert machine.wait(20) == 0
            assert b"".join(heard) == b"slowly\n"

    def test_one_that_closes_its_output_still_runs(self, executor: ProcessExecutor) -> None:
        what = "os.write(1, b'closing'); os.close(1); os.close(2); time.sleep(0.5); os._exit(4)"
        with running(executor, what) as (machine, output):
            output.wait_for(b"closing")
            assert machine.wait(0.1) is None
            assert machine.wait(20) == 4

    def test_many_run_at_once_from_threads(self, executor: ProcessExecutor) -> None:
        codes: list[int | None] = []
        threads = [
            threading.Thread(
                target=lambda number: codes.append(run(executor, f"sys.exit({number})")[0]),
                args=(number,),
            )
            for number in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(code for code in codes if code is not None) == list(range(6))

    def test_it_lives_on_when_the_thread_that_started_it_ends(
        self, executor: ProcessExecutor
    ) -> None:
        with executor.machine(Task("any", ["train"])) as machine:
            machine.put("/opt/ml", [("input/what", b"time.sleep(1)")])
            starter = threading.Thread(target=machine.start, args=(Output(),))
            starter.start()
            starter.join()
            assert machine.wait(20) == 0

    def test_what_is_neither_train_nor_serve_is_refused(self, executor: ProcessExecutor) -> None:
        task = Task("any", ["--fast"], entrypoint=["python3", "other.py"])
        with pytest.raises(MachineError, match='runs train or serve of the app, not "python3"'):
            executor.machine(task).__enter__()

    def test_a_rocket_that_is_missing_is_named(self, executor: ProcessExecutor) -> None:
        with pytest.raises(MachineError, match="rocket/serve is missing"):
            executor.machine(Task("any", ["serve"])).__enter__()

    def test_a_python_that_cannot_be_run_is_told_in_the_output(self, small: Path) -> None:
        (small / "python").write_text("#!/nowhere/at-all\n")
        (small / "python").chmod(0o755)
        with (small / "odyssey.toml").open("a") as settings:
            settings.write('[local]\npython = "./python"\n')
        code, printed = run(ProcessExecutor(small), "")
        assert code == 127
        assert b"python: No such file or directory" in printed

    def test_a_folder_without_an_app_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(AppNotFoundError):
            ProcessExecutor(tmp_path)


class TestVariables:
    SHOW = "print(*(f'{name}={os.environ.get(name)}' for name in {names}), sep='\\n')"

    def shown(self, executor: ProcessExecutor, *names: str, **environment: str) -> dict[str, str]:
        what = self.SHOW.replace("{names}", repr(names))
        _, printed = run(executor, what, **environment)
        return dict(line.split("=", 1) for line in printed.decode().splitlines())

    def test_it_finds_none_of_the_users_keys_and_endpoints(
        self, executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://elsewhere")
        monkeypatch.setenv("AWS_PROFILE", "production")
        monkeypatch.setenv("HOME", "/home/someone")
        names = ("AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE")
        files = ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "HOME")
        assert self.shown(executor, *names, *files) == {
            **dict.fromkeys(names, "None"),
            **dict.fromkeys(files, "/dev/null"),
            "HOME": "/home/someone",
        }

    def test_it_finds_those_of_the_task_and_the_settings_of_the_app(
        self, executor: ProcessExecutor
    ) -> None:
        names = ("TRAINING_JOB_NAME", "AWS_REGION", "MODEL_SERVER_THREADS", "MODEL_SERVER_TIMEOUT")
        given = {"TRAINING_JOB_NAME": "iris-1", "AWS_REGION": "eu-west-1"}
        shown = self.shown(executor, *names, **given, MODEL_SERVER_TIMEOUT="9")
        assert shown == {**given, "MODEL_SERVER_THREADS": "7", "MODEL_SERVER_TIMEOUT": "9"}

    def test_machines_of_one_network_find_where_they_meet(self, executor: ProcessExecutor) -> None:
        output = Output()
        with executor.network() as network:
            with executor.machine(Task("any", ["train"], network=network)) as machine:
                what = self.SHOW.replace("{names}", "['ROCKET_MASTER']").encode()
                machine.put("/opt/ml", [("input/what", what)])
                machine.start(output)
                assert machine.wait(20) == 0
            with executor.network() as other:
                assert other != network
        assert output.bytes.decode() == f"ROCKET_MASTER={network}\n"

    def test_each_machine_listens_on_a_port_of_its_own(self, executor: ProcessExecutor) -> None:
        with contextlib.ExitStack() as stack:
            machines: list[ProcessMachine] = [
                stack.enter_context(executor.machine(Task("any", ["train"], port=8080)))
                for _ in range(50)
            ]
            ports = {machine.address[1] for machine in machines}
            assert len(ports) == 50
            assert ports <= set(RANGE)
            assert {machine.address[0] for machine in machines} == {"127.0.0.1"}


class TestFiles:
    def test_it_finds_what_was_put(self, executor: ProcessExecutor, tmp_path: Path) -> None:
        source = tmp_path / "numbers"
        source.write_text("1 2 3")
        what = "print((root / 'input/data/training/numbers').read_text())"
        assert run(executor, what, ("input/data/training/numbers", source))[1] == b"1 2 3\n"

    def test_the_callers_file_is_its_own_still(
        self, executor: ProcessExecutor, tmp_path: Path
    ) -> None:
        source = tmp_path / "numbers"
        source.write_text("1 2 3")
        what = "(root / 'input/numbers').write_text('gone')"
        assert run(executor, what, ("input/numbers", source))[0] == 0
        assert source.read_text() == "1 2 3"

    @pytest.mark.parametrize("name", ["../../out", "/etc/out"])
    def test_nothing_is_put_or_taken_outside(self, executor: ProcessExecutor, name: str) -> None:
        with executor.machine(Task("any", ["train"])) as machine:
            with pytest.raises(MachineError, match="only /opt/ml is its own"):
                machine.put("/opt/ml", [(name, b"")])
            with (
                pytest.raises(MachineError, match="only /opt/ml is its own"),
                machine.take(f"/opt/ml/{name}" if name.startswith("..") else name),
            ):
                pass

    def test_what_it_wrote_is_taken(self, executor: ProcessExecutor, tmp_path: Path) -> None:
        what = """
(root / "model/deep").mkdir()
(root / "model/deep/weights").write_text("w")
(root / "model/link").symlink_to(root / "model/deep/weights")
"""
        with running(executor, what) as (machine, _):
            assert machine.wait(20) == 0
            with machine.take("/opt/ml/model") as archive:
                assert archive is not None
                files = list(extract(archive, tmp_path, below="model", was_at="/opt/ml/model"))
        assert sorted(files) == [tmp_path / "deep/weights", tmp_path / "link"]
        assert (tmp_path / "link").read_text() == "w"

    def test_what_is_not_there_is_none(self, executor: ProcessExecutor) -> None:
        with (
            executor.machine(Task("any", ["train"])) as machine,
            machine.take("/opt/ml/output/failure") as archive,
        ):
            assert archive is None


class TestEnd:
    def test_it_is_asked_to_stop_and_has_its_time(self, executor: ProcessExecutor) -> None:
        what = """
def stop(*_):
    time.sleep(0.5)
    os.write(1, b"saved")
    sys.exit(5)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(600)
"""
        with running(executor, what) as (machine, output):
            output.wait_for(b"ready\n")
            machine.stop(20)
            assert machine.wait(0) == 5
            assert output.bytes == b"ready\nsaved"

    def test_one_that_does_not_listen_is_killed_after_its_time(
        self, executor: ProcessExecutor
    ) -> None:
        what = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True: time.sleep(1)
"""
        with running(executor, what) as (machine, output):
            output.wait_for(b"ready\n")
            start = time.monotonic()
            machine.stop(0.5)
            assert 0.5 <= time.monotonic() - start < 5
            assert machine.wait(0) == 137
            assert not machine.was_out_of_memory

    def test_whoever_waits_hears_of_the_stop(self, executor: ProcessExecutor) -> None:
        with running(executor, "print('ready', flush=True); time.sleep(600)") as (machine, output):
            output.wait_for(b"ready\n")
            heard: list[int | None] = []
            waiter = threading.Thread(target=lambda: heard.append(machine.wait(20)))
            waiter.start()
            machine.stop(20)
            waiter.join()
        assert heard == [143]

    @pytest.mark.parametrize(
        "start",
        [
            f"subprocess.Popen({NAP})",
            f"subprocess.Popen({NAP}, start_new_session=True)",
            # Its parent has ended, so that it is nobody's child.
            f"subprocess.Popen([sys.executable, '-c', \"import subprocess, sys; print(subprocess."
            f'Popen({NAP}, start_new_session=True).pid, flush=True)"], stdout=1).wait(); '
            "sys.exit(0)",
        ],
        ids=["child", "session", "orphan"],
    )
    def test_what_it_has_started_ends_with_it(self, executor: ProcessExecutor, start: str) -> None:
        what = start if "sys.exit" in start else f"print({start}.pid, flush=True)"
        code, printed = run(executor, what)
        assert code == 0
        wait_until_gone(int(printed))

    def test_the_block_leaves_no_process_and_no_folder(
        self, executor: ProcessExecutor, small: Path
    ) -> None:
        what = """
(root / "model/locked").mkdir(mode=0o500)
print(os.getpid(), flush=True)
time.sleep(600)
"""
        with running(executor, what) as (_, output):
            output.wait_for(b"\n")
        wait_until_gone(int(output.bytes))
        assert list((small / ".odyssey/machines").iterdir()) == []

    def test_a_killed_sandbox_leaves_no_process_and_its_folders_go_at_the_next_start(
        self, small: Path
    ) -> None:
        what = f"""
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen({NAP}, start_new_session=True)
print(os.getpid(), child.pid, flush=True)
time.sleep(600)
"""
        script = f"""
import sys, time
from pathlib import Path
from odyssey.sandbox.machines import Task
from odyssey.sandbox.executors.process import ProcessExecutor
with ProcessExecutor(Path({str(small)!r})).machine(Task("any", ["train"])) as machine:
    machine.put("/opt/ml", [("input/what", {what.encode()!r})])
    machine.start(lambda piece: print(piece.decode(), end="", flush=True))
    time.sleep(600)
"""
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as sandbox:
            assert sandbox.stdout is not None
            pids = [int(word) for word in sandbox.stdout.readline().split()]
            assert all(map(is_alive, pids))
            os.kill(sandbox.pid, signal.SIGKILL)
        wait_until_gone(*pids)
        machines = small / ".odyssey/machines"
        assert len(list(machines.iterdir())) == 1
        ProcessExecutor(small)
        assert list(machines.iterdir()) == []


def test_the_rocket_of_a_real_app_trains(trained: Path, tmp_path: Path) -> None:
    executor, output = ProcessExecutor(trained), Output()
    data = trained / "input" / "data" / "training"
    with executor.machine(Task("any", ["train"])) as machine:
        files = [(f"input/data/training/{path.name}", path) for path in data.iterdir()]
        machine.put("/opt/ml", [("output", None), *files])
        machine.start(output)
        assert machine.wait(60) == 0, output.bytes
        with machine.take("/opt/ml/model") as archive:
            assert archive is not None
            assert any(extract(archive, tmp_path, below="model"))
