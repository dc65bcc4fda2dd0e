"""The container contract, of the rules that ``odyssey docker test`` tries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from _generate.markdown import code, heading, page, prose, table
from odyssey.functions import rules as functions
from odyssey.images import rules as endpoints

if TYPE_CHECKING:
    from collections.abc import Iterable

_INTRODUCTION = """\
`odyssey docker test` starts the image as the service would, with the model of this machine, and
tries each of these rules in this order. It tells of each whether it holds, with what was seen, and
ends with [exit code 1](#exit-1) if one is broken. A pass is remembered for this very image;
`odyssey docker push` and `odyssey deploy` miss it otherwise. Requests that work come from
`samples/`, and an app that has none is told so."""


def pages() -> dict[str, str]:
    """Return the page of the contracts of both services."""
    return {
        "contract.md": page(
            heading(1, "Container contract", "container-contract"),
            _INTRODUCTION,
            heading(2, "On SageMaker", "contract-sagemaker"),
            _rules(endpoints.RULES),
            heading(2, "On Lambda", "contract-lambda"),
            _rules(functions.RULES),
        )
    }


def _rules(rules: Iterable[endpoints.Rule]) -> str:
    cells = ((code(rule.id), prose(rule.sentence), f"[source]({rule.source})") for rule in rules)
    return table(("rule", "what it asks for", "whose rule"), cells)
