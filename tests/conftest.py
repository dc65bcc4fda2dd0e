"""What all tests share: the template's rocket can be imported, and a baked app can be had."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import docker
import pytest
from hypothesis import settings

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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What measures time is alone; the rest is beside each other, but for what uses the engine."""
    for item in items:
        if _is_of(item, TIMED):
            item.add_marker("alone")
        if END_TO_END in item.path.parents or "engine" in item.fixturenames:
            item.add_marker(pytest.mark.timeout(1500 if _is_of(item, JOURNEYS) else 600))
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=_turn)


def _is_of(item: pytest.Item, modules: Sequence[str]) -> bool:
    return END_TO_END in item.path.parents and item.path.stem in modules


def _group(item: pytest.Item) -> str:
    """Return the name that an item has in common with those that follow it in one process."""
    if _is_of(item, SPREAD):
        return item.nodeid
    if "engine" in item.fixturenames and not _is_of(item, JOURNEYS):
        return "engine"
    return str(item.path.relative_to(REPOSITORY))


def _turn(item: pytest.Item) -> int:
    if _is_of(item, JOURNEYS):
        return JOURNEYS.index(item.path.stem)
    return len(JOURNEYS) + (_group(item) != "engine")


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
