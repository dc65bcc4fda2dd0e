"""The documentation is a promise: what its pages ask the reader to do is done, in a sandbox.

Every page of docs/ and every README of examples/ that has commands is followed from its top to its
end, as `tests.e2e.pages` says, in an empty folder and a home of its own. There is no Docker engine
for it, so that the jobs of a sandbox are processes.
"""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from odyssey import config
from odyssey.infra import toolkit
from tests.conftest import REPOSITORY
from tests.e2e import pages
from tests.e2e.servers import free_port
from tests.e2e.shell import Shell

GENERATED = ("_build/", "_generate/", "reference/")
"""Where in docs/ nobody writes, but for the first page of the reference."""

READ = {"text", "python", "toml", "json", "yaml", "csv", "markdown", "mermaid"}
"""Languages that are read only. Those of a shell are not among them: commands are ``console``."""


def written() -> list[Path]:
    """All pages that people write."""
    docs = filter(is_written, (REPOSITORY / "docs").rglob("*.md"))
    return sorted([*docs, *(REPOSITORY / "examples").glob("*/README.md")])


def is_written(page: Path) -> bool:
    path = page.relative_to(REPOSITORY / "docs").as_posix()
    return path == "reference/index.md" or not path.startswith(GENERATED)


def name(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


FOLLOWED = [page for page in written() if pages.command_blocks(page)]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A newcomer's terminal: an empty folder, odyssey installed, nothing else known."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("AWS_", "ODYSSEY_", "MODEL_SERVER", "CDK_", "DOCKER_", "XDG_"))
    }
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "examples").symlink_to(REPOSITORY / "examples")
    return Shell(
        folder,
        {
            **kept,
            # With Node.js, which whoever writes CDK apps has.
            "PATH": f"{Path(sys.executable).parent}:{toolkit.node().parent}:{kept['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
            "HOME": str(tmp_path),
            # What jsii has unpacked once, it need not unpack for each page.
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(Path.home() / ".cache/aws/jsii/package-cache"),
            "AWS_REGION": "eu-west-1",
            "DOCKER_HOST": "unix:///nowhere",
            "ODYSSEY_LOCAL_PORT": str(free_port()),
        },
    )


@pytest.mark.parametrize("page", FOLLOWED, ids=name)
def test_a_page_does_what_it_says(page: Path, shell: Shell) -> None:
    environ = shell.environ
    heard = ""
    try:
        for fence in pages.fences(page.read_text()):
            if fence.kind == "console":
                heard = run(shell, fence)
            elif fence.kind == "text" and "seen" in fence.words:
                assert not pages.unseen(fence.lines, heard), heard
            elif fence.kind in pages.CODE:
                pages.write(fence, page, shell.folder)
    finally:
        subprocess.run(["odyssey", "sandbox", "stop"], env=environ, check=False)
        shell.stop()


def run(shell: Shell, fence: pages.Fence) -> str:
    """Type the lines of a block, and return all that they print."""
    *first, last = fence.commands
    for line in first:
        shell.type(line)
    shell.type(last, fails="fails" in fence.words)
    return shell.take()


def test_no_command_of_a_page_escapes() -> None:
    escaped = [
        f"{name(page)}: {' '.join((fence.kind, *fence.words))}: {fence.lines[:1]}"
        for page in written()
        for fence in pages.fences(page.read_text())
        if not is_known(fence)
    ]
    assert not escaped


def is_known(fence: pages.Fence) -> bool:
    if fence.kind == "{code-block}":
        return fence.words[:1] != () and fence.words[0] in READ
    return fence.kind in {"console", *READ} or fence.kind.startswith("{")


@pytest.mark.parametrize("file", sorted((REPOSITORY / "examples").glob("*/odyssey.toml")), ids=name)
def test_the_settings_of_an_example_are_sound_in_each_environment(file: Path) -> None:
    for env in (None, *tomllib.loads(file.read_text()).get("env", {})):
        assert config.load(file.parent, env=env, environ={}).app.name


def test_what_only_looks_like_it_was_printed_is_told() -> None:
    printed = "a  job: iris-2026\nthe end\n"
    assert pages.unseen(("a job: iris-…", "the end"), printed) == []
    assert pages.unseen(("a job: rose-…", "the"), printed) == ["a job: rose-…"]
