"""Names and values of strangers stay what they are, or are refused: none becomes code or syntax.

What a review's pages make of them is in tests/review/test_hostile.py.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odyssey import config, names
from odyssey.errors import ConfigError, OdysseyError
from odyssey.infra.synthesis import synthesize
from odyssey.scaffold import bake

DIGEST = "sha256:" + "a1" * 32
NASTY = (
    "${AWS::AccountId}",
    "${!Literal}",
    '{"Fn::Sub": "${AWS::Region}"}',
    "{{ cookiecutter.app_name }}",
    "{% raw %}{{ 7 * 7 }}",
    "$(touch /tmp/it); `id` && rm -rf ~ | cat > x",
    "-rf",
    "--help",
    "../../etc/passwd",
    "line\nbreak\r\n\ttab",
    "quote \" and ' and \\",
    "]]>-->*/ # ; --",
    "%s%n{0}{x!r}",
    "</script><script>alert(1)</script>",
    "\x1b[2J\u202e\u2028é😀",
    "!Ref Secret",
    "null",
    "1e3",
)
TEXTS = st.one_of(
    st.sampled_from(NASTY), st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
)


def written(value: str) -> str:
    """Return a text as TOML has it: JSON's strings are TOML's, but for what no file can hold."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


@settings(max_examples=200)
@given(name=TEXTS)
def test_a_name_of_an_app_is_of_harmless_letters_or_refused(name: str) -> None:
    if names.problem(name) is None:
        assert re.fullmatch(r"[a-z][a-z0-9-]{0,29}[a-z0-9]", name)
        return
    with pytest.raises(OdysseyError) as caught:
        names.check(name)
    assert caught.value.message.isprintable()


@settings(max_examples=100)
@given(name=TEXTS, tag=TEXTS)
def test_a_tag_and_the_name_of_an_environment_are_of_harmless_letters_or_refused(
    name: str, tag: str
) -> None:
    with TemporaryDirectory() as made:
        # given
        folder = Path(made)
        text = (
            f'[app]\nname = "it"\n[aws.tags]\n{written(tag)} = {written(tag)}\n'
            f"[env.{written(name)}.server]\nthreads = 2\n"
        )
        (folder / "odyssey.toml").write_text(text, encoding="utf-8")
        # when
        try:
            found = config.load(folder, env=name, environ={})
        except ConfigError:
            return
        # then
        assert re.fullmatch(r"[a-z][a-z0-9-]*", name)
        assert all(re.fullmatch(r"[\w .:/=+@-]+", word) for word in found.aws.tags)


def test_what_a_variable_says_is_in_the_template_letter_by_letter(tmp_path: Path) -> None:
    # given
    variables = {f"V{number}": value for number, value in enumerate(NASTY)}
    lines = "".join(f"{name} = {written(value)}\n" for name, value in variables.items())
    (tmp_path / "odyssey.toml").write_text(
        f'[app]\nname = "it"\nservice = "sagemaker+lambda"\n'
        '[aws.tags]\nteam = "-rf /"\n'
        f'[artifacts]\nimage = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/it@{DIGEST}"\n'
        'model = "s3://iris-models/model/a.tar.gz"\n'
        f"[endpoint.environment]\n{lines}[function.environment]\n{lines}"
    )
    # when
    made = synthesize(config.load(tmp_path, environ={}), fresh=True)
    # then
    resources = [
        (resource["Type"], resource.get("Properties", {}))
        for path in made.folder.glob("*.template.json")
        for resource in json.loads(path.read_text())["Resources"].values()
    ]
    said = [p["PrimaryContainer"]["Environment"] for t, p in resources if t.endswith("::Model")]
    said += [p["Environment"]["Variables"] for t, p in resources if t.endswith("Lambda::Function")]
    assert len(said) >= 2
    for environment in said:
        assert {name: environment.get(name) for name in variables} == variables


@pytest.mark.parametrize("section", ["endpoint", "function"])
@pytest.mark.parametrize("value", ["${Token[AWS.AccountId.0]}", "#{Token[TOKEN.7]}"])
def test_what_looks_like_a_mark_of_the_cdk_s_is_refused(
    tmp_path: Path, section: str, value: str
) -> None:
    text = f'[app]\nname = "it"\n[{section}.environment]\nVALUE = "{value}"\n'
    (tmp_path / "odyssey.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"the CDK's own mark, \"\{Token\[\": VALUE") as caught:
        config.load(tmp_path, environ={})
    assert value not in str(caught.value)


@pytest.mark.parametrize("mark", ["{{", "{%", "{#"])
def test_a_folder_whose_name_is_code_to_the_template_engine_is_refused(
    tmp_path: Path, mark: str
) -> None:
    with pytest.raises(OdysseyError, match="is code to the template engine"):
        bake("it", "sagemaker", tmp_path / f"{mark} cookiecutter")
    assert list(tmp_path.iterdir()) == []
