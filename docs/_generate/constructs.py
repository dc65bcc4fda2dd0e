"""The reference of the constructs, of their docstrings and signatures, which are read, not run."""

from __future__ import annotations

import re
from ast import literal_eval
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import griffe

from _generate.markdown import (
    CONSTRUCTS,
    code,
    construct_anchor,
    definitions,
    fence,
    heading,
    link,
    page,
    prose,
    table,
    toctree,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUPS = {
    "pattern": ("The pattern", ["ModelEndpoint", "EndpointAlarms"]),
    "sagemaker": (
        "One resource each",
        [
            "SageMakerModel",
            "ModelContainer",
            "SageMakerEndpointConfig",
            "SageMakerEndpoint",
            "EndpointMetrics",
            "EndpointGrants",
        ],
    ),
    "variants": (
        "Variants and what they share",
        [
            "InstanceVariant",
            "ServerlessVariant",
            "Scaling",
            "AsyncInference",
            "DataCapture",
            "Network",
        ],
    ),
    "rollouts": ("Rollouts", ["AllAtOnce", "Canary", "Linear", "Rolling"]),
    "artifacts": ("What is served", ["ModelImage", "ModelData"]),
    "lambda": ("On Lambda", ["ContainerFunction", "FunctionGrants", "RetrainingSchedule"]),
    "foundation": (
        "What stays",
        ["ModelRepository", "ArtifactBucket", "HostingRole", "TrainingRole", "DeployerPolicy"],
    ),
}
"""The pages, each with its title and its names in the order of their use."""

_INTRODUCTION = """\
`cdk_constructs` comes with the package odyssey and knows nothing of the command line: it is for
any CDK app in Python.

```python
from cdk_constructs import InstanceVariant, ModelData, ModelEndpoint, ModelImage
```

Arguments that AWS would refuse an hour later are refused at once, all of them in one `ValueError`
with the construct's path. What travels together is a value object, such as `InstanceVariant`; a
choice is a class with factories, such as `ModelImage.from_repository`. Binding an image or a model
grants exactly what it takes to load it; roles have no managed policies. Logical ids and attributes
are a public contract.

In signatures `iam`, `ec2`, `s3` and the like are modules of `aws_cdk`."""

Part = Any
"""A section of a docstring, as griffe has it."""


def pages() -> dict[str, str]:
    """Return a page for each group of constructs, and one that lists them all."""
    missing = set(CONSTRUCTS) - {name for _, names in GROUPS.values() for name in names}
    if missing:
        raise ValueError(f"constructs without a page: {', '.join(sorted(missing))}")
    index = [heading(1, "Constructs", "constructs"), _INTRODUCTION]
    made = {}
    for file, (title, names) in GROUPS.items():
        found = [_found(name) for name in names]
        rows = [
            (link(code(each.name), construct_anchor(each.name)), _first(each)) for each in found
        ]
        index += [heading(2, title), table(("name", "what it is"), rows)]
        blocks = [block for each in found for block in _class(each)]
        made[f"constructs/{file}.md"] = page(heading(1, title), *blocks)
    return {
        "constructs.md": page(*index, toctree(f"constructs/{file}" for file in GROUPS)),
        **made,
    }


@cache
def _package() -> griffe.Module:
    return cast("griffe.Module", griffe.load("cdk_constructs", docstring_parser="google"))


def _found(name: str) -> griffe.Class:
    return cast("griffe.Class", _package()[f"{CONSTRUCTS[name]}.{name}"])


def _first(thing: griffe.Object) -> str:
    """Return the first sentence of a docstring."""
    text = thing.docstring.value if thing.docstring else ""
    return prose(" ".join(text.partition("\n\n")[0].split()))


def _class(found: griffe.Class) -> Iterator[str]:
    yield heading(2, found.name, construct_anchor(found.name))
    if bases := [str(base) for base in found.bases if not str(base).startswith("_")]:
        yield f"Bases: {', '.join(map(_name, bases))}."
    if len(found.parameters):
        yield fence(_call(found.name, found.parameters), "python")
    yield from _docstring(found)
    if told := _told_by_name(found):
        yield "**Further attributes**: " + ", ".join(map(code, told)) + "."
    if metrics := list(_metrics(found)):
        yield "**Metrics**"
        yield definitions(metrics)
    for name, member in _members(found):
        yield heading(3, f"{found.name}.{name}", f"{construct_anchor(found.name)}-{name}")
        if isinstance(member, griffe.Function):
            yield fence(_call(name, member.parameters, member.returns), "python")
        elif member.annotation is not None:
            yield f"Type: {code(str(member.annotation))}."
        yield from _docstring(member)


def _name(name: str) -> str:
    return link(code(name), construct_anchor(name)) if name in CONSTRUCTS else code(name)


def _public(found: griffe.Class) -> Iterator[tuple[str, Any]]:
    """Yield the public members of a class, but for those of a base that is told of by itself."""
    for name, member in found.all_members.items():
        own = member.final_target if isinstance(member, griffe.Alias) else member
        is_elsewhere = own.parent is not found and own.path.split(".")[-2] in CONSTRUCTS
        if member.is_public and not name.startswith("__") and not is_elsewhere:
            yield name, own


def _members(found: griffe.Class) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and attributes of a class that say what they are for."""
    return ((name, member) for name, member in _public(found) if member.docstring)


def _told_by_name(found: griffe.Class) -> list[str]:
    """Return the public attributes of a class that have nothing but their names."""
    told = {parameter.name for parameter in found.parameters}
    for part in found.docstring.parse("google") if found.docstring else ():
        if part.kind.value == "attributes":
            told |= {each.name for each in part.value}
    return [
        name
        for name, member in _public(found)
        if not (member.docstring or name in told or _is_metric(member))
    ]


def _is_metric(member: Any) -> bool:
    value = getattr(member, "value", None)
    return isinstance(value, griffe.ExprCall) and str(value.function) == "_VariantMetric"


def _metrics(found: griffe.Class) -> Iterator[tuple[str, str]]:
    """Yield the metrics of an endpoint, each with its statistic and its meaning."""
    for name, member in _public(found):
        if _is_metric(member):
            _, statistic, meaning = (literal_eval(str(each)) for each in member.value.arguments[:3])
            yield code(f"{name}()"), f"{prose(meaning)} Statistic: {code(statistic)}."


def _call(name: str, parameters: griffe.Parameters, returns: Any = None) -> str:
    """Return a signature, a line for each argument where there are several."""
    lines = []
    keyword_only = False
    for each in parameters:
        if each.name in ("self", "cls"):
            continue
        if each.kind is griffe.ParameterKind.keyword_only and not keyword_only:
            keyword_only = True
            lines.append("*")
        default = "" if each.default is None else f" = {_value(each.default)}"
        lines.append(f"{each.name}: {each.annotation}{default}")
    end = f" -> {returns}" if returns is not None else ""
    if len(lines) < 2:
        return f"{name}({', '.join(lines)}){end}"
    return "\n".join([f"{name}(", *(f"    {line}," for line in lines), f"){end}"])


def _value(default: Any) -> str:
    text = str(default)
    return {"_ONE_INSTANCE": "(InstanceVariant(),)"}.get(text, text)


def _docstring(thing: Any) -> Iterator[str]:
    for part in thing.docstring.parse("google"):
        yield from _section(part)


def _section(part: Part) -> Iterator[str]:
    kind = part.kind.value
    if kind == "text":
        yield _paragraphs(part.value)
    elif kind == "parameters":
        yield "**Arguments**"
        yield definitions((_argument(each), _paragraph(each.description)) for each in part.value)
    elif kind == "attributes":
        yield "**Attributes**"
        yield definitions((code(each.name), _paragraph(each.description)) for each in part.value)
    elif kind == "returns":
        yield f"Returns {_paragraph(' '.join(each.description for each in part.value))}"
    elif kind == "raises":
        yield "\n\n".join(
            f"Raises {code(str(each.annotation))}: {_paragraph(each.description)}"
            for each in part.value
        )
    elif kind == "admonition" and part.title == "Example":
        yield "**Example**"
        yield fence(part.value.description, "pycon")
    elif kind == "admonition":
        yield f"**{part.title}:** {_paragraph(part.value.description)}"
    else:
        raise ValueError(f"a docstring has a section that no page shows: {kind}")


def _argument(each: Any) -> str:
    annotation = "" if each.annotation is None else f" : {code(str(each.annotation))}"
    return f"{code(each.name)}{annotation}"


def _paragraphs(text: str) -> str:
    return "\n\n".join(map(_paragraph, re.split(r"\n\s*\n", text)))


def _paragraph(text: str) -> str:
    return prose(" ".join(text.split()))
