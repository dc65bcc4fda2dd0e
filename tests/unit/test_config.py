"""odyssey.toml: precedence, origins, and what is said about mistakes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey import config, keys, sections
from odyssey.errors import AppNotFoundError, ConfigError, OdysseyError

APP = '[app]\nname = "testapp"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def load(folder: Path, text: str = APP, **given_: object) -> config.Config:
    (folder / "odyssey.toml").write_text(text)
    environ = given_.pop("environ", {})
    return config.load(folder, environ=environ, **given_)  # type: ignore[arg-type]


def problems(folder: Path, text: str = APP, **given_: object) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, **given_)
    assert caught.value.exit_code == 2
    return caught.value.problems


def test_defaults_fill_what_the_file_leaves_out(folder: Path) -> None:
    settings = load(folder)
    assert settings.app == sections.App("testapp", "aws", "sagemaker")
    assert settings.local == sections.Local(8080, "")
    assert settings.server == sections.Server("fast", 0, 4, 60, 100, "auto", "absent")
    assert settings.origin("local.port") == "default"
    assert settings.origin("app.name") == "odyssey.toml [app]"
    assert settings.env is None
    assert settings.warnings == ()


LAYERS = {
    "odyssey.toml [server]": 1,
    "odyssey.toml [env.prod.server]": 2,
    "MODEL_SERVER_WORKERS": 3,
    "ODYSSEY_SERVER_WORKERS": 4,
    "--workers": 5,
}


@given(st.sets(st.sampled_from(sorted(LAYERS))))
def test_the_strongest_place_that_gives_a_value_wins(
    tmp_path_factory: pytest.TempPathFactory, places: set[str]
) -> None:
    # given
    text = APP + "[env.prod]\n"
    for place in ("odyssey.toml [server]", "odyssey.toml [env.prod.server]"):
        if place in places:
            text += f"{place.removeprefix('odyssey.toml ')}\nworkers = {LAYERS[place]}\n"
    environ = {name: str(LAYERS[name]) for name in places if name.isupper()}
    flags = {"server.workers": LAYERS["--workers"] if "--workers" in places else None}
    # when
    folder = tmp_path_factory.mktemp("app")
    settings = load(folder, text, env="prod", environ=environ, flags=flags)
    # then
    strongest = max(places, key=lambda place: LAYERS[place], default="default")
    assert settings.server.workers == LAYERS.get(strongest, 0)
    assert settings.origin("server.workers") == strongest


def test_an_environment_is_chosen_by_variable_too(folder: Path) -> None:
    text = APP + "[env.prod.local]\nport = 9000\n"
    assert load(folder, text).local.port == 8080
    chosen = load(folder, text, environ={"ODYSSEY_ENV": "prod"})
    assert (chosen.env, chosen.local.port) == ("prod", 9000)


def test_an_unknown_environment_lists_the_known(folder: Path) -> None:
    text = APP + "[env.prod.local]\nport = 1\n[env.dev.local]\nport = 2\n"
    assert problems(folder, text, env="prd") == (
        'unknown environment "prd": odyssey.toml has prod, dev, did you mean prod?',
    )
    assert problems(folder, env="prd") == (
        'unknown environment "prd": odyssey.toml has no [env.NAME]',
    )


def test_the_rocket_s_own_variables_set_the_server(folder: Path) -> None:
    environ = {"MODEL_SERVER": "flask", "MODEL_SERVER_TIMEOUT": "5"}
    settings = load(folder, environ=environ)
    assert (settings.server.kind, settings.server.timeout) == ("flask", 5)
    assert settings.origin("server.kind") == "MODEL_SERVER"


def test_an_empty_variable_is_not_set(folder: Path) -> None:
    assert load(folder, environ={"ODYSSEY_LOCAL_PORT": ""}).local.port == 8080


def test_every_problem_is_named_at_once(folder: Path) -> None:
    # given
    text = """
