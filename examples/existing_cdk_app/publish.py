"""Publishes a model to the bucket of a stack: `python publish.py FOLDER STACK KEY`."""

import io
import sys
import tarfile

import boto3

folder, stack, key = sys.argv[1:]
(found,) = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
outputs = {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}
packed = io.BytesIO()
with tarfile.open(fileobj=packed, mode="w:gz") as archive:
    archive.add(folder, arcname=".")
boto3.client("s3").put_object(Bucket=outputs["BucketName"], Key=key, Body=packed.getvalue())
print(f"s3://{outputs['BucketName']}/{key}")
