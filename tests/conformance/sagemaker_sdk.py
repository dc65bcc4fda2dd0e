"""SageMaker's SDK 2.x in its normal, remote mode, in a sandbox: fit, deploy, predict, transform.

Not a part of the test run, since the SDK takes minutes and gigabytes to install. In an app's
folder, with the SDK in an environment of its own::

    python -m venv sdk && sdk/bin/pip install 'sagemaker<3'
    odyssey sandbox run --executor process -- sdk/bin/python .../tests/conformance/sagemaker_sdk.py

With ``--executor docker`` push the app's image first, and name it: ``… sagemaker_sdk.py IMAGE``.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

BUCKET = "sdk-data"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
NO_TELEMETRY = """
SchemaVersion: "1.0"
SageMaker:
  PythonSDK:
    Modules:
      TelemetryOptOut: true
"""


def main() -> None:
    """Run everything, and print what it took."""
    image = sys.argv[1] if len(sys.argv) > 1 else os.environ["ODYSSEY_ARTIFACTS_IMAGE"]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.yaml")
        config.write_text(NO_TELEMETRY)
        os.environ["SAGEMAKER_USER_CONFIG_OVERRIDE"] = str(config)
        begin = time.monotonic()
        fit_deploy_and_transform(image, Path(folder))
        print(f"all of it: {time.monotonic() - begin:.1f} s")


def fit_deploy_and_transform(image: str, folder: Path) -> None:
    """Train, serve, ask and transform, as the SDK's own examples do."""
    import boto3
    import sagemaker
    from sagemaker.deserializers import JSONDeserializer
    from sagemaker.estimator import Estimator
    from sagemaker.serializers import JSONSerializer

    role = boto3.client("iam").create_role(
        RoleName="sdk", AssumeRolePolicyDocument=json.dumps(TRUST)
    )["Role"]["Arn"]
    session = sagemaker.Session(default_bucket=BUCKET)
    session.default_bucket()  # Which makes it.
    data = session.upload_data("input/data/training", BUCKET, "data")
    estimator = Estimator(
        image_uri=image,
        role=role,
        instance_count=1,
        instance_type="ml.m5.large",
        # Of an image's digest the SDK would make a name that SageMaker refuses.
        base_job_name="sdk",
        output_path=f"s3://{BUCKET}/models",
        hyperparameters={"max_iter": 500},
        sagemaker_session=session,
    )
    told("fit", lambda: estimator.fit({"training": data}, logs="All"))
    predictor = told(
        "deploy",
        lambda: estimator.deploy(
            1,
            "ml.m5.large",
            endpoint_name="sdk",
            serializer=JSONSerializer(),
            deserializer=JSONDeserializer(),
        ),
    )
    answer = told("predict", lambda: predictor.predict({"observation": [5.1, 3.5, 1.4, 0.2]}))
    if answer != {"prediction": "Iris-setosa"}:
        raise SystemExit(f"predict: {answer}")
    rows = folder / "rows.csv"
    rows.write_text("5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n")
    given = session.upload_data(str(rows), BUCKET, "in")
    transformer = estimator.transformer(
        1,
        "ml.m5.large",
        strategy="MultiRecord",
        assemble_with="Line",
        output_path=f"s3://{BUCKET}/out",
    )

    def transform() -> None:
        transformer.transform(given, content_type="text/csv", split_type="Line")
        transformer.wait()

    told("transform", transform)
    out = session.read_s3_file(BUCKET, "out/rows.csv.out").split()
    if out != ["Iris-setosa", "Iris-virginica"]:
        raise SystemExit(f"transform: {out}")
    predictor.delete_endpoint()


def told(name: str, work: Any) -> Any:
    """Do something and print how long it took."""
    begin = time.monotonic()
    result = work()
    print(f"{name}: {time.monotonic() - begin:.1f} s", flush=True)
    return result


if __name__ == "__main__":
    main()
