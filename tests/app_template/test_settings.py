"""The server's settings: every variable, its default, its limits."""

import os
import sys
from pathlib import Path

import pytest

from rocket.settings import APP, Layout, Settings, cores, nginx_program

DEFAULTS = {
    "door": "fast",
    "host": "0.0.0.0",
    "port": 8080,
    "workers": cores(),
    "threads": 4,
    "timeout": 60,
    "max_payload": 100 * 2**20,
    "nginx": False,
    "csv_header": False,
    "reload": False,
    "access_log": False,
}


def read(**environ: str) -> Settings:
    return Settings.from_environment(environ)


def problems(**environ: str) -> list[str]:
    with pytest.raises(ValueError, match=".") as caught:
        read(**environ)
    return str(caught.value).split("; ")


def test_an_empty_environment_gives_the_defaults() -> None:
    assert read() == Settings(**DEFAULTS)


@pytest.mark.parametrize(
    ("variable", "value", "attribute", "expected"),
    [
        ("MODEL_SERVER", "fast", "door", "fast"),
        ("MODEL_SERVER", "flask", "door", "flask"),
        ("MODEL_SERVER_HOST", "127.0.0.1", "host", "127.0.0.1"),
        ("MODEL_SERVER_PORT", "9000", "port", 9000),
        ("SAGEMAKER_BIND_TO_PORT", "9001", "port", 9001),
        ("MODEL_SERVER_WORKERS", "3", "workers", 3),
        ("MODEL_SERVER_WORKERS", "0", "workers", cores()),
        ("MODEL_SERVER_THREADS", "1", "threads", 1),
        ("MODEL_SERVER_TIMEOUT", "1.5", "timeout", 1.5),
        ("MODEL_SERVER_MAX_PAYLOAD_MB", "6", "max_payload", 6 * 2**20),
        ("MODEL_SERVER_MAX_PAYLOAD_MB", "0.5", "max_payload", 2**19),
        ("MODEL_SERVER_NGINX", "off", "nginx", False),
        ("MODEL_SERVER_CSV_HEADER", "present", "csv_header", True),
        ("MODEL_SERVER_CSV_HEADER", "absent", "csv_header", False),
        ("MODEL_SERVER_RELOAD", "1", "reload", True),
        ("MODEL_SERVER_RELOAD", "0", "reload", False),
        ("MODEL_SERVER_ACCESS_LOG", "Yes", "access_log", True),
        ("MODEL_SERVER_ACCESS_LOG", "off", "access_log", False),
    ],
)
def test_each_variable_sets_its_own(
    variable: str, value: str, attribute: str, expected: object
) -> None:
    settings = read(**{variable: value})
    if (variable, value) == ("MODEL_SERVER", "flask"):
        assert settings.nginx == (nginx_program() is not None)
    changed = {**DEFAULTS, attribute: expected, "nginx": settings.nginx}
    if settings.reload:
        changed["workers"] = 1
    assert settings == Settings(**changed)


@pytest.mark.parametrize("name", ["MODEL_SERVER", "MODEL_SERVER_PORT", "MODEL_SERVER_HOST"])
def test_an_empty_variable_is_one_that_is_not_set(name: str) -> None:
    assert read(**{name: ""}) == Settings(**DEFAULTS)


def test_the_servers_own_port_wins_over_sagemakers() -> None:
    assert read(MODEL_SERVER_PORT="9000", SAGEMAKER_BIND_TO_PORT="9001").port == 9000


def test_a_server_that_reloads_has_one_worker() -> None:
    assert read(MODEL_SERVER_RELOAD="true", MODEL_SERVER_WORKERS="8").workers == 1


class TestNginx:
    @pytest.mark.skipif(nginx_program() is None, reason="nginx is not installed")
    def test_auto_means_before_flask_only(self) -> None:
        assert not read(MODEL_SERVER="fast").nginx
        assert read(MODEL_SERVER="flask").nginx
        assert read(MODEL_SERVER="flask", MODEL_SERVER_NGINX="auto").nginx
        assert not read(MODEL_SERVER="flask", MODEL_SERVER_NGINX="off").nginx
        assert read(MODEL_SERVER="fast", MODEL_SERVER_NGINX="on").nginx

    def test_is_found_on_the_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        program = tmp_path / "nginx"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert nginx_program() == str(program)
        assert read(MODEL_SERVER="flask").nginx


