"""The CDK apps, as a platform engineer runs them: with the CDK's own program, without odyssey's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from odyssey import config
from odyssey.infra import toolkit
from odyssey.infra.synthesis import synthesize


def cdk(folder: Path, *words: str) -> str:
    """Run the CDK's command line in a folder and return what it printed."""
    program = toolkit.find(folder, schema=0, path="")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ODYSSEY_")}
    environ = toolkit.environment(clean)
    # `python` of cdk.json is the one of an activated virtual environment.
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    argv = [str(program.node), str(program.package / "bin" / "cdk"), *words, "--no-notices"]
    done = subprocess.run(
        argv, cwd=folder, env=environ, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def templates(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.template.json"))}


@pytest.mark.parametrize("place", ["a baked app", "the repository's root"])
def test_a_plain_cdk_synth_gives_the_wrapper_s_bytes(
    place: str, baked: Path, repository: Path, tmp_path: Path
) -> None:
    # given
    if place == "a baked app":
        app = home = tmp_path / "app"
        shutil.copytree(baked, app)
        with (app / "odyssey.toml").open("a") as file:
            file.write(
                '\n[artifacts]\nmodel = "none"\n'
                'image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/'
                f'testapp@sha256:{"0" * 64}"\n'
            )
    else:
        # As in a checkout, without writing into this one.
        home, app = tmp_path, tmp_path / "examples" / "iris"
        shutil.copy(repository / "cdk.json", home)
        shutil.copytree(repository / "examples" / "iris", app)
    # when
    cdk(home, "synth", "--quiet", "--output", str(tmp_path / "plain"))
    wrapped = synthesize(config.load(app, environ={}))
    # then
    plain = templates(tmp_path / "plain")
    assert any(name.endswith("-endpoint.template.json") for name in plain)
    assert plain == templates(wrapped.folder)


def test_a_baked_app_lists_its_foundation(baked: Path, tmp_path: Path) -> None:
    app = tmp_path / "app"
    shutil.copytree(baked, app)
    assert cdk(app, "ls").split() == ["testapp-foundation"]


def test_with_the_bootstrapped_mode_the_stacks_use_the_bootstrap(
    baked: Path, tmp_path: Path
) -> None:
    app = tmp_path / "app"
    shutil.copytree(baked, app)
    with (app / "odyssey.toml").open("a") as file:
        file.write('\n[aws]\nbootstrap = true\nqualifier = "ours"\n')
    made = synthesize(config.load(app, environ={}))
    manifest = (made.folder / "manifest.json").read_text()
    assert "cdk-ours-deploy-role" in manifest
    plain = tmp_path / "plain"
    cdk(app, "synth", "--quiet", "--output", str(plain))
    assert templates(plain) == templates(made.folder)


def test_an_existing_app_with_a_stage_and_the_default_synthesizer_takes_the_constructs(
    repository: Path, tmp_path: Path
) -> None:
    # given
    app = tmp_path / "existing"
    shutil.copytree(repository / "examples" / "existing_cdk_app", app)
    # when
    cdk(app, "synth", "--quiet", "Production/*", "-c", f"digest=sha256:{'5' * 64}")
    # then
    (stage,) = (app / "cdk.out").glob("assembly-*")
    kinds = "".join(text.decode() for text in templates(stage).values())
    for kind in ("AWS::SageMaker::Endpoint", "AWS::ApplicationAutoScaling::ScalableTarget"):
        assert f'"{kind}"' in kinds


def test_an_existing_app_is_deployed_with_its_own_synthesizer(
    repository: Path, moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: a bootstrapped account, and an app that odyssey has no part in
    app = tmp_path / "existing"
    shutil.copytree(repository / "examples" / "existing_cdk_app", app)
    account = {
        "AWS_ENDPOINT_URL": moto,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in account.items():
        monkeypatch.setenv(name, value)
    pushed = ("-c", f"digest=sha256:{'5' * 64}")
    cdk(app, "bootstrap", "aws://123456789012/eu-west-1", *pushed)
    # when
    deploy = ("deploy", "Production/*", "--method", "direct", "--require-approval", "never")
    cdk(app, *deploy, *pushed)
    # then
    sagemaker = boto3.client("sagemaker", endpoint_url=moto, region_name="eu-west-1")
    (endpoint,) = sagemaker.list_endpoints()["Endpoints"]
    assert endpoint["EndpointStatus"] == "InService"
    differences = cdk(app, "diff", "Production/*", "--method", "template", "--fail", *pushed)
    assert "[~]" not in differences
    cdk(app, "destroy", "Production/*", "--force", *pushed)
    assert sagemaker.list_endpoints()["Endpoints"] == []
