"""One night's batch: the records of a day are answered, checked, and marked as done.

    python nightly.py [DAY]

Without a day it takes yesterday, in UTC. A day that is done is left alone, so it can be called as
often as a scheduler likes; a night that has failed is repeated by calling it again.
"""

import datetime
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import boto3

APP = Path(__file__).resolve().parent
BUCKET = tomllib.loads((APP / "odyssey.toml").read_text())["foundation"]["bucket"]


def main(day):
    """Returns 0 when the day is done, and the exit code of odyssey when it failed."""
    source, target = f"input/data/records/{day}/", f"output/{day}/"
    s3 = boto3.client("s3")
    if keys(s3, f"{target}_SUCCESS"):
        print(f"{day} was done before")
        return 0
    # fmt: off
    command = [
        "odyssey", "sagemaker", "-n", f"flowers-{day}", "batch-transform",
        "-i", f"s3://{BUCKET}/{source}", "-o", f"s3://{BUCKET}/{target}", "--output", "json",
    ]
    # fmt: on
    done = subprocess.run(command, cwd=APP, stdout=subprocess.PIPE, text=True)  # noqa: PLW1510
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr)
        return done.returncode
    # Whoever reads the answers waits for this mark, and so never reads half a night.
    asked, answered = lines(s3, source), lines(s3, target)
    if asked != answered:
        print(f"{day}: {asked} records, and {answered} answers", file=sys.stderr)
        return 1
    told = {"day": day, "records": asked, "job": json.loads(done.stdout)["transform_job"]}
    s3.put_object(Bucket=BUCKET, Key=f"{target}_SUCCESS", Body=json.dumps(told).encode())
    print(json.dumps(told))
    return 0


def keys(s3, prefix):
    """Returns the keys below a prefix."""
    found = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [entry["Key"] for page in found for entry in page.get("Contents", ())]


def lines(s3, prefix):
    """Returns how many lines there are below a prefix."""
    bodies = (s3.get_object(Bucket=BUCKET, Key=key)["Body"] for key in keys(s3, prefix))
    return sum(1 for body in bodies for line in body.iter_lines() if line)


if __name__ == "__main__":
    yesterday = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=1)
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else yesterday.isoformat()))
