"""A cloud assembly read as data."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey.errors import OdysseyError, UsageError
from odyssey.infra import assembly
from odyssey.infra.assembly import Stack

NAMES = ["app-foundation", "app-endpoint"]


def stack(name: str, *needs: str) -> Stack:
    return Stack(name, name, Path(f"{name}.json"), dependencies=needs)


def write(folder: Path, artifacts: object) -> Path:
    document = {"version": "55.4.0", "artifacts": artifacts}
    (folder / "manifest.json").write_text(json.dumps(document))
    return folder


def test_a_stack_is_read_with_all_that_is_said_of_it(tmp_path: Path) -> None:
    # given
    template = {"Resources": {"Bucket1": {"Type": "AWS::S3::Bucket"}}}
    (tmp_path / "t.json").write_text(json.dumps(template))
    (tmp_path / "m.json").write_text(
        '{"/Shown/Store/Resource": [{"type": "aws:cdk:logicalId", "data": "Bucket1"}],'
        ' "/Shown": [{"type": "other", "data": 1}]}'
    )
    properties = {
        "stackName": "real",
        "templateFile": "t.json",
        "tags": {"a": "b"},
        "terminationProtection": True,
    }
    write(
        tmp_path,
        {
            "id": {
                "type": "aws:cloudformation:stack",
                "environment": "aws://123456789012/eu-west-1",
                "properties": properties,
                "additionalMetadataFile": "m.json",
                "displayName": "Shown",
                "dependencies": ["id.assets", "first"],
            },
            "first": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json"}},
            "id.assets": {"type": "cdk:asset-manifest"},
        },
    )
    # when
    whole = assembly.read(tmp_path)
    # then
    first, real = whole.stacks
    assert whole.schema == 55
    assert (first.name, first.account, first.region) == ("first", None, None)
    assert (real.name, real.display_name) == ("real", "Shown")
    assert (real.account, real.region) == ("123456789012", "eu-west-1")
    assert real.dependencies == ("first",)
    assert (real.tags, real.termination_protection) == ({"a": "b"}, True)
    assert real.paths == {"Bucket1": "Store"}
    assert real.resources == template["Resources"]


def test_metadata_within_the_manifest_is_read_too(tmp_path: Path) -> None:
    entry = [{"type": "aws:cdk:logicalId", "data": "B"}]
    write(tmp_path, {"s": {"type": "aws:cloudformation:stack", "metadata": {"/s/Store": entry}}})
    assert assembly.read(tmp_path).stacks[0].paths == {"B": "Store"}


def test_an_environment_that_is_not_known_is_that_of_the_credentials(tmp_path: Path) -> None:
    where = "aws://unknown-account/unknown-region"
    write(tmp_path, {"s": {"type": "aws:cloudformation:stack", "environment": where}})
    only = assembly.read(tmp_path).stacks[0]
    assert (only.account, only.region) == (None, None)


@pytest.mark.parametrize("content", [None, "{"])
def test_a_folder_without_an_assembly_is_an_error_with_a_way_out(
    tmp_path: Path, content: str | None
) -> None:
    if content:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(OdysseyError, match="manifest.json") as caught:
        assembly.read(tmp_path)
    assert caught.value.hint == "odyssey synth --fresh"


@given(st.permutations(["a", "b", "c", "d"]))
def test_each_stack_comes_after_those_it_needs(order: list[str]) -> None:
    needs = {"a": ("b", "c"), "b": ("d",), "c": ("d",), "d": ("elsewhere",)}
    names = [s.name for s in assembly.in_order(stack(name, *needs[name]) for name in order)]
    assert sorted(names) == ["a", "b", "c", "d"]
    for name in names:
        assert all(names.index(n) < names.index(name) for n in needs[name] if n in names)


@pytest.mark.parametrize(
    ("name", "env"),
    [
        ("app-endpoint", None),
        ("app-prod-endpoint", "prod"),
        ("app-prod-eu-endpoint", "prod-eu"),
        ("other-prod-endpoint", None),
        ("app-production-endpoint", None),
    ],
)
def test_a_stack_s_name_carries_its_environment(name: str, env: str | None) -> None:
    assert assembly.environment_of(name, "app", ["prod", "prod-eu"]) == env


def test_an_environment_has_its_own_stacks_only() -> None:
    both = assembly.Assembly(Path(), 55, (stack("app-endpoint"), stack("app-prod-endpoint")))
    base = assembly.stacks_of(both, "app", None, ["prod"])
    prod = assembly.stacks_of(both, "app", "prod", ["prod"])
    assert [s.name for s in base] == ["app-endpoint"]
    assert [s.name for s in prod] == ["app-prod-endpoint"]


def test_words_choose_stacks_in_the_order_of_deployment() -> None:
    stacks = [stack(name) for name in NAMES]
    assert assembly.choose(stacks, []) == tuple(stacks)
    assert assembly.choose(stacks, ["endpoint", "app-foundation"]) == tuple(stacks)
    assert assembly.choose(stacks, ["app-endpoint"]) == (stacks[1],)


def test_a_word_that_means_no_stack_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        assembly.named(["app-endpont"], NAMES)
    assert caught.value.message == (
        'no stack "app-endpont", did you mean app-endpoint?; there is: app-foundation, app-endpoint'
    )


def test_a_word_that_means_two_stacks_is_refused() -> None:
    with pytest.raises(UsageError, match='no stack "endpoint"'):
        assembly.named(["endpoint"], ["app-a-endpoint", "app-b-endpoint"])


def test_an_environment_without_stacks_is_refused() -> None:
    with pytest.raises(UsageError, match="no stack in this environment"):
        assembly.choose([], [])


def test_the_fingerprint_changes_with_a_template(tmp_path: Path) -> None:
    # given
    (tmp_path / "s.template.json").write_text("{}")
    write(tmp_path, {"s": {"type": "aws:cloudformation:stack"}})
    whole = assembly.read(tmp_path)
    before = whole.fingerprint()
    assert whole.fingerprint() == before
    # when
    (tmp_path / "s.template.json").write_text('{"Resources": {}}')
    # then
    assert whole.fingerprint() != before
