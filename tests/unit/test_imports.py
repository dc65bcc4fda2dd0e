"""Which module may import which: the light ones stay light, and a service is imported late."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import cdk_constructs
import odyssey

PACKAGE = Path(odyssey.__file__).parent
HEAVY = [
    "boto3",
    "botocore",
    "docker",
    "requests",
    "aws_cdk",
    "constructs",
    "jsii",
    "cookiecutter",
    "jinja2",
    "flask",
    "moto",
    "werkzeug",
    "importlib.metadata",
]
LIGHT = {
    "cli",
    "options",
    "config",
    "keys",
    "rules",
    "sections",
    "artifacts",
    "errors",
    "console",
    "consent",
    "names",
    "__init__",
    "__main__",
}
NO_CDK = {"aws_cdk", "docker", "cookiecutter"}
NO_SERVICE = NO_CDK | {"boto3", "botocore"}
NEVER = {
    "scaffold": {"boto3", "botocore", "aws_cdk", "docker"},
    "host": NO_SERVICE,
    "environment": NO_SERVICE,
    "client": NO_SERVICE | {"requests"},
    "playground.beside": NO_SERVICE | {"requests", "moto"},
    "playground.server": NO_SERVICE | {"requests", "moto"},
    **dict.fromkeys(
        (
            "trees",
            "archives",
            "profiles",
            "answers",
            "extraction",
            "hyperparameters",
            "instances",
            "variables",
        ),
        NO_SERVICE,
    ),
    **dict.fromkeys(
        (
            "foundation",
            "storage",
            "transfers",
            "uploads",
            "credentials",
            "ecr",
            "invocation",
            "shapes",
            "jobs.training",
            "jobs.transform",
            "jobs.following",
            "jobs.standing",
            "jobs.reading",
            "jobs.resuming",
            "jobs.stopping",
            "jobs.listing",
            "jobs.temporary",
            "serving",
            "async_requests",
            "runtime",
            "roles",
            "model_location",
            "given",
            "functions.data",
            "functions.deploying",
            "functions.image",
            "functions.invoking",
            "functions.looking",
            "functions.training",
            "diagnosis.service",
            "diagnosis.collecting",
        ),
        NO_CDK,
    ),
    **dict.fromkeys(
        ("images.run", "images.build", "images.push", "images.testing"),
        {"aws_cdk", "boto3", "botocore", "cookiecutter"},
    ),
    **dict.fromkeys(
        (
            "review.prices",
            "review.cost",
            "review.markdown",
            "review.mermaid",
            "review.drawing",
            "review.page",
            "review.comparison",
            "review.document",
            "review.permissions.changes",
            "review.revisions",
            "review.summary",
        ),
        NO_SERVICE,
    ),
    "diagnosis.recorded": NO_SERVICE,
    "diagnosis.verdict": NO_SERVICE,
    "doctor.service": {"aws_cdk", "cookiecutter"},
    "tour.table": NO_SERVICE | {"docker"},
    "review.service": NO_CDK,
    "aws": NO_CDK,
    "checks.judging": NO_CDK,
    "checks.service": {"aws_cdk", "boto3", "cookiecutter"},
    "cloudformation.templates": NO_SERVICE,
    "cloudformation.deployment": NO_CDK,
    "cloudformation.changesets": NO_CDK,
    "cloudformation.destruction": NO_CDK,
    "infra.toolkit": NO_SERVICE,
    "infra.synthesis": NO_SERVICE,
    "infra.assembly": NO_SERVICE,
    "infra.app": {"boto3", "botocore", "docker", "cookiecutter", "click", "subprocess", "time"},
}


def modules() -> dict[str, Path]:
    """Every module of the package by its name within it."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
        for path in sorted(PACKAGE.rglob("*.py"))
        if "app_template" not in path.parts
    }


def imports(tree: ast.AST, *, top: bool) -> set[str]:
    """The modules that a piece of code imports; `top` leaves out the bodies of functions."""
    found: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif not is_left_out(node, top=top):
            found |= imports(node, top=top)
    return found


def is_left_out(node: ast.AST, *, top: bool) -> bool:
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return top and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def reached(name: str, *, top: bool) -> set[str]:
    """What importing (or, without `top`, using) a module of ours brings in, names cut to ours."""
    ours = modules()
    seen: set[str] = set()
    todo = [name]
    outside: set[str] = set()
    while todo:
        here = todo.pop()
        if here in seen or here not in ours:
            continue
        seen.add(here)
        for imported in imports(ast.parse(ours[here].read_text()), top=top):
            if imported.split(".")[0] == "odyssey":
                todo.append(imported.removeprefix("odyssey").strip(".") or "__init__")
            else:
                outside.add(imported)
    return {f"odyssey.{module}" for module in seen} | outside