@pytest.mark.parametrize(
    ("variable", "value", "rule"),
    [
        ("MODEL_SERVER", "slow", "must be one of fast, flask"),
        ("MODEL_SERVER_PORT", "0", "must be a number from 1 to 65535"),
        ("MODEL_SERVER_PORT", "65536", "must be a number from 1 to 65535"),
        ("MODEL_SERVER_PORT", "http", "must be a number from 1 to 65535"),
        ("SAGEMAKER_BIND_TO_PORT", "-1", "must be a number from 1 to 65535"),
        ("MODEL_SERVER_WORKERS", "-1", "must be a number from 0 to 512"),
        ("MODEL_SERVER_WORKERS", "513", "must be a number from 0 to 512"),
        ("MODEL_SERVER_THREADS", "0", "must be a number from 1 to 256"),
        ("MODEL_SERVER_THREADS", "nan", "must be a number from 1 to 256"),
        ("MODEL_SERVER_TIMEOUT", "soon", "must be a number from 1 to 3600"),
        ("MODEL_SERVER_TIMEOUT", "inf", "must be a number from 1 to 3600"),
        ("MODEL_SERVER_MAX_PAYLOAD_MB", "0", "must be a number from 0.001 to 1024"),
        ("MODEL_SERVER_NGINX", "maybe", "must be one of auto, on, off"),
        ("MODEL_SERVER_CSV_HEADER", "yes", "must be one of absent, present"),
    ],
)
def test_a_wrong_value_is_refused_with_the_rule(variable: str, value: str, rule: str) -> None:
    assert problems(**{variable: value}) == [f"{variable}={value}: {rule}"]


def test_all_that_is_wrong_is_listed_at_once() -> None:
    wrong = {
        "MODEL_SERVER": "slow",
        "SAGEMAKER_BIND_TO_PORT": "x",
        "MODEL_SERVER_NGINX": "maybe",
        "MODEL_SERVER_PORT": "0",
        "MODEL_SERVER_WORKERS": "-1",
        "MODEL_SERVER_THREADS": "0",
        "MODEL_SERVER_TIMEOUT": "0",
        "MODEL_SERVER_MAX_PAYLOAD_MB": "-5",
        "MODEL_SERVER_CSV_HEADER": "yes",
    }
    listed = problems(**wrong)
    assert [problem.partition(":")[0] for problem in listed] == [
        f"{name}={value}" for name, value in wrong.items()
    ]


@pytest.mark.parametrize(
    ("host", "address"), [("0.0.0.0", "0.0.0.0:8080"), ("::1", "[::1]:8080"), ("name", "name:8080")]
)
def test_the_address_is_written_as_servers_take_it(host: str, address: str) -> None:
    assert read(MODEL_SERVER_HOST=host).address == address


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a CPU affinity")
def test_cores_are_those_this_process_may_use() -> None:
    everything = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(everything)})
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, everything)
    assert 1 <= cores() <= len(everything)


class TestLayout:
    def test_is_sagemakers_by_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for value in (None, ""):
            monkeypatch.delenv("ROCKET_ML_ROOT", raising=False)
            if value is not None:
                monkeypatch.setenv("ROCKET_ML_ROOT", value)
            layout = Layout.from_environment()
            assert str(layout.channels) == "/opt/ml/input/data"
            assert str(layout.config) == "/opt/ml/input/config"
            assert str(layout.model) == "/opt/ml/model"
            assert str(layout.failure) == "/opt/ml/output/failure"

    def test_moves_with_its_root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ROCKET_ML_ROOT", str(tmp_path))
        assert Layout.from_environment().model == tmp_path / "model"

    def test_the_app_is_the_folder_above_rocket(self) -> None:
        assert (APP / "serve.py").is_file()
        assert (APP / "rocket" / "settings.py").is_file()
