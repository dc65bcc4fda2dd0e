"""A machine that serves a model: what it needs, and how it fails."""

import io
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from odyssey.sandbox.executors.process import ProcessExecutor
from odyssey.sandbox.logs import LogStream
from odyssey.sandbox.sagemaker.connections import NoAnswerError, TooLateError
from odyssey.sandbox.sagemaker.hosting import Host, HostingError, UnhealthyError, hosted
from odyssey.sandbox.sagemaker.model_data import fetched
from tests.sandbox.conftest import Start
from tests.sandbox.serving import REGION, ROLE, Account, app


@pytest.fixture
def account(start: Start, tmp_path: Path) -> Account:
    return Account(start(ProcessExecutor(app(tmp_path / "app"))))


@contextmanager
def serving(account: Account, model: str = "red", **more: Any) -> Iterator[Host]:
    sandbox = account.sandbox
    found = account.sagemaker.describe_model(ModelName=model)
    limits = {"startup_seconds": 20.0, "download_seconds": 20.0, "cancelled": lambda: False}
    with (
        LogStream(sandbox.clients, REGION, ROLE, "/group", "stream") as log,
        hosted(sandbox, found, region=REGION, log=log, **{**limits, **more}) as host,
    ):
        yield host


def test_a_host_answers_until_its_end_and_leaves_no_file(account: Account) -> None:
    account.model("red", answer="red")
    with serving(account, environment={"MORE": "1"}) as host:
        with host.send("POST", "/invocations", b"?") as answer:
            assert (answer.status, answer.read()) == (200, b"red")
        with host.send("POST", "/invocations", iter([b"length ", b"x" * 10])) as answer:
            assert answer.read() == b"17"
        with host.send("POST", "/invocations", b"environment") as answer:
            assert b'"MORE": "1"' in answer.read()
        assert host.exit_code() is None
        with pytest.raises(TooLateError):
            host.send("POST", "/invocations", b"sleep 5", timeout=0.2)
    assert host.exit_code() is not None
    with pytest.raises(NoAnswerError):
        host.send("POST", "/invocations", b"?")
    assert list(account.sandbox.settings.folder.glob("model-*")) == []


def test_a_connection_that_the_machine_gave_up_costs_no_request(account: Account) -> None:
    account.model("red")
    with serving(account) as host:
        for body in (b"one", b"stream break", b"two"):
            try:
                with host.send("POST", "/invocations", body) as answer:
                    assert answer.read() == body
            except NoAnswerError:
                assert body == b"stream break"


def test_a_container_that_is_never_healthy_in_time_has_failed(account: Account) -> None:
    account.model("red", ping="503")
    begun = time.monotonic()
    with pytest.raises(UnhealthyError), serving(account, startup_seconds=0.5):
        pass
    assert time.monotonic() - begun < 15


def test_it_is_given_up_where_nobody_waits(account: Account) -> None:
    account.model("red", ping="503")
    with pytest.raises(HostingError, match="given up"), serving(account, cancelled=Waits(3.0)):
        pass


def test_a_download_has_its_time(account: Account) -> None:
    account.model("red", answer="red")
    with (
        pytest.raises(HostingError, match="Failed to download model data"),
        serving(account, download_seconds=0),
    ):
        pass


def test_an_archive_that_leads_out_of_its_folder_is_refused(account: Account) -> None:
    # given
    account.model("red")
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../../escaped"), io.BytesIO())
    account.s3.put_object(Bucket="models", Key="red/model.tar.gz", Body=made.getvalue())
    # when, then
    with pytest.raises(HostingError, match="land outside"), serving(account):
        pass


def test_an_archive_of_many_files_is_unpacked_in_a_time_that_grows_with_their_number(
    account: Account,
) -> None:
    # given files that are packed into a hundredth of their size
    account.model("red", **{f"file-{number}": "x" for number in range(8000)})
    model = account.sagemaker.describe_model(ModelName="red")
    # when, then it takes seconds, where a copy of what is left for each would take a minute
    with fetched(account.sandbox, model, REGION, 30.0, lambda: False) as files:
        assert len(files) == 8000


def test_what_no_file_can_be_made_of_is_told_without_the_sandbox_s_own_paths(
    account: Account,
) -> None:
    account.model("red", **{"n" * 300: "x"})
    with pytest.raises(HostingError, match=r"archive\. \(File name too long\)"), serving(account):
        pass


def test_a_sandbox_whose_folder_takes_no_files_says_so(account: Account) -> None:
    # given a folder in which none can be made
    account.model("red")
    folder = account.sandbox.settings.folder
    away = folder.rename(folder.with_name("away"))
    # when, then
    try:
        with pytest.raises(HostingError, match="sandbox's folder: No such file"), serving(account):
            pass
    finally:
        away.rename(folder)


def test_a_container_that_does_not_listen_holds_up_the_end_of_the_sandbox_for_seconds_only(
    account: Account,
) -> None:
    # given one that ignores SIGTERM
    account.model("red", deaf="")
    with serving(account) as host:
        # when the sandbox stops
        account.sandbox.tasks.stopping.set()
        begun = time.monotonic()
    # then it is killed long before the 30 seconds that it has otherwise
    assert host.exit_code() == 137
    assert time.monotonic() - begun < 10


class Waits:
    """Says that nobody waits any more, after some seconds."""

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds

    def __call__(self) -> bool:
        return time.monotonic() > self.until
