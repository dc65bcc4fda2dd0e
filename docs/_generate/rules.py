"""The catalogue of the rules of ``odyssey check``, of the rules themselves and their corpus."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import odyssey
from _generate.markdown import (
    code,
    escape,
    fence,
    heading,
    link,
    page,
    prose,
    sentence,
    table,
    toctree,
)
from odyssey.checks.explaining import SUBJECTS
from odyssey.checks.rule import catalogue
from odyssey.checks.template import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.rule import Fault, Rule

CORPUS = Path(odyssey.__file__).parents[1] / "tests" / "checks" / "corpus"


@dataclass(frozen=True)
class Group:
    """Rules about one thing, on a page of their own.

    Args:
        name: The page's name.
        title: What they are about.
        ids: The ids that belong to it, as a regular expression.
    """

    name: str
    title: str
    ids: str

    @property
    def rules(self) -> list[Rule]:
        """The rules of the group, by their ids."""
        return [rule for rule in catalogue() if re.match(self.ids, rule.id)]


GROUPS = (
    Group("settings", "The app's settings", "APP"),
    Group("models", "SageMaker: models, containers and roles", "SM1"),
    Group("endpoint-configs", "SageMaker: endpoint configurations and variants", "SM2"),
    Group("endpoints", "SageMaker: endpoints, rollouts and alarms", "SM3"),
    Group("scaling", "SageMaker: scaling", "SM4"),
    Group("functions", "Lambda: functions, images and what calls them", "LM1"),
    Group("repositories", "Repositories", "ECR1"),
    Group("buckets", "Buckets", "BKT"),
    Group("permissions", "Permissions", "IAM"),
    Group("networks", "Networks", "NET"),
    Group("templates", "Templates as a whole", "CFN"),
    Group("images", "The image on this machine", "IMG"),
    Group("model-files", "The files of the model", "MDL"),
    Group("shapes", "The services' own models", r"[A-Z]+9"),
)

_INTRODUCTION = """\
`odyssey check` has these rules of its own. Beside them it runs cfn-lint, the CDK's validation and
cdk-nag, and tells each fault once. `odyssey check --explain SM207` says in the terminal what stands
here, `--template FILE` takes any CloudFormation template, `--output sarif` is for code scanning.

An **error** is what AWS refuses, or what cannot work. A **warning** works, and costs, leaks or
breaks later. An **info** is worth knowing. `odyssey check` ends with [exit code 3](#exit-3) if
anything is as severe as `--fail-on`, a warning by default.

What is so on purpose is ignored with a reason, for the whole app in `odyssey.toml`:

```toml
[check.ignore]
SM112 = "the role is made by the security team"
```

or on one resource of a template:

```yaml
Metadata:
  odyssey:
    ignore:
      SM112: the role is made by the security team
```

or in a CDK app, which for Odyssey's own stacks is `overrides.py`:

```python
resource = construct.node.default_child
resource.add_metadata("odyssey", {"ignore": {"SM112": "made by the security team"}})
```

An example below is a template of Odyssey's own corpus, as far as it matters: lines with `-` break
the rule, lines with `+` repair it."""


def pages() -> dict[str, str]:
    """Return a page for each group of rules, and one that lists them all."""
    index = [heading(1, "Rules", "rules"), _INTRODUCTION]
    made = {}
    for group in GROUPS:
        rows = [
            (link(code(rule.id), anchor(rule)), rule.severity.word, prose(rule.title))
            for rule in group.rules
        ]
        index += [heading(2, group.title), table(("rule", "severity", "title"), rows)]
        blocks = [block for rule in group.rules for block in _rule(rule)]
        made[f"rules/{group.name}.md"] = page(heading(1, group.title), *blocks)
    return {"rules.md": page(*index, toctree(f"rules/{group.name}" for group in GROUPS)), **made}


def anchor(rule: Rule) -> str:
    """Return the anchor of a rule: its id, in lower case."""
    return rule.id.lower()


def _rule(rule: Rule) -> Iterator[str]:
    yield heading(2, f"{rule.id} {escape(rule.title)}", anchor(rule))
    yield prose(rule.why)
    yield "\n".join(
        f"- {line}"
        for line in (
            f"Severity: **{rule.severity.word}**",
            f"Looks at: {prose(SUBJECTS[rule.subject])}",
            f"Fix: {prose(rule.fix)}",
            f"Source: {prose(rule.source)}",
        )
    )
    if example := next(iter(_corpus().get(rule.id, ())), None):
        yield "For example:"
        yield fence(_difference(example), "diff")
        for fault in _faults(rule, example):
            yield _said(fault)


@cache
def _corpus() -> dict[str, list[Path]]:
    """Return the failing templates by the rules that they break."""
    found: dict[str, list[Path]] = {}
    for file in sorted(CORPUS.glob("*.fail.yaml")):
        found.setdefault(file.name.partition("-")[0], []).append(file)
    return found


def _faults(rule: Rule, failing: Path) -> list[Fault]:
    template = read(failing)
    return list(rule.check((template,) if rule.subject == "assembly" else template))[:1]


def _said(fault: Fault) -> str:
    """Return what a rule says of the example, with the limit that it goes by."""
    limit = f"; must be {fault.limit.removeprefix('must be ')}" if fault.limit else ""
    return f"It says: {prose(sentence(fault.message + limit))}"


def _difference(failing: Path) -> str:
    """Return the resources that differ between a template and the same one repaired."""
    before = failing.read_text(encoding="utf-8").splitlines()[1:]
    repaired = failing.with_name(failing.name.replace(".fail.", ".pass."))
    after = repaired.read_text(encoding="utf-8").splitlines()
    lines = [line for line in difflib.ndiff(before, after) if not line.startswith("?")]
    blocks: list[list[str]] = []
    for line in lines:
        # A section of the template, or a resource or parameter within it, begins a block.
        if not blocks or re.match(r"[ +-] (?:  )?[A-Za-z]", line):
            blocks.append([])
        blocks[-1].append(line)
    kept = []
    for at, block in enumerate(blocks):
        heads = at + 1 < len(blocks) and len(block) == 1 and not block[0].startswith("    ", 1)
        if any(line[0] != " " for line in block):
            kept += block
        elif heads:
            kept.append(block[0])
    return "\n".join(line.rstrip() for line in kept)
