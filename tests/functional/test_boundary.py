"""The root of the command line: versions, mistakes, exit codes, one JSON document."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

import odyssey as package
from odyssey import cli
from tests.functional.conftest import Done, SmallApp

Run = Callable[..., Done]


def test_version_is_printed(odyssey: Run) -> None:
    done = odyssey("--version")
    assert done == Done(0, f"odyssey {package.__version__}\n", "")
    assert odyssey("--output", "json", "--version").document == {"version": package.__version__}
    assert odyssey("--version", "--output", "json").document == {"version": package.__version__}


def test_the_module_is_the_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "odyssey", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"odyssey {package.__version__}\n"


def test_help_is_a_table_of_contents(odyssey: Run) -> None:
    done = odyssey("--help")
    assert (done.code, done.err) == (0, "")
    places = [done.out.index(f"\n  {path} ") for rows in cli.LIFE_CYCLE.values() for path in rows]
    assert places == sorted(places)
    assert odyssey("-h").out == done.out


@pytest.mark.parametrize("words", [[], ["local"], ["init"], ["config"]])
def test_a_group_alone_explains_itself_and_is_no_success(odyssey: Run, words: list[str]) -> None:
    done = odyssey(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Usage: odyssey")
    missing = odyssey(*words, "--output", "json") if not words else odyssey("--output=json", *words)
    assert missing.code == 2
    assert missing.document["error"]["exit_code"] == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lcoal"], 'no command "lcoal", did you mean local?'),
        (["train"], 'no command "train", did you mean local train?'),
        (["serv"], 'no command "serv", did you mean local serve?'),
        (["zzzzzz"], 'no command "zzzzzz"'),
        (["local", "sreve"], "no such command 'sreve'. Did you mean 'serve'?"),
        (["local", "request", "--prot", "1"], "no such option '--prot'. Did you mean '--port'?"),
        (["local", "serve", "--port", "x"], "'x' is not a valid integer"),
        (["--output", "xml", "local"], "'xml' is not one of 'text', 'json'"),
    ],
)
def test_a_wrong_word_is_a_usage_error(odyssey: Run, words: list[str], message: str) -> None:
    done = odyssey(*words)
    assert (done.code, done.out) == (2, "")
    error, hint = done.err.splitlines()
    assert error.startswith("Error: ")
    assert message in error
    assert hint.startswith("Hint: odyssey")


@pytest.mark.parametrize(
    "words",
    [
        ["--output", "json", "local", "train"],
        ["local", "train", "--output", "json"],
        ["local", "train", "--output=json"],
        ["--output", "text", "local", "train", "--output", "json"],
        ["local", "train", "--bogus", "--output", "json"],
        ["lcoal", "--output", "json"],
    ],
)
def test_json_is_one_document_on_failure_too(odyssey: Run, words: list[str]) -> None:
    done = odyssey(*words)
    assert done.code == 2
    assert set(done.document["error"]) == {"message", "hint", "exit_code"}
    assert done.document["error"]["exit_code"] == 2


def test_text_stays_text_where_json_is_only_a_value(odyssey: Run) -> None:
    done = odyssey("local", "train", "--output", "json", "--output", "text")
    assert (done.code, done.out) == (2, "")


@click.command()
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def broken(words: tuple[str, ...]) -> None:
    """A command that nobody has thought through."""
    raise ZeroDivisionError("by \x1b[31mzero")


BROKEN = {"ignore_unknown_options": True}


def test_a_bug_is_one_line_and_its_traceback_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    broken.context_settings = BROKEN
    # when
    plain, plain_seen = cli.main([], program=broken), capsys.readouterr()
    debug, debug_seen = cli.main(["--debug"], program=broken), capsys.readouterr()
    json_, json_seen = cli.main(["--output=json"], program=broken), capsys.readouterr()
    # then
    assert (plain, debug, json_) == (70, 70, 70)
    assert plain_seen.err == (
        "Error: this is a bug in odyssey: ZeroDivisionError: by \\x1b[31mzero"
        " - run again with --debug\n"
    )
    assert "Traceback (most recent call last)" in debug_seen.err
    assert "run again" not in debug_seen.err
    assert json.loads(json_seen.out)["error"]["exit_code"] == 70


@click.command()
def impatient() -> None:
    """A command during which somebody presses Ctrl-C."""
    raise KeyboardInterrupt


def test_ctrl_c_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([], program=impatient) == 130
    assert capsys.readouterr().err == "\nError: interrupted\n"


def test_debug_shows_the_traceback_of_an_expected_error(odyssey: Run) -> None:
    done = odyssey("local", "train", "--debug")
    assert "Traceback (most recent call last)" in done.err
    assert "Traceback" not in odyssey("local", "train").err


def test_a_reader_that_leaves_ends_the_command_without_a_word(small_app: SmallApp) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "odyssey", "config", "show"],
        cwd=small_app.folder,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def on_a_terminal(words: list[str], **environ: str) -> str:
    """Everything that a command line shows on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "odyssey", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, **environ},
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    process.wait()
    os.close(ours)
    return seen.decode()


def test_colours_are_for_terminals_and_no_color_is_respected(odyssey: Run) -> None:
    assert "\x1b[" in on_a_terminal(["lcoal"])
    assert "\x1b[" not in on_a_terminal(["lcoal"], NO_COLOR="1")
    assert "\x1b[" not in odyssey("lcoal").err


def test_control_characters_of_others_are_spelled_out(odyssey: Run, tmp_path: Path) -> None:
    (tmp_path / "odyssey.toml").write_text('[app]\nname = "a\\u001b[31mb"\n')
    done = odyssey("config", "show")
    assert "\x1b" not in done.err
    assert "\\x1b" in done.err


def test_shell_completion_lists_the_commands() -> None:
    environ = {**os.environ, "_ODYSSEY_COMPLETE": "bash_complete", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-m", "odyssey"],
        env={**environ, "COMP_WORDS": "odyssey local "},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["plain,train", "plain,serve", "plain,request"]


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-"])
def test_a_closed_stream_is_no_bug(small_app: SmallApp, closed: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f'"$1" -m odyssey config show {closed}', "bash", sys.executable],
        cwd=small_app.folder,
        capture_output=True,
    )
    assert done.returncode == 0