port = 3
[app]
name = "test_app"
[server]
worker = 2
kind = "fats"
timeout = 0
threads = "many"
max_payload_mb = true
[local]
python = 3
[serevr]
[env.prod.server]
nginx = "yes"
[env.dev]
local = 3
"""
    # when
    found = problems(folder, text, environ={"ODYSSEY_LOCAL_PORT": "http"})
    # then
    assert found == (
        "odyssey.toml: port: unknown section, did you mean the key local.port?",
        'odyssey.toml: app.name: "test_app": the name has "_", '
        "and a SageMaker endpoint takes letters, digits and hyphens only",
        "odyssey.toml: server.worker: unknown key, did you mean server.workers?",
        'odyssey.toml: server.kind: "fats": must be fast or flask, did you mean fast?',
        "odyssey.toml: server.timeout: 0: must be a whole number from 1 to 3600",
        'odyssey.toml: server.threads: "many": must be a whole number from 1 to 256',
        "odyssey.toml: server.max_payload_mb: true: must be a whole number from 1 to 1024",
        "odyssey.toml: local.python: 3: must be text",
        "odyssey.toml: serevr: unknown section, did you mean server?",
        'odyssey.toml: env.prod.server.nginx: "yes": must be auto or on or off',
        "odyssey.toml: env.dev.local: 3: must be a table",
        'ODYSSEY_LOCAL_PORT: "http": must be a whole number from 1 to 65535',
    )


def test_a_key_in_the_wrong_section_is_pointed_to_its_own(folder: Path) -> None:
    assert problems(folder, APP + "[server]\nport = 1\n") == (
        "odyssey.toml: server.port: unknown key, did you mean local.port?",
    )


@pytest.mark.parametrize("text", ["env = 3\n" + APP, APP + "[env]\nprod = 1\n"])
def test_an_environment_that_is_no_table_is_refused(folder: Path, text: str) -> None:
    (found,) = problems(folder, text)
    assert found.endswith("must be a table")


def test_the_app_needs_a_name(folder: Path) -> None:
    missing = ("odyssey.toml: app.name: missing, the app's name",)
    assert problems(folder, "") == missing
    only_in_prod = '[env.prod.app]\nname = "testapp"\n'
    assert problems(folder, only_in_prod) == missing
    assert load(folder, only_in_prod, env="prod").app.name == "testapp"


def test_an_option_out_of_range_is_named_by_its_own_name(folder: Path) -> None:
    assert problems(folder, flags={"local.port": 70000}) == (
        "--port: 70000: must be a whole number from 1 to 65535",
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[app]\nname = \n", "odyssey.toml: line 2, column 8: Invalid value"),
        (b'[app]\nname = "x', "odyssey.toml: line 2, column 10: Unterminated string"),
        (b"[app]\nname = '\xff'\n", "odyssey.toml: line 2: not UTF-8 text"),
        (b"[a]\nx = " + b"[" * 9000, "odyssey.toml: nested too deeply"),
    ],
)
def test_a_syntax_error_names_line_and_column(folder: Path, content: bytes, said: str) -> None:
    (folder / "odyssey.toml").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        config.load(folder, environ={})
    assert caught.value.problems == (said,)


def test_a_byte_order_mark_is_no_mistake(folder: Path) -> None:
    (folder / "odyssey.toml").write_bytes(b"\xef\xbb\xbf" + APP.encode())
    assert config.load(folder, environ={}).app.name == "testapp"


def test_an_unknown_odyssey_variable_is_a_warning(folder: Path) -> None:
    environ = {"ODYSSEY_SERVER_WORKER": "3", "ODYSSEY_ENV": "", "PATH": "/bin"}
    assert load(folder, environ=environ).warnings == (
        "unknown variable ODYSSEY_SERVER_WORKER, did you mean ODYSSEY_SERVER_WORKERS?",
    )


def test_the_app_is_found_from_any_folder_below_it(folder: Path) -> None:
    (folder / "odyssey.toml").write_text(APP)
    below = folder / "input" / "data"
    below.mkdir(parents=True)
    assert config.find_app(below) == folder.resolve()


def test_a_folder_without_an_app_says_how_to_make_one(folder: Path) -> None:
    with pytest.raises(AppNotFoundError) as caught:
        config.find_app(folder)
    assert caught.value.exit_code == 2
    assert caught.value.hint is not None
    assert "odyssey init -p aws -s sagemaker start" in caught.value.hint
    with pytest.raises(AppNotFoundError):
        config.load(folder, environ={})


@given(st.binary(max_size=60) | st.text(alphabet='[]="abenv.sr1\n {}', max_size=60))
def test_whatever_the_file_holds_it_is_read_or_explained(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | str
) -> None:
    folder = tmp_path_factory.mktemp("app")
    data = content if isinstance(content, bytes) else content.encode()
    (folder / "odyssey.toml").write_bytes(data)
    with pytest.raises(OdysseyError):  # No such file can hold a name.
        config.load(folder, environ={})


@given(st.integers() | st.floats() | st.text() | st.booleans() | st.lists(st.integers()))
def test_a_port_is_taken_in_its_range_only(value: object) -> None:
    broken = keys.KEYS["local.port"].problem(value)
    assert (broken is None) == (type(value) is int and 1 <= value <= 65535)


@pytest.mark.parametrize("key", keys.KEYS.values(), ids=lambda key: key.path)
def test_every_key_says_what_it_means_and_takes_its_default(key: keys.Key) -> None:
    assert key.help
    if key.path != "app.name":
        assert key.problem(key.default) is None


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("[aws]\nbootstrap = true\n", "aws.bootstrap", True),
        ("[scaling]\nutilization = 0.5\n", "scaling.utilization", 0.5),
        ('[network]\nsubnets = ["subnet-01234567"]\n', "network.subnets", ("subnet-01234567",)),
        ('[aws.tags]\nteam = "ml"\n', "aws.tags", {"team": "ml"}),
    ],
)
def test_a_key_takes_values_of_its_kind(folder: Path, text: str, path: str, value: object) -> None:
    assert load(folder, APP + text).values[path].value == value


@pytest.mark.parametrize(
    ("variable", "text", "path", "value"),
    [
        ("ODYSSEY_AWS_BOOTSTRAP", "true", "aws.bootstrap", True),
        ("ODYSSEY_AWS_BOOTSTRAP", "0", "aws.bootstrap", False),
        ("ODYSSEY_SCALING_UTILIZATION", "0.5", "scaling.utilization", 0.5),
        (
            "ODYSSEY_NETWORK_SUBNETS",
            "subnet-01234567, subnet-89abcdef",
            "network.subnets",
            ("subnet-01234567", "subnet-89abcdef"),
        ),
        ("ODYSSEY_AWS_TAGS", "team=ml,cost=1", "aws.tags", {"team": "ml", "cost": "1"}),
    ],
)
def test_a_variable_is_read_as_its_key_s_kind(
    folder: Path, variable: str, text: str, path: str, value: object
) -> None:
    assert load(folder, environ={variable: text}).values[path].value == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[aws]\nbootstrap = "yes"\n', 'aws.bootstrap: "yes": must be true or false'),
        (
            "[scaling]\nutilization = 7\n",
            "scaling.utilization: 7: must be a number from 0.1 to 0.9",
        ),
        ("[network]\nsubnets = [1]\n", "network.subnets: [1]: must be a list of texts"),
        ("[aws.tags]\nteam = 1\n", "aws.tags: {team = 1}: must be a table of texts"),
        (
            "[scaling]\nmax_capacity = -1\n",
            "scaling.max_capacity: -1: must be a whole number from 0",
        ),
    ],
)
def test_a_value_of_another_kind_is_refused(folder: Path, text: str, words: str) -> None:
    assert problems(folder, APP + text) == (f"odyssey.toml: {words}",)


def test_an_environment_s_name_can_be_a_part_of_a_stack_s(folder: Path) -> None:
    found = problems(folder, APP + "[env.Prod_1.server]\nworkers = 2\n")
    assert found[0].startswith("odyssey.toml: env.Prod_1: the name is not 1 to 16 lower-case")


def test_environments_come_in_the_order_of_the_file(folder: Path) -> None:
    load(folder, APP + "[env.prod.server]\nworkers = 2\n[env.dev.server]\nworkers = 1\n")
    assert config.environments(folder) == ("prod", "dev")


ONE, OTHER = (f"registry/iris@sha256:{digit * 64}" for digit in "12")


class TestRecordedArtifacts:
    def record(self, folder: Path, text: str) -> None:
        (folder / ".odyssey").mkdir(exist_ok=True)
        (folder / ".odyssey" / "artifacts.json").write_text(text)

    def test_they_are_defaults_below_the_file(self, folder: Path) -> None:
        # given
        kept = f'{{"image": "{ONE}", "model": "none"}}'
        self.record(folder, f'{{"version": 1, "artifacts": {kept}}}')
        # when
        settings = load(folder, APP + '[artifacts]\nmodel = "s3://models/m.tar.gz"\n')
        # then
        assert settings.artifacts == sections.Artifacts(ONE, "s3://models/m.tar.gz")
        assert settings.origin("artifacts.image") == ".odyssey/artifacts.json"
        assert settings.origin("artifacts.model") == "odyssey.toml [artifacts]"

    def test_an_environment_s_own_come_first(self, folder: Path) -> None:
        self.record(
            folder,
            f'{{"version": 1, "artifacts": {{"image": "{ONE}"}}, '
            f'"env": {{"prod": {{"image": "{OTHER}"}}}}}}',
        )
        text = APP + "[env.prod.server]\nworkers = 2\n"
        assert load(folder, text).artifacts.image == ONE
        assert load(folder, text, env="prod").artifacts.image == OTHER

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1, "artifacts": []}'])
    def test_a_file_that_odyssey_did_not_write_is_named(self, folder: Path, text: str) -> None:
        self.record(folder, text)
        assert problems(folder)[0].startswith(".odyssey/artifacts.json: not what odyssey wrote")

    def test_another_version_s_file_is_named(self, folder: Path) -> None:
        self.record(folder, '{"version": 2}')
        assert problems(folder) == (".odyssey/artifacts.json: version 2: this odyssey reads 1",)

    def test_a_value_that_is_no_text_is_named(self, folder: Path) -> None:
        self.record(folder, '{"version": 1, "artifacts": {"image": 1}}')
        assert problems(folder) == (".odyssey/artifacts.json: 1: must be text",)
