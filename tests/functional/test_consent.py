"""The user's leave, asked for on a terminal and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

import odyssey as package
from odyssey.consent import Consent
from odyssey.errors import UsageError

ASK = """
import click, sys
from odyssey.cli import main
from odyssey.consent import Consent

@click.command()
def ask():
    consent = Consent("odyssey deploy", given="given" in {flags!r})
    consent.ask("Deploy?", in_person="person" in {flags!r})
    click.echo("done")

sys.exit(main([], program=ask))
"""


def answered(keys: str, flags: str = "") -> tuple[int, str]:
    """The exit code, and all that is seen, when somebody types this at the question."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ASK.format(flags=flags)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(Path(package.__file__).parent.parent)},
    )
    os.close(theirs)
    os.write(ours, keys.encode())
    seen = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:  # The other side has been closed.
            break
        seen += chunk
    os.close(ours)
    return process.wait(), seen.decode()


@pytest.mark.parametrize(("keys", "code"), [("y\n", 0), ("yes\n", 0), ("n\n", 130), ("\n", 130)])
def test_only_a_yes_is_a_yes(keys: str, code: int) -> None:
    done, seen = answered(keys)
    assert done == code
    assert "Deploy? [y/N]:" in seen
    assert ("done" in seen) is (code == 0)
    assert ("nothing was changed" in seen) is (code == 130)


def test_what_was_given_on_the_command_line_is_not_asked_for() -> None:
    done, seen = answered("", "given")
    assert (done, seen.strip()) == (0, "done")


def test_what_only_a_person_may_say_is_asked_for_in_spite_of_yes() -> None:
    assert answered("n\n", "given person")[0] == 130
    assert answered("y\n", "given person")[0] == 0


@pytest.mark.parametrize("given", [True, False])
def test_without_a_terminal_there_is_no_question(given: bool) -> None:
    with pytest.raises(UsageError) as caught:
        Consent("odyssey deploy", given=given).ask("Deploy?", in_person=given)
    assert caught.value.message.endswith("Deploy?")
    assert ("--yes" in str(caught.value.hint)) is not given
