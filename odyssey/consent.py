"""The user's leave to change what is in AWS."""

from __future__ import annotations

from dataclasses import dataclass

import click

from odyssey import console
from odyssey.errors import InterruptedByUserError, UsageError


@dataclass(frozen=True)
class Consent:
    """Asks for leave, unless it was given on the command line.

    Args:
        command: The command to type again, without ``--yes``.
        given: ``--yes``.
    """

    command: str
    given: bool = False

    def ask(self, question: str, *, in_person: bool = False) -> None:
        """Return if the answer is yes.

        Args:
            question: What is going to be done.
            in_person: ``--yes`` does not answer this one: something may be lost.

        Raises:
            UsageError: There is nobody to ask.
            InterruptedByUserError: The answer is no.
        """
        if self.given and not in_person:
            return
        if not console.can_prompt():
            if in_person:
                raise UsageError(
                    f"only a person on a terminal may answer: {question}", self.command
                )
            raise UsageError(
                f"nobody is there to answer, and --yes is not given: {question}",
                f"{self.command} --yes",
            )
        if not click.confirm(question, default=False, err=True):
            raise InterruptedByUserError("nothing was changed")
