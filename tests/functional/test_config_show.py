"""`odyssey config show`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from odyssey import keys
from tests.functional.conftest import Done, SmallApp

Run = Callable[..., Done]


def rows(done: Done) -> dict[str, list[str]]:
    return {line.split()[0]: line.split(maxsplit=2)[1:] for line in done.out.splitlines()[1:]}


def test_every_value_is_shown_with_its_origin(
    odyssey: Run, small_app: SmallApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    text = (small_app.folder / "odyssey.toml").read_text()
    small_app.write(
        "odyssey.toml", text + "[server]\nthreads = 2\n[env.prod.server]\nworkers = 7\n"
    )
    monkeypatch.setenv("ODYSSEY_SERVER_TIMEOUT", "5")
    # when
    done = odyssey("config", "show", "--origin", "--env", "prod", at=small_app.folder)
    # then
    shown = rows(done)
    assert (done.code, list(shown)) == (0, list(keys.KEYS))
    assert shown["server.threads"] == ["2", "odyssey.toml [server]"]
    assert shown["server.workers"] == ["7", "odyssey.toml [env.prod.server]"]
    assert shown["server.timeout"] == ["5", "ODYSSEY_SERVER_TIMEOUT"]
    assert shown["server.kind"] == ['"fast"', "default"]


def test_origins_are_left_out_unless_asked_for(odyssey: Run, small_app: SmallApp) -> None:
    done = odyssey("config", "show", at=small_app.folder)
    assert rows(done)["app.name"] == ['"small"']


def test_json_has_every_value_with_its_origin(odyssey: Run, small_app: SmallApp) -> None:
    done = odyssey("config", "show", "--output", "json", at=small_app.folder)
    assert done.document["folder"] == str(small_app.folder)
    assert done.document["env"] is None
    assert done.document["settings"]["local.port"] == {
        "value": small_app.port,
        "origin": "odyssey.toml [local]",
    }


def test_the_app_is_found_upwards_or_named(odyssey: Run, small_app: SmallApp) -> None:
    inside = odyssey("config", "show", at=small_app.folder / "input" / "data")
    named = odyssey("config", "show", "--app", str(small_app.folder))
    assert inside == named
    assert inside.code == 0


def test_no_app_is_a_usage_error_with_the_way_out(odyssey: Run, tmp_path: Path) -> None:
    done = odyssey("config", "show")
    assert (done.code, done.out) == (2, "")
    assert str(tmp_path) in done.err
    assert "odyssey init -p aws -s sagemaker start" in done.err
    assert odyssey("config", "show", "--app", str(tmp_path)).code == 2


def test_every_mistake_is_reported_at_once(odyssey: Run, small_app: SmallApp) -> None:
    small_app.write("odyssey.toml", '[app]\nname = "small"\n[server]\nworker = 1\ntimeout = 0\n')
    done = odyssey("config", "show", at=small_app.folder)
    assert done.code == 2
    assert "odyssey.toml: server.worker: unknown key, did you mean server.workers?" in done.err
    assert "odyssey.toml: server.timeout: 0: must be a whole number from 1 to 3600" in done.err


def test_an_unknown_variable_warns_on_stderr_only(
    odyssey: Run, small_app: SmallApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODYSSEY_LOCAL_PROT", "1")
    done = odyssey("config", "show", "--output=json", at=small_app.folder)
    assert done.code == 0
    assert done.document
    assert done.err == (
        "Warning: unknown variable ODYSSEY_LOCAL_PROT, did you mean ODYSSEY_LOCAL_PORT?\n"
    )
