"""What all tests share: the template's rocket can be imported, and a baked app can be had."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

REPOSITORY = Path(__file__).resolve().parent.parent
TEMPLATE = REPOSITORY / "app_template" / "{{cookiecutter.app_name}}"
END_TO_END = REPOSITORY / "tests" / "e2e"
JOURNEYS = (
    "test_readme",
    "test_tour",
    "test_sandbox_life",
    "test_lambda_life",
    "test_deploy",
    "test_deploy_workflow",
    "test_sandbox_cdk",
    "test_cdk_app",
    "test_distribution",
    "test_sandbox_clients",
    "test_sagemaker_serve",
    "test_pages",
)
"""The long ones, in the order in which they begin: what comes last has nothing beside it."""
SPREAD = ("test_sandbox_life", "test_deploy", "test_pages")
"""Those of them whose tests need not follow each other in one process."""
ENGINE = (
    "test_contract_command",
    "test_docker",
    "test_docker_function",
    "test_push",
    "test_executors",
    "test_lambda_docker",
    "test_push_and_pull",
    "test_training_docker",
    "test_planted_secrets",
    "test_reachability",
)
"""What uses the Docker engine: one after the other, in one process, beside the rest."""
TIMED = ("test_contract", "test_fuzz", "test_reliability")
"""Those of the tests from end to end that measure time."""

# The baked rocket is the template's, file by file; tests/app_template compares them.
sys.path.insert(0, str(TEMPLATE))

# As in a terminal: what nohup or a shell's `&` has made this process ignore, the programs that the
# tests start would ignore too.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# What a test installs it uses once: byte code is made of what is imported, not of all the CDK.
os.environ["PIP_NO_COMPILE"] = "1"

settings.register_profile("odyssey", deadline=None, print_blob=True)
settings.load_profile("odyssey")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden templates anew")


class Grouped(LoadFileScheduling):
    """Sends a file's tests to one process, but for those that are better apart, or together."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if Path(file).stem in SPREAD:
            return nodeid
        return "engine" if Path(file).stem in ENGINE else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Grouped | None:
    return Grouped(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What measures time is alone; the long ones begin first."""
    for item in items:
        name = item.path.stem
        if END_TO_END in item.path.parents and name in TIMED:
            item.add_marker("alone")
        if name in JOURNEYS or name in ENGINE or END_TO_END in item.path.parents:
            item.add_marker(pytest.mark.timeout(1500 if name in JOURNEYS else 600))
        elif "base_image" in item.fixturenames:
            raise pytest.UsageError(f"{name} uses the Docker engine: add it to ENGINE")
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    order = (*JOURNEYS, *ENGINE)
    return order.index(item.path.stem) if item.path.stem in order else len(order)


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def baked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app as `odyssey init` leaves it; not to be changed."""
    from odyssey.scaffold import bake

    return bake("testapp", "sagemaker", tmp_path_factory.mktemp("baked"))


@pytest.fixture(scope="session")
def trained(baked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same app with its iris model; not to be changed."""
    app = tmp_path_factory.mktemp("trained") / "testapp"
    shutil.copytree(baked, app)
    environ = {**os.environ, "ROCKET_ML_ROOT": str(app)}
    subprocess.run([sys.executable, str(app / "rocket" / "train")], env=environ, check=True)
    return app


@pytest.fixture
def app(trained: Path, tmp_path: Path) -> Path:
    """A trained app of the test's own."""
    return Path(shutil.copytree(trained, tmp_path / "app"))


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The Docker engine; without one these tests fail in CI and are skipped elsewhere."""
    from odyssey.errors import MissingToolError
    from odyssey.images.engine import connect

    try:
        with connect() as client:
            yield client
    except MissingToolError as error:
        pytest.skip(error.message)


@pytest.fixture(scope="session")
def base_image(engine: docker.DockerClient) -> str:
    """A small Debian with Python, on which images are built."""
    from tests.e2e import bases

    return bases.find_or_make(engine)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: nothing may go untested in silence."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
