"""`odyssey configure`: keys are written when AWS takes them, and are never seen."""

from __future__ import annotations

import http.server
import json
import os
import pty
import re
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from botocore.session import Session

from odyssey import aws
from odyssey.cli import main
from odyssey.commands.configure import command
from tests.functional.conftest import Done

ID, OTHER_ID, REFUSED_ID = "AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE", "AKIAREFUSED7EXAMPLE"
SECRET, OTHER_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "je7MtGbClwBF/2Zp9Utk/h3yCo8nvb"
TEMPORARY_ID, TOKEN = "ASIAIOSFODNN7EXAMPLE", "IQoJb3JpZ2luX2IQoJb3JpZ2luX2I="


@dataclass
class Sts:
    """A service that says whose keys it is asked with, and notes what it hears."""

    url: str
    heard: list[dict[str, str]] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        return [re.findall(r"Credential=(\w+)/", one["Authorization"])[0] for one in self.heard]


ANSWER = """<GetCallerIdentityResponse><GetCallerIdentityResult>
<Arn>arn:aws:iam::123456789012:user/ann</Arn><UserId>A</UserId><Account>123456789012</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""
REFUSAL = """<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>
<Message>The security token included in the request is invalid.</Message></Error></ErrorResponse>"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / ".aws"


@pytest.fixture
def sts(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sts]:
    class Door(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            assert asked["Action"] == ["GetCallerIdentity"]
            service.heard.append(dict(self.headers))
            refused = REFUSED_ID in self.headers["Authorization"]
            body = (REFUSAL if refused else ANSWER).encode()
            self.send_response(403 if refused else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        service = Sts(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
        yield service
        server.shutdown()


@pytest.fixture
def configure(home: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    def run(*words: str) -> Done:
        capfd.readouterr()
        code = main(words, program=command)
        out, err = capfd.readouterr()
        assert SECRET not in out + err
        assert OTHER_SECRET not in out + err
        assert TOKEN not in out + err
        return Done(code, out, err)

    return run


KEYS = ("--access-key", ID, "--secret-key", SECRET)


def profile(name: str) -> dict[str, str]:
    """What the SDK finds for a profile."""
    session = Session(profile=name)
    found = session.get_credentials()
    assert found is not None
    read = {"key": found.access_key, "secret": found.secret_key, "token": found.token or ""}
    return {**read, "region": session.get_config_variable("region") or ""}


def test_keys_that_aws_takes_are_written_and_their_owner_is_shown(
    configure: Callable[..., Done], sts: Sts, home: Path
) -> None:
    # when
    done = configure(*KEYS, "--region", "eu-west-1", "--output-format", "json")
    # then
    assert done.code == 0
    assert done.out == (
        "Profile default: account 123456789012, arn:aws:iam::123456789012:user/ann, eu-west-1\n"
    )
    assert sts.keys == [ID]
    assert (home / "config").read_text() == "[default]\nregion = eu-west-1\noutput = json\n"
    assert profile("default") == {"key": ID, "secret": SECRET, "token": "", "region": "eu-west-1"}
    for name in ("credentials", "config"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600


def test_the_result_is_a_document_without_any_key(
    configure: Callable[..., Done], sts: Sts, home: Path
) -> None:
    done = configure(*KEYS, "--profile", "work", "--region", "eu-west-1", "--output", "json")
    assert done.document == {
        "profile": "work",
        "files": [str(home / "credentials"), str(home / "config")],
        "account": "123456789012",
        "arn": "arn:aws:iam::123456789012:user/ann",
        "region": "eu-west-1",
        "verified": True,
    }
    assert ID not in done.out
    assert (home / "config").read_text() == "[profile work]\nregion = eu-west-1\n"
    assert (home / "credentials").read_text().startswith("[work]\n")


def test_keys_that_aws_does_not_take_are_not_written(
    configure: Callable[..., Done], sts: Sts, home: Path
) -> None:
    done = configure("--access-key", REFUSED_ID, "--secret-key", SECRET, "--region", "eu-west-1")
    assert done.code == 5
    assert "AWS does not take the credentials" in done.err
    assert "nothing was written" in done.err
    assert not home.exists()


def test_an_aws_that_cannot_be_reached_is_an_error_that_says_how_to_do_without(
    configure: Callable[..., Done], home: Path, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port}")
    done = configure(*KEYS)
    assert done.code == 5
    assert "cannot be asked" in done.err
    assert "--no-verify" in done.err
    assert not home.exists()


def test_without_verification_aws_is_not_asked(
    configure: Callable[..., Done], sts: Sts, home: Path
) -> None:
    done = configure("--access-key", REFUSED_ID, "--secret-key", SECRET, "--no-verify")
    assert (done.code, sts.heard) == (0, [])
    assert done.out == "Profile default: not verified, no region\n"
    assert profile("default")["key"] == REFUSED_ID


def test_exactly_these_keys_are_verified_whatever_the_environment_says(
    configure: Callable[..., Done], sts: Sts, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", REFUSED_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "y")
    monkeypatch.setenv("AWS_PROFILE", "work")  # which is not there yet
    # when
    done = configure(*KEYS)
    # then
    assert done.code == 0
    assert done.out.startswith("Profile work: account 123456789012")
    assert sts.keys == [ID]
    assert "X-Amz-Security-Token" not in sts.heard[0]
    assert (
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN in the environment win"
        in done.err
    )


def test_temporary_keys_are_verified_and_written_with_their_token(
    configure: Callable[..., Done], sts: Sts
) -> None:
    words = ["--access-key", TEMPORARY_ID, "--secret-key", SECRET]
    assert configure(*words).code == 2
    done = configure(*words, "--session-token", TOKEN)
    assert done.code == 0
    assert sts.heard[0]["X-Amz-Security-Token"] == TOKEN
    assert profile("default")["token"] == TOKEN


def test_the_token_of_former_keys_is_removed_with_a_word(
    configure: Callable[..., Done], sts: Sts, home: Path
) -> None:
    # given
    configure("--access-key", TEMPORARY_ID, "--secret-key", OTHER_SECRET, "--session-token", TOKEN)
    # when
    done = configure(*KEYS)
    # then
    assert "session token of the former keys was removed" in done.err
    assert "X-Amz-Security-Token" not in sts.heard[1]
    assert profile("default")["token"] == ""


def test_the_rest_of_both_files_stays(configure: Callable[..., Done], sts: Sts, home: Path) -> None:
    # given
    home.mkdir()
    kept = f"# ours\n[other]\naws_access_key_id = {OTHER_ID}\n"
    (home / "credentials").write_text(kept)
    (home / "config").write_text("[default]\nregion = us-east-1 \n\n[profile x]\nsso_region = y")
    # when
    configure(*KEYS, "--region", "eu-west-1")
    # then
    assert (home / "credentials").read_text().startswith(kept + "\n[default]\n")
    assert (home / "config").read_text() == (
        "[default]\nregion = eu-west-1\n\n[profile x]\nsso_region = y"
    )


def test_a_region_alone_can_be_changed_in_a_profile_that_has_keys(
    configure: Callable[..., Done], sts: Sts, home: Path
) -> None:
    # given
    configure(*KEYS, "--region", "eu-west-1")
    before = (home / "credentials").read_bytes()
    # when
    done = configure("--region", "eu-north-1")
    # then
    assert done.code == 0
    assert sts.keys == [ID, ID]
    assert (home / "credentials").read_bytes() == before
    assert profile("default")["region"] == "eu-north-1"
    assert str(home / "credentials") not in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--access-key is not given"),
        (["--region", "eu-west-1"], "--access-key is not given"),
        (["--secret-key", SECRET], "--access-key is not given"),
        (["--access-key", ID], "--secret-key is not given"),
        (["--access-key", TEMPORARY_ID, "--secret-key", SECRET], "--session-token is not given"),
        (["--access-key", SECRET, "--secret-key", SECRET], "16 to 128 letters and digits"),
        (["--access-key", ID, "--secret-key", "two words"], "the secret key has a space"),
        (["--access-key", ID, "--secret-key", ""], "the secret key is empty"),
        ([*KEYS, "--region", "europe"], 'the region "europe" must be a region such as'),
        ([*KEYS, "--output-format", "xml"], '"xml" is none of json, yaml'),
        ([*KEYS, "--profile", "a]b"], '"a]b" cannot be the name of a profile'),
        ([*KEYS, "--profile", "DEFAULT"], "cannot be the name of a profile"),
        ([*KEYS, "--profile", " a"], "cannot be the name of a profile"),
    ],
)
def test_what_is_missing_or_wrong_is_an_error_without_a_question(
    configure: Callable[..., Done], sts: Sts, home: Path, words: list[str], said: str
) -> None:
    done = configure(*words)
    assert done.code == 2
    assert said in done.err
    assert (sts.heard, home.exists()) == ([], False)


def test_nothing_to_change_is_an_error(configure: Callable[..., Done], sts: Sts) -> None:
    configure(*KEYS)
    done = configure()
    assert done.code == 2
    assert "what to change, such as --region" in done.err


def test_the_region_of_a_profile_without_keys_can_be_set_by_a_script(
    configure: Callable[..., Done], sts: Sts, home: Path
) -> None:
    # given
    home.mkdir()
    (home / "config").write_text("[profile work]\nsso_session = us\nregion = us-east-1\n")
    # when
    done = configure("--profile", "work", "--region", "eu-west-1")
    # then
    assert (done.code, sts.heard) == (0, [])
    text = "[profile work]\nsso_session = us\nregion = eu-west-1\n"
    assert (home / "config").read_text() == text


def test_a_file_that_the_sdk_cannot_read_stops_before_aws_is_asked(
    configure: Callable[..., Done], sts: Sts, home: Path
) -> None:
    # given
    home.mkdir()
    (home / "config").write_text(f"[default]\n{SECRET}\n")
    # when
    done = configure(*KEYS, "--region", "eu-west-1")
    # then
    assert done.code == 2
    assert f"{home / 'config'}: line 2: neither" in done.err
    assert sts.heard == []
    assert not (home / "credentials").exists()


def test_files_are_where_aws_s_variables_say(
    configure: Callable[..., Done],
    sts: Sts,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "~/one")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "two"))
    configure(*KEYS, "--region", "eu-west-1")
    assert ID in (tmp_path / "one").read_text()
    assert "eu-west-1" in (tmp_path / "two").read_text()
    assert not home.exists()


def test_both_files_may_be_one(
    configure: Callable[..., Done], sts: Sts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "one"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "one"))
    configure(*KEYS, "--region", "eu-west-1")
    assert profile("default") == {"key": ID, "secret": SECRET, "token": "", "region": "eu-west-1"}


def test_a_profile_of_a_role_is_warned_of(
    configure: Callable[..., Done], sts: Sts, home: Path
) -> None:
    home.mkdir()
    (home / "config").write_text("[profile work]\nrole_arn = arn:aws:iam::1:role/x\n")
    done = configure(*KEYS, "--profile", "work")
    assert done.code == 0
    assert "role_arn of the profile work" in done.err


def test_a_secret_is_read_from_stdin(sts: Sts, home: Path) -> None:
    # when
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--access-key", TEMPORARY_ID, "--secret-key", "-"]
        + ["--session-token", "-", "--output", "json"],
        input=f"{SECRET}\n{TOKEN}\n",
        capture_output=True,
        text=True,
        check=True,
    )
    # then
    assert json.loads(done.stdout)["verified"] is True
    found = profile("default")
    assert (found["secret"], found["token"]) == (SECRET, TOKEN)


