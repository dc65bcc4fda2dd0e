"""A cloud assembly: what a CDK app leaves in ``cdk.out``, read as data.

Source: https://docs.aws.amazon.com/cdk/v2/guide/deploy.html#deploy-how-synth-assemblies
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from odyssey.errors import OdysseyError, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

UNKNOWN = ("unknown-account", "unknown-region")


@dataclass(frozen=True)
class Stack:
    """One stack of an assembly.

    Args:
        name: Its name in CloudFormation.
        display_name: What the CDK's command line calls it.
        template: The file of its template.
        account: The account it is for; None is that of the credentials.
        region: The region it is for; None is that of the credentials.
        dependencies: The names of the stacks that must be there before it.
        tags: The tags of the stack itself.
        termination_protection: Whether it refuses to be deleted.
        paths: The construct paths of its resources by logical id, without the stack's own name.
        warnings: What its constructs warn of, each with the construct's path.
        errors: What its constructs refuse, likewise.
    """

    name: str
    display_name: str
    template: Path
    account: str | None = None
    region: str | None = None
    dependencies: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    termination_protection: bool = False
    paths: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()

    @cached_property
    def body(self) -> dict[str, Any]:
        """The template as data."""
        document: dict[str, Any] = _load(self.template)
        return document

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """The template's resources by logical id."""
        resources: dict[str, dict[str, Any]] = self.body.get("Resources", {})
        return resources


@dataclass(frozen=True)
class Assembly:
    """A finished assembly.

    Args:
        folder: Its folder.
        schema: The major version of the schema it is written in.
        stacks: Its stacks, each after those that it depends on.
    """

    folder: Path
    schema: int
    stacks: tuple[Stack, ...]

    def fingerprint(self) -> str:
        """Return a digest of what would be deployed, to notice that it has changed."""
        digest = hashlib.sha256()
        for file in [self.folder / "manifest.json", *(stack.template for stack in self.stacks)]:
            digest.update(_bytes(file))
        return digest.hexdigest()


def read(folder: Path) -> Assembly:
    """Read the assembly in a folder.

    Raises:
        OdysseyError: There is none, or it is not one.
    """
    manifest = _load(folder / "manifest.json")
    artifacts: dict[str, dict[str, Any]] = manifest.get("artifacts", {})
    kept = {
        id_: artifact
        for id_, artifact in artifacts.items()
        if artifact.get("type") == "aws:cloudformation:stack"
    }
    names = {id_: _name(id_, artifact) for id_, artifact in kept.items()}
    stacks = [_stack(folder, artifact, names, id_) for id_, artifact in kept.items()]
    schema = int(str(manifest.get("version", "0")).partition(".")[0])
    return Assembly(folder, schema, tuple(in_order(stacks)))


def in_order(stacks: Iterable[Stack]) -> list[Stack]:
    """Return stacks, each after those that it depends on, otherwise in their own order."""
    waiting = {stack.name: stack for stack in stacks}
    ordered: list[Stack] = []

    def place(stack: Stack) -> None:
        if waiting.pop(stack.name, None) is None:
            return
        for name in stack.dependencies:
            if name in waiting:
                place(waiting[name])
        ordered.append(stack)

    for stack in list(waiting.values()):
        place(stack)
    return ordered


def environment_of(name: str, app: str, environments: Sequence[str]) -> str | None:
    """Return the environment that a stack's name carries, as in ``APP-prod-endpoint``, or None."""
    carried = [env for env in environments if name.startswith(f"{app}-{env}-")]
    return max(carried, key=len, default=None)


def stacks_of(
    assembly: Assembly, app: str, env: str | None, environments: Sequence[str]
) -> tuple[Stack, ...]:
    """Return the stacks of one environment, each after those that it depends on.

    Args:
        assembly: The whole app.
        app: The app's name.
        env: The environment; None is the app without any.
        environments: All that the app has.
    """
    return tuple(
        stack for stack in assembly.stacks if environment_of(stack.name, app, environments) == env
    )


def choose(stacks: Sequence[Stack], words: Sequence[str]) -> tuple[Stack, ...]:
    """Return the stacks that words name, in the order of deployment; all of them without words.

    Args:
        stacks: Those to choose from.
        words: Names of stacks, whole or without what all have in front: ``endpoint``.

    Raises:
        UsageError: A word names none of them, or there is none at all.
    """
    chosen = named(words, [stack.name for stack in stacks])
    return tuple(stack for stack in stacks if stack.name in chosen)


def named(words: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of stacks that words mean; all of them without words.

    Args:
        words: Names of stacks, whole or without what all have in front: ``endpoint``.
        names: Those to choose from.

    Raises:
        UsageError: A word means none of them, or there is none at all.
    """
    if not names:
        raise UsageError("the app has no stack in this environment", "odyssey synth")
    return tuple(dict.fromkeys(_named(word, names) for word in words)) or tuple(names)


def _named(word: str, names: Sequence[str]) -> str:
    ending = [name for name in names if name == word or name.endswith(f"-{word}")]
    if word in names or len(ending) == 1:
        return word if word in names else ending[0]
    known = ", ".join(names)
    raise UsageError(f'no stack "{word}"{did_you_mean(word, names)}; there is: {known}')


def _stack(folder: Path, artifact: Mapping[str, Any], names: Mapping[str, str], id_: str) -> Stack:
    properties = artifact.get("properties", {})
    account, _, region = artifact.get("environment", "").removeprefix("aws://").partition("/")
    display_name = artifact.get("displayName", id_)
    metadata = _metadata(folder, artifact)
    return Stack(
        name=names[id_],
        display_name=display_name,
        template=folder / properties.get("templateFile", f"{id_}.template.json"),
        account=None if account in UNKNOWN else account or None,
        region=None if region in UNKNOWN else region or None,
        dependencies=tuple(names[d] for d in artifact.get("dependencies", ()) if d in names),
        tags=dict(properties.get("tags", {})),
        termination_protection=bool(properties.get("terminationProtection", False)),
        paths=_paths(metadata, display_name),
        warnings=_annotations(metadata, "aws:cdk:warning"),
        errors=_annotations(metadata, "aws:cdk:error"),
    )


def _name(id_: str, artifact: Mapping[str, Any]) -> str:
    return str(artifact.get("properties", {}).get("stackName", id_))


def _metadata(folder: Path, artifact: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what constructs noted; newer versions of the CDK write it into a file of its own."""
    metadata: Mapping[str, Any] = artifact.get("metadata", {})
    file = artifact.get("additionalMetadataFile")
    return {**_load(folder / file), **metadata} if file else metadata


def _paths(metadata: Mapping[str, Any], stack: str) -> dict[str, str]:
    return {
        str(entry["data"]): path.removeprefix(f"/{stack}/").removesuffix("/Resource")
        for path, entries in metadata.items()
        for entry in entries
        if entry.get("type") == "aws:cdk:logicalId"
    }


def _annotations(metadata: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    return tuple(
        f"{path.removeprefix('/')}: {entry['data']}"
        for path, entries in metadata.items()
        for entry in entries
        if entry.get("type") == kind
    )


def _load(file: Path) -> Any:
    try:
        return json.loads(_bytes(file))
    except ValueError as error:
        raise OdysseyError(f"{file} is no JSON: {error}", "odyssey synth --fresh") from error


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise OdysseyError(message, "odyssey synth --fresh") from error
