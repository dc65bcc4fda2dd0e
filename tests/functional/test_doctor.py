"""`odyssey doctor`: what it says of a machine, what it mends, and its exit codes."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from odyssey import config, state
from odyssey.aws import Access
from odyssey.consent import Consent
from odyssey.doctor import cloud, engine, machine, service, tools
from odyssey.doctor.result import FAIL, MISSING, PASS, REFUSED, SKIP, WARN, Place, Repair, Result
from odyssey.errors import UsageError
from tests.functional.conftest import Done, SmallApp

Run = Callable[..., Done]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials, no region, no sandbox, and no engine."""
    for name in (
        *("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"),
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "DOCKER_CONTEXT"),
    ):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")


@pytest.fixture
def place(small_app: SmallApp) -> Place:
    return at(small_app.folder)


def at(folder: Path, access: Any = None) -> Place:
    return Place(folder, config.load(folder), access or Access())


def only(results: list[Result], name: str) -> Result:
    (found,) = [result for result in results if result.name == name]
    return found


class TestCommand:
    def test_without_docker_and_credentials_all_that_is_needed_passes(
        self, odyssey: Run, small_app: SmallApp
    ) -> None:
        # when
        begun = time.monotonic()
        done = odyssey("doctor", at=small_app.folder)
        # then
        assert done.code == 0, done.out
        assert time.monotonic() - begun < 10
        assert "Nothing that is needed is missing; 3 warnings" in done.out
        assert "no Docker engine answers: Connection refused" in done.out
        assert "-> odyssey configure" in done.out
        assert f"{small_app.port} is free" in done.out

    def test_outside_of_an_app_the_app_s_own_needs_are_skipped(
        self, odyssey: Run, tmp_path: Path
    ) -> None:
        # when
        done = odyssey("doctor", "--output", "json", at=tmp_path)
        # then
        told = {each["name"]: each["status"] for each in done.document["results"]}
        assert done.code == done.document["exit_code"] == 0
        assert {name for name, status in told.items() if status == SKIP} >= {"requirements", "port"}
        assert told["CDK"] == told["Node.js"] == told["Python"] == PASS

    def test_a_fix_needs_leave_where_nobody_can_be_asked(
        self, odyssey: Run, small_app: SmallApp
    ) -> None:
        # given
        small_app.write(".odyssey/synth.new", "half")
        # when
        refused = odyssey("doctor", "--fix", at=small_app.folder)
        mended = odyssey("doctor", "--fix", "--yes", "--output", "json", at=small_app.folder)
        # then
        assert refused.code == 2
        assert "--yes is not given" in refused.err
        assert mended.document["done"] == ["half made: removed .odyssey/synth.new"]
        assert not (small_app.folder / ".odyssey/synth.new").exists()

    @mock_aws
    def test_credentials_of_an_account_that_the_app_is_not_for_end_with_code_5(
        self, odyssey: Run, small_app: SmallApp, keys: None
    ) -> None:
        small_app.write("odyssey.toml", '[app]\nname = "small"\n[aws]\naccount = "999999999999"\n')
        done = odyssey("doctor", at=small_app.folder)
        assert done.code == 5
        assert "of account 123456789012, and the app is for 999999999999" in " ".join(
            done.out.split()
        )


class TestReport:
    @pytest.mark.parametrize(
        ("codes", "ends"),
        [((), 0), ((1,), 1), ((REFUSED, 1), 5), ((REFUSED, MISSING), 7)],
    )
    def test_its_exit_code_is_of_the_gravest_failure(
        self, codes: tuple[int, ...], ends: int
    ) -> None:
        fails = [Result("it", FAIL, "bad", code=code) for code in codes]
        assert service.Report((Result("port", WARN, "taken"), *fails)).code == ends

    def test_no_line_is_wider_than_a_terminal_of_100_columns(self) -> None:
        report = service.Report((Result("Docker", WARN, "word " * 60, "mend " * 60),))
        assert max(map(len, report.text().splitlines())) <= 98

    def test_an_examination_that_cannot_look_hides_no_other(self, place: Place) -> None:
        def breaks(_: Place) -> list[Result]:
            raise OSError(5, "the disk is broken")

        report = service.examine(
            place.settings, place.access, examinations=[breaks, lambda _: [Result("b", PASS, "")]]
        )
        assert [(each.name, each.status) for each in report.results] == [
            ("breaks", WARN),
            ("b", PASS),
        ]


