"""From settings to ``cdk.out``: what is done again, what is not, and what is said of mistakes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from odyssey import config, state
from odyssey.errors import ConfigError, SynthesisError
from odyssey.infra import assembly, toolkit
from odyssey.infra.synthesis import Synthesis, synthesize
from tests.functional.conftest import alive, until

APP = '[app]\nname = "iris"\n'
DIGEST = "sha256:" + "a1" * 32
ARTIFACTS = f"""
[artifacts]
image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@{DIGEST}"
model = "s3://iris-models/model/a.tar.gz"
"""


def make(folder: Path, text: str = APP, *, fresh: bool = False, **more: object) -> Synthesis:
    (folder / "odyssey.toml").write_text(text)
    settings = config.load(folder, environ={}, **more)  # type: ignore[arg-type]
    return synthesize(settings, fresh=fresh)


def template(made: Synthesis, stack: str) -> dict[str, dict[str, dict[str, object]]]:
    document: dict[str, dict[str, dict[str, object]]] = json.loads(
        (made.folder / f"{stack}.template.json").read_bytes()
    )
    return document


def stacks(made: Synthesis) -> list[str]:
    return sorted(
        path.name.removesuffix(".template.json") for path in made.folder.glob("*.template.json")
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class TestTheCache:
    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return tmp_path_factory.mktemp("app")

    @pytest.fixture(autouse=True)
    def made(self, folder: Path) -> None:
        """An assembly that fits what is there."""
        make(folder)
        assert make(folder).cached

    def test_unchanged_inputs_are_not_synthesized_again(self, folder: Path) -> None:
        before = contents(folder / "cdk.out")
        assert make(folder).cached
        assert contents(folder / "cdk.out") == before

    def test_doing_it_again_all_the_same_gives_the_same_bytes(self, folder: Path) -> None:
        before = contents(folder / "cdk.out")
        assert not make(folder, fresh=True).cached
        assert contents(folder / "cdk.out") == before

    def test_a_setting(self, folder: Path) -> None:
        made = make(folder, APP + '[foundation]\nremoval = "destroy"\n')
        assert not made.cached

    def test_an_option(self, folder: Path) -> None:
        assert not make(folder, flags={"foundation.removal": "destroy"}).cached

    def test_what_a_command_recorded(self, folder: Path) -> None:
        record = folder / ".odyssey" / "artifacts.json"
        record.write_text('{"version": 1, "artifacts": {"model": "none"}}')
        assert not make(folder).cached
        record.unlink()

    def test_the_cdk_s_own_file(self, folder: Path) -> None:
        (folder / "cdk.json").write_text('{"pathMetadata": false}')
        assert not make(folder).cached
        (folder / "cdk.json").unlink()

    def test_a_variable(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ODYSSEY_FOUNDATION_REPOSITORY", "ours")
        assert not make(folder).cached

    def test_an_override_and_what_it_reads(self, folder: Path) -> None:
        # given
        (folder / "company.py").write_text("TAG = 'one'\n")
        (folder / "overrides.py").write_text(
            "import aws_cdk, company\n"
            "def override(stacks):\n"
            "    aws_cdk.Tags.of(stacks.foundation).add('company', company.TAG)\n"
        )
        assert not make(folder).cached
        assert make(folder).cached
        # when
        (folder / "company.py").write_text("TAG = 'another'\n")
        made = make(folder)
        # then
        assert not made.cached
        assert '"another"' in json.dumps(template(made, "iris-foundation"))
        (folder / "overrides.py").unlink()

    def test_an_assembly_that_somebody_touched(self, folder: Path) -> None:
        whole = contents(folder / "cdk.out")
        (folder / "cdk.out" / "iris-foundation.template.json").write_text("{}")
        assert not make(folder).cached
        assert contents(folder / "cdk.out") == whole

    def test_an_assembly_that_is_gone(self, folder: Path) -> None:
        for path in (folder / "cdk.out").iterdir():
            path.unlink()
        assert not make(folder).cached

    def test_a_record_that_is_no_record(self, folder: Path) -> None:
        (folder / ".odyssey" / "synthesis.json").write_text("half a docu")
        assert not make(folder).cached


def test_without_an_image_and_a_model_there_is_only_the_foundation(tmp_path: Path) -> None:
    made = make(tmp_path)
    assert stacks(made) == ["iris-foundation"]
    assert any("no image is recorded and no model is recorded" in note for note in made.notes)


def test_with_an_image_alone_a_function_trains_and_none_serves(tmp_path: Path) -> None:
    # given
    app = '[app]\nname = "iris"\nservice = "sagemaker+lambda"\n'
    image = ARTIFACTS.partition("model = ")[0]
    # when
    made = make(tmp_path, f"{app}{image}[function]\ntrain_name = 'own'\n")
    # then
    assert stacks(made) == ["iris-foundation", "iris-function"]
    outputs = template(made, "iris-function")["Outputs"]
    assert list(outputs) == ["TrainFunctionArn"]
    functions = [
        each["Properties"]["FunctionName"]  # type: ignore[index]
        for each in template(made, "iris-function")["Resources"].values()
        if each["Type"] == "AWS::Lambda::Function"
    ]
    assert functions == ["own"]
    assert "TrainingRoleArn" in template(made, "iris-foundation")["Outputs"]


def test_the_library_writes_the_schema_that_it_is_known_to_write(tmp_path: Path) -> None:
    assert assembly.read(make(tmp_path).folder).schema == toolkit.library_schema()


def test_each_environment_has_stacks_of_its_own(tmp_path: Path) -> None:
    # given
    prod = "[env.prod.endpoint]\ninstance_count = 3\n"
    # when
    made = make(tmp_path, APP + ARTIFACTS + prod)
    # then
    assert stacks(made) == [
        "iris-endpoint",
        "iris-foundation",
        "iris-prod-endpoint",
        "iris-prod-foundation",
    ]
    counts = {}
    for stack in ("iris-endpoint", "iris-prod-endpoint"):
        resources = template(made, stack)["Resources"].values()
        config_ = next(r for r in resources if r["Type"] == "AWS::SageMaker::EndpointConfig")
        variant = config_["Properties"]["ProductionVariants"][0]  # type: ignore[index]
        counts[stack] = variant["InitialInstanceCount"]
    assert counts == {"iris-endpoint": 1, "iris-prod-endpoint": 3}


def test_an_option_counts_for_the_chosen_environment_alone(tmp_path: Path) -> None:
    text = APP + ARTIFACTS + "[env.prod.endpoint]\ninstance_count = 3\n"
    made = make(tmp_path, text, env="prod", flags={"endpoint.instance_count": 5})
    counts = [
        variant["InitialInstanceCount"]
        for stack in ("iris-endpoint", "iris-prod-endpoint")
        for resource in template(made, stack)["Resources"].values()
        if resource["Type"] == "AWS::SageMaker::EndpointConfig"
        for variant in resource["Properties"]["ProductionVariants"]  # type: ignore[index]
    ]
    assert counts == [1, 5]


def test_a_setting_that_a_construct_refuses_leaves_the_last_assembly(tmp_path: Path) -> None:
    # given
    make(tmp_path)
    before = contents(tmp_path / "cdk.out")
    # when
    with pytest.raises(ConfigError) as caught:
        make(
            tmp_path,
            APP + ARTIFACTS + '[endpoint]\ninstance_type = "ml.t2.large"\n'
            "[env.prod.scaling]\nmax_capacity = 2\n",
        )
    # then
    assert caught.value.message.startswith("odyssey.toml [env.prod]: ")
    assert "ml.t2.large" in caught.value.message
    assert contents(tmp_path / "cdk.out") == before


def test_two_do_not_synthesize_an_app_at_once(tmp_path: Path) -> None:
    with state.locked(state.folder(tmp_path) / "synthesis.lock") as ours:
        assert ours
        with pytest.raises(SynthesisError, match="another odyssey synthesizes this app"):
            make(tmp_path)
    assert not make(tmp_path).cached


def test_what_fails_leaves_nothing_half_made(tmp_path: Path) -> None:
    (tmp_path / "overrides.py").write_text("def override(stacks):\n    raise SystemExit(3)\n")
    with pytest.raises(SynthesisError):
        make(tmp_path)
    assert not (tmp_path / "cdk.out").exists()


def test_an_override_that_fails_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "overrides.py").write_text("def override(stacks):\n    stacks.nothing.here()\n")
    with pytest.raises(ConfigError) as caught:
        make(tmp_path)
    assert caught.value.message.startswith("overrides.py, line 2: AttributeError: ")


def test_an_override_without_the_function_is_named(tmp_path: Path) -> None:
    (tmp_path / "overrides.py").write_text("")
    with pytest.raises(ConfigError, match=r"overrides.py: has no function override\(stacks\)"):
        make(tmp_path)


PLAIN_APP = """
import aws_cdk as cdk
app = cdk.App()
stack = cdk.Stack(app, "iris-own", synthesizer=cdk.BootstraplessSynthesizer())
cdk.CfnOutput(stack, "Out", value="x")
cdk.Annotations.of(stack).add_warning("mind the gap")
if app.node.try_get_context("fail"):
    raise RuntimeError("no way")
