"""An image that the engine has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey.errors import ImageError
from odyssey.images.engine import explained

if TYPE_CHECKING:
    import docker

BUILD = "odyssey docker build"


@dataclass(frozen=True)
class Image:
    """An image, as the engine describes it.

    Args:
        id: ``sha256:`` and the digest of its configuration.
        reference: The name that it was found by.
        platform: What it runs on, such as ``linux/amd64``.
        entrypoint: Its entry point, one word each.
        command: Its default command.
        user: The user that it runs as; "" is root.
        size: Bytes of its files, uncompressed.
        media_type: The type of its manifest where the engine keeps manifests; else None.
    """

    id: str
    reference: str
    platform: str
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""
    size: int = 0
    media_type: str | None = None

    @property
    def short(self) -> str:
        """The first twelve digits of its id, as ``docker images`` shows them."""
        return self.id.partition(":")[2][:12]

    @classmethod
    def of(cls, reference: str, told: dict[str, Any]) -> Image:
        """Return the image that the engine's inspection describes."""
        config = told.get("Config") or {}
        variant = told.get("Variant", "")
        parts = [told.get("Os", ""), told.get("Architecture", "")]
        # linux/arm64/v8 is what everybody calls linux/arm64.
        parts += [variant] if variant and variant != "v8" else []
        return cls(
            id=told["Id"],
            reference=reference,
            platform="/".join(parts),
            entrypoint=tuple(config.get("Entrypoint") or ()),
            command=tuple(config.get("Cmd") or ()),
            user=config.get("User") or "",
            size=int(told.get("Size") or 0),
            media_type=(told.get("Descriptor") or {}).get("mediaType"),
        )


def find(engine: docker.DockerClient, reference: str) -> Image:
    """Return the image of a name or an id.

    Raises:
        ImageError: There is none.
    """
    from docker.errors import ImageNotFound

    with explained(f'the image "{reference}" cannot be looked at'):
        try:
            return Image.of(reference, engine.api.inspect_image(reference))
        except ImageNotFound as error:
            raise ImageError(f'there is no image "{reference}" here', BUILD) from error
