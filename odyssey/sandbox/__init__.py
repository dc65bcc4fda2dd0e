"""An AWS of one's own, in one process on this machine, in which the jobs really run.

::

    boto3, the AWS CLI, the CDK, docker push
        │ HTTP on 127.0.0.1
    server ── gateway ──┬── control        start, stop, faults, what was asked for: not of AWS
                        ├── registry       /v2/: the images of ECR
                        │   wire           a request becomes a `Call`, an answer becomes bytes
                        │   faults         what was ordered to go wrong
                        │   guard          IAM, with --enforce-iam
                        ├── ours           SageMaker, CloudFormation, ECR: what must be real
                        └── moto           everything else: S3, IAM, STS, logs, …

Services of ours are plain: a `Call` in, a dict out. What runs for a job is a *machine*, a
container or a process, made by an *executor*. Whatever the sandbox itself wants of AWS, such as a
job's data, it asks over HTTP of itself, as the job's role.
"""
