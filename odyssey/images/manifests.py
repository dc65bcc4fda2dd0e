"""What SageMaker and Lambda take of an image: one manifest of Docker's schema 2, for one platform.

Pure data: nothing here talks to an engine or a registry.

Sources: what Lambda takes,
https://docs.aws.amazon.com/lambda/latest/dg/images-create.html (one architecture, no index, at
most 10 GB uncompressed); what buildx sends by default, and Lambda refuses,
https://github.com/docker/buildx/issues/1533; OCI manifests at SageMaker,
https://github.com/aws/amazon-sagemaker-feedback/issues/180; the exec form,
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.console import size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from odyssey.images.image import Image

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
INDEXES = frozenset({DOCKER_LIST, OCI_INDEX})

GZIPPED = frozenset(
    {
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.oci.image.layer.v1.tar+gzip",
    }
)
"""The types of layer that every service of AWS unpacks."""

LAZY = ("containerd.io/snapshot/stargz/toc.digest", "io.containers.estargz.uncompressed-size")
"""Annotations of an eStargz layer, which else looks like any gzipped one."""

LIMIT = 10 * 1024**3
"""Bytes that an image may have, uncompressed."""

ATTESTATION = "attestation-manifest"

SINGLE = "--provenance=false --sbom=false"
SCHEMA_2 = f"docker buildx build {SINGLE} --output type=image,oci-mediatypes=false,push=true"
REBUILD = "odyssey docker build makes one that fits"

_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "ksh"})


def problems(
    media_type: str,
    manifest: Mapping[str, Any],
    config: Mapping[str, Any] | None,
    platform: str | None,
) -> tuple[str, ...]:
    """Return why AWS would refuse an image that a registry has, or nothing.

    Args:
        media_type: The type that the registry gave the manifest.
        manifest: The manifest, as JSON.
        config: The image's configuration, or None where it was not read.
        platform: What the image is to run on, such as ``linux/amd64``; None takes any.

    Returns:
        One line for each reason: what it is, who refuses it, and how to build it right. The
        compressed layers are measured here; the size that counts is the uncompressed one, which
        only the engine knows (`local_problems`).
    """
    kind = str(manifest.get("mediaType") or media_type)
    if kind in INDEXES or "manifests" in manifest:
        return (_index(manifest),)
    found = [*_kind(kind), *_layers(manifest.get("layers", ()))]
    found += _size(sum(_number(layer.get("size")) for layer in manifest.get("layers", ())), "gzip")
    if config is not None:
        found += _platform(platform_of(config), platform)
        found += _entrypoint((config.get("config") or {}).get("Entrypoint") or ())
    return tuple(found)


def function_problems(media_type: str, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Return why Lambda would refuse an image that a registry has, whatever its processor is.

    Args:
        media_type: The type that the registry gave the manifest.
        manifest: The manifest, as JSON.
    """
    kind = str(manifest.get("mediaType") or media_type)
    if kind in INDEXES or "manifests" in manifest:
        return (_index(manifest),)
    found = [] if kind == OCI else list(_kind(kind))
    found += _layers(manifest.get("layers", ()))
    found += _size(sum(_number(layer.get("size")) for layer in manifest.get("layers", ())), "gzip")
    return tuple(found)


def local_problems(image: Image, platform: str | None) -> tuple[str, ...]:
    """Return why AWS would refuse an image, as far as the engine's description tells.

    Args:
        image: The image.
        platform: What it is to run on, such as ``linux/amd64``; None takes any.
    """
    found: list[str] = []
    if image.media_type in INDEXES:
        found.append(_index({}))
    elif image.media_type is not None:
        found += _kind(image.media_type)
    found += _platform(image.platform, platform)
    found += _size(image.size, "uncompressed")
    found += _entrypoint(image.entrypoint)
    return tuple(found)


