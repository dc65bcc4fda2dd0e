"""Troubleshooting, of the known causes that ``odyssey why`` recognises."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from importlib import import_module
from typing import TYPE_CHECKING

from _generate.markdown import escape, fence, heading, link, page, prose
from _generate.phrases import phrases
from odyssey.diagnosis.causes.cause import REFUSAL, ROOT, SYMPTOM, TRACE
from odyssey.diagnosis.evidence import COMPARED, EVENT, LOG, REASON, STATUS
from odyssey.diagnosis.verdict import judge
from tests.diagnosis.cases import CASES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.diagnosis.causes.cause import Cause

GROUPS = {
    "access": "Credentials, permissions and quotas",
    "images": "Images, and what is in them",
    "hosting": "Models and endpoints",
    "jobs": "Training and transform jobs",
    "functions": "Functions on Lambda",
    "stacks": "Stacks of CloudFormation",
}
"""The modules of causes, with the titles of their sections."""

SORTS = {
    STATUS: "a status",
    EVENT: "a stack's events",
    REASON: "AWS's own reason for a failure",
    LOG: "a log",
    COMPARED: "a comparison of what runs with what the stack says",
}

DEPTHS = {
    SYMPTOM: "a symptom, told only where no cause behind it is found",
    TRACE: "an error of the program, told with its traceback, the last one first",
    ROOT: "a root, told before symptoms and tracebacks",
    REFUSAL: "AWS's own refusal, told before all that a log says",
}
"""How ``odyssey why`` ranks a cause of each depth."""

_INTRODUCTION = """\
Something failed on AWS, or in the sandbox, and there is a message. Search this page for a part of
it. Or let [`odyssey why`](#odyssey-why) read the events, the reasons and the logs: it says which of
these causes it was, with the lines that show it. With `--from FILE` it reads what the AWS CLI or
`odyssey why` has printed, where somebody else has the access.

What is not among these is not guessed at: `odyssey why` then shows the evidence, and where to look
next. In the messages below, words in capitals stand for what differs from case to case, and `…` for
anything."""


def pages() -> dict[str, str]:
    """Return the page of known causes."""
    blocks = [heading(1, "Troubleshooting", "troubleshooting"), _INTRODUCTION]
    for module, title in GROUPS.items():
        causes: tuple[Cause, ...] = import_module(f"odyssey.diagnosis.causes.{module}").CAUSES
        blocks += [heading(2, title, f"causes-{module}"), _contents(causes)]
        blocks += [block for cause in causes for block in _cause(cause)]
    return {"troubleshooting.md": page(*blocks)}


def anchor(cause: Cause) -> str:
    """Return the anchor of a cause: ``cause-disk-full``."""
    return f"cause-{cause.id}"


def _contents(causes: tuple[Cause, ...]) -> str:
    return "\n".join(f"- {link(escape(_title(cause)), anchor(cause))}" for cause in causes)


class _Blanks(dict[str, str]):
    """A word in capitals for each group of a sentence."""

    def __missing__(self, key: str) -> str:
        return key.upper()


def _title(cause: Cause) -> str:
    text = cause.title.format_map(_Blanks())
    return f"{text[:1].upper()}{text[1:]}"


def _cause(cause: Cause) -> Iterator[str]:
    yield heading(3, escape(_title(cause)), anchor(cause))
    yield prose(cause.means)
    seen = dict.fromkeys(each for sign in cause.signs for each in phrases(sign.pattern))
    # A blank alone, such as the last line of any traceback, is better seen below.
    if said := [each for each in seen if re.search(r"[a-z]{3}|\d{3}|[A-Z_]{9}", each)]:
        yield "What is said, one of:"
        yield fence("\n".join(said))
    yield f"**Fix:** {prose(cause.fix.format_map(_Blanks()))}."
    places = sorted({sort for sign in cause.signs for sort in sign.sorts}, key=list(SORTS).index)
    told = ", ".join(SORTS[place] for place in places)
    yield f"Looked for in {told}. It is {DEPTHS[min(cause.depth, REFUSAL)]}."
    yield f"Its name is `{cause.id}`; source: {prose(cause.source)}"
    yield "`odyssey why` shows it like this:"
    yield fence(_told(cause))


def _told(cause: Cause) -> str:
    # Where stdout is no terminal, the text has no colours and a width that is always the same.
    with redirect_stdout(io.StringIO()):
        return judge(CASES[cause.id].shown).text()
