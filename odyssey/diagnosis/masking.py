"""Keys, tokens and passwords that somebody has logged, taken out of what is shown and kept."""

from __future__ import annotations

import re

MASK = "***"

_NAMED = re.compile(
    r"""(?ix)
    ( (?: aws_?secret_?access_?key | aws_?session_?token | secret_?access_?key | session_?token
        | x-amz-security-token | x-amz-signature | x-amz-credential
        | (?:[a-z0-9]+[_-])* (?: password | passwd | api_?key | secret | token ) )
      ["']? \s* [=:] \s* ["']? )
    ( [^\s"'&,;}]{6,} )
    """
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{12,}")
_KEY_ID = re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{12,}\b")
_WEB_TOKEN = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")
_IN_URL = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://[^\s/:@]+:)[^\s/@]+(@)")


def masked(text: str) -> str:
    """Return text without the keys, tokens and passwords in it; ARNs and accounts stay.

    Example:
        >>> masked("password=hunter22 in arn:aws:s3:::data")
        'password=*** in arn:aws:s3:::data'
    """
    text = _KEY_ID.sub(lambda found: f"{found[1]}{MASK}", text)
    text = _BEARER.sub(lambda found: f"{found[1]} {MASK}", text)
    text = _WEB_TOKEN.sub(MASK, text)
    text = _IN_URL.sub(lambda found: f"{found[1]}{MASK}{found[2]}", text)
    return _NAMED.sub(lambda found: f"{found[1]}{MASK}", text)
