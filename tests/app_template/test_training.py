"""Training: what train() is called with, and, in real processes, how its end is reported."""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rocket.settings import Layout
from rocket.training import Cluster, arguments, input_path, read_channels, read_hyperparameters

WAIT = 30


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A job with one channel, hyperparameters, and a cluster of two."""
    layout = Layout(tmp_path)
    (layout.channels / "training").mkdir(parents=True)
    layout.config.mkdir(parents=True)
    configure(layout, "hyperparameters", {"depth": "3"})
    configure(layout, "resourceconfig", {"current_host": "b", "hosts": ["b", "a"]})
    return layout


def configure(layout: Layout, name: str, document: Any) -> None:
    layout.config.mkdir(parents=True, exist_ok=True)
    (layout.config / f"{name}.json").write_text(json.dumps(document))


# --- what train() is called with --------------------------------------------------------------


def record(names: str) -> Any:
    """A train() with a signature, which returns what it was given."""
    scope: dict[str, Any] = {}
    exec(f"def train({names}):\n    return locals()", scope)
    return scope["train"]


def expected(words: str, known: dict[str, Any]) -> dict[str, Any]:
    """What train() gets, from words like `a=input rest=model,parameters`."""
    found: dict[str, Any] = {}
    for name, _, value in (word.partition("=") for word in words.split()):
        several = [part for part in value.split(",") if part]
        if name == "named":
            found[name] = {part: known[part] for part in several}
        elif name in ("paths", "rest"):
            found[name] = tuple(known[part] for part in several)
        else:
            found[name] = known[value]
    return found


class TestArguments:
    @pytest.mark.parametrize(
        ("signature", "words"),
        [
            # two or three paths, whatever they are called
            ("a, b", "a=input b=model"),
            ("a, b, c", "a=input b=model c=parameters"),
            ("a, b, c=None", "a=input b=model c=parameters"),
            ("a, b, /", "a=input b=model"),
            ("a, b, c=None, /", "a=input b=model c=parameters"),
            ("a, b, c=None, d=None", "a=input b=model c=parameters d=None"),
            # what is asked for by name
            ("a, b, hyperparameters", "a=input b=model hyperparameters=hyperparameters"),
            ("a, b, channels=None", "a=input b=model channels=channels"),
            ("a, b, *, cluster", "a=input b=model cluster=cluster"),
            ("a, b, c, cluster", "a=input b=model c=parameters cluster=cluster"),
            (
                "a, b, c=None, hyperparameters=None, channels=None, cluster=None",
                "a=input b=model c=parameters hyperparameters=hyperparameters "
                "channels=channels cluster=cluster",
            ),
            (
                "a, b, c=None, d=None, *, channels",
                "a=input b=model c=parameters d=None channels=channels",
            ),
            # in any place
            (
                "a, b, hyperparameters, c=None",
                "a=input b=model hyperparameters=hyperparameters c=parameters",
            ),
            ("cluster, a, b", "cluster=cluster a=input b=model"),
            ("a, channels, b", "a=input channels=channels b=model"),
            ("a, b, channels, /", "a=input b=model channels=channels"),
            # as many as there are
            ("*paths", "paths=input,model,parameters"),
            ("a, *rest", "a=input rest=model,parameters"),
            ("*paths, cluster", "paths=input,model,parameters cluster=cluster"),
            ("a, b, **named", "a=input b=model named=hyperparameters,channels,cluster"),
            (
                "a, b, cluster, **named",
                "a=input b=model cluster=cluster named=hyperparameters,channels",
            ),
            (
                "*paths, **named",
                "paths=input,model,parameters named=hyperparameters,channels,cluster",
            ),
        ],
    )
    def test_train_gets_what_it_takes(self, layout: Layout, signature: str, words: str) -> None:
        train = record(signature)
        paths, named = arguments(train, layout)
        assert train(*paths, **named) == expected(
            words,
            {
                "input": str(layout.channels / "training"),
                "model": str(layout.model),
                "parameters": str(layout.config / "hyperparameters.json"),
                "hyperparameters": {"depth": 3},
                "channels": {"training": str(layout.channels / "training")},
                "cluster": Cluster(("a", "b"), "b"),
                "None": None,
            },
        )

    @pytest.mark.parametrize("signature", ["", "a", "hyperparameters", "a, *, b", "a, **named"])
    def test_train_must_take_two_paths(self, layout: Layout, signature: str) -> None:
        with pytest.raises(TypeError, match=r"train must take \(input_path, model_path"):
            arguments(record(signature), layout)

    def test_train_may_be_any_callable(self, layout: Layout) -> None:
        class Trainer:
            def train(self, a: str, b: str) -> tuple[str, str]:
                return a, b

            def __call__(self, a: str, b: str, cluster: Cluster) -> tuple[str, str]:
                assert cluster.rank == 1
                return a, b

        two = (str(layout.channels / "training"), str(layout.model))
        partial = functools.partial(lambda first, a, b: (a, b), "first")
        for train in (Trainer().train, Trainer(), partial):
            paths, named = arguments(train, layout)
            assert train(*paths, **named) == two

    def test_without_hyperparameters_there_is_no_file_to_read(self, tmp_path: Path) -> None:
        train = record("a, b, c, hyperparameters")
        paths, named = arguments(train, Layout(tmp_path))
        got = train(*paths, **named)
        assert (got["c"], got["hyperparameters"]) == (None, {})


class TestHyperparameters:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("5", 5),
            ("-0.5", -0.5),
            ("1e-3", 0.001),
            ("true", True),
            ("null", None),
            ("[1, 2]", [1, 2]),
            ('{"a": 1}', {"a": 1}),
            ('"5"', "5"),
            ("adam", "adam"),
            ("", ""),
            ("True", "True"),
            ("007", "007"),
            ("NaN", "NaN"),
            ("-Infinity", "-Infinity"),
            ("[1, NaN]", "[1, NaN]"),
            ("1_000", "1_000"),
            ("9" * 5000, "9" * 5000),
        ],
    )
    def test_strings_have_their_types_back(self, layout: Layout, text: str, value: Any) -> None:
        configure(layout, "hyperparameters", {"it": text})
        got = read_hyperparameters(layout.config / "hyperparameters.json")
        assert (got, type(got["it"])) == ({"it": value}, type(value))

    @pytest.mark.parametrize("value", [5, 0.5, True, None, [1, "2"], {"a": "1"}])
    def test_what_is_no_string_stays_as_it_is(self, layout: Layout, value: Any) -> None:
        configure(layout, "hyperparameters", {"it": value})
        got = read_hyperparameters(layout.config / "hyperparameters.json")
        assert got == {"it": value}

    def test_no_file_means_none(self, tmp_path: Path) -> None:
        assert read_hyperparameters(tmp_path / "hyperparameters.json") == {}


class TestChannels:
    def test_are_the_folders_and_those_of_the_configuration(self, layout: Layout) -> None:
        (layout.channels / "extra").mkdir()
        (layout.channels / "a-file").touch()
        configure(layout, "inputdataconfig", {"validation": {}, "training": {}})
        assert read_channels(layout) == {
            name: str(layout.channels / name) for name in ("extra", "training", "validation")
        }
        assert list(read_channels(layout)) == ["extra", "training", "validation"]

    def test_may_be_none(self, tmp_path: Path) -> None:
        assert read_channels(Layout(tmp_path)) == {}

    @pytest.mark.parametrize(
        ("names", "expected"),
        [
            (["training"], "training"),
            (["training", "validation"], "training"),
            (["train"], "train"),
            (["train", "validation"], ""),
            ([], ""),
        ],
    )
    def test_the_input_is_training_or_the_only_one_or_all(
        self, tmp_path: Path, names: list[str], expected: str
    ) -> None:
        layout = Layout(tmp_path)
        channels = {name: str(layout.channels / name) for name in names}
        assert Path(input_path(channels, layout)) == layout.channels / expected


class TestCluster:
    def test_is_one_machine_by_default(self, tmp_path: Path) -> None:
        cluster = Cluster.read(tmp_path / "resourceconfig.json")
        assert (cluster.hosts, cluster.current_host, cluster.rank) == (("algo-1",), "algo-1", 0)

    def test_has_the_same_ranks_on_every_machine(self, layout: Layout) -> None:
        hosts = ["algo-2", "algo-1", "algo-3"]
        ranks = {}
        for host in hosts:
            document = {"current_host": host, "hosts": hosts, "network_interface_name": "ens5"}
            configure(layout, "resourceconfig", document)
            cluster = Cluster.read(layout.config / "resourceconfig.json")
            assert cluster.hosts == ("algo-1", "algo-2", "algo-3")
            assert cluster.network_interface == "ens5"
            ranks[host] = cluster.rank
            assert (cluster.master_addr, cluster.master_port) == ("algo-1", 29500)
        assert ranks == {"algo-1": 0, "algo-2": 1, "algo-3": 2}

    def test_meets_elsewhere_where_the_names_of_hosts_lead_nowhere(
        self, layout: Layout, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ROCKET_MASTER", "127.0.0.1:20001")
        cluster = Cluster.read(layout.config / "resourceconfig.json")
        assert (cluster.master_addr, cluster.master_port) == ("127.0.0.1", 20001)

    def test_of_one_machine_meets_itself(self) -> None:
        assert Cluster().master_addr == "127.0.0.1"


# --- real processes ---------------------------------------------------------------------------


class Job:
    """An app whose train.py is the test's, and `rocket/train` in a process of its own."""

    def __init__(self, folder: Path, rocket: Path) -> None:
        self.app = folder / "app"
        shutil.copytree(rocket, self.app / "rocket", ignore=shutil.ignore_patterns("__pycache__"))
        self.layout = Layout(folder / "ml")
        (self.layout.channels / "training").mkdir(parents=True)

    def code(self, *lines: str) -> Job:
        """Lines of train()'s body; a first line that is not indented stands above it."""
        text = "import atexit, os, signal, sys, threading, time\nfrom pathlib import Path\n"
        body = "".join(f"    {line}\n" for line in lines)
        signature = "def train(input_path, model_path, param_path=None):\n"
        (self.app / "train.py").write_text(
            f"{text}\n{signature}    model = Path(model_path)\n{body}"
        )
        return self

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(self.app / "rocket" / "train")],
            env={**os.environ, "ROCKET_ML_ROOT": str(self.layout.root)},
            cwd="/",  # Training must not care where it is started.
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self) -> tuple[int, str]:
        """The exit code, and what was written to stderr."""
        process = self.start()
        _, err = process.communicate(timeout=WAIT)
        return process.returncode, err

    def run_and_signal(self, number: int, to_child: bool = False) -> tuple[int, str]:
        """The same for a train() that got a signal once it wrote `model/started`, its pid."""
        with self.start() as process:
            child = self.wait_for("started")
            os.kill(int(child) if to_child else process.pid, number)
            _, err = process.communicate(timeout=WAIT)
        return process.returncode, err

    def wait_for(self, name: str) -> str:
        deadline = time.monotonic() + WAIT
        path = self.layout.model / name
        while not (path.exists() and path.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return path.read_text()

    @property
    def failure(self) -> str | None:
        path = self.layout.failure
        return path.read_text() if path.exists() else None

    @property
    def model(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.layout.model.iterdir()}


START = "(model / 'started').write_text(str(os.getpid()))"


@pytest.fixture
def job(tmp_path: Path, baked: Path) -> Job:
    return Job(tmp_path, baked / "rocket")


class TestSuccess:
    def test_is_0_with_a_model_and_without_a_failure(self, job: Job) -> None:
        job.code("(model / 'model.txt').write_text(Path(input_path).name)", "print('out')")
        with job.start() as process:
            out, err = process.communicate(timeout=WAIT)
        assert (process.returncode, out) == (0, "out\n")
        assert job.model == {"model.txt": "training"}
        assert job.failure is None
        assert "Traceback" not in err

    def test_modules_beside_train_can_be_imported(self, job: Job) -> None:
        job.code("import features", "(model / 'm').write_text(features.NAME)")
        (job.app / "features.py").write_text("NAME = 'beside'\n")
        assert job.run()[0] == 0
        assert job.model == {"m": "beside"}

    def test_the_failure_of_the_last_training_is_removed(self, job: Job) -> None:
        job.layout.failure.parent.mkdir(parents=True)
        job.layout.failure.write_text("a stale reason")
        assert job.code("(model / 'm').write_text('1')").run()[0] == 0
        assert job.failure is None

    def test_an_empty_model_is_warned_about(self, job: Job) -> None:
        code, err = job.code("(model / 'folder').mkdir()").run()
        assert code == 0
        assert "the model is empty" in err
        code, err = job.code("(model / 'folder' / 'm').write_text('1')").run()
        assert "the model is empty" not in err

    def test_only_the_first_machine_of_several_need_write_a_model(self, job: Job) -> None:
        configure(job.layout, "resourceconfig", {"current_host": "b", "hosts": ["a", "b"]})
        code, err = job.code("pass").run()
        assert code == 0
        assert "the model is empty" not in err

    def test_what_runs_on_after_train_is_waited_for(self, job: Job) -> None:
        """As Python does at the end of any program: threads that save, functions of atexit."""
        job.code(
            "def save():",
            "    time.sleep(0.5)",
            "    (model / 'late').write_text('saved')",
            "threading.Thread(target=save).start()",
            "atexit.register(lambda: (model / 'last').write_text('closed'))",
            "(model / 'm').write_text('1')",
        )
        assert job.run()[0] == 0
        assert job.model == {"m": "1", "late": "saved", "last": "closed"}


class TestFailure:
    def test_an_exception_is_1_with_its_reason_first(self, job: Job) -> None:
        code, err = job.code("raise ValueError('a remarkable reason')").run()
        assert code == 1
        reason, _, rest = job.failure.partition("\n\n")
        assert reason == "ValueError: a remarkable reason"
        assert rest.startswith("Traceback (most recent call last):")
        assert "train.py" in rest
        assert "Traceback" in err
        assert "a remarkable reason" in err

    def test_a_reason_may_have_any_characters(self, job: Job) -> None:
        assert job.code("raise ValueError('é \\ud800 ' + '\\u2603' * 5000)").run()[0] == 1
        assert job.failure.startswith("ValueError: é ? ☃☃")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
            ("def train(:\n", "SyntaxError"),
            ("", "TypeError: train.py must define train(input_path, model_path"),
            ("train = 5\n", "TypeError: train.py must define train(input_path, model_path"),
            ("def train(a): ...\n", "TypeError: train.py: train must take (input_path"),
            ("def train(a, b, c, d): ...\n", "missing 1 required positional argument"),
        ],
    )
    def test_a_train_py_that_is_wrong_is_a_failure(self, job: Job, text: str, words: str) -> None:
        (job.app / "train.py").write_text(text)
        assert job.run()[0] == 1
        assert words in job.failure.partition("Traceback")[0]

    def test_no_train_py_is_a_failure(self, job: Job) -> None:
        assert job.run()[0] == 1
        assert job.failure.startswith("ModuleNotFoundError: No module named 'train'")

    def test_hyperparameters_that_are_no_json_are_a_failure(self, job: Job) -> None:
        job.layout.config.mkdir(parents=True)
        (job.layout.config / "hyperparameters.json").write_text("{")
        assert job.code("pass").run()[0] == 1
        assert "hyperparameters.json is not JSON: Expecting" in job.failure.splitlines()[0]

    def test_a_model_folder_that_cannot_be_made_is_a_failure(self, job: Job) -> None:
        job.layout.model.write_text("a file in its place")
        assert job.code("pass").run()[0] == 1
        assert job.failure.startswith("FileExistsError")

    @pytest.mark.parametrize(
        ("argument", "expected", "failed"),
        [
            ("", 0, False),
            ("0", 0, False),
            ("None", 0, False),
            ("3", 3, True),
            ("'no data'", 1, True),
            ("True", 1, True),
            ("256", 1, True),  # Never 0 after a failure, and the system keeps eight bits.
            ("-1", 255, True),
        ],
    )
    def test_sys_exit_ends_it_with_that_code(
        self, job: Job, argument: str, expected: int, failed: bool
    ) -> None:
        assert job.code(f"sys.exit({argument})").run()[0] == expected
        said = f"train() called sys.exit({argument})" if failed else None
        assert job.failure == said


