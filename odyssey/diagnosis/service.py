"""``odyssey why``: the cause of what failed, of one thing or of all that an app has on AWS."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey import artifacts, foundation, invocation, names, serving
from odyssey.console import clean
from odyssey.diagnosis.recorded import VERSION
from odyssey.diagnosis.verdict import Verdict, judge
from odyssey.errors import AppNotFoundError, OdysseyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from odyssey.aws import Clients
    from odyssey.config import Config
    from odyssey.diagnosis.collecting import Collector
    from odyssey.diagnosis.evidence import Evidence

RULE = "-" * 40
"""What stands between two things in a report."""


@dataclass(frozen=True)
class Report:
    """What was found.

    Args:
        verdicts: One for each thing that was looked at.
        asked: Whether these were asked for by name, or recorded: they are told healthy, too.
    """

    verdicts: tuple[Verdict, ...]
    asked: bool = True

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it; ``odyssey why --from`` reads it again."""
        return {"version": VERSION, "verdicts": [each.document() for each in self.verdicts]}

    def text(self) -> str:
        """Return it for a reader."""
        told = [each for each in self.verdicts if self.asked or each.ails]
        if told:
            parts = [each.text(told[:place]) for place, each in enumerate(told)]
            return f"\n\n{RULE}\n\n".join(parts)
        if not self.verdicts:
            return "the app has nothing on AWS here: no stack, job, endpoint or function"
        rows = [
            f"  {each.evidence.kind} {each.evidence.name}  {each.evidence.status}"
            for each in self.verdicts
        ]
        return "\n".join(["nothing of the app fails", *rows])

    def save(self, file: Path) -> None:
        """Write it, for ``odyssey why --from`` or for somebody else.

        Raises:
            OdysseyError: It cannot be written.
        """
        try:
            file.write_text(f"{json.dumps(self.document(), indent=2)}\n", encoding="utf-8")
        except OSError as error:
            raise OdysseyError(f"{file} cannot be written: {error.strerror}") from error


def of_recorded(found: Iterable[Evidence], name: str | None = None) -> Report:
    """Return the report on evidence from files.

    Args:
        found: The evidence.
        name: The thing to report on. Default: all.

    Raises:
        UsageError: None has this name.
    """
    chosen = [each for each in found if name is None or each.name == name]
    if not chosen:
        raise UsageError(f'no recording is of "{clean(str(name))}"')
    return Report(tuple(judge(each) for each in chosen))


def of_aws(settings: Config | None, access: Clients, name: str | None = None) -> Report:
    """Return the report on what AWS tells.

    Args:
        settings: The app's settings; None where there is no app.
        access: The way to AWS.
        name: The thing to report on. Default: all that the app has.

    Raises:
        AppNotFoundError: There is neither a name nor an app.
        UsageError: There is nothing of this name.
        AwsError: AWS refuses.
    """
    from odyssey.diagnosis.collecting import Collector

    collector = Collector(access)
    if name is not None:
        return of_name(name, collector, settings)
    if settings is None:
        raise AppNotFoundError(
            "there is no app here, and no name is given",
            "odyssey why NAME, or go to the app's folder, or name it with --app DIR",
        )
    return of_app(settings, collector)


def of_name(name: str, collector: Collector, settings: Config | None = None) -> Report:
    """Return the report on a stack, a job, an endpoint or a function.

    Args:
        name: Its name.
        collector: Asks AWS.
        settings: The app's settings, where there is an app: an endpoint of its own that is gone
            is looked for in its stack.

    Raises:
        UsageError: There is nothing of this name.
        AwsError: AWS refuses.
    """
    found = collector.find(name)
    if found is None and settings is not None and name == invocation.endpoint_name(settings):
        found = collector.stack(serving.stack_name(settings))
    if found is None:
        raise UsageError(
            f'there is no stack, job, endpoint or function "{clean(name)}" here',
            "odyssey why without a name looks at all that the app has; --region and --profile "
            "say where",
        )
    return Report((judge(found),))


def of_app(settings: Config, collector: Collector) -> Report:
    """Return the report on an app's stacks, endpoint, functions and last training job.

    Raises:
        AwsError: AWS refuses.
    """
    found = [collector.stack(name) for name in _stacks(settings)]
    found += [collector.of_sagemaker(name) for name in _on_sagemaker(settings)]
    if "lambda" in settings.app.services:
        found += [
            collector.function(names.function(settings, which)) for which in ("train", "serve")
        ]
    return Report(tuple(judge(each) for each in found if each is not None), asked=False)


def _stacks(settings: Config) -> list[str]:
    parts = [serving.PARTS[each] for each in settings.app.services]
    return [
        foundation.stack_name(settings),
        *(serving.stack_name(settings, part) for part in parts),
    ]


def _on_sagemaker(settings: Config) -> list[str]:
    if "sagemaker" not in settings.app.services:
        return []
    job = artifacts.load(settings.folder, settings.env).get("training_job")
    return [*([job] if job else []), invocation.endpoint_name(settings)]
