"""Secrets that lie about, where people have them, come into nothing that Odyssey makes or says."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from odyssey import config
from odyssey.errors import ConfigError, ImageError
from odyssey.images.build import build
from tests.e2e.sandboxes import Done, World

TOKEN = "PlantedQ7x"
"""What each secret begins with, and nothing else has."""

SETTING = f"{TOKEN}Setting0123456789abcdef"
"""The one that its user has written into the settings, and so into the template."""
TOO_LONG = SETTING * 30
RECORDED = f"""
[artifacts]
image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/testapp@sha256:{"a1" * 32}"
model = "s3://planted/models/model.tar.gz"
"""


def secret(name: str) -> str:
    return f"{TOKEN}{name}0123456789abcdef"


VARIABLES = {
    "GITHUB_TOKEN": f"ghp_{secret('Github')}",
    "HF_TOKEN": f"hf_{secret('HuggingFace')}",
    "DATABASE_URL": f"postgres://me:{secret('Database')}@db.example.com/x",
    "PIP_INDEX_URL": f"https://me:{secret('PipVariable')}@pypi.example.com/simple",
}
AWS = {
    "AWS_ACCESS_KEY_ID": f"AKIA{secret('KeyId')}",
    "AWS_SECRET_ACCESS_KEY": secret("Key"),
    "AWS_SESSION_TOKEN": secret("Session"),
}
NOTEBOOK = {"cells": [{"source": [f"openai.api_key = 'sk-{secret('Notebook')}'"]}]}
FILES = {
    ".env": f"TOKEN={secret('DotEnv')}\n",
    ".env.production": f"TOKEN={secret('DotEnvProduction')}\n",
    "explore.ipynb": json.dumps(NOTEBOOK),
    "notebooks/more.ipynb": json.dumps(NOTEBOOK),
    ".aws/credentials": f"[default]\naws_secret_access_key = {secret('AwsFile')}\n",
    "pip.conf": f"[global]\nindex-url = https://me:{secret('PipFile')}@pypi.example.com/simple\n",
    ".git-credentials": f"https://me:{secret('GitFile')}@github.com\n",
    ".streamlit/secrets.toml": f'key = "{secret("Streamlit")}"\n',
    "deploy.pem": f"-----BEGIN PRIVATE KEY-----\n{secret('Pem')}\n",
    "id_rsa": secret("Rsa"),
    "vendored/.git/config": f"url = https://me:{secret('NestedGit')}@github.com/me/it\n",
    ".git/more": f"url = https://me:{secret('Git')}@github.com/me/it\n",
}
LOGIN = base64.b64encode(f"me:{secret('H4')}".encode()).decode()
HOME = {
    ".aws/credentials": f"[default]\naws_access_key_id = A\naws_secret_access_key = {secret('H1')}",
    ".netrc": f"machine pypi.example.com login me password {secret('H2')}\n",
    ".config/pip/pip.conf": f"[global]\nextra-index-url = https://me:{secret('H3')}@example.com/\n",
    ".docker/config.json": json.dumps({"auths": {"example.com": {"auth": LOGIN}}}),
}


def leading_to(home: Path) -> dict[str, str]:
    """Return the variables by which tools find those files, HOME being full of caches."""
    return {
        "AWS_SHARED_CREDENTIALS_FILE": str(home / ".aws/credentials"),
        "NETRC": str(home / ".netrc"),
        "PIP_CONFIG_FILE": str(home / ".config/pip/pip.conf"),
        "DOCKER_CONFIG": str(home / ".docker"),
    }


def plant(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def needles() -> list[bytes]:
    """Return how the beginning of a secret may be written: as it is, or somewhere in base64."""
    word = TOKEN.encode()
    shifted = (base64.b64encode(b" " * before + word) for before in range(3))
    inside = (text[-(-n * 8 // 6) : (n + len(word)) * 8 // 6] for n, text in enumerate(shifted))
    return [word, *inside]


def holds(data: bytes) -> bool:
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    return any(needle in data for needle in needles())


def found_below(*folders: Path, but: frozenset[str] = frozenset()) -> set[str]:
    """Return the files with a secret in them, other than those where it was planted."""
    return {
        str(path.relative_to(folder))
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and holds(path.read_bytes())
        if str(path.relative_to(folder)) not in but
    }


@dataclass
class Journey:
    """An app in which secrets lie about, and what commands said in it."""

    world: World
    home: Path
    said: dict[str, str]

    def type(self, line: str, code: int = 0, **variables: str) -> Done:
        lent = {**VARIABLES, **leading_to(self.home), **self.world.variables, **variables}
        done = self.world.run(*line.split(), **lent)
        assert done.code == code, f"{line}: {done.code}\n{done.out[-3000:]}\n{done.err[-3000:]}"
        self.said[line] = done.out + done.err
        return done


@pytest.fixture(scope="module")
def journey(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    place = tmp_path_factory.mktemp("planted")
    app = Path(shutil.copytree(trained, place / "app"))
    before = Path(shutil.copytree(app, place / "before"))
    setting = f'environment = {{ API_TOKEN = "{SETTING}", LONG_TOKEN = "{TOO_LONG}" }}\n'
    base = (app / "odyssey.toml").read_text() + RECORDED
    text = f"{base}[training]\n{setting}[endpoint]\n{setting}"
    (before / "odyssey.toml").write_text(base)
    (app / "odyssey.toml").write_text(text)
    plant(app, FILES)
    plant(place / "home", HOME)
    world = World(app, place / "state", ("--executor", "process", "--state", str(place / "kept")))
    journey = Journey(world, place / "home", {})
    # when
    journey.type("synth", **AWS)
    journey.type("check --output sarif", 3, **AWS)
    journey.type("review --base ../before", **AWS)
    journey.type("--debug sagemaker train --dry-run --channel nothing", 2, **AWS)
    with world:
        role = prepare(world)
        words = f"sagemaker -r {role} train -i input/data/training -m s3://planted/models"
        journey.type(f"{words} --output json", 2)
        (app / "odyssey.toml").write_text(text.replace(TOO_LONG, SETTING))
        journey.type(words)
        (app / "train.py").write_text("def train(*words):\n    raise RuntimeError('no luck')\n")
        journey.type(f"{words} --output json", 1)
        journey.type("why --save why.json")
        journey.type("sagemaker logs")
        yield journey


def prepare(world: World) -> str:
    """Make what a training needs, without a stack, and return the role's ARN."""
    world.client("s3").create_bucket(
        Bucket="planted", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    may = {"Effect": "Allow", "Action": ["s3:*", "ecr:*", "logs:*"], "Resource": "*"}
    iam = world.client("iam")
    made = iam.create_role(
        RoleName="trainer",
        AssumeRolePolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
        ),
    )
    iam.put_role_policy(
        RoleName="trainer",
        PolicyName="all",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [may]}),
    )
    arn: str = made["Role"]["Arn"]
    return arn


