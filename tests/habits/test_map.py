"""CONTRIBUTING.md tells a newcomer of every folder, and of none that is not there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import odyssey as package

REPOSITORY = Path(package.__file__).parents[1]
TEXT = (REPOSITORY / "CONTRIBUTING.md").read_text()
MAP = TEXT.partition("## Where things are")[2].partition("\n## ")[0]
WORDS = TEXT.partition("## Words")[2].partition("\n## ")[0]


def listed() -> set[str]:
    """Return the words of the map's first column; those after a file are files beside it."""
    found: set[str] = set()
    for row in MAP.splitlines():
        place = ""
        for word in re.findall(r"`([^`]+)`", row.split("|")[1] if "|" in row else ""):
            if "/" in word and not word.endswith("/"):
                place = word.rpartition("/")[0] + "/"
                found.add(word)
            else:
                found.add(word if "/" in word and (REPOSITORY / word).exists() else place + word)
    return {word.rstrip("/") for word in found}


def folders() -> set[str]:
    """Return the folders that git knows at the top, and just below odyssey/ and tests/."""
    files = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    found = set()
    for name in files:
        top, *below = name.split("/")
        if not below or top.startswith("."):
            continue
        if top in ("odyssey", "tests"):
            found |= {f"{top}/{below[0]}"} if len(below) > 1 else set()
        else:
            found.add(top)
    return found


def test_every_folder_is_on_the_map() -> None:
    known = {str(above) for place in listed() for above in (Path(place), *Path(place).parents)}
    assert folders() - known == set()


def test_everything_on_the_map_is_there() -> None:
    gone = {
        place
        for place in listed()
        if not (REPOSITORY / place).exists() and not (REPOSITORY / f"{place}.py").exists()
    }
    assert gone == set()


def test_a_word_is_explained_once() -> None:
    explained = re.findall(r"\*\*([^*]+)\*\*", WORDS)
    assert len(explained) > 20
    assert len(explained) == len(set(explained))