class TestSignals:
    SAVING = (
        "try:",
        f"    {START}",
        "    time.sleep(60)",
        "finally:",
        "    (model / 'saved').write_text('what there was')",
    )

    @pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
    def test_a_stop_lets_train_save_what_there_is(
        self, job: Job, number: int, expected: int
    ) -> None:
        code, err = job.code(*self.SAVING).run_and_signal(number)
        assert code == expected
        assert job.model["saved"] == "what there was"
        assert job.failure is None
        assert "Traceback" not in err

    def test_a_handler_of_the_users_own_is_called(self, job: Job) -> None:
        job.code(
            "stopped = []",
            "signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))",
            START,
            "while not stopped:",
            "    time.sleep(0.01)",
            "(model / 'saved').write_text('by the handler')",
            "sys.exit(143)",
        )
        assert job.run_and_signal(signal.SIGTERM)[0] == 143
        assert job.model["saved"] == "by the handler"
        assert job.failure is None

    def test_training_may_finish_in_spite_of_a_stop(self, job: Job) -> None:
        job.code(
            "stopped = []",
            "signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))",
            START,
            "while not stopped:",
            "    time.sleep(0.01)",
        )
        assert job.run_and_signal(signal.SIGTERM)[0] == 0

    def test_an_error_while_it_stops_is_a_failure(self, job: Job) -> None:
        saving = (*self.SAVING[:-1], "    raise OSError('disk full')")
        assert job.code(*saving).run_and_signal(signal.SIGTERM)[0] == 1
        assert job.failure.startswith("OSError: disk full")

    @pytest.mark.parametrize(
        ("number", "expected", "said"),
        [
            (signal.SIGKILL, 137, "train was killed by SIGKILL: out of memory?"),
            (signal.SIGSEGV, 139, "train was killed by SIGSEGV"),
            (signal.SIGABRT, 134, "train was killed by SIGABRT"),
        ],
    )
    def test_a_death_without_a_word_is_reported(
        self, job: Job, number: int, expected: int, said: str
    ) -> None:
        code, _ = job.code(START, "time.sleep(60)").run_and_signal(number, to_child=True)
        assert (code, job.failure) == (expected, said)

    def test_train_ends_with_its_parent(self, job: Job) -> None:
        with job.code(*self.SAVING).start() as process:
            child = int(job.wait_for("started"))
            process.kill()
            process.wait(WAIT)
            assert job.wait_for("saved") == "what there was"
            deadline = time.monotonic() + WAIT
            while running(child):
                assert time.monotonic() < deadline
                time.sleep(0.01)


def running(pid: int) -> bool:
    """Whether a process lives; one that has ended may still wait for its new parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