def is_light(name: str) -> bool:
    return name in LIGHT or name.startswith("commands")


def is_of_the_sandbox(name: str) -> bool:
    return name == "commands.sandbox" or name.split(".")[0] in ("sandbox", "tour")


@pytest.mark.parametrize("name", [name for name in modules() if is_light(name)])
def test_a_light_module_imports_the_standard_library_click_and_light_modules_only(
    name: str,
) -> None:
    for imported in reached(name, top=True):
        root, _, rest = imported.partition(".")
        if root == "odyssey":
            assert is_light(rest), f"{name} imports {imported} at the top"
        else:
            assert root == "click" or root in sys.stdlib_module_names, f"{name} imports {imported}"


@pytest.mark.parametrize("name", NEVER)
def test_a_service_stays_out_of_the_others_libraries(name: str) -> None:
    roots = {imported.split(".")[0] for imported in reached(name, top=False)}
    assert not roots & NEVER[name]


@pytest.mark.parametrize("name", [name for name in modules() if not is_of_the_sandbox(name)])
def test_only_its_commands_know_of_the_sandbox(name: str) -> None:
    direct = imports(ast.parse(modules()[name].read_text()), top=False)
    assert not any(imported.startswith("odyssey.sandbox") for imported in direct)


@pytest.mark.parametrize("name", [name for name in modules() if name.startswith("sandbox")])
def test_the_sandbox_knows_nothing_of_the_cdk(name: str) -> None:
    roots = {imported.split(".")[0] for imported in reached(name, top=False)}
    assert not roots & {"aws_cdk", "constructs", "jsii"}


@pytest.mark.parametrize("name", [name for name in modules() if not name.startswith("cli")])
def test_nothing_imports_the_command_line_but_its_entry(name: str) -> None:
    direct = imports(ast.parse(modules()[name].read_text()), top=False)
    outer = direct & {"odyssey.cli", "odyssey.cli.main"}
    assert not outer or name == "__main__"
    if not name.startswith("commands"):
        assert not any(imported.startswith("odyssey.commands") for imported in direct)


COMMANDS = [
    f"odyssey.{name}"
    for name in modules()
    if name.startswith("commands.") and "__init__" not in name
]
ASKED_OF_A_SANDBOX = [
    f"odyssey.sandbox.{name}"
    for name in ("launch", "records", "variables", "standing", "containment", "ui.service")
]


@pytest.mark.parametrize(
    "wanted",
    [["odyssey.cli", "odyssey.__main__", *COMMANDS], ASKED_OF_A_SANDBOX],
    ids=["commands", "sandbox"],
)
def test_the_command_line_and_every_command_load_nothing_heavy(wanted: list[str]) -> None:
    # given
    program = (
        f"import sys, {', '.join(wanted)}\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    # when
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    # then
    assert done.stdout.strip() == "[]"


def test_help_loads_no_command_and_no_settings() -> None:
    program = (
        "import sys\n"
        "from odyssey.cli import main\n"
        "main(['--help'])\n"
        "names = [name for name in sys.modules if name.startswith('odyssey.')]\n"
        "print(sorted(names), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = "['odyssey.cli', 'odyssey.console', 'odyssey.errors', 'odyssey.options']"
    assert done.stderr.strip() == loaded


def test_the_constructs_know_nothing_of_odyssey_nor_of_its_libraries() -> None:
    found = {
        imported.split(".")[0]
        for path in Path(cdk_constructs.__file__).parent.glob("*.py")
        for imported in imports(ast.parse(path.read_text()), top=False)
    }
    outside = {root for root in found if root not in sys.stdlib_module_names}
    assert outside == {"aws_cdk", "cdk_constructs", "constructs"}


def test_the_permissions_of_commands_are_plain_data() -> None:
    program = "import sys, cdk_constructs.permissions\nprint('aws_cdk' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_every_name_of_the_constructs_is_imported_when_it_is_used() -> None:
    for name in cdk_constructs.__all__:
        assert getattr(cdk_constructs, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        cdk_constructs.Nothing  # noqa: B018
