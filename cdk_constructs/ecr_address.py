"""The address of an image in ECR, by its digest.

Sources: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Repository.html and
https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Aws

from cdk_constructs.validation import is_token

if TYPE_CHECKING:
    from cdk_constructs.validation import Problems

DIGEST = r"sha256:[0-9a-f]{64}"
DIGEST_RULE = 'must be "sha256:" and 64 hexadecimal digits in lower case'

_NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
_DOMAINS = (
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "c2s.ic.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
    "on.aws",
    "sc2s.sgov.gov",
)
"""The domains of AWS's partitions, and the one of registries that IPv6 reaches too."""
_ADDRESS = (
    r"(?P<account>\d{12})\.dkr[.-]ecr(?P<fips>-fips)?\.(?P<region>[a-z0-9-]+)"
    rf"\.(?:{'|'.join(map(re.escape, _DOMAINS))})/(?P<name>{_NAME})@(?P<digest>{DIGEST})"
)
_RULE = "must be ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME@sha256:DIGEST"
_LONGEST = 255
"""Characters of an image's URI that SageMaker takes."""


@dataclass(frozen=True)
class EcrAddress:
    """What the URI of an image in ECR says.

    Args:
        account: The registry's account.
        fips: Not None where the URI names a FIPS endpoint.
        region: The registry's region.
        name: The repository's name.
        digest: The image's digest.
    """

    account: str
    fips: str | None
    region: str
    name: str
    digest: str

    @classmethod
    def read(cls, problems: Problems, uri: str) -> EcrAddress:
        """Return the address that a URI is.

        Raises:
            ValueError: There are problems: it is none, or it is known only at deployment.
        """
        if is_token(uri):
            problems.add("uri: must be known at synthesis; from_repository takes a later digest")
        problems.requires("uri", uri, _ADDRESS, _RULE)
        check_length(problems, uri)
        problems.raise_any()
        parts = re.fullmatch(_ADDRESS, uri)
        return cls(**(parts.groupdict() if parts else {}))

    @property
    def repository_arn(self) -> str:
        """The ARN of the repository, in the partition of the stack."""
        return f"arn:{Aws.PARTITION}:ecr:{self.region}:{self.account}:repository/{self.name}"


def is_of_ecr(uri: str) -> bool:
    """Return whether a URI is one of an image in ECR."""
    return re.fullmatch(_ADDRESS, uri) is not None


def check_length(problems: Problems, uri: str) -> None:
    """Check how long an image's URI is."""
    if isinstance(uri, str) and not is_token(uri) and len(uri) > _LONGEST:
        problems.add(f"uri of {len(uri)} characters: must be at most {_LONGEST}")