app.synth()
"""


class TestAnotherCdkApp:
    """What its owner has put into ``cdk.json`` is what is synthesized, by the CDK's own program."""

    @pytest.fixture
    def app(self, tmp_path: Path) -> Path:
        (tmp_path / "app.py").write_text(PLAIN_APP)
        (tmp_path / "cdk.json").write_text('{"app": "python app.py"}')
        return tmp_path

    def test_its_stacks_are_made_each_time(self, app: Path) -> None:
        assert stacks(make(app)) == ["iris-own"]
        assert not make(app).cached

    def test_it_may_fail(self, app: Path) -> None:
        (app / "cdk.json").write_text('{"app": "python app.py", "context": {"fail": true}}')
        with pytest.raises(SynthesisError) as caught:
            make(app)
        assert "RuntimeError: no way" in caught.value.message
        assert (app / ".odyssey" / "synthesis.log").is_file()

    def test_what_constructs_warn_of_is_in_the_assembly(self, app: Path) -> None:
        (stack,) = assembly.read(make(app).folder).stacks
        assert stack.warnings == ("iris-own: mind the gap",)
        assert stack.errors == ()


def leftovers(app: Path) -> list[str]:
    """What lies in odyssey's own folder and is neither its record nor a lock."""
    kept = {"synthesis.json", "synthesis.lock", ".gitignore"}
    return sorted(path.name for path in (app / ".odyssey").iterdir() if path.name not in kept)


