"""Asks the app's function at its URL, as a service with IAM credentials does.

The URL takes requests that are signed, and nobody else's:

    python call.py flowers-function '{"observation": [5.1, 3.5, 1.4, 0.2]}'
"""

import sys
import urllib.request

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest


def url_of(session: boto3.Session, stack: str) -> str:
    """Returns the URL that a stack tells in its outputs."""
    (found,) = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}
    return outputs["ServeUrl"]


def ask(session: boto3.Session, url: str, body: str) -> str:
    """Sends a JSON document, signed with the session's credentials, and returns the answer."""
    headers = {"Content-Type": "application/json"}
    request = AWSRequest("POST", url, data=body.encode(), headers=headers)
    SigV4Auth(session.get_credentials(), "lambda", session.region_name).add_auth(request)
    signed = urllib.request.Request(url, request.data, dict(request.headers))
    with urllib.request.urlopen(signed, timeout=60) as answer:
        return answer.read().decode()


if __name__ == "__main__":
    stack, body = sys.argv[1:]
    here = boto3.Session()
    print(ask(here, url_of(here, stack), body))
