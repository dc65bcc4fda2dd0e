"""`odyssey init start` and the baking behind it."""

import os
import pty
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from odyssey import __version__, scaffold
from odyssey.errors import FolderNotEmptyError, ScaffoldError, UsageError
from tests.functional.conftest import Done

Run = Callable[..., Done]


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A template of a few files: rendered, copied, executable, nested."""
    root = tmp_path / "template"
    inside = root / "{{cookiecutter.app_name}}"
    (inside / "rocket" / "__pycache__").mkdir(parents=True)
    (root / "cookiecutter.json").write_text(
        '{"app_name": "x", "odyssey_version": "", "service": "", "_copy_without_render": ["raw"]}'
    )
    (inside / "odyssey.toml").write_text(
        "{{cookiecutter.app_name}} {{cookiecutter.service}} {{cookiecutter.odyssey_version}}\n"
    )
    (inside / "raw").write_text("{{ as it is }}\n")
    (inside / "rocket" / "train").write_text("#!/bin/sh\n")
    (inside / "rocket" / "train").chmod(0o755)
    (inside / "rocket" / "__pycache__" / "x.pyc").write_bytes(b"\0")
    return root


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }


BAKED = {
    "odyssey.toml": f"testapp sagemaker {__version__}\n",
    "raw": "{{ as it is }}\n",
    "rocket": "folder",
    "rocket/train": "#!/bin/sh\n",
}


def test_the_template_is_rendered(template: Path, place: Path) -> None:
    made = scaffold.bake("testapp", "sagemaker", place, template=template)
    assert made == place / "testapp"
    assert tree(made) == BAKED
    assert (made / "rocket" / "train").stat().st_mode & stat.S_IXUSR
    assert [path.name for path in place.iterdir()] == ["testapp"]


def test_missing_folders_above_are_made(template: Path, place: Path) -> None:
    made = scaffold.bake("testapp", "sagemaker", place / "a" / "b", template=template)
    assert tree(made) == BAKED


def test_an_empty_folder_is_filled(template: Path, place: Path) -> None:
    (place / "testapp").mkdir()
    assert tree(scaffold.bake("testapp", "sagemaker", place, template=template)) == BAKED


def test_a_link_to_a_folder_is_followed(template: Path, place: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (place / "testapp").symlink_to(tmp_path / "disk")
    scaffold.bake("testapp", "sagemaker", place, template=template)
    assert tree(tmp_path / "disk") == BAKED
    assert (place / "testapp").is_symlink()


def test_a_folder_with_something_in_it_is_left_alone(template: Path, place: Path) -> None:
    (place / "testapp").mkdir()
    (place / "testapp" / "mine").write_text("mine")
    with pytest.raises(FolderNotEmptyError) as caught:
        scaffold.bake("testapp", "sagemaker", place, template=template)
    assert "--force" in caught.value.message
    assert caught.value.exit_code == 2
    assert tree(place) == {"testapp": "folder", "testapp/mine": "mine"}


def test_a_file_in_the_way_is_left_alone(template: Path, place: Path) -> None:
    (place / "testapp").write_text("mine")
    with pytest.raises(FolderNotEmptyError):
        scaffold.bake("testapp", "sagemaker", place, force=True, template=template)
    assert tree(place) == {"testapp": "mine"}


def test_force_writes_over_the_template_s_files_and_keeps_the_others(
    template: Path, place: Path
) -> None:
    # given
    app = place / "testapp"
    (app / "rocket").mkdir(parents=True)
    (app / "raw").write_text("old")
    (app / "mine").write_text("mine")
    (app / "rocket" / "mine").write_text("mine too")
    # when
    scaffold.bake("testapp", "sagemaker", place, force=True, template=template)
    # then
    assert tree(app) == BAKED | {"mine": "mine", "rocket/mine": "mine too"}
    assert [path.name for path in place.iterdir()] == ["testapp"]


def test_force_replaces_a_link_and_not_what_it_points_to(
    template: Path, place: Path, tmp_path: Path
) -> None:
    app = place / "testapp"
    app.mkdir()
    (tmp_path / "precious").write_text("precious")
    (app / "raw").symlink_to(tmp_path / "precious")
    scaffold.bake("testapp", "sagemaker", place, force=True, template=template)
    assert tree(app) == BAKED
    assert (tmp_path / "precious").read_text() == "precious"


@pytest.mark.parametrize(("name", "kind"), [("rocket", "file"), ("raw", "folder")])
def test_force_changes_nothing_where_a_kind_differs(
    template: Path, place: Path, name: str, kind: str
) -> None:
    # given
    app = place / "testapp"
    app.mkdir()
    (app / "odyssey.toml").write_text("old")
    if kind == "file":
        (app / name).write_text("mine")
    else:
        (app / name).mkdir()
    before = tree(place)
    # when
    with pytest.raises(FolderNotEmptyError) as caught:
        scaffold.bake("testapp", "sagemaker", place, force=True, template=template)
    # then
    assert str(app / name) in caught.value.message
    assert tree(place) == before


def test_a_disk_that_refuses_is_explained(template: Path, place: Path) -> None:
    (place / "file").write_text("mine")
    with pytest.raises(ScaffoldError) as caught:
        scaffold.bake("testapp", "sagemaker", place / "file" / "below", template=template)
    assert "nothing was made" in caught.value.message
    assert tree(place) == {"file": "mine"}


def test_force_puts_everything_back_when_a_move_fails(template: Path, place: Path) -> None:
    # given a folder of the app that takes no file
    app = place / "testapp"
    (app / "zz").mkdir(parents=True)
    (app / "odyssey.toml").write_text("old")
    (app / "rocket").symlink_to("/proc/self")
    (template / "{{cookiecutter.app_name}}" / "new").mkdir()
    (template / "{{cookiecutter.app_name}}" / "new" / "file").write_text("new")
    # when
    with pytest.raises(ScaffoldError):
        scaffold.bake("testapp", "sagemaker", place, force=True, template=template)
    # then
    assert sorted(path.name for path in app.iterdir()) == ["odyssey.toml", "rocket", "zz"]
    assert (app / "odyssey.toml").read_text() == "old"
    assert [path.name for path in place.iterdir()] == ["testapp"]


@pytest.mark.parametrize(
    "text", ["{{ cookiecutter.unknown }}", "{% if %}", "{{ cookiecutter.app_name | nofilter }}"]
)
def test_a_broken_template_leaves_nothing_behind(template: Path, place: Path, text: str) -> None:
    (template / "{{cookiecutter.app_name}}" / "zz").write_text(text)
    with pytest.raises(ScaffoldError) as caught:
        scaffold.bake("testapp", "sagemaker", place / "new" / "er", template=template)
    assert "template is broken" in caught.value.message
    assert tree(place) == {}


def test_a_template_that_is_no_template_is_called_broken(tmp_path: Path, place: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "cookiecutter.json").write_text("{")
    with pytest.raises(ScaffoldError):
        scaffold.bake("testapp", "sagemaker", place, template=tmp_path / "empty")
    (tmp_path / "empty" / "cookiecutter.json").unlink()
    with pytest.raises(ScaffoldError):
        scaffold.bake("testapp", "sagemaker", place, template=tmp_path / "empty")


def test_the_user_s_own_cookiecutter_settings_are_neither_read_nor_written(
    template: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    home = tmp_path / "home"
    home.mkdir()
    (home / ".cookiecutterrc").write_text("default_context:\n  service: hijacked\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("COOKIECUTTER_CONFIG", str(home / ".cookiecutterrc"))
    # when
    made = scaffold.bake("testapp", "sagemaker", place, template=template)
    # then
    assert tree(made) == BAKED
    assert [path.name for path in home.iterdir()] == [".cookiecutterrc"]


def test_start_prints_the_path_and_what_is_next(odyssey: Run, tmp_path: Path) -> None:
    done = odyssey("init", "-p", "aws", "-s", "sagemaker", "start", "testapp")
    assert (done.code, done.out) == (0, f"{tmp_path / 'testapp'}\n")
    assert "cd testapp\n  odyssey local train\n  odyssey local serve\n" in done.err
    assert (tmp_path / "testapp" / "rocket" / "serve").is_file()


@pytest.mark.parametrize("service", ["lambda", "sagemaker+lambda"])
def test_start_makes_an_app_for_lambda(odyssey: Run, tmp_path: Path, service: str) -> None:
    done = odyssey("init", "-p", "aws", "-s", service, "start", "testapp", "--output", "json")
    assert done.document["service"] == service
    assert "work as they are. Lambda calls them by app.py.\n" in done.err
    assert (tmp_path / "testapp" / "app.py").is_file()
    shown = odyssey("config", "show", at=tmp_path / "testapp")
    assert shown.code == 0
    assert f'"{service}"' in shown.out


def test_start_answers_in_json_too(odyssey: Run, tmp_path: Path) -> None:
    done = odyssey("init", "start", "testapp", "--output", "json", "--output-dir", "below")
    assert done.document == {
        "name": "testapp",
        "path": str(tmp_path / "below" / "testapp"),
        "service": "sagemaker",
    }


def test_the_new_app_s_settings_are_good(odyssey: Run, tmp_path: Path) -> None:
    odyssey("init", "start", "testapp")
    done = odyssey("config", "show", at=tmp_path / "testapp")
    assert done.code == 0
    assert '"testapp"' in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-p", "gcp", "start", "testapp"], 'unknown provider "gcp"; known: aws'),
        (["-s", "vertex", "start", "testapp"], 'aws has no service "vertex"; known: sagemaker, '),
        (["-s", "sagemakr", "start", "testapp"], "did you mean sagemaker?"),
        (["-s", "lamda", "start", "testapp"], "did you mean lambda?"),
        (["-p", "gcp", "start"], 'unknown provider "gcp"; known: aws'),
        (["start", "test_app"], 'try "test-app"'),
        (["start", "TestApp"], 'try "testapp"'),
        (["start", "full"], "is not empty"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    odyssey: Run, tmp_path: Path, words: list[str], said: str
) -> None:
    # given
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    before = tree(tmp_path)
    # when
    done = odyssey("init", *words)
    # then
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert said in line
    assert tree(tmp_path) == before


@pytest.mark.parametrize("words", [[], ["--no-input"]])
def test_without_a_terminal_nobody_is_asked(tmp_path: Path, words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "odyssey", "init", "start", *words],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "odyssey init -p aws -s sagemaker start NAME" in done.stderr
    assert list(tmp_path.iterdir()) == []


class Terminal:
    """A command line on a terminal that somebody types at."""

    def __init__(self, words: list[str], cwd: Path) -> None:
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "odyssey", *words],
            cwd=cwd,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""

    def expect(self, text: str) -> None:
        deadline = time.monotonic() + 30
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            self.seen += os.read(self.ours, 4096).decode()

    def type(self, text: str) -> None:
        self.seen = ""
        os.write(self.ours, text.encode())

    def end(self) -> tuple[int, str]:
        out, _ = self.process.communicate(timeout=60)
        return self.process.returncode, out

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        os.close(self.ours)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Start a command line on a terminal: `terminal("init", "start")`."""
    made: list[Terminal] = []

    def start(*words: str) -> Terminal:
        made.append(Terminal(list(words), tmp_path))
        return made[-1]

    yield start
    for one in made:
        one.close()


