"""The app as git knows it: where the work left the default branch, and how it was there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from odyssey import config
from odyssey.errors import OdysseyError, UsageError
from odyssey.review import bases, revisions
from odyssey.review.revisions import Revision

TOML = '[app]\nname = "small"\n'


class Repository:
    """A repository with an app in a folder of it."""

    def __init__(self, root: Path) -> None:
        self.root, self.app = root, root / "apps" / "small"
        self.app.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.write("README", "around")
        self.write("apps/small/odyssey.toml", TOML)
        self.first = self.commit()

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def commit(self) -> str:
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "It")
        return self.git("rev-parse", "HEAD")

    def git(self, *words: str) -> str:
        who = ["-c", "user.name=someone", "-c", "user.email=someone@example.com"]
        done = subprocess.run(
            ["git", *who, *words],  # noqa: S607
            cwd=self.root,
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"},
        )
        return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def test_the_default_base_is_where_the_work_left_the_default_branch(
    repository: Repository,
) -> None:
    repository.git("checkout", "--quiet", "-b", "change")
    repository.write("README", "later")
    repository.commit()
    found = revisions.default(repository.app)
    assert found == Revision(repository.first, f"main ({repository.first[:7]})")


def test_what_the_server_calls_the_default_branch_goes_first(repository: Repository) -> None:
    tip = repository.first
    repository.git("update-ref", "refs/remotes/origin/trunk", tip)
    repository.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    found = revisions.default(repository.app)
    assert found is not None
    assert found.words == f"origin/trunk ({tip[:7]})"


def test_outside_of_a_repository_there_is_no_default(tmp_path: Path) -> None:
    assert revisions.default(tmp_path) is None
    with pytest.raises(UsageError, match="is in no git repository"):
        revisions.resolve(tmp_path, "main")


def test_branches_tags_and_commits_are_known_and_nothing_else(repository: Repository) -> None:
    repository.git("tag", "v1")
    for name in ("main", "v1", repository.first, repository.first[:8], "HEAD~0"):
        assert revisions.resolve(repository.app, name) == Revision(repository.first, name)
    for name in ("nothing", "-h", "--all", "main:README"):
        with pytest.raises(UsageError):
            revisions.resolve(repository.app, name)


def test_the_app_s_own_folder_is_exported_as_it_was(repository: Repository, tmp_path: Path) -> None:
    repository.write("apps/small/odyssey.toml", TOML + "[local]\nport = 9000\n")
    place = tmp_path / "past"
    place.mkdir()
    app = revisions.export(repository.app, Revision(repository.first, "main"), place)
    assert (app / "odyssey.toml").read_text() == TOML
    assert not list(place.rglob("README"))


def test_an_app_whose_override_may_read_others_is_exported_with_all(
    repository: Repository, tmp_path: Path
) -> None:
    repository.write("apps/small/overrides.py", "def override(stacks):\n    pass\n")
    commit = repository.commit()
    place = tmp_path / "past"
    place.mkdir()
    app = revisions.export(repository.app, Revision(commit, "main"), place)
    assert app.parts[-2:] == ("apps", "small")
    assert len(list(place.rglob("README"))) == 1


def test_a_link_that_leads_out_is_left_out(repository: Repository, tmp_path: Path) -> None:
    (repository.app / "out").symlink_to("/etc/passwd")
    (repository.app / "in").symlink_to("odyssey.toml")
    commit = repository.commit()
    place = tmp_path / "past"
    place.mkdir()
    app = revisions.export(repository.app, Revision(commit, "main"), place)
    assert sorted(path.name for path in app.iterdir()) == ["in", "odyssey.toml"]


def test_what_was_recorded_since_is_taken_unless_git_has_its_own(
    repository: Repository, tmp_path: Path
) -> None:
    home = repository.app / ".odyssey"
    home.mkdir()
    past = tmp_path / "past"
    past.mkdir()
    assert not revisions.take_artifacts(repository.app, past)
    (home / "artifacts.json").write_text('{"version": 1}')
    assert revisions.take_artifacts(repository.app, past)
    assert not revisions.take_artifacts(repository.app, past)


def test_an_app_or_an_environment_that_was_not_there_is_all_new(repository: Repository) -> None:
    # given
    repository.git("checkout", "--quiet", "--orphan", "empty")
    repository.git("rm", "--quiet", "-r", "--cached", ".")
    repository.write("README", "nothing else")
    repository.git("add", "README")
    repository.git("commit", "--quiet", "--message", "No app")
    empty = revisions.resolve(repository.app, "empty")
    repository.write("apps/small/odyssey.toml", TOML + "[env.prod.local]\nport = 9000\n")
    settings = config.load(repository.app, env="prod", environ={})
    # when
    with bases.of_revision(settings, empty, ()) as nothing:
        pass
    with bases.of_revision(settings, revisions.resolve(repository.app, "main"), ()) as no_env:
        pass
    # then
    assert (nothing.templates, no_env.templates) == ((), ())
    assert nothing.notes == ("empty has no odyssey.toml here: all is new.",)
    assert no_env.notes == ("main has no environment prod: all of it is new.",)


def test_a_base_that_cannot_be_synthesized_says_why(repository: Repository) -> None:
    settings = config.load(repository.app, environ={})
    repository.write("apps/small/odyssey.toml", "[app]\nnme = 1\n")
    commit = repository.commit()
    with (
        pytest.raises(OdysseyError, match="main cannot be synthesized: .*app.nme") as caught,
        bases.of_revision(settings, Revision(commit, "main"), ()),
    ):
        pass
    assert "odyssey review --base REF" in str(caught.value.hint)