def test_no_command_says_one(journey: Journey) -> None:
    assert {line for line, text in journey.said.items() if holds(text.encode())} == set()


def test_only_the_assembly_has_the_one_that_is_set_and_nothing_has_another(
    journey: Journey,
) -> None:
    # given all that was written, but for what was planted
    place = journey.world.app.parent
    folders = [each for each in place.iterdir() if each.name != "home"]
    # then
    found = found_below(*folders, but=frozenset(FILES))
    # What AWS was told, AWS knows: here the sandbox's, which is kept in one file.
    made = {"cdk.out/testapp-endpoint.template.json", "cdk.out/tree.json"}
    assert found == {"odyssey.toml", *made, "state"}
    kept = b"".join((place / "kept" / "state").read_bytes().split(SETTING.encode()))
    assert not holds(kept)


def test_no_layer_of_an_image_and_no_line_of_its_build_has_one(
    baked: Path, tmp_path: Path, engine: docker.DockerClient, base_image: str
) -> None:
    # given: an app as init makes it, but for its requirements, of which none has to be installed
    app = Path(shutil.copytree(baked, tmp_path / "app"))
    (app / "requirements.txt").write_text("")
    plant(app, FILES)
    plant(tmp_path / "home", HOME)
    world = World(app, tmp_path / "state")
    build = ("docker", "-n", "planted", "build", "--base", base_image)
    # when: the build is told the index
    try:
        done = world.run(
            *build,
            **VARIABLES,
            **AWS,
            **leading_to(tmp_path / "home"),
            ODYSSEY_DOCKER_BUILD_ARGS=f"PIP_INDEX_URL={VARIABLES['PIP_INDEX_URL']}",
        )
        assert done.code == 0, done.err
        layers = dict(exported(engine, "planted", but=base_image))
        history = json.dumps(engine.api.history("planted"))
    finally:
        for image in engine.images.list("planted"):
            engine.images.remove(image.id, force=True)
    # then
    assert "opt/program/serve.py" in layers
    assert "opt/program/requirements.txt" in layers
    assert [name for name, content in layers.items() if holds(content)] == []
    assert not holds((history + done.out + done.err).encode())
    assert found_below(app, tmp_path / "state", but=frozenset(FILES)) == set()


