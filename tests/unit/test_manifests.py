"""What is refused of an image, and why."""

from __future__ import annotations

from typing import Any

import pytest

from odyssey.images import manifests
from odyssey.images.image import Image

GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
AMD = "linux/amd64"


def manifest(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"mediaType": manifests.DOCKER, "layers": list(layers or (layer(),))}


def layer(kind: str = GZIP, size: int = 1000, **more: Any) -> dict[str, Any]:
    return {"mediaType": kind, "size": size, **more}


def config(architecture: str = "amd64", **more: Any) -> dict[str, Any]:
    return {"os": "linux", "architecture": architecture, "config": {}, **more}


def problems(document: dict[str, Any], kind: str = manifests.DOCKER) -> tuple[str, ...]:
    return manifests.problems(kind, document, config(), AMD)


def only(found: tuple[str, ...]) -> str:
    assert len(found) == 1, found
    return found[0]


def image(**more: Any) -> Image:
    return Image(**{"id": "sha256:1", "reference": "app", "platform": AMD, **more})


def test_a_single_manifest_of_schema_2_has_no_problem() -> None:
    assert problems(manifest(layer(), layer("application/vnd.oci.image.layer.v1.tar+gzip"))) == ()


@pytest.mark.parametrize("kind", [manifests.DOCKER_LIST, manifests.OCI_INDEX])
def test_an_index_is_refused_with_the_flags_that_leave_attestations_out(kind: str) -> None:
    problem = only(problems({"manifests": []}, kind))
    assert "Lambda refuses any index" in problem
    assert "--provenance=false --sbom=false --platform" in problem
    assert "attestations among them" not in problem


def test_an_index_with_attestations_says_so() -> None:
    entry = {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    document = {"manifests": [{"platform": {}}, entry]}
    assert "attestations among them" in only(problems(document, manifests.OCI_INDEX))


def test_an_index_is_known_by_its_content_when_the_registry_names_no_type() -> None:
    assert "index" in only(problems({"manifests": [{}]}, ""))


def test_an_oci_manifest_is_refused_with_how_to_get_schema_2() -> None:
    problem = only(problems({"layers": [layer()]}, manifests.OCI))
    assert "SageMaker has refused" in problem
    assert "oci-mediatypes=false" in problem


def test_the_manifest_s_own_type_counts_more_than_the_header() -> None:
    document = {**manifest(), "mediaType": manifests.OCI}
    assert "OCI" in only(problems(document, manifests.DOCKER))


def test_a_manifest_of_schema_1_is_refused() -> None:
    kind = "application/vnd.docker.distribution.manifest.v1+prettyjws"
    assert kind in only(problems({"fsLayers": []}, kind))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (layer("application/vnd.oci.image.layer.v1.tar+zstd"), "zstd layers"),
        (layer(annotations={manifests.LAZY[0]: "sha256:1"}), "eStargz layers"),
        (layer("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"), "foreign layers"),
        (layer(urls=["https://elsewhere"]), "foreign layers"),
        (layer("application/x"), 'layers of type "application/x"'),
    ],
)
def test_a_layer_that_is_not_gzipped_is_refused(bad: dict[str, Any], words: str) -> None:
    problem = only(problems(manifest(layer(), bad, bad)))
    assert words in problem
    assert "compression=gzip" in problem


@pytest.mark.parametrize(
    ("seen", "shown"),
    [
        (config("arm64", variant="v8"), "linux/arm64,"),
        (config("arm", variant="v7"), "linux/arm/v7,"),
        ({**config(), "os": "windows"}, "windows/amd64,"),
    ],
)
def test_another_platform_is_refused(seen: dict[str, Any], shown: str) -> None:
    problem = only(manifests.problems(manifests.DOCKER, manifest(), seen, AMD))
    assert f"it is for {shown}" in problem
    assert "--platform linux/amd64" in problem


def test_linux_arm64_v8_is_linux_arm64() -> None:
    seen = config("arm64", variant="v8")
    assert manifests.problems(manifests.DOCKER, manifest(), seen, "linux/arm64") == ()


def test_no_platform_is_asked_for() -> None:
    assert manifests.problems(manifests.DOCKER, manifest(), config("s390x"), None) == ()


def test_layers_over_the_limit_are_too_much_already_when_compressed() -> None:
    half = manifests.LIMIT // 2
    assert problems(manifest(layer(size=half), layer(size=half))) == ()
    problem = only(problems(manifest(layer(size=half), layer(size=half + 2))))
    assert "10.7 GB already when compressed" in problem


@pytest.mark.parametrize(
    ("entrypoint", "is_one"),
    [
        (["/bin/sh", "-c", "python serve.py"], True),
        (["/bin/bash", "-o", "x"], False),
        (["/bin/bash", "-ec", "python serve.py"], True),
        (["bash", "-c", 'exec "$@"', "--"], False),
        (["python", "-c", "print()"], False),
        (["/serve"], False),
        ([], False),
    ],
)
def test_a_shell_form_entrypoint_is_known(entrypoint: list[str], is_one: bool) -> None:
    assert manifests.is_shell_form(entrypoint) is is_one
    told = config(config={"Entrypoint": entrypoint})
    found = manifests.problems(manifests.DOCKER, manifest(), told, AMD)
    assert bool(found) is is_one
    assert bool(manifests.local_problems(image(entrypoint=tuple(entrypoint)), AMD)) is is_one


def test_a_shell_form_entrypoint_is_shown_shortened_and_on_one_line() -> None:
    entrypoint = ("/bin/sh", "-c", "a\n" + "b" * 100)
    problem = only(manifests.local_problems(image(entrypoint=entrypoint), AMD))
    assert f"`a {'b' * 55}...`" in problem
    assert "eats SIGTERM" in problem


def test_an_image_without_configuration_or_entrypoint_is_taken() -> None:
    assert manifests.problems(manifests.DOCKER, manifest(), None, AMD) == ()
    assert manifests.problems(manifests.DOCKER, manifest(), config(config=None), AMD) == ()


def test_all_reasons_are_named_before_a_push() -> None:
    bad = image(
        platform="linux/arm64",
        size=manifests.LIMIT + 1,
        entrypoint=("/bin/sh", "-c", "x"),
        media_type=manifests.OCI_INDEX,
    )
    found = manifests.local_problems(bad, AMD)
    words = ("index", "arm64", "10.7 GB", "shell")
    assert all(word in line for word, line in zip(words, found, strict=True))


def test_the_containerd_store_with_a_manifest_of_schema_2_is_taken() -> None:
    assert (
        manifests.local_problems(image(media_type=manifests.DOCKER, size=manifests.LIMIT), AMD)
        == ()
    )
    assert "OCI" in only(manifests.local_problems(image(media_type=manifests.OCI), AMD))