def platform_of(config: Mapping[str, Any]) -> str:
    """Return the platform of an image's configuration, such as ``linux/arm64``."""
    variant = config.get("variant", "")
    parts = [config.get("os", ""), config.get("architecture", "")]
    # linux/arm64/v8 is what everybody calls linux/arm64.
    return "/".join([*parts, variant] if variant and variant != "v8" else parts)


def is_shell_form(entrypoint: Sequence[str]) -> bool:
    """Return whether an ENTRYPOINT was written as a line for the shell, and not as a list.

    Docker makes ``["/bin/sh", "-c", LINE]`` of it, which drops the word ``serve`` that SageMaker
    appends, and leaves signals to the shell.
    """
    if len(entrypoint) != 3:
        return False
    shell, flag, _ = entrypoint
    return shell.rpartition("/")[2] in _SHELLS and flag.startswith("-") and flag.endswith("c")


def _index(manifest: Mapping[str, Any]) -> str:
    entries = manifest.get("manifests", ())
    attested = any(
        ATTESTATION in str((entry.get("annotations") or {}).get("vnd.docker.reference.type"))
        for entry in entries
    )
    what = "an index of several manifests" + (", attestations among them" if attested else "")
    return (
        f"it is {what}: Lambda refuses any index, and SageMaker may; build one manifest for one "
        f"platform with {SINGLE} --platform linux/amd64, or BUILDX_NO_DEFAULT_ATTESTATIONS=1 "
        f"({REBUILD})"
    )


def _kind(kind: str) -> Iterator[str]:
    if kind == DOCKER:
        return
    if kind == OCI:
        yield (
            "its manifest is OCI's: SageMaker has refused these, and takes Docker's schema 2; "
            f"{SCHEMA_2}, or an engine without the containerd image store ({REBUILD})"
        )
    else:
        yield (
            f'its manifest is of type "{kind}", which SageMaker and Lambda refuse: they take '
            f"{DOCKER} alone ({REBUILD})"
        )


def _layers(layers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for kind in sorted({_layer_kind(layer) for layer in layers} - {""}):
        yield (
            f"it has {kind}: Lambda takes gzipped layers of the registry's own, and nothing else; "
            "build with --output type=image,compression=gzip,force-compression=true"
        )


def _layer_kind(layer: Mapping[str, Any]) -> str:
    """Return what is wrong with a layer, in words; "" is nothing."""
    kind = str(layer.get("mediaType", ""))
    if "foreign" in kind or "nondistributable" in kind or layer.get("urls"):
        return "foreign layers, which are somewhere else"
    if any(name in (layer.get("annotations") or {}) for name in LAZY):
        return "eStargz layers"
    if "zstd" in kind:
        return "zstd layers"
    return "" if kind in GZIPPED else f'layers of type "{kind}"'


def _platform(seen: str, wanted: str | None) -> Iterator[str]:
    if wanted is not None and seen != wanted:
        yield (
            f"it is for {seen or 'no known platform'}, and its instances are {wanted}: it would "
            f'end with "exec format error"; build with --platform {wanted} ({REBUILD})'
        )


def _size(count: int, how: str) -> Iterator[str]:
    if count > LIMIT:
        seen = f"{size(count)} already when compressed" if how == "gzip" else size(count)
        yield (
            f"it has {seen}, and {size(LIMIT)} uncompressed is the limit of Lambda and of "
            "serverless endpoints: leave the model and data out with .dockerignore, and compilers "
            "and caches out of the layers"
        )


def _entrypoint(entrypoint: Sequence[str]) -> Iterator[str]:
    if is_shell_form(entrypoint):
        line = entrypoint[-1].strip().replace("\n", " ")
        shown = line if len(line) <= 60 else f"{line[:57]}..."
        yield (
            f'its ENTRYPOINT is in shell form, `{shown}`: the shell drops the word "serve" that '
            "SageMaker appends, and eats SIGTERM; write it as a list, ENTRYPOINT "
            '["program", "argument"]'
        )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
