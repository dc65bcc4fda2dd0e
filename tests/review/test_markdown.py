"""The review as Markdown: what it says, and that it fits into a pull request."""

import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from odyssey.review import markdown, mermaid
from odyssey.review.picture import LINKS
from odyssey.review.report import Action, Cost, CostLine, PropertyChange
from tests.review import samples

GITHUB = 65_536
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def cells(text: str, head: str) -> list[list[str]]:
    """Return the cells of the table under a heading, as a reader sees them."""
    found: list[list[str]] = []
    tokens = PARSER.parse(text)
    start = next(
        i for i, each in enumerate(tokens) if each.type == "inline" and each.content == head
    )
    for i, each in enumerate(tokens[start:], start):
        if each.type == "tr_open":
            found.append([])
        elif each.type in ("td_open", "th_open"):
            found[-1].append(tokens[i + 1].content)
        elif each.type == "table_close":
            break
    return found


def test_the_gravest_is_told_first() -> None:
    # when
    text = markdown.render(samples.whole())
    rows = cells(text, "What happens")

    # then
    assert "> [!CAUTION]\n> **1 deleted, 2 replaced" in text
    assert rows[0] == ["Happens", "Resource", "What it means"]
    assert "Endpoint/Resource" in rows[1][1]
    assert rows[1][2].startswith("**Danger:**")
    assert len(rows) == 1 + len(samples.CHANGES)


def test_what_widens_is_marked_and_comes_first() -> None:
    _, first, second = cells(markdown.render(samples.whole()), "Permissions")
    assert "**widens**" in first[0]
    assert "widens" not in second[0]


def test_what_costs_more_has_its_difference_and_unknown_is_said() -> None:
    # when
    rows = cells(markdown.render(samples.whole()), "Cost")

    # then
    assert rows[1][2:] == ["$83.95", "$1,027.84", "+$943.89"]
    assert ["unknown", "unknown"] in [row[3:] for row in rows]


def test_an_ignored_finding_is_not_among_those_that_are_brought_in() -> None:
    # given
    ignored = replace(samples.BROUGHT[0], ignored="it is known")
    text = markdown.render(replace(samples.whole(), brought=(ignored,)))

    # then
    assert "brings in" not in text.split("### ")[0]
    assert "Ignored: it is known" in text


def test_nothing_to_do_is_said_calmly() -> None:
    text = markdown.render(samples.nothing())
    assert "> [!TIP]\n> **Nothing changes.**" in text
    assert "Left out" not in text


def test_a_value_that_only_another_resource_changes_is_told_once() -> None:
    text = markdown.render(samples.whole())
    (line,) = re.findall(r"^- `EndpointConfigName`.*$", text, re.MULTILINE)
    assert "through `EndpointConfigEAC1C572`" in line
    assert "→" not in line


def test_long_values_are_shown_where_they_differ() -> None:
    # given
    long = "x" * 5000
    change = replace(
        samples.CHANGES[0], properties=(PropertyChange("Body", f"{long}old", f"{long}new"),)
    )

    # when
    text = markdown.render(replace(samples.whole(), changes=(change,)))

    # then
    assert "xxold` → `…xxx" in text


@pytest.mark.parametrize("count", [1, 40, 90, 500, 2500])
def test_any_number_of_changes_fits_and_what_is_left_out_is_said(count: int) -> None:
    # when
    review = samples.large(count)
    text = markdown.render(review)

    # then
    assert len(text) < GITHUB
    assert len(text.encode("utf-16-le")) // 2 < GITHUB
    assert ("**Left out for its length:**" in text) == (count > 40)
    assert "What happens" in text
    assert text.count("**Danger:**") > 0 or count < 2


def test_as_much_is_told_as_there_is_room_for() -> None:
    text = markdown.render(samples.large(500))
    assert len(text) > GITHUB * 0.6
    shown = len(cells(text, "What happens")) - 1
    assert f"{500 - shown} of 500 changes" in text


def test_long_texts_everywhere_fit_too() -> None:
    # given
    costs = Cost(tuple(CostLine("s" * 500, f"{i}" * 500, "w" * 999, 1.0) for i in range(200)))
    review = replace(samples.large(200), after=costs, notes=("n" * 100_000,) * 50)

    # then
    assert len(markdown.render(review)) < GITHUB


def test_the_picture_has_no_more_than_github_draws() -> None:
    # when
    text = mermaid.render(samples.large(2500))

    # then
    assert len(text) < 50_000
    assert text.count("==>") + text.count("-->") <= LINKS
    assert "resources more" in text


def test_what_does_not_change_is_folded_only_in_a_large_picture() -> None:
    # given
    quiet = tuple(
        replace(node, id=f"x/{i}", action=Action.NONE)
        for i, node in enumerate(samples.whole().nodes * 10)
    )

    # when
    small = mermaid.render(samples.nothing())
    large = mermaid.render(replace(samples.nothing(), nodes=quiet, edges=()))

    # then
    assert "unchanged" not in small
    assert "30 resources unchanged" in large