class TestRepairs:
    def test_are_done_with_leave_and_everything_is_looked_at_again(self) -> None:
        # given
        said: list[str] = []
        ill = Result("a", WARN, "ill", repair=Repair("mend it", lambda: "mended it"))
        well = service.Report((Result("a", PASS, "well"),))
        # when
        found = service.mend(
            service.Report((ill,)), Consent("x", given=True), lambda: well, say=said.append
        )
        # then
        assert found.results == well.results
        assert found.done == ("a: mended it",)
        assert said == ["a: ill", "a: mended it"]

    def test_that_fail_are_told_and_stop_no_other(self) -> None:
        def fails() -> str:
            raise UsageError("the disk is full")

        ills = [Result(name, WARN, "", repair=Repair("mend", fails)) for name in "ab"]
        report = service.Report(tuple(ills))
        done = service.mend(report, Consent("x", given=True), lambda: report, say=lambda _: None)
        assert done.done == tuple(f"{name}: could not be mended: the disk is full" for name in "ab")


class TestTools:
    def test_a_requirement_that_is_missing_is_mended_by_an_environment(
        self, small_app: SmallApp
    ) -> None:
        small_app.write("requirements.txt", "nobody-has-this==1\n")
        found = only(tools.python(at(small_app.folder)), "requirements")
        assert found.status == WARN
        assert 'this Python does not have "nobody-has-this==1"' in found.reason
        assert found.repair is not None
        assert not (small_app.folder / ".odyssey").exists()

    def test_a_python_that_is_not_there_fails(self, small_app: SmallApp) -> None:
        small_app.write("odyssey.toml", '[app]\nname = "small"\n[local]\npython = "nopython"\n')
        found = only(tools.python(at(small_app.folder)), "requirements")
        assert found.status == FAIL
        assert "there is no such program" in found.reason

    def test_a_node_on_the_path_that_is_out_of_support_is_only_named(
        self, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = tmp_path / "node"
        program.write_text("#!/bin/sh\necho v16.20.2\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        (found,) = tools.node(place)
        assert found.status == PASS
        assert "the v16.20.2 on the PATH is out of support, and is not used" in found.reason

    def test_without_git_only_reviews_lack_something(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", "/nonexistent")
        (found,) = tools.git(place)
        assert found.status == WARN
        assert "review --base" in found.reason


class TestEngine:
    INFO: dict[str, Any] = {"Architecture": "x86_64", "OperatingSystem": "Debian"}

    def test_the_platform_of_the_image_is_compared_with_the_engine_s(self, place: Place) -> None:
        assert engine._platform(place, self.INFO).status == PASS

    @pytest.mark.parametrize(
        ("system", "status", "word"),
        [("Docker Desktop", PASS, "emulated"), ("Debian", WARN, "exec format error")],
    )
    def test_an_engine_of_another_processor_emulates_or_cannot(
        self, small_app: SmallApp, system: str, status: str, word: str
    ) -> None:
        # given
        platform = '[docker]\nplatform = "linux/amd64"\n'
        small_app.write("odyssey.toml", f'[app]\nname = "small"\n{platform}')
        # when
        info = {"Architecture": "riscv64", "OperatingSystem": system}
        found = engine._platform(at(small_app.folder), info)
        # then
        assert found.status == status
        assert word in found.reason

    def test_an_old_engine_and_containerd_s_store_are_named(self) -> None:
        version = {"Version": "19.03.1", "Os": "linux"}
        store = [["driver-type", "io.containerd.snapshotter.v1"]]
        found = engine._engine(version, {**self.INFO, "DriverStatus": store})
        assert found.status == WARN
        assert "older than 20.10" in found.reason
        assert "containerd's store" in found.reason

    def test_what_killed_runs_left_can_be_removed(self) -> None:
        found = engine._orphans(["container a", "volume b", "network c", "container d"])
        assert found.repair is not None
        assert "container a, volume b, network c and 1 more" in found.reason


class Sts:
    """A way to AWS that answers or refuses, and no more."""

    def __init__(self, answer: dict[str, Any] | None, code: str = "") -> None:
        self.answer = answer
        self.code = code
        self.chosen_region = None
        self.region = "eu-west-1"
        self.session = self
        self.method = "env"

    def get_credentials(self) -> Any:
        return self

    def client(self, *_: Any, **__: Any) -> Any:
        return self

    def get_caller_identity(self) -> Any:
        from botocore.exceptions import ClientError

        if self.code:
            told = {"Error": {"Code": self.code, "Message": "no"}, "ResponseMetadata": head()}
            raise ClientError({**told, **(self.answer or {})}, "GetCallerIdentity")
        return self.answer


def head(behind: float = 0) -> dict[str, Any]:
    date = format_datetime(NOW - timedelta(seconds=behind))
    return {"HTTPHeaders": {"date": date}}


class TestCloud:
    def test_the_identity_and_the_clock_come_of_one_answer(self, small_app: SmallApp) -> None:
        access = Sts({"Account": "1", "Arn": "arn:aws:iam::1:user/x", "ResponseMetadata": head(10)})
        found = cloud.identity(at(small_app.folder, access), lambda: NOW)
        assert [(each.name, each.status) for each in found] == [
            ("credentials", PASS),
            ("clock", PASS),
        ]
        assert "arn:aws:iam::1:user/x (by env)" in found[0].reason

    def test_a_token_that_has_run_out_is_refused_with_the_way_to_log_in(
        self, small_app: SmallApp
    ) -> None:
        found = cloud.identity(at(small_app.folder, Sts(None, "ExpiredToken")), lambda: NOW)
        assert (found[0].status, found[0].code) == (FAIL, REFUSED)
        assert "odyssey configure" in str(found[0].mend)

    @pytest.mark.parametrize(
        ("behind", "status"), [(59, PASS), (-59, PASS), (61, WARN), (301, FAIL), (-301, FAIL)]
    )
    def test_a_clock_that_differs_by_minutes_is_told(
        self, small_app: SmallApp, behind: float, status: str
    ) -> None:
        access = Sts({"Account": "1", "Arn": "a", "ResponseMetadata": head(behind)})
        found = cloud.identity(at(small_app.folder, access), lambda: NOW)
        assert only(found, "clock").status == status

    def test_a_refusal_for_the_clock_s_sake_is_not_blamed_on_the_keys(
        self, small_app: SmallApp
    ) -> None:
        access = Sts({"ResponseMetadata": head(900)}, "SignatureDoesNotMatch")
        found = cloud.identity(at(small_app.folder, access), lambda: NOW)
        assert [each.status for each in found] == [SKIP, FAIL]
        assert "900 s ahead of AWS's" in found[1].reason

    def test_a_network_that_does_not_answer_is_no_failure(
        self, small_app: SmallApp, keys: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        found = cloud.identity(at(small_app.folder))
        assert [each.status for each in found] == [WARN, SKIP]
        assert "odyssey sandbox status" in str(found[0].mend)

    def test_a_profile_that_is_not_there_is_refused(self, small_app: SmallApp) -> None:
        found = cloud.identity(at(small_app.folder, Access("nobody")))
        assert found[0].code == REFUSED
        assert "nobody" in found[0].reason

    @pytest.mark.parametrize(
        ("region", "status"), [("eu-west-1", PASS), ("cn-north-1", PASS), ("eu-wset-1", WARN)]
    )
    def test_a_region_is_known_or_has_a_likely_name(
        self, small_app: SmallApp, region: str, status: str
    ) -> None:
        (found,) = cloud.region(at(small_app.folder, Access(None, region)))
        assert found.status == status
        assert status == PASS or "did you mean" in found.reason


class TestMachine:
    def test_a_port_that_is_taken_is_told_with_who_has_it(self, place: Place) -> None:
        assert place.settings is not None
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", place.settings.local.port))
            taken.listen()
            (found,) = machine.port(place)
        assert found.status == WARN
        assert "is taken by process" in found.reason
        assert f"--port {place.settings.local.port + 1}" in str(found.mend)

    def test_half_made_files_stay_while_another_odyssey_is_at_work(self, place: Place) -> None:
        # given
        home = state.folder(place.folder)
        (home / "synth.new").write_text("half")
        # when
        (found,) = machine.leftovers(place)
        assert found.repair is not None
        with state.locked(home / "synth.lock"):
            told = found.repair.do()
        # then
        assert "another odyssey is at work" in told
        assert (home / "synth.new").exists()
        assert found.repair.do() == "removed .odyssey/synth.new"
        assert not (home / "synth.new").exists()

    def test_room_is_judged_by_the_fullest_disk(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(machine.ROOM, "the app", (0, 10**18, "its models"))
        (found,) = machine.disk(place)
        assert found.status == WARN
        assert "for the app" in found.reason
        assert "its models" in found.reason


def test_the_document_is_json_and_holds_no_secret(
    odyssey: Run, small_app: SmallApp, keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush-hush")
    with mock_aws():
        boto3.client("sts", region_name="eu-west-1")
        done = odyssey("doctor", "--output", "json", at=small_app.folder)
    assert json.loads(done.out)["version"] == 1
    assert "hush" not in done.out + done.err
