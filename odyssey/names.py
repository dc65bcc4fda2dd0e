"""The name of an app, checked once against every limit of AWS that it meets later.

The name becomes part of a SageMaker endpoint (``[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}``), an ECR
repository (lower case), a CloudFormation stack (starts with a letter, no ``_``) and an S3 bucket
(lower case, no ``_``). What all of them take is: 2 to 31 lower-case letters, digits and single
hyphens, a letter first, a letter or a digit last. The other 32 of the 63 characters of an
endpoint's name are left for what Odyssey appends.

Sources: the ``EndpointName`` of
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html and the
``repositoryName`` of
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from odyssey.errors import InvalidNameError

if TYPE_CHECKING:
    from odyssey.config import Config

SHORTEST, LONGEST = 2, 31
RULE = (
    f"{SHORTEST} to {LONGEST} lower-case letters, digits and single hyphens, "
    "starting with a letter and ending with a letter or a digit"
)

_VALID = re.compile(rf"[a-z](?:[a-z0-9]|-(?!-)){{{SHORTEST - 1},{LONGEST - 1}}}(?<!-)")


def problem(name: str) -> str | None:
    """Return the rule that a name breaks and whose rule it is, or None for a good name.

    Example:
        >>> problem("test_app")
        'has "_", and a SageMaker endpoint takes letters, digits and hyphens only'
    """
    if _VALID.fullmatch(name):
        return None
    wrong = re.search(r"[^A-Za-z0-9-]", name)
    if wrong:
        seen = _shown(wrong.group())
        return f"has {seen}, and a SageMaker endpoint takes letters, digits and hyphens only"
    if re.search(r"[A-Z]", name):
        return "has upper case, and an ECR repository takes lower case only"
    if name and not name[0].isalpha():
        return f'starts with "{name[0]}", and a CloudFormation stack starts with a letter'
    if "--" in name:
        return 'has "--", and Odyssey takes single hyphens only: "--" sets off what it appends'
    if name.endswith("-"):
        return "ends with a hyphen, and a SageMaker endpoint ends with a letter or a digit"
    if len(name) > LONGEST:
        return (
            f"has {len(name)} characters, and {LONGEST} is the limit: "
            "a SageMaker endpoint takes 63 with what is appended"
        )
    return f"has {len(name)} character{'' if len(name) == 1 else 's'}, and {SHORTEST} is the least"


def refusal(name: str) -> str | None:
    """Return `problem` as a sentence's end, or None for a good name."""
    broken = problem(name)
    return f"the name {broken}" if broken else None


def suggest(name: str) -> str | None:
    """Return the good name nearest to a bad one, or None where nothing usable is left of it.

    Example:
        >>> suggest("Test_App")
        'test-app'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    hyphened = re.sub(r"[^a-z0-9]+", "-", plain)
    short = hyphened.lstrip("-0123456789")[:LONGEST].rstrip("-")
    return short if _VALID.fullmatch(short) else None


def check(name: str) -> str:
    """Return the name when it is good.

    Raises:
        InvalidNameError: The name breaks a rule; the message names the rule and a name that fits.
    """
    broken = problem(name)
    if broken is None:
        return name
    nearest = suggest(name)
    advice = f'try "{nearest}"' if nearest else f"a name is {RULE}"
    raise InvalidNameError(f'the name "{_escaped(name)}" {broken}; {advice}')


def environment_problem(name: str) -> str | None:
    """Return the rule that an environment's name breaks, or None for a good name."""
    if re.fullmatch(r"[a-z](-?[a-z0-9]){0,15}", name):
        return None
    return "is not 1 to 16 lower-case letters, digits and single hyphens, a letter first"


def qualified(app: str, env: str | None) -> str:
    """Return the name of an app in an environment: what its stacks and its endpoint begin with.

    Example:
        >>> qualified("iris", "prod")
        'iris-prod'
    """
    return f"{app}-{env}" if env else app


def function(settings: Config, part: str) -> str:
    """Return the name of an app's function.

    Args:
        settings: The app's settings.
        part: ``train`` or ``serve``.

    Example:
        >>> function(settings, "train")
        'iris-prod-train'
    """
    own = {"train": settings.function.train_name, "serve": settings.function.serve_name}[part]
    return own or f"{qualified(settings.app.name, settings.env)}-{part}"


def _shown(character: str) -> str:
    return "a space" if character == " " else f'"{_escaped(character)}"'


def _escaped(text: str) -> str:
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
