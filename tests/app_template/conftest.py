"""An app for each service, and an environment in which it is nobody's but the test's."""

from __future__ import annotations

from pathlib import Path

import pytest

SERVICES = ("sagemaker", "lambda", "sagemaker+lambda")


@pytest.fixture(scope="session", params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def each(service: str, baked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app for each service, as `odyssey init` leaves it; not to be changed."""
    from odyssey.scaffold import bake

    if service == "sagemaker":
        return baked
    return bake("testapp", service, tmp_path_factory.mktemp("each"))
