"""Nothing that a template says becomes a part of the pages: it stays text, whatever it is."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from enum import Enum
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from odyssey.review import drawing, markdown, mermaid, page
from odyssey.review.report import Edge, Review
from tests.review import samples

NASTY = (
    "</script><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "a|b|c",
    "a\\|b",
    "ends in \\",
    "`code` ``more`` ```fence",
    "```\n\n# Heading\n\n```",
    "-->",
    "<!-- hidden",
    "\n\n| a | b |\n|---|---|\n",
    "\n</details>\n\n",
    "@everyone and @org/team #1 GH-2",
    "[link](https://example.com) ![i](https://example.com/i.png)",
    "https://example.com www.example.com a@example.com",
    "{{ 7 * 7 }}{% raw %}",
    "]]>&lt;&amp;&#60;",
    '"]; click n0 "javascript:alert(1)"',
    "end\nsubgraph x",
    "%%{init: {}}%%",
    "\u202egnp.exe\u2066",
    "\x00\x1b[31m\x07\x0b\u2028",
    "$`math`$ $x$",
    "**bold** _it_ ~~no~~ <b>x</b>",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
)
PIECES = st.lists(
    st.one_of(st.sampled_from(NASTY), st.text("<>&\"'`|\\@#[]()*_~-\n\r\t $:{}%;a1", max_size=9)),
    min_size=1,
    max_size=3,
).map("".join)
# What is empty or blank is told in other words; nothing breaks out by being so.
ANYTHING = PIECES.filter(lambda text: text.strip(" \t\r\n\x0b\x00\x1b\x07\u2028") != "")
KEPT = {"replaces", "kind", "id", "date"}
"""Fields that take but our own words."""
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def with_text(told: Any, text: str) -> Any:
    """Return a review, or a part of it, with a text in the place of each of its own."""
    if isinstance(told, Enum | Edge):
        return told
    if isinstance(told, str):
        return text
    if isinstance(told, tuple):
        return tuple(with_text(each, text) for each in told)
    if isinstance(told, Mapping):
        return {f"{text}{i}": with_text(each, text) for i, each in enumerate(told.values())}
    if dataclasses.is_dataclass(told) and not isinstance(told, type):
        changed = {
            field.name: with_text(getattr(told, field.name), text)
            for field in dataclasses.fields(told)
            if field.name not in KEPT
        }
        return dataclasses.replace(told, **changed)
    return told


def hostile(text: str) -> Review:
    made: Review = with_text(samples.whole(), text)
    return made


class Structure(HTMLParser):
    """The tags and attributes of a page, without its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.told: list[Any] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # What is laid out by the length of a label: the picture's own numbers.
        own = {name for name, _ in attrs} - {"x", "y", "d"}
        classes = dict(attrs).get("class", "")
        self.told.append((tag, tuple(sorted(own)), classes if tag != "meta" else ""))

    def handle_endtag(self, tag: str) -> None:
        self.told.append(("end", tag))

    def handle_comment(self, data: str) -> None:
        self.told.append(("comment", data))


def structure(text: str) -> list[Any]:
    """Return what a Markdown text is made of, without its words."""
    told: list[Any] = []
    for token in PARSER.parse(text):
        if token.type == "inline":
            for child in token.children or ():
                if child.type in ("text", "code_inline", "softbreak"):
                    continue
                if child.type == "html_inline" and child.content in ("<code>", "</code>"):
                    continue
                told.append((child.type, child.tag, child.content, dict(child.attrs)))
        elif token.type == "fence":
            told.append(("fence", token.info, token.content.count("\n")))
        else:
            told.append((token.type, token.tag, token.content))
    return told


@pytest.fixture(scope="module")
def harmless() -> Review:
    return hostile("harmless")


@settings(max_examples=60)
@given(text=ANYTHING)
def test_markdown_stays_what_it_is(text: str) -> None:
    told = markdown.render(hostile(text))
    assert structure(told) == structure(markdown.render(hostile("harmless")))


@settings(max_examples=60)
@given(text=ANYTHING)
def test_nobody_is_called_and_nothing_is_linked_in_markdown(text: str) -> None:
    for token in PARSER.parse(markdown.render(hostile(text))):
        for child in token.children or ():
            if child.type == "text":
                assert not re.search(r"@[A-Za-z0-9]", child.content) or "<code>" in token.content
                assert "://" not in child.content or "&#58;//" in token.content


@settings(max_examples=40)
@given(text=ANYTHING)
@example(text="x" * 10_000)
def test_the_page_stays_what_it_is(text: str) -> None:
    told = Structure(page.render(hostile(text))).told
    assert told == Structure(page.render(hostile("harmless"))).told


@settings(max_examples=60)
@given(text=ANYTHING)
def test_the_drawing_is_xml_of_the_same_elements(text: str) -> None:
    # when
    drawn = ElementTree.fromstring(drawing.render(hostile(text)))

    # then
    same = ElementTree.fromstring(drawing.render(hostile("harmless")))
    assert [each.tag for each in drawn.iter()] == [each.tag for each in same.iter()]


LINE = re.compile(
    r"flowchart LR"
    r"|  subgraph g_[a-z]+\[\"[A-Z][a-z]+\"\]"
    r"|    n\d+\[\"[\w \-./:,()#;…]*(<br/>[\w \-./:,()#;]*)?\"\]:::[a-z]+"
    r"|  end"
    r"|  n\d+ (==>|-->) n\d+"
    r"|  classDef [a-z]+ [\w:#, .-]+"
)


@settings(max_examples=100)
@given(text=ANYTHING)
def test_every_line_of_the_mermaid_is_one_of_ours(text: str) -> None:
    lines = mermaid.render(hostile(text)).splitlines()
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert len(lines) == len(mermaid.render(hostile("harmless")).splitlines())


def test_an_address_is_linked_only_where_it_is_one(harmless: Review) -> None:
    # given
    def told(source: str) -> tuple[str, str]:
        grave = dataclasses.replace(samples.CHANGES[1].consequences[0], source=source)
        change = dataclasses.replace(samples.CHANGES[1], consequences=(grave,))
        review = dataclasses.replace(harmless, changes=(change,), brought=(), kept=(), gone=())
        return markdown.render(review), page.render(review)

    # then
    words, html = told("https://docs.aws.amazon.com/a#b")
    assert "[source](https://docs.aws.amazon.com/a#b)" in words
    assert 'href="https://docs.aws.amazon.com/a#b"' in html
    for bad in (
        "javascript:alert(1)",
        'https://x" onclick="y',
        "https://x)[y](z",
        "data:text/html,x",
    ):
        words, html = told(bad)
        assert not re.search(r"href=\"(?!#|data:,\")[^\"]*\"", html)
        assert "](" not in words


def test_the_same_review_gives_the_same_bytes_in_any_process() -> None:
    # given
    program = (
        "import hashlib, json; from tests.review import samples; "
        "from odyssey.review import markdown, page; "
        "made = [w.render(r) for w in (markdown, page) "
        "for r in (samples.whole(), samples.large(70))]; "
        "print(json.dumps([hashlib.sha256(m.encode()).hexdigest() for m in made]))"
    )

    # when
    told = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]

    # then
    assert told[0] == told[1]
    assert len(set(json.loads(told[0]))) == 4