def exported(engine: docker.DockerClient, image: str, but: str) -> Iterator[tuple[str, bytes]]:
    """Yield all files of the layers that an image has and its base has not, and its own texts."""
    known = set(engine.api.inspect_image(but)["RootFS"]["Layers"])
    whole = io.BytesIO(b"".join(engine.api.get_image(image)))
    with tarfile.open(fileobj=whole) as outer:
        members = {member.name: member for member in outer if member.isfile()}
        (manifest,) = json.load(outer.extractfile("manifest.json") or whole)
        yield manifest["Config"], (outer.extractfile(manifest["Config"]) or whole).read()
        layers = json.load(outer.extractfile(manifest["Config"]) or whole)["rootfs"]["diff_ids"]
        for digest, name in zip(layers, manifest["Layers"], strict=True):
            if digest in known:
                continue
            with tarfile.open(fileobj=outer.extractfile(members[name])) as layer:
                for member in layer:
                    found = layer.extractfile(member) if member.isfile() else None
                    yield member.name, found.read() if found else b""


@pytest.mark.parametrize(
    ("line", "is_refused"),
    [
        (f"--index-url https://me:{TOKEN}@pypi.example.com/simple", True),
        (f"--extra-index-url=https://:{TOKEN}@pypi.example.com/simple", True),
        (f"it @ git+https://me:{TOKEN}@github.com/me/it", True),
        ("--index-url https://me:${TOKEN}@pypi.example.com/simple", False),
        ("--index-url https://pypi.example.com:8080/simple", False),
        ("it @ git+ssh://git@github.com/me/it", False),
    ],
)
def test_a_password_in_the_requirements_is_built_into_no_image(
    tmp_path: Path, line: str, is_refused: bool
) -> None:
    # given an engine that nobody gets to ask
    (tmp_path / "odyssey.toml").write_text('[app]\nname = "it"\n')
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "requirements.txt").write_text(f"# Ours:\n{line}\n")
    nowhere = docker.DockerClient("tcp://127.0.0.1:9", version="1.44")
    # when
    with contextlib.closing(nowhere), pytest.raises(ImageError) as caught:
        build(nowhere, config.load(tmp_path, environ={}), "it")
    # then
    assert ("line 2 has a password" in caught.value.message) == is_refused
    assert TOKEN not in f"{caught.value.message}{caught.value.hint}"


def test_a_setting_that_is_none_is_refused_without_its_value(tmp_path: Path) -> None:
    (tmp_path / "odyssey.toml").write_text(
        f'[app]\nname = "it"\n[docker]\nbuild_args = "{TOKEN}"\n'
        f'[training]\nenvironment = {{ A = "{TOKEN}", B = 1 }}\n'
    )
    given = {"ODYSSEY_FUNCTION_ENVIRONMENT": TOKEN}
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path, environ=given)
    assert str(caught.value).count("must be a table of texts") == 3
    assert TOKEN not in str(caught.value)
