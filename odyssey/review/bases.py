"""What a review compares: the app of a git reference, a folder, or what is deployed."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey import config
from odyssey.checks.template import Template, parse, read
from odyssey.cloudformation import service
from odyssey.errors import OdysseyError, UsageError
from odyssey.infra import assembly, synthesis
from odyssey.review import revisions
from odyssey.review.side import Side
from odyssey.workplace import workplace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from odyssey.aws import Clients
    from odyssey.config import Config
    from odyssey.infra.assembly import Stack

DEPLOYED = "deployed"
SUFFIXES = (".template.json", ".json", ".yaml", ".yml", ".template")
"""How files of templates end, the longest first."""


def of_settings(settings: Config, words: Sequence[str]) -> Side:
    """Return the app as it is synthesized now.

    Args:
        settings: Its settings.
        words: Names of stacks; none is all of the environment.

    Raises:
        UsageError: A word names no stack.
        SynthesisError: The CDK app failed.
    """
    made = synthesis.synthesize(settings)
    whole = assembly.read(made.folder)
    known = config.environments(settings.folder)
    ours = assembly.stacks_of(whole, settings.app.name, settings.env, known)
    chosen = assembly.choose(ours, words)
    shown = made.folder.name
    errors = [error for stack in chosen for error in stack.errors]
    return _of_stacks("this folder", chosen, shown, notes=errors, settings=settings)


def of_assembly(
    folder: Path, words: Sequence[str] = (), env: tuple[str, str] | None = None
) -> Side:
    """Return what a folder has: a cloud assembly, or files of templates.

    Args:
        folder: The folder.
        words: Names of stacks; none is all.
        env: The app's name and an environment of it, to take its stacks alone.

    Raises:
        UsageError: It has no template, or a word names none of its stacks.
        OdysseyError: A file cannot be read.
    """
    shown = named_from_here(folder)
    if (folder / "manifest.json").is_file():
        stacks = assembly.read(folder).stacks
        if env is not None:
            stacks = tuple(
                s for s in stacks if assembly.environment_of(s.name, env[0], [env[1]]) == env[1]
            )
        return _of_stacks(shown, assembly.choose(stacks, words), shown)
    files = {
        file.name.removesuffix(suffix): file
        for suffix in reversed(SUFFIXES)
        for file in sorted(folder.glob(f"*{suffix}"))
        if _is_template(file)
    }
    if not files:
        raise UsageError(
            f"{shown} has neither a cloud assembly nor templates",
            "name a folder with manifest.json, with odyssey.toml, or with *.template.json",
        )
    names = [name for name in files if _longest(files[name].name, name)]
    chosen = assembly.named(words, sorted(names))
    templates = [
        _template(files[name], f"{shown}/{files[name].name}", stack=name) for name in chosen
    ]
    return Side(shown, tuple(in_order(templates)))


def _template(file: Path, shown: str, **about: Any) -> Template:
    """Read a template, by the quicker way where it is JSON, whose nodes do not know their lines."""
    if file.suffix != ".json":
        return read(file, shown=shown, **about)
    try:
        text = file.read_text(encoding="utf-8")
        body = json.loads(text)
    except (OSError, ValueError):
        return read(file, shown=shown, **about)  # It tells what is wrong.
    return Template(shown, body, text=text, **about)


def with_lines(template: Template) -> Template:
    """Return a template whose nodes know their lines, for findings."""
    return (
        replace(template, body=parse(template.text, template.file)) if template.text else template
    )


def _longest(file: str, name: str) -> bool:
    """Return whether a stack's name is a file's without the longest suffix that it has."""
    suffix = next(each for each in SUFFIXES if file.endswith(each))
    return file == f"{name}{suffix}"


def _is_template(file: Path) -> bool:
    try:
        return "Resources" in file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def in_order(templates: Iterable[Template]) -> list[Template]:
    """Return templates, each after those whose exports it imports, otherwise in their order."""
    from odyssey.review.comparison import exports_of
    from odyssey.review.values import imports

    waiting = {template.stack: template for template in templates}
    owners = {name: stack for stack, each in waiting.items() for name in exports_of(each)}
    ordered: list[Template] = []

    def place(template: Template) -> None:
        if waiting.pop(template.stack, None) is None:
            return
        for name in imports(dict(template.body)):
            if owners.get(name) in waiting:
                place(waiting[owners[name]])
        ordered.append(template)

    for template in list(waiting.values()):
        place(template)
    return ordered


@contextmanager
def of_revision(
    settings: Config, revision: revisions.Revision, words: Sequence[str]
) -> Iterator[Side]:
    """Synthesize the app of a git reference in a folder of its own, which then goes.

    It is given the artifacts that are recorded now, so that both sides have the same image and
    model, unless ``odyssey.toml`` says otherwise.

    Args:
        settings: The app's settings as they are now.
        revision: The reference.
        words: Names of stacks.

    Raises:
        UsageError: git does not know the reference.
        OdysseyError: The app of it cannot be synthesized.
    """
    with workplace("odyssey-review-") as place:
        app = revisions.export(settings.folder, revision, place)
        yield _of_past(settings, app, revision, words)


def _of_past(
    settings: Config, app: Path, revision: revisions.Revision, words: Sequence[str]
) -> Side:
    if not (app / config.FILE).is_file():
        return Side(
            revision.words, notes=(f"{revision.words} has no {config.FILE} here: all is new.",)
        )
    notes = []
    if settings.env is not None and settings.env not in config.environments(app):
        text = f"{revision.words} has no environment {settings.env}: all of it is new."
        return Side(revision.words, notes=(text,))
    if revisions.take_artifacts(settings.folder, app):
        notes.append(
            f"{revision.words} was synthesized with the image and the model that are recorded now, "
            f"but for those that its {config.FILE} names."
        )
    flags = {
        path: value.value for path, value in settings.values.items() if value.origin.startswith("-")
    }
    try:
        past = config.load(app, env=settings.env, flags=flags)
        whole = assembly.read(synthesis.synthesize(past).folder)
    except OdysseyError as error:
        raise OdysseyError(
            f"{revision.words} cannot be synthesized: {error.message}",
            "compare with another base: odyssey review --base REF",
        ) from error
    stacks = assembly.stacks_of(whole, past.app.name, past.env, config.environments(app))
    return _of_stacks(revision.words, _wanted(stacks, words), revision.words, notes, past)


def of_deployed(head: Side, stacks: Mapping[str, Any], region: str) -> Side:
    """Return what is deployed of the stacks of another side.

    Args:
        head: The other side.
        stacks: A client for CloudFormation where each stack is, by the stack's name.
        region: The region, for the reader.

    Raises:
        AwsError: AWS refuses.
    """
    templates, protected, tags = [], set(), {}
    for template in head.templates:
        client = stacks[template.stack]
        state = service.describe(client, template.stack)
        if state is None or not state.exists:
            continue
        text, body = service.template_text(client, template.stack)
        templates.append(_deployed(template, body if body else parse(text, template.stack)))
        tags[template.stack] = dict(state.tags)
        if state.protected:
            protected.add(template.stack)
    return Side(f"deployed in {region}", tuple(templates), frozenset(protected), tags)


def _deployed(head: Template, body: Mapping[str, Any]) -> Template:
    return Template(
        file=f"deployed {head.stack}",
        body=body,
        stack=head.stack,
        # A resource that stays has the construct path of the head; one that goes tells its own.
        constructs=head.constructs,
        region=head.region,
        account=head.account,
    )


def clients_of(clients: Clients, head: Side) -> dict[str, Any]:
    """Return a client for CloudFormation where each stack of a side is."""
    return {
        template.stack: clients.client("cloudformation", template.region)
        for template in head.templates
    }


def _wanted(stacks: Sequence[Stack], words: Sequence[str]) -> tuple[Stack, ...]:
    """Return the stacks that words name; a word may name one that was not there yet."""
    ends = tuple(f"-{word}" for word in words)
    return tuple(
        stack for stack in stacks if not words or stack.name in words or stack.name.endswith(ends)
    )


def _of_stacks(
    words: str,
    stacks: Sequence[Stack],
    shown: str,
    notes: Sequence[str] = (),
    settings: Config | None = None,
) -> Side:
    templates = tuple(
        _template(
            stack.template,
            f"{shown}/{stack.template.name}",
            stack=stack.name,
            constructs=stack.paths,
            region=stack.region,
            account=stack.account,
        )
        for stack in stacks
    )
    return Side(
        words,
        templates,
        frozenset(stack.name for stack in stacks if stack.termination_protection),
        {stack.name: dict(stack.tags) for stack in stacks},
        tuple(notes),
        settings,
    )


def from_here(folder: Path) -> Path:
    """Return a folder as one names it from the current one, where it is below that."""
    here, resolved = Path.cwd(), folder.resolve()
    return resolved.relative_to(here) if resolved.is_relative_to(here) else folder


def named_from_here(folder: Path) -> str:
    """Return a folder's name for a report, which has no whole path in it."""
    near = from_here(folder)
    return near.name if near.is_absolute() else str(near)