def test_a_folder_that_cannot_be_written_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    # given: a folder in the place of the record
    (state.folder(tmp_path) / "synthesis.json" / "x").mkdir(parents=True)
    # when
    with pytest.raises(SynthesisError) as caught:
        make(tmp_path)
    # then
    assert "synthesis.new cannot be written: Is a directory" in caught.value.message
    assert leftovers(tmp_path) == []


def endless(app: Path) -> subprocess.Popen[str]:
    """A synthesis that never ends; the process of the CDK app is in the file `there`."""
    (app / "overrides.py").write_text(
        "import pathlib, time\n"
        "def override(stacks):\n"
        "    pathlib.Path('there').write_text(str(__import__('os').getpid()))\n"
        "    time.sleep(60)\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-m", "odyssey", "synth"],
        cwd=app,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: (app / "there").exists() and (app / "there").read_text())
    return running


def test_the_cdk_app_does_not_outlive_a_synthesis_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "odyssey.toml").write_text(APP)
    with endless(tmp_path) as running:
        running.kill()
        until(lambda: not alive(int((tmp_path / "there").read_text())))


def test_an_interrupt_leaves_the_last_assembly_and_nothing_else(tmp_path: Path) -> None:
    # given
    make(tmp_path)
    before = contents(tmp_path / "cdk.out")
    running = endless(tmp_path)
    # when
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    # then
    assert (running.returncode, said.splitlines()[-1]) == (130, "Error: interrupted")
    until(lambda: not alive(int((tmp_path / "there").read_text())))
    assert contents(tmp_path / "cdk.out") == before
    assert leftovers(tmp_path) == []
