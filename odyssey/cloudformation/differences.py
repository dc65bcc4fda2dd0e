"""What a deployment would change, in the words of the CDK."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from odyssey import aws
from odyssey.console import Progress, note
from odyssey.errors import DeploymentError, InterruptedByUserError
from odyssey.infra.toolkit import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from odyssey.cloudformation.target import Target
    from odyssey.infra.assembly import Stack

NONE = "There were no differences"
_HEADING = re.compile(r"Stack (\S+)(?: \(.*\))?$")
_TALK = ("Could not create a change set", "✨")
_BEGINS = "Hold on while we create"


@dataclass(frozen=True)
class Difference:
    """What would change in one stack.

    Args:
        stack: Its name.
        text: The CDK's report.
    """

    stack: str
    text: str

    @property
    def exists(self) -> bool:
        """Whether anything would."""
        return NONE not in plain(self.text)

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {"stack": self.stack, "differences": self.exists, "text": plain(self.text)}


def find(
    target: Target, stacks: Sequence[Stack], *, shown_on: TextIO, method: str = "auto"
) -> tuple[Difference, ...]:
    """Compare stacks with what is deployed.

    Args:
        target: What to work on.
        stacks: Those of its stacks that are compared.
        shown_on: Where the reports will be written, whose colours and width they get.
        method: ``change-set`` asks CloudFormation, which knows best what is replaced;
            ``template`` compares the templates alone; ``auto`` does whichever works.

    Raises:
        AwsError: AWS refuses.
        DeploymentError: The comparison failed.
        InterruptedByUserError: Ctrl-C.
    """
    progress = Progress("Comparing with what is deployed")
    words = ["diff", "--exclusively", "--method", method]
    ended = target.cdk.run(
        *words,
        *(stack.display_name for stack in stacks),
        assembly=target.assembly.folder,
        env={**target.variables, **_look(shown_on)},
        on_turn=progress.tick,
    )
    progress.end()
    if ended.stopped_by is not None:
        raise InterruptedByUserError("the comparison was interrupted; nothing was changed")
    if ended.code != 0:
        reason = ended.reason()
        if aws.is_refusal(reason):
            raise aws.refusal(reason)
        raise DeploymentError(f"the comparison failed: {reason}")
    return tuple(_parsed(ended.output.splitlines(), stacks))


def _look(stream: TextIO) -> dict[str, str]:
    """Return the variables from which the CDK learns of a terminal that it does not see."""
    if not stream.isatty():
        return {"FORCE_COLOR": "0"}
    width = os.get_terminal_size(stream.fileno()).columns
    colours = {"FORCE_COLOR": "0" if os.environ.get("NO_COLOR") else "1"}
    return {**colours, "COLUMNS": str(width)} if width else colours


def _parsed(lines: Iterable[str], stacks: Sequence[Stack]) -> list[Difference]:
    """Cut the CDK's report into one for each stack; what it says besides is talk."""
    names = {stack.display_name: stack.name for stack in stacks}
    reports: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in lines:
        heading = _HEADING.match(plain(line))
        if plain(line).startswith(_BEGINS):
            # Whatever comes before the next report, such as why there is no change set, is talk.
            current = None
        if plain(line).startswith("Could not create a change set"):
            note("The comparison is of templates: CloudFormation made no change set for it")
        if plain(line).startswith(_TALK):
            continue
        if heading and heading.group(1) in names:
            current = reports.setdefault(names[heading.group(1)], [])
        if current is not None:
            current.append(line)
    return [Difference(name, "\n".join(report).strip()) for name, report in reports.items()]
