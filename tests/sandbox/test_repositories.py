"""What of ECR's repositories outlives the sandbox."""

from __future__ import annotations

import pytest

from odyssey.sandbox.iam.identities import ROOT
from tests.sandbox.conftest import Start
from tests.sandbox.registry_client import Client

REGION = "eu-west-1"


@pytest.mark.parametrize("keep", [True, False])
def test_what_is_kept_of_a_registry_is_what_the_state_knows(start: Start, keep: bool) -> None:
    # given
    before = start(keep=keep)
    before.clients.client("ecr", REGION).create_repository(repositoryName="iris")
    registry = Client(before, before.passwords.give(ROOT, REGION).text)
    registry.push("iris", "one", b"weights")
    registry.begin("iris")
    # when
    before.stop()
    registry.sandbox = start(keep=keep)
    # then
    folder = registry.sandbox.settings.folder / "registry"
    assert len([path for path in folder.rglob("*") if path.is_file()]) == (3 if keep else 0)
    assert registry.ask("GET", "/v2/iris/manifests/one").ok is keep
