"""The documentation's site: it has what the code has, its links lead somewhere, it asks nobody."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt

import cdk_constructs
import odyssey
from odyssey.checks.rule import catalogue
from odyssey.cli import LIFE_CYCLE
from odyssey.diagnosis.causes import CATALOGUE
from odyssey.keys import KEYS

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"

sys.path.append(str(DOCS))

from _generate import write  # noqa: E402
from _generate.examples import EXAMPLES  # noqa: E402
from _generate.markdown import prose  # noqa: E402
from _generate.phrases import phrases  # noqa: E402

LOADING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}
"""The elements that a browser fetches something for, each with the attribute that says what."""


@dataclass
class Page(HTMLParser):
    """A page as a browser takes it: its anchors, where its links lead, what it loads."""

    anchors: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    loads: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.anchors.add(found.get("id", ""))
        if tag == "a" and "href" in found:
            self.links.add(found["href"])
        if tag in LOADING and LOADING[tag] in found:
            self.loads.add(found[LOADING[tag]])


def is_outside(address: str) -> bool:
    return bool(urlsplit(address).scheme or address.startswith("//"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it: a warning is an error, a dead reference, too."""
    built = tmp_path_factory.mktemp("site") / "html"
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "-n",
        "-q",
        "-b",
        "html",
        str(DOCS),
        str(built),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": "1"}
    )
    assert done.returncode == 0, done.stderr
    return built


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """The pages by their names."""
    found = {}
    for file in site.rglob("*.html"):
        page = Page()
        page.feed(file.read_text(encoding="utf-8"))
        found[file.relative_to(site).as_posix()] = page
    return found


def test_everything_that_the_code_knows_has_an_anchor_and_each_has_one(
    pages: dict[str, Page],
) -> None:
    commands = [f"odyssey {path}" for rows in LIFE_CYCLE.values() for path in rows]
    named = {
        "commands": [each.replace(" ", "-") for each in commands],
        "configuration": [re.sub("[._]", "-", path) for path in KEYS],
        "rules": [rule.id.lower() for rule in catalogue()],
        "troubleshooting": [f"cause-{cause.id}" for cause in CATALOGUE],
        "constructs": [f"construct-{name.lower()}" for name in cdk_constructs.__all__],
    }

    for part, anchors in named.items():
        own = [page for name, page in pages.items() if name.startswith(f"reference/{part}")]
        there = Counter(anchor for page in own for anchor in page.anchors)
        assert {each: there[each] for each in anchors} == dict.fromkeys(anchors, 1), part


def test_every_link_within_the_site_leads_to_a_page_and_to_an_anchor_of_it(
    pages: dict[str, Page],
) -> None:
    dead = []
    for name, page in pages.items():
        for link in page.links:
            where = urlsplit(link)
            if is_outside(link):
                continue
            path = os.path.normpath(os.path.join(os.path.dirname(name), unquote(where.path)))
            target = pages.get(path if where.path else name)
            if target is None or (where.fragment and unquote(where.fragment) not in target.anchors):
                dead.append(f"{name}: {link}")

    assert dead == []


def test_no_page_loads_anything_from_elsewhere(site: Path, pages: dict[str, Page]) -> None:
    loaded = {f"{name}: {each}" for name, page in pages.items() for each in page.loads}
    styles = [file.read_text(encoding="utf-8") for file in site.rglob("*.css")]
    fetched = [each for text in styles for each in re.findall(r"(?:url\(|@import)[^;)]*", text)]

    assert len(loaded) > len(pages)
    assert [each for each in loaded if is_outside(each.partition(": ")[2])] == []
    assert [each for each in fetched if re.search(r"https?:|//", each.replace("data:", ""))] == []


def test_the_front_page_leads_to_the_first_endpoint_and_tells_the_version(
    site: Path, pages: dict[str, Page]
) -> None:
    front = (site / "index.html").read_text(encoding="utf-8")

    assert "tutorials/first-endpoint.html" in pages["index.html"].links
    assert f"Odyssey {odyssey.__version__}" in front


def test_the_same_code_makes_the_same_pages(site: Path, tmp_path: Path) -> None:
    write(tmp_path)  # In this process the hashes of texts have another seed.

    made = {file.relative_to(tmp_path): file.read_bytes() for file in tmp_path.rglob("*.md")}
    assert len(made) > 40
    assert made == {name: (DOCS / "reference" / name).read_bytes() for name in made}


def test_every_key_has_an_example_that_the_schema_takes() -> None:
    assert set(EXAMPLES) == set(KEYS)
    assert {path: KEYS[path].problem(value) for path, value in EXAMPLES.items()} == dict.fromkeys(
        EXAMPLES
    )


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (r"No module named '(?P<module>[\w.]+)'", ["No module named 'MODULE'"]),
        (r"\bout of memory\b|exit code:? 137", ["out of memory", "exit code: 137"]),
        (
            r"(?i)payload .{0,80}(?:too large|exceeds?)",
            ["payload … too large", "payload … exceeds"],
        ),
        (r"^(?P<what>Expired|Missing)Token$", ["ExpiredToken", "MissingToken"]),
        (r"port (?!8080)\d+ [^ ]+", ["port N"]),
    ],
)
def test_a_pattern_is_told_as_what_it_finds(pattern: str, told: list[str]) -> None:
    assert phrases(re.compile(pattern)) == told


def test_a_sentence_of_the_code_has_its_names_linked_and_nothing_else_marked() -> None:
    told = prose('*all* of odyssey docker push, spot under [training], `ModelData` and "x_y": [a]')

    assert told == (
        "\\*all\\* of [`odyssey docker push`](#odyssey-docker-push), "
        "[`spot under [training]`](#training-spot), [`ModelData`](#construct-modeldata) and "
        '"x\\_y": `[a]`'
    )


WRITTEN = [
    file
    for file in sorted(
        [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("examples/**/*.md"), *DOCS.rglob("*.md")]
    )
    if "_build" not in file.parts and (DOCS / "reference" not in file.parents)
]
"""The pages that people have written; in those of the site Sphinx has seen to the anchors."""


def links(page: Path) -> list[str]:
    tokens = MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))
    inline = [child for token in tokens for child in token.children or ()]
    return [
        str(child.attrs[name])
        for child in inline
        for name in ("href", "src")
        if name in child.attrs
    ]


@cache
def headings(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    found: Counter[str] = Counter()
    anchors = set()
    for before, token in zip(tokens, tokens[1:], strict=False):
        if before.type == "heading_open":
            slug = re.sub(r"[^\w\- ]", "", token.content.lower()).replace(" ", "-")
            anchors.add(f"{slug}-{found[slug]}" if found[slug] else slug)
            found[slug] += 1
    return anchors


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_what_a_page_in_the_repository_points_to_is_there(page: Path) -> None:
    dead = []
    for link in links(page):
        where = urlsplit(link)
        if is_outside(link):
            continue
        target = page.parent / unquote(where.path) if where.path else page
        is_made = DOCS / "reference" in target.resolve().parents
        has_anchors = target.suffix == ".md" and DOCS not in page.parents
        if not target.exists():
            dead += [] if is_made else [link]
        elif where.fragment and has_anchors and where.fragment not in headings(target):
            dead.append(link)

    assert dead == []
