"""Bad values in odyssey.toml, bad names and bad options."""

from __future__ import annotations

from pathlib import Path

from benchmarks.reliability.inputs import Input, experiment

SHOW = ("config", "show")
CHECK_TOML = "odyssey.toml"


def _toml(text: str | bytes) -> dict[str, str | bytes | None]:
    return {CHECK_TOML: text}


def _unreadable(app: Path) -> None:
    """Make a link that leads to itself: not even root can read it."""
    (app / CHECK_TOML).unlink()
    (app / CHECK_TOML).symlink_to(CHECK_TOML)


def _folder(app: Path) -> None:
    (app / CHECK_TOML).unlink()
    (app / CHECK_TOML).mkdir()


APP = '[app]\nname = "{}"\nprovider = "aws"\nservice = "sagemaker"\n'

SETTINGS = [
    Input("odyssey.toml is no TOML", SHOW, settings="\nthis is = no = toml\n"),
    Input("odyssey.toml is binary", SHOW, files=_toml(b"\x00\xff\xfe\x80" * 50)),
    Input("odyssey.toml is Latin-1", SHOW, files=_toml(b'[app]\nname = "caf\xe9"\n')),
    Input("odyssey.toml is empty", SHOW, files=_toml("")),
    Input("odyssey.toml is a folder", SHOW, change=_folder),
    Input("odyssey.toml is a link to itself", SHOW, change=_unreadable),
    Input("odyssey.toml is missing", SHOW, change=lambda app: (app / CHECK_TOML).unlink()),
    Input("an unknown table", SHOW, settings="\n[sever]\nworkers = 2\n", says="server"),
    Input("an unknown key", SHOW, settings="\n[endpoint]\ninstanse_count = 2\n", says="instance"),
    Input("a table given twice", SHOW, settings='\n[server]\nkind = "fast"\n'),
    Input("a table that is a value", SHOW, files=_toml("app = 3\n")),
    Input("a text for a number", SHOW, settings='\n[endpoint]\ninstance_count = "two"\n'),
    Input("a number for a text", SHOW, settings="\n[endpoint]\nname = 3\n"),
    Input("a fraction for a count", SHOW, settings="\n[endpoint]\ninstance_count = 1.5\n"),
    Input("a count below its least", SHOW, settings="\n[endpoint]\ninstance_count = -1\n"),
    Input("an absurd count", SHOW, settings=f"\n[endpoint]\ninstance_count = {10**30}\n"),
    Input("not a number", SHOW, settings="\n[scaling]\nutilization = nan\n"),
    Input("an unknown choice", SHOW, settings='\n[endpoint]\nkind = "servreless"\n'),
    Input("an absurd port", SHOW, files=_toml(APP.format("iris") + "[local]\nport = 99999\n")),
    Input("a list for a table", SHOW, settings='\n[endpoint]\nenvironment = ["a"]\n'),
    Input(
        "an environment variable's name with =",
        ("check",),
        (3,),
        settings='\n[training]\nenvironment = {"a=b" = "c"}\n',
    ),
    Input(
        "an instance type that is none",
        ("check",),
        (2, 3),
        settings='\n[endpoint]\ninstance_type = "m5.large"\n',
    ),
    Input("a function's timeout over AWS's", SHOW, settings="\n[function]\ntimeout = 100000\n"),
    Input(
        "an image that is no URI",
        ("check",),
        (2, 3),
        settings='\n[artifacts]\nimage = "; rm -rf /"\n',
    ),
    Input(
        "a model that is no s3:// URI",
        SHOW,
        (2, 3),
        settings='\n[artifacts]\nmodel = "/etc/passwd"\n',
    ),
    Input("an environment that is not there", (*SHOW, "--env", "prodd")),
    Input(
        "an artifacts.json that is half written",
        ("sagemaker", "status"),
        files={".odyssey/artifacts.json": '{"version": 1, "art'},
    ),
    Input(
        "an artifacts.json of a later version",
        ("sagemaker", "status"),
        files={".odyssey/artifacts.json": '{"version": 99}'},
    ),
    Input(
        "nesting 10,000 deep",
        SHOW,
        files=_toml(
            APP.format("iris") + f"[endpoint]\nenvironment = {'[' * 10_000}{']' * 10_000}\n"
        ),
    ),
    Input(
        "a value of 5 MB",
        ("check",),
        (2, 3),
        settings=f'\n[endpoint]\nname = "{"x" * 5_000_000}"\n',
    ),
]


def _named(name: str) -> tuple[str, ...]:
    return ("init", "-p", "aws", "-s", "sagemaker", "start", "--", name)


NAMES = [
    Input("a name that leads out", _named("../../evil")),
    Input("an absolute path for a name", _named("/etc/evil")),
    Input("a template in a name", _named("{{cookiecutter.__class__}}")),
    Input("a shell's command in a name", _named("$(touch evil)")),
    Input("a line break in a name", _named("a\nb")),
    Input("an escape sequence in a name", _named("\x1b[31mred")),
    Input("a right-to-left mark in a name", _named("a\u202eb")),
    Input("an emoji for a name", _named("\U0001f338")),
    Input("letters with accents", _named("fleur-fanée")),
    Input("a name of 10,000 letters", _named("a" * 10_000)),
    Input("an empty name", _named("")),
    Input("a name with spaces", _named("my app")),
    Input(
        "a folder that is not empty", ("init", "-p", "aws", "-s", "sagemaker", "start", "rocket")
    ),
    Input(
        "a file where the app would be",
        ("init", "-p", "aws", "-s", "sagemaker", "start", "filed"),
        files={"filed": "here"},
    ),
    Input("an unknown provider", ("init", "-p", "azure", "-s", "sagemaker", "start", "x")),
    Input("an unknown service", ("init", "-p", "aws", "-s", "sagemakr", "start", "x")),
    Input("an unknown command", ("lokal", "train")),
    Input("an unknown option", ("local", "train", "--gpu")),
    Input("a port that is no number", ("local", "serve", "--port", "http")),
    Input("an app's folder that is not there", ("local", "train", "--app", "/nowhere")),
    Input("a body that is no file", ("local", "request", "--file", "nothing.json")),
    Input(
        "a request where nothing listens", ("local", "request", "--port", "1", "--data", "{}"), (1,)
    ),
    Input("a base for a review that is no reference", ("review", "--base", "no-such-ref"), (2,)),
    Input("a reference that is an option", ("review", "--base=--output=/tmp/evil"), (2,)),
    Input("a template that is no template", ("check", "--template", "train.py"), (2, 3)),
    Input("a sandbox's name with a path", ("sandbox", "start", "--name", "../x")),
    Input(
        "a command that is no program",
        ("sandbox", "run", "--executor", "process", "--", "no-such-program"),
        (2, 7),
    ),
    Input("an AWS that is not there", ("sagemaker", "list", "--region", "eu-west-1"), (5,)),
    Input("a region that is none", ("sagemaker", "list", "--region", "mars north"), (2, 5)),
]

EXPERIMENTS = [
    experiment("inputs-settings", "Bad settings and recorded artifacts", SETTINGS),
    experiment("inputs-names-options", "Bad names, options and places", NAMES),
]