Start = Callable[..., Terminal]


def test_on_a_terminal_the_name_is_asked_for_until_it_is_good(
    terminal: Start, tmp_path: Path
) -> None:
    here = terminal("init", "-p", "aws", "-s", "sagemaker", "start")
    here.expect("Name of the app: ")
    here.type("test_app\n")
    here.expect('has "_"')
    here.expect("Name of the app [test-app]: ")
    here.type("\n")
    assert here.end() == (0, f"{tmp_path / 'test-app'}\n")
    assert (tmp_path / "test-app" / "odyssey.toml").is_file()


def test_no_input_asks_nobody_on_a_terminal_either(terminal: Start) -> None:
    here = terminal("init", "start", "--no-input")
    here.expect("Error:")
    assert here.end() == (2, "")


def test_the_end_of_input_at_the_prompt_writes_nothing(terminal: Start, tmp_path: Path) -> None:
    here = terminal("init", "start")
    here.expect("Name of the app: ")
    here.type("\x04")
    assert here.end() == (130, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["{{x}}", "{% raw %}", "{# x"])
def test_a_folder_whose_name_the_template_engine_would_run_is_refused(
    template: Path, place: Path, name: str
) -> None:
    (place / name).mkdir()
    with pytest.raises(UsageError, match="is code to the template engine"):
        scaffold.bake("testapp", "sagemaker", place / name, template=template)
    assert list((place / name).iterdir()) == []
