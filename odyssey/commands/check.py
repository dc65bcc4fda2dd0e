"""``odyssey check``: what a deployment would stumble on, before there is one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from odyssey import console, options
from odyssey.errors import UsageError

if TYPE_CHECKING:
    from odyssey.checks.report import Report

FOUND = 3
"""The exit code where there are findings as severe as ``--fail-on``."""


@click.command(
    epilog=options.examples(
        "odyssey check",
        "odyssey check --template stack.yaml --output sarif > check.sarif",
        "odyssey check --explain SM201",
    )
)
@click.option(
    "--template",
    "templates",
    metavar="FILE",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CloudFormation template, of anybody; more than one are of one app.  [default: those "
    "of the app]",
)
@click.option(
    "--image",
    metavar="NAME",
    help="The image on this machine.  [default: app.name of odyssey.toml; none with --template]",
)
@click.option(
    "--model",
    metavar="PATH",
    type=click.Path(exists=True, path_type=Path),
    help="The model: a model.tar.gz, or a folder.  [default: model/; none with --template]",
)
@options.setting("check.fail_on")
@click.option(
    "--explain",
    metavar="RULE",
    help="Tell why there is a rule, and how to mend or ignore what it finds.  [default: check]",
)
@click.option("--list", "listed", is_flag=True, help="List all rules.  [default: check]")
@options.app
@options.talking("sarif")
@click.pass_context
def command(
    ctx: click.Context,
    folder: Path | None,
    env: str | None,
    templates: tuple[Path, ...],
    image: str | None,
    model: Path | None,
    fail_on: str | None,
    explain: str | None,
    listed: bool,
) -> None:
    """Check what a deployment would stumble on.

    Looks at the settings, the synthesized templates, the image on this machine and the model, with
    odyssey's own rules, cfn-lint, the CDK's and cdk-nag; nothing is asked of AWS. Exits with 3
    where there is a finding as severe as --fail-on.
    """
    if explain is not None or listed:
        _show_rules(explain)
        return
    from odyssey.checks import service
    from odyssey.checks.findings import Severity

    if templates:
        if folder is not None or env is not None:
            raise UsageError("--template is about files, and --app and --env about an app")
        report = service.check_templates(templates, image=image, model=model)
    else:
        settings = options.settings(folder, env, {"check.fail_on": fail_on})
        fail_on = settings.check.fail_on
        report = service.check_app(settings, image=image, model=model)
    _show(report)
    ctx.exit(FOUND if report.fails(Severity[(fail_on or "warning").upper()]) else 0)


def _show_rules(id_: str | None) -> None:
    from odyssey.checks import explaining, linters
    from odyssey.checks.rule import catalogue, named

    if id_ is not None:
        rule = linters.rule(id_) or named(id_)
        console.result(explaining.document(rule), explaining.explanation(rule))
    else:
        rules = catalogue()
        document = {"rules": [explaining.document(rule) for rule in rules]}
        console.result(document, explaining.table(rules))


def _show(report: Report) -> None:
    from odyssey.checks import sarif, text

    if console.terminal().form == "sarif":
        console.raw(None, sarif.text(report).encode())
    else:
        console.result(report.document(), text.text(report))
