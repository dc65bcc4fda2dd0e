"""The review as Markdown, for a pull request on GitHub.

GitHub takes 65,536 characters. What is longer is told in less detail, step by step, what matters
least first, and the review says what it left out.

Source: https://docs.github.com/en/get-started/writing-on-github
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from odyssey.review import bill, mermaid, wording
from odyssey.review.markdown_text import CODE, code, link, text
from odyssey.review.report import Action, Rank

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from odyssey.checks.findings import Finding
    from odyssey.review.report import PermissionChange, PropertyChange, ResourceChange, Review

_T = TypeVar("_T")

LIMIT = 65_000
"""The most characters of a review, a little below what GitHub takes."""

ALL = 1_000_000

_ALERTS = {Rank.DANGER: "CAUTION", Rank.CAUTION: "WARNING", Rank.NOTE: "NOTE", None: "TIP"}


@dataclass(frozen=True)
class Detail:
    """How much is told.

    Args:
        kept: Whether the findings that were there before are listed.
        properties: The least rank of a change whose differing properties are listed; None is none.
        picture: Boxes in the picture at most; 0 is no picture.
        rows: Rows of each table at most.
    """

    kept: bool = True
    properties: Rank | None = Rank.NOTE
    picture: int = 60
    rows: int = ALL


STEPS = (
    Detail(),
    Detail(kept=False),
    Detail(kept=False, properties=Rank.CAUTION),
    Detail(kept=False, properties=Rank.CAUTION, picture=24),
    Detail(kept=False, properties=Rank.DANGER, picture=24),
    Detail(kept=False, properties=None, picture=24, rows=200),
    *(
        Detail(kept=False, properties=None, picture=0, rows=rows)
        for rows in (120, 90, 70, 55, 42, 32, 24, 16, 8, 4, 2)
    ),
)


def render(review: Review) -> str:
    """Return a review as Markdown, with as much detail as GitHub takes."""
    *steps, last = STEPS
    for detail in steps:
        told = _Writer(review, detail).written(LIMIT)
        if told is not None:
            return told
    return _Writer(review, last).written(ALL) or ""


@dataclass
class _Writer:
    """Writes one review with one detail, and remembers what it leaves out."""

    review: Review
    detail: Detail
    left: list[str] = field(default_factory=list)

    def written(self, most: int) -> str | None:
        """Return the whole text, or None as soon as it is longer than it may be."""
        sections = (
            self._head,
            self._changes,
            self._permissions,
            self._cost,
            self._findings,
            self._properties,
            self._kept,
            self._picture,
            self._foot,
        )
        blocks: list[str] = []
        length = 1
        for block in (block for section in sections for block in section()):
            blocks.append(block)
            length += len(block) + 2
            if length > most:
                return None
        return "\n\n".join(blocks) + "\n"

    def _head(self) -> Iterator[str]:
        review = self.review
        yield f"## Review of {code(review.app, 100)}"
        first, *more = wording.headline(review)
        told = " ".join([f"**{text(first)}**", *map(text, more)])
        yield f"> [!{_ALERTS[wording.verdict(review)]}]\n> {told}"
        stacks = ", ".join(code(name, 128) for name in self._cut(review.stacks, "stacks"))
        of = f" Stacks: {stacks}." if stacks else ""
        yield f"From {code(review.base, 200)} to {code(review.head, 200)}.{of}"
        if review.notes:
            yield "\n".join(f"- Note: {text(note)}" for note in self._cut(review.notes, "notes"))

    def _changes(self) -> Iterator[str]:
        yield "### What happens"
        if not self.review.changes:
            yield "Nothing: the templates of both sides say the same."
            return
        ordered = sorted(self.review.changes, key=lambda change: -wording.rank(change))
        rows = [
            f"| {_happens(change.action)} | {_named(change)} | {self._consequences(change)} |"
            for change in self._cut(ordered, "changes")
        ]
        yield _table("| Happens | Resource | What it means |", rows)

    def _consequences(self, change: ResourceChange) -> str:
        told = [
            f"{_ranked(each.rank)}{text(each.text)}"
            + (f" ({link('source', each.source)})" if each.source else "")
            for each in change.consequences[:6]
        ]
        if len(change.consequences) > 6:
            told.append(f"and {len(change.consequences) - 6} more")
        if not told and change.properties:
            shown = [code(each.path, 80) for each in change.properties[:4]]
            more = len(change.properties) - len(shown)
            told = ["differs: " + ", ".join(shown) + (f" and {more} more" if more else "")]
        return "<br>".join(told)

    def _permissions(self) -> Iterator[str]:
        if not self.review.permissions:
            return
        yield "### Permissions"
        ordered = sorted(self.review.permissions, key=lambda each: (-each.rank, not each.widens))
        rows = [_permission(each) for each in self._cut(ordered, "changes of permissions")]
        yield _table("| | Who | What | Why it is marked |", rows)

    def _cost(self) -> Iterator[str]:
        review = self.review
        rows = bill.rows(review)
        if not rows:
            return
        yield "### Cost"
        yield text(wording.money(review))
        shown = [row for row in rows if row.changes and not row.by_use]
        same = [row for row in rows if not row.changes and not row.by_use]
        used = [row for row in rows if row.by_use]
        if shown:
            yield from self._bill(shown, "costs that change")
        if same or used:
            told = " and ".join(
                filter(
                    None,
                    [
                        f"{wording.plural(len(same), 'cost')} as before" if same else "",
                        f"{wording.plural(len(used), 'cost')} that only use decides"
                        if used
                        else "",
                    ],
                )
            )
            yield f"<details><summary>{told}</summary>"
            yield from self._bill([*same, *used], "other costs")
            yield "</details>"
        yield text(wording.prices(review))

    def _bill(self, rows: Sequence[bill.Row], what: str) -> Iterator[str]:
        lines: list[str] = []
        for row in self._cut(rows, what):
            name = f"{code(row.either.resource, 100)}: {text(row.what, 300)}"
            name += f"<br>{text(row.either.basis, 400)}" if row.either.basis else ""
            for unit, *told in row.amounts:
                lines.append(f"| {name} | {unit} | {' | '.join(told)} |")
                name = ""
        yield _table("| What | | Before | After | Difference |", lines, right=3)

    def _findings(self) -> Iterator[str]:
        found = [each for each in self.review.brought if each.ignored is None]
        if not found and not self.review.gone:
            return
        yield "### Findings that this brings in"
        if found:
            ordered = sorted(found, key=lambda each: -each.severity)
            yield _findings([*self._cut(ordered, "findings")])
        else:
            yield "None."
        if self.review.gone:
            rules = sorted({each.rule for each in self.review.gone})
            names = ", ".join(code(rule, 40) for rule in self._cut(rules, "rules that hold again"))
            yield f"{wording.plural(len(self.review.gone), 'finding')} mended: {names}."

    def _properties(self) -> Iterator[str]:
        changed = [change for change in self.review.changes if change.properties]
        least = self.detail.properties
        shown = [each for each in changed if least is not None and wording.rank(each) >= least]
        if len(shown) < len(changed):
            count = wording.plural(len(changed) - len(shown), "resource")
            self.left.append(f"the differing properties of {count}")
        if not shown:
            return
        count = wording.plural(len(shown), "resource")
        yield f"<details><summary>What differs in {count}</summary>"
        for change in shown:
            lines = [f"**{code(change.title, 200)}** in {code(change.stack, 128)}", ""]
            lines += [_property(each) for each in change.properties[:40]]
            if len(change.properties) > 40:
                lines.append(f"- and {len(change.properties) - 40} more")
            yield "\n".join(lines)
        yield "</details>"

    def _kept(self) -> Iterator[str]:
        told = [*self.review.kept, *(each for each in self.review.brought if each.ignored)]
        if not told:
            return
        count = wording.plural(len(told), "finding")
        if not self.detail.kept:
            self.left.append(f"{count} from before, or ignored")
            return
        yield f"<details><summary>{count} from before, or ignored</summary>"
        yield _findings(sorted(told, key=lambda each: -each.severity))
        yield "</details>"

    def _picture(self) -> Iterator[str]:
        if not self.review.nodes:
            return
        if not self.detail.picture:
            self.left.append("the picture")
            return
        yield "<details><summary>Picture of the resources</summary>"
        yield f"```mermaid\n{mermaid.render(self.review, self.detail.picture)}```"
        yield "</details>"

    def _foot(self) -> Iterator[str]:
        if self.left:
            yield (
                f"**Left out for its length:** {'; '.join(self.left)}. "
                "All of it is in `review.html` and `review.json`."
            )

    def _cut(self, told: Iterable[_T], what: str) -> list[_T]:
        """Return as many as there is room for, and remember how many are left out."""
        whole = list(told)
        if len(whole) > self.detail.rows:
            self.left.append(f"{len(whole) - self.detail.rows} of {len(whole)} {what}")
        return whole[: self.detail.rows]


def _permission(each: PermissionChange) -> str:
    sign = "+ allows" if each.added else "− no more"
    mark = "**widens**<br>" if each.widens else ""
    how = wording.KINDS.get(each.kind, each.kind)
    who = f"{code(each.holder, 200)}<br>{text(how)}"
    why = f"{_ranked(each.rank)}{text(each.why)}" if each.why else ""
    return f"| {mark}{sign} | {who} | {text(each.text)} | {why} |"


def _property(each: PropertyChange) -> str:
    marks = [wording.REPLACES.get(each.replaces, "")]
    marks += [f"through {code(each.because, 100, in_table=False)}"] if each.because else []
    marked = ", ".join(filter(None, marks))
    name = code(each.path, 200, in_table=False) + (f" ({marked})" if marked else "")
    before, after = wording.around(wording.value(each.before), wording.value(each.after), CODE)
    old = code(before, in_table=False) if each.before is not None else "nothing"
    new = code(after, in_table=False) if each.after is not None else "nothing"
    if each.because and each.before == each.after:
        return f"- {name}: {new}"
    return f"- {name}: {old} → {new}"


def _findings(found: Sequence[Finding]) -> str:
    rows = []
    for each in found:
        message = text(each.message)
        message += f"<br>Fix: {text(each.fix)}" if each.fix else ""
        message += f"<br>Ignored: {text(each.ignored)}" if each.ignored else ""
        rule = code(each.rule, 60)
        rule = (
            f"{rule} ({link('source', each.source)})" if wording.is_address(each.source) else rule
        )
        rows.append(f"| {each.severity.word} | {rule} | {code(str(each.place), 250)} | {message} |")
    return _table("| Severity | Rule | Where | What is wrong |", rows)


def _happens(action: Action) -> str:
    return f"`{wording.SIGNS[action]}` {wording.WORDS[action]}"


def _named(change: ResourceChange) -> str:
    kind = code(wording.kind(change.type), 100)
    return f"{code(change.title, 200)}<br>{kind} in {code(change.stack, 128)}"


def _ranked(rank: Rank) -> str:
    return "" if rank is Rank.NOTE else f"**{rank.name.capitalize()}:** "


def _table(head: str, rows: Iterable[str], right: int = 0) -> str:
    """Return a table; the last columns, as many as `right`, are lined up on the right."""
    columns = head.count("|") - 1
    lines = ["---"] * (columns - right) + ["---:"] * right
    return "\n".join([head, f"|{'|'.join(lines)}|", *rows])