PROGRAM = """
import sys
from odyssey.cli import main
from odyssey.commands.configure import command
sys.exit(main(program=command))
"""


def answered(questions: list[tuple[str, str]], *words: str) -> tuple[int, str]:
    """The exit code, and all that is seen, when somebody gives these answers at a terminal."""

    def own_terminal() -> None:
        os.setsid()

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=own_terminal,
    )
    os.close(theirs)
    seen, waiting = "", list(questions)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            seen += os.read(ours, 4096).decode()
        except OSError:  # The other side has been closed.
            break
        if waiting and re.search(re.escape(waiting[0][0]) + r".*: $", seen):
            os.write(ours, f"{waiting.pop(0)[1]}\n".encode())
    os.close(ours)
    assert not waiting, f"it never asked for {waiting[0][0]}: {seen}"
    return process.wait(), seen


def test_a_person_is_asked_and_the_secret_is_not_seen(sts: Sts, home: Path) -> None:
    # when
    code, seen = answered(
        [
            ("AWS Access Key ID [None]", ID),
            ("AWS Secret Access Key [None]", SECRET),
            ("Default region name [None]", "eu-west-1"),
            ("Default output format [None]", ""),
        ]
    )
    # then
    assert code == 0, seen
    assert SECRET not in seen
    assert profile("default") == {"key": ID, "secret": SECRET, "token": "", "region": "eu-west-1"}


