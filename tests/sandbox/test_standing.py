"""What a reader is told of rights."""

import pytest
from botocore.exceptions import ClientError

from odyssey.sandbox import standing
from odyssey.sandbox.records import Record
from tests.sandbox.conftest import Start
from tests.sandbox.iam import ACCOUNT, REGION, People, allow


@pytest.mark.parametrize("enforces", [False, True], ids=["recorded", "enforced"])
def test_rights_are_told_in_tables_by_who_asked(start: Start, enforces: bool) -> None:
    # given somebody who reads two endpoints, asks for what is not theirs, and has more than that
    sandbox = start(enforce_iam=enforces)
    people = People(sandbox)
    key = people.user(
        "ann",
        allow("sagemaker:DescribeEndpoint", "*"),
        allow(
            ["sns:Publish", "sns:Subscribe"], ["arn:aws:sns:*:*:a", "arn:aws:sns:*:*:b"], Sid="News"
        ),
    )
    sagemaker = people.client("sagemaker", key)
    for name in ("iris", "iris", "rose"):
        with pytest.raises(ClientError, match="Could not find"):
            sagemaker.describe_endpoint(EndpointName=name)
    with pytest.raises(ClientError):
        sagemaker.delete_endpoint(EndpointName="iris")
    # when
    record = Record("default", sandbox.url, 1, "process", "/tmp/x")
    text = standing.permissions(record).text()
    # then
    prefix = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint"
    refused = "denied" if enforces else "would be denied"
    parts = text.split("\n\n")
    ann = parts.index(f"arn:aws:iam::{ACCOUNT}:user/ann") + 1
    lines = [" ".join(line.split()) for part in parts[ann : ann + 3] for line in part.split("\n")]
    assert lines == [
        "used times on",
        f"sagemaker:DescribeEndpoint 3 {prefix}/rose and 1 more",
        f"{refused} times on",
        f"sagemaker:DeleteEndpoint 1 {prefix}/iris",
        "granted, never used on",
        "sns:Publish arn:aws:sns:*:*:b and 1 more",
        "sns:Subscribe arn:aws:sns:*:*:b and 1 more",
    ]
