"""An Airflow DAG that trains, transforms and serves once a week, all of it by odyssey's commands.

What it needs on the workers: this package, an app's folder (APP), and AWS credentials where the
SDK finds them. The image has been pushed and the foundation stack deployed before, by hand or CI::

    odyssey docker build && odyssey docker test && odyssey docker push
    odyssey deploy foundation --env prod

It is written for Airflow 3. In Airflow 2.10 the imports are ``airflow.DAG`` and
``airflow.operators.bash.BashOperator``.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

APP = "/opt/airflow/apps/iris"
"""The folder with odyssey.toml."""

DATA = "s3://my-bucket/iris"
"""Where the week's data is: training/ and records/."""

ONE_LINE = "python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)))'"
"""Airflow keeps the last line of what a task prints, so the JSON document becomes one line."""

MODEL = "{{ ti.xcom_pull('train')['model'] }}"
"""What the task `train` has made. The workers need not share a disk: it goes by way of Airflow."""


def odyssey(task_id: str, command: str, *, hours: int) -> BashOperator:
    """Return a task that runs one command of odyssey and keeps its JSON document.

    A task that fails shows odyssey's message and hint in its log. One that is killed stops watching
    its job, which goes on: ``odyssey sagemaker stop JOB``. Nothing is tried again by itself, since
    each try of these is paid for.

    Args:
        task_id: The task's name.
        command: The command with its options.
        hours: How long it may take.
    """
    return BashOperator(
        task_id=task_id,
        bash_command=f"set -o pipefail; odyssey --output json {command} --env prod | {ONE_LINE}",
        cwd=APP,
        output_processor=json.loads,
        execution_timeout=timedelta(hours=hours),
        retries=0,
    )


with DAG(
    dag_id="iris",
    schedule="@weekly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    # Two deployments of one app would be in each other's way.
    max_active_runs=1,
) as dag:
    train = odyssey(
        "train",
        f"sagemaker train -i {DATA}/training/ --spot --max-runtime 7200",
        hours=5,
    )
    transform = odyssey(
        "transform",
        f"sagemaker batch-transform -m {MODEL} -i {DATA}/records/ "
        f"-o {DATA}/answers/{{{{ ds_nodash }}}}/ --content-type text/csv --join input",
        hours=3,
    )
    # The records come out well before the endpoint changes: a transform that fails stops here.
    serve = odyssey("serve", f"sagemaker serve -m {MODEL} --yes", hours=1)
    train >> transform >> serve
