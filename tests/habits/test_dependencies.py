"""What is depended on: locked, within what is asked for, from the index alone, and free to use."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import odyssey as package
from odyssey.doctor import tools
from odyssey.sandbox import launch

REPOSITORY = Path(package.__file__).parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
LOCKS = ("requirements-dev.lock", "requirements-release.lock")

PERMISSIVE = re.compile(
    r"\b(MIT|MIT-0|BSD|0BSD|Apache|ISC|PSF|PSFL|Python Software Foundation|Unlicense|"
    r"Historical Permission Notice|MIT-CMU|MPL|Mozilla Public)\b",
    re.IGNORECASE,
)
"""MPL asks for the source of its own files alone, which everybody has who has Python's packages."""
COPYLEFT = re.compile(r"\b[AL]?GPL|General Public", re.IGNORECASE)

LOOKED_AT = {
    "cookiecutter": "",  # BSD: it has the text and no word of it in the metadata.
    "text-unidecode": "Artistic License",  # That or GPL, as one likes.
}
"""Licences of packages of which the metadata is no word of the list, read by somebody."""


def locked(name: str) -> dict[str, str]:
    """Return the versions of a lock file that are for this Python on this machine."""
    text = (REPOSITORY / name).read_text().replace("\\\n", " ")
    lines = (line.partition(" --hash")[0].strip() for line in text.splitlines())
    found: dict[str, str] = {}
    for line in lines:
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate():
                (pin,) = requirement.specifier
                found[canonicalize_name(requirement.name)] = pin.version
    return found


def asked_for() -> Iterator[tuple[str, Requirement]]:
    project = PROJECT["project"]
    groups = {
        LOCKS[0]: [*project["dependencies"], *project["optional-dependencies"]["dev"]],
        LOCKS[1]: PROJECT["dependency-groups"]["release"],
    }
    for lock, lines in groups.items():
        yield from ((lock, Requirement(line)) for line in lines)


@pytest.mark.parametrize(
    ("lock", "requirement"), [*asked_for()], ids=lambda value: getattr(value, "name", value)
)
def test_what_is_asked_for_is_locked_within_its_range(lock: str, requirement: Requirement) -> None:
    version = locked(lock)[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(version, prereleases=False)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_one_version_of_each_from_the_index_and_nothing_else(lock: str) -> None:
    text = (REPOSITORY / lock).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines
    for line in lines:
        assert re.fullmatch(r"[a-z0-9.-]+(\[[a-z,-]+\])?==\d[\w.]*( +; .*?)?( +--hash=\S+)*", line)


def test_what_releases_is_what_was_looked_at() -> None:
    text = (REPOSITORY / LOCKS[1]).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all("--hash=sha256:" in line for line in lines)


def test_the_tests_run_with_what_is_locked() -> None:
    versions = locked(LOCKS[0])
    found = {
        canonicalize_name(each.name): each.version for each in importlib.metadata.distributions()
    }
    other = {
        f"{name} {found[name]}, not {version}"
        for name, version in versions.items()
        if name in found and found[name] != version
    }
    assert not other


def runtime() -> set[str]:
    """Return the names of all that comes with ``pip install odyssey[sandbox]``."""
    found: set[str] = set()
    waiting = [(Requirement(line), "") for line in PROJECT["project"]["dependencies"]]
    extra = PROJECT["project"]["optional-dependencies"]["sandbox"]
    waiting += [(Requirement(line), "") for line in extra]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement, by = waiting.pop()
        marker = requirement.marker
        if marker is not None and not marker.evaluate({"extra": by}):
            continue
        name = canonicalize_name(requirement.name)
        found.add(name)
        for which in ("", *requirement.extras):
            if (name, which) not in seen:
                seen.add((name, which))
                lines = importlib.metadata.requires(name) or ()
                waiting += [(Requirement(line), which) for line in lines]
    return found


def licences(name: str) -> Iterable[str]:
    """Return what a package says of its licence."""
    data = importlib.metadata.metadata(name)
    if said := data.get("License-Expression"):
        return [said]
    named = [c for c in data.get_all("Classifier", ()) if c.startswith("License :: ")]
    return [*named, data.get("License") or ""]


def test_what_comes_with_odyssey_may_be_used_by_everybody_for_everything() -> None:
    names = runtime()
    assert len(names) > 40
    said = {name: " ".join(licences(name)) for name in names}
    unknown = {
        name: text
        for name, text in said.items()
        if not PERMISSIVE.search(text) or COPYLEFT.search(text)
    }
    assert set(unknown) == set(LOOKED_AT), unknown
    assert all(LOOKED_AT[name] in text for name, text in unknown.items())


def test_every_python_that_pip_allows_is_one_that_the_lock_is_for() -> None:
    assert PROJECT["project"]["requires-python"] == ">=3.11"
    assert SpecifierSet(PROJECT["project"]["requires-python"]).contains("3.14")
    assert "--python-version 3.11" in (REPOSITORY / LOCKS[0]).read_text().splitlines()[1]


def test_an_audit_that_could_ask_nobody_has_not_passed() -> None:
    rules = (REPOSITORY / "Makefile").read_text().replace("\\\n", " ")
    (line,) = (line for line in rules.splitlines() if "/bin/pip-audit" in line)
    assert "--strict" in line
    assert line.rstrip().endswith("exit 1; }")


def test_the_sandbox_names_what_its_extra_asks_for() -> None:
    (asked,) = PROJECT["project"]["optional-dependencies"]["sandbox"]
    assert launch.INSTALL == tools.SANDBOX == f"pip install '{asked}'"