def test_an_empty_answer_keeps_what_there_is_which_is_shown_but_for_its_last_letters(
    sts: Sts, home: Path
) -> None:
    # given
    home.mkdir()
    keys = f"[default]\naws_access_key_id = {ID}\naws_secret_access_key = {SECRET}\n"
    (home / "credentials").write_text(keys)
    (home / "config").write_text("[default]\nregion = eu-west-1\n")
    # when
    code, seen = answered(
        [
            ("AWS Access Key ID [****************MPLE]", ""),
            ("AWS Secret Access Key [****************EKEY]", ""),
            ("Default region name [eu-west-1]", "eu-north-1"),
            ("Default output format [None]", ""),
        ]
    )
    # then
    assert code == 0, seen
    assert ID not in seen
    assert (home / "credentials").read_text() == keys
    assert (home / "config").read_text() == "[default]\nregion = eu-north-1\n"


def test_what_is_given_is_not_asked_for_and_temporary_keys_need_a_token(sts: Sts) -> None:
    code, seen = answered(
        [
            ("AWS Secret Access Key [None]", SECRET),
            ("AWS Session Token [None]", TOKEN),
            ("Default output format [None]", ""),
        ],
        "--access-key",
        TEMPORARY_ID,
        "--region",
        "eu-west-1",
    )
    assert code == 0, seen
    assert TOKEN not in seen
    assert profile("default")["token"] == TOKEN


def test_an_id_without_its_secret_is_refused(sts: Sts, home: Path) -> None:
    code, seen = answered(
        [
            ("AWS Access Key ID [None]", ID),
            ("AWS Secret Access Key [None]", ""),
            ("Default region name [None]", ""),
            ("Default output format [None]", ""),
        ]
    )
    assert code == 2
    assert "of no use without its secret" in seen
    assert not home.exists()


def test_the_hint_for_missing_credentials_names_this_command() -> None:
    assert aws.LOG_IN.startswith("odyssey configure, or ")
    assert main(["--help"], program=command) == 0


def test_keys_do_not_show_themselves() -> None:
    shown = repr(aws.Keys(ID, SECRET, TOKEN))
    assert SECRET not in shown
    assert TOKEN not in shown
