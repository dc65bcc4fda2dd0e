"""The review: two sides are read, compared, and made into one bundle of files.

::

    head and base as templates -> comparison -> consequences, permissions, cost, findings -> bundle
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey import config, state
from odyssey.errors import AppNotFoundError, OdysseyError, UsageError
from odyssey.infra import synthesis
from odyssey.review import (
    bases,
    comparison,
    consequences,
    document,
    graph,
    groups,
    permissions,
    revisions,
    stacks,
)
from odyssey.review.report import ResourceChange, Review

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from odyssey.aws import Access
    from odyssey.checks.findings import Finding
    from odyssey.checks.template import Template
    from odyssey.config import Config
    from odyssey.review.comparison import Compared, Comparison
    from odyssey.review.side import Side


@dataclass(frozen=True)
class Question:
    """What is asked for.

    Args:
        base: A git reference, a folder, ``deployed``, or None for the default: where the work left
            git's default branch, or what is deployed where there is no repository.
        head: A folder to take as the head; None is the app as it is synthesized now.
        words: Names of stacks; none is all.
        prices: A file of prices; None is the one that comes with odyssey.
        max_monthly: The most that the head may cost a month in US dollars; None is no limit.
    """

    base: str | None = None
    head: Path | None = None
    words: tuple[str, ...] = ()
    prices: Path | None = None
    max_monthly: float | None = None


def review(question: Question, settings: Config | None, access: Access) -> Review:
    """Compare an app with what it was.

    Args:
        question: What is asked for.
        settings: The app's settings; None where two folders are compared outside of any app.
        access: The way to AWS; it is gone only for what is deployed.

    Raises:
        UsageError: There is no such base, or no such stack.
        AwsError: AWS refuses.
        OdysseyError: A side cannot be read or synthesized.
    """
    head = _head(question, settings)
    with ExitStack() as kept:
        base = _base(question, settings, head, access, kept)
        return of_sides(
            base,
            head,
            app=settings.app.name if settings else _app(question.head or Path()),
            prices=question.prices,
            max_monthly=question.max_monthly,
        )


def of_sides(
    base: Side,
    head: Side,
    *,
    app: str,
    prices: Path | None = None,
    max_monthly: float | None = None,
    check: bool = True,
) -> Review:
    """Return the review of two sides.

    Args:
        base: What is now.
        head: What will be.
        app: The app's name.
        prices: A file of prices; None is the one that comes with odyssey.
        max_monthly: The most that the head may cost a month in US dollars.
        check: Whether the rules of the check are asked.
    """
    from odyssey.review import cost
    from odyssey.review import prices as price_lists

    compared = comparison.compare(base, head)
    listed = price_lists.load(prices, _region(head, base))
    before, after = (
        cost.cost(side.templates, settings=side.settings, prices=listed) for side in (base, head)
    )
    old: tuple[Finding, ...] = ()
    new: tuple[Finding, ...] = ()
    if check:
        old = _findings(base.templates, base.settings)
        new = _findings(map(bases.with_lines, head.templates), head.settings)
    brought, kept, gone = _sorted(old, new)
    return Review(
        app=app,
        base=base.words,
        head=head.words,
        stacks=tuple(dict.fromkeys([*head.stacks, *base.stacks])),
        changes=changes(compared),
        permissions=permissions.changes(base, head),
        before=before,
        after=after,
        prices=listed.facts,
        brought=brought,
        kept=kept,
        gone=gone,
        nodes=graph.nodes(compared),
        edges=graph.edges(compared),
        notes=tuple(dict.fromkeys([*base.notes, *head.notes])),
        max_monthly=max_monthly,
    )


def changes(compared: Comparison) -> tuple[ResourceChange, ...]:
    """Return what changes, in the order of importance, then of stacks and templates."""
    found = [_change(each, compared) for each in compared.resources.values() if each.changes]
    found += stacks.changes(compared)
    order = {name: at for at, name in enumerate([*compared.head.stacks, *compared.base.stacks])}
    return tuple(sorted(found, key=lambda each: (-importance(each), order[each.stack])))


def importance(change: ResourceChange) -> int:
    """Return the rank of the most important thing that a change does; 0 where it does nothing."""
    return max((each.rank for each in change.consequences), default=0)


def _change(each: Compared, compared: Comparison) -> ResourceChange:
    return ResourceChange(
        stack=each.stack,
        resource=each.id,
        type=each.type,
        action=each.action,
        group=groups.of(each.either),
        construct=each.either.construct,
        name=each.named,
        properties=each.properties,
        consequences=consequences.of(each, compared),
    )


def _head(question: Question, settings: Config | None) -> Side:
    if question.head is None:
        if settings is None:
            raise AppNotFoundError(f"no {config.FILE} here, nor in a folder above")
        return bases.of_settings(settings, question.words)
    return bases.of_assembly(question.head, question.words, _environment(settings))


def _environment(settings: Config | None) -> tuple[str, str] | None:
    return (settings.app.name, settings.env) if settings and settings.env else None


def _base(
    question: Question, settings: Config | None, head: Side, access: Access, kept: ExitStack
) -> Side:
    name = question.base
    if name == bases.DEPLOYED:
        return _deployed(head, access)
    if name is None:
        found = revisions.default(settings.folder) if settings else None
        if found is None and settings is None:
            raise UsageError("there is nothing to compare with", "name it: --base DIR")
        if found is None:
            return _deployed(head, access)
    elif Path(name).is_dir():
        return _folder(Path(name), settings, question.words)
    else:
        found = revisions.resolve(settings.folder if settings else Path.cwd(), name)
    if settings is None or found is None:
        raise UsageError(
            f'--base "{name}": a git reference is synthesized, and there is no app here',
            "name its folder with --app DIR, or compare with a folder: --base DIR",
        )
    return kept.enter_context(bases.of_revision(settings, found, question.words))


def _folder(folder: Path, settings: Config | None, words: Sequence[str]) -> Side:
    assembled = (folder / "manifest.json").is_file()
    if not assembled and (folder / config.FILE).is_file():
        past = config.load(folder.resolve(), env=settings.env if settings else None)
        return replace(bases.of_settings(past, words), words=bases.named_from_here(folder))
    return bases.of_assembly(folder, words, _environment(settings))


def _deployed(head: Side, access: Access) -> Side:
    try:
        clients = bases.clients_of(access, head)
        return bases.of_deployed(head, clients, access.region)
    except OdysseyError as error:
        error.hint = (
            f"{error.hint}; " if error.hint else ""
        ) + "or compare without AWS: odyssey review --base REF or --base DIR"
        raise


def _region(*sides: Side) -> str | None:
    return next((t.region for side in sides for t in side.templates if t.region), None)


def _app(head: Path) -> str:
    """Return the name of the app that an assembly is of, as far as its folder tells."""
    folder = head.resolve()
    return folder.parent.name if folder.name == synthesis.FOLDER else folder.name


def _findings(templates: Iterable[Template], settings: Config | None) -> tuple[Finding, ...]:
    from odyssey.checks import judging

    ignored = settings.check.ignore if settings else None
    return judging.findings_of(tuple(templates), everywhere=ignored)


def _sorted(
    base: Sequence[Finding], head: Sequence[Finding]
) -> tuple[tuple[Finding, ...], tuple[Finding, ...], tuple[Finding, ...]]:
    """Return the findings that the head alone has, those of both, and those of the base alone."""
    old, new = ({_same(each) for each in side} for side in (base, head))
    return (
        tuple(each for each in head if _same(each) not in old),
        tuple(each for each in head if _same(each) in old),
        tuple(each for each in base if _same(each) not in new),
    )


def _same(finding: Finding) -> tuple[object, ...]:
    place = finding.place
    return finding.rule, place.stack, place.resource, place.path, finding.ignored is not None


def place(settings: Config | None) -> Path:
    """Return where a bundle goes, in the app's folder, or in the current one where there is none.

    Raises:
        OdysseyError: The folder cannot be made.
    """
    app = settings.folder if settings else Path.cwd()
    return bases.from_here(state.folder(app)) / "review"


def write(review: Review, out: Path) -> tuple[Path, ...]:
    """Write a review into a folder, all of it or nothing.

    Args:
        review: The review.
        out: The folder, made where it is missing.

    Returns:
        The files: Markdown, HTML, JSON.

    Raises:
        OdysseyError: It cannot be written.
    """
    from odyssey.review import markdown, page

    texts = {
        "review.md": markdown.render(review),
        "review.html": page.render(review),
        "review.json": document.render(review),
    }
    beside = {out / f"{name}.new": text for name, text in texts.items()}
    try:
        out.mkdir(parents=True, exist_ok=True)
        # All of them before the first takes its place: a bundle is of one review.
        for file, text in beside.items():
            file.write_text(text, encoding="utf-8")
        for file in beside:
            file.replace(file.with_suffix(""))
    except OSError as error:
        for file in beside:
            with suppress(OSError):
                file.unlink()
        raise OdysseyError(
            f"{error.filename or out} cannot be written: {error.strerror}",
            "make room, or name another folder: --out DIR",
        ) from error
    return tuple(out / name for name in texts)
