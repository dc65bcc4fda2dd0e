"""An AWS of one's own, in one process on this machine, in which the jobs really run.

::

    boto3, the AWS CLI, the CDK, docker push
        │ HTTP on 127.0.0.1
    server ── gateway ──┬── control          start, stop, faults, what was asked for: not of AWS
                        ├── ecr.registry     /v2/: the images of ECR
                        │   wire             a request becomes a `Call`, an answer becomes bytes
                        │   faults           what was ordered to go wrong
                        │   iam.guard        what each principal may do
                        ├── sagemaker, lambda_, ecr, cloudformation, iam: what must be real
                        └── s3.objects ── moto: everything else, with S3's bodies on disk

    launch ── records ── variables ── standing       start it, find it, enter it, ask it: these
                                                     four import none of the above

Services of ours are plain: a `Call` in, a dict out. What runs for a job is a *machine*, a
container or a process, made by one of the `executors`. Whatever the sandbox itself wants of AWS,
such as a job's data, it asks over HTTP of itself, as the job's role. What it knows is in `store`
and in moto, and `state` keeps both where that is wanted.
"""
