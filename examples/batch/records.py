"""Puts a day's records into the bucket: it stands for whatever leaves yours there.

python records.py 2026-11-26
"""

import random
import sys
import tomllib
from pathlib import Path

import boto3

day = sys.argv[1]
bucket = tomllib.loads(Path("odyssey.toml").read_text())["foundation"]["bucket"]
chance = random.Random(day)  # noqa: S311 - the same day has the same records
for part in range(2):
    rows = [
        [f"{day}-{part}-{number}", *(round(chance.uniform(0.1, 7.9), 1) for _ in range(4))]
        for number in range(5000)
    ]
    if part == 1:
        rows[42][2] = "n/a"  # A record that was never complete: there is always one.
    lines = "".join(",".join(map(str, row)) + "\n" for row in rows)
    key = f"input/data/records/{day}/part-{part}.csv"
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=lines.encode())
    print(f"s3://{bucket}/{key}: {len(rows)} records")
