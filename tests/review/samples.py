"""Reviews made by hand, as large and as odd as a test wants them."""

from dataclasses import replace

from odyssey.checks.findings import Finding, Place, Severity
from odyssey.review.report import (
    Action,
    Consequence,
    Cost,
    CostLine,
    Edge,
    Group,
    Node,
    PermissionChange,
    Prices,
    PropertyChange,
    Rank,
    ResourceChange,
    Review,
)

PRICES = Prices(
    "prices.json of odyssey", "2026-10-03", "us-east-1", "AWS Price List API (2026-10-03)"
)
ENDPOINT, FOUNDATION = "iris-endpoint", "iris-foundation"
AWS_DOCS = "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html"


def nothing() -> Review:
    """A review of two sides that say the same."""
    line = CostLine(ENDPOINT, "Endpoint", "1 x ml.m5.large, variant AllTraffic", 83.95)
    return Review(
        "iris",
        "main",
        "this folder",
        (FOUNDATION, ENDPOINT),
        before=Cost((line,)),
        after=Cost((line,)),
        prices=PRICES,
        nodes=_nodes(Action.NONE),
        edges=EDGES,
    )


def whole() -> Review:
    """A review with something in each of its parts."""
    return Review(
        app="iris",
        base="main (1f6f1c2)",
        head="this folder",
        stacks=(FOUNDATION, ENDPOINT),
        changes=CHANGES,
        permissions=PERMISSIONS,
        before=BEFORE,
        after=AFTER,
        prices=PRICES,
        brought=BROUGHT,
        kept=KEPT,
        gone=GONE,
        nodes=_nodes(None),
        edges=EDGES,
        notes=("The template of stack iris-data is not here, and was not looked at.",),
        max_monthly=500.0,
    )


def large(count: int = 500) -> Review:
    """A review of very many changes."""
    changes = tuple(
        replace(CHANGES[i % len(CHANGES)], resource=f"Resource{i}", construct=f"Fleet/Part{i}")
        for i in range(count)
    )
    nodes = tuple(
        Node(f"fleet/Resource{i}", "fleet", f"Fleet/Part{i}", each.type, each.group, each.action)
        for i, each in enumerate(changes)
    )
    edges = tuple(
        Edge(nodes[i].id, nodes[(i * 7 + 3) % count].id) for i in range(count) if i * 6 % count != 3
    )
    lines = tuple(CostLine("fleet", f"Resource{i}", "1 x ml.m5.large", 83.95) for i in range(count))
    found = tuple(replace(BROUGHT[i % 2], rule=f"SM{i}") for i in range(count))
    return replace(
        whole(),
        changes=changes,
        permissions=PERMISSIONS * (count // 4),
        after=Cost(lines),
        brought=found,
        kept=found,
        nodes=nodes,
        edges=edges,
        notes=tuple(f"Note {i} of many." for i in range(count)),
    )


CHANGES = (
    ResourceChange(
        ENDPOINT,
        "EndpointConfigEAC1C572",
        "AWS::SageMaker::EndpointConfig",
        Action.REPLACE,
        Group.ENDPOINT,
        "Endpoint/Config",
        properties=(
            PropertyChange(
                "ProductionVariants[0].InstanceType", "ml.m5.large", "ml.g5.xlarge", "yes"
            ),
            PropertyChange(
                "ProductionVariants[0].ModelName",
                {"Fn::GetAtt": ["EndpointModelE90", "ModelName"]},
                {"Fn::GetAtt": ["EndpointModelE90", "ModelName"]},
                "yes",
                "EndpointModelE90",
            ),
        ),
        consequences=(
            Consequence(
                "new-configuration",
                Rank.NOTE,
                "A new configuration is made beside the old one, which goes when the endpoint has "
                "left it.",
            ),
        ),
    ),
    ResourceChange(
        ENDPOINT,
        "Endpoint4747B1DC",
        "AWS::SageMaker::Endpoint",
        Action.UPDATE,
        Group.ENDPOINT,
        "Endpoint/Resource",
        "iris-live",
        properties=(
            PropertyChange(
                "EndpointConfigName",
                {"Fn::GetAtt": ["EndpointConfigEAC1C572", "EndpointConfigName"]},
                {"Fn::GetAtt": ["EndpointConfigEAC1C572", "EndpointConfigName"]},
                "no",
                "EndpointConfigEAC1C572",
            ),
        ),
        consequences=(
            Consequence(
                "count-reset",
                Rank.DANGER,
                "The count that autoscaling chose is reset to 1: RetainAllVariantProperties is "
                "false.",
                AWS_DOCS,
            ),
            Consequence(
                "blue-green",
                Rank.CAUTION,
                "The endpoint rolls blue/green without downtime; for some minutes it has, and you "
                "pay, twice its instances.",
                AWS_DOCS,
            ),
        ),
    ),
    ResourceChange(
        ENDPOINT,
        "EndpointModelE90",
        "AWS::SageMaker::Model",
        Action.REPLACE,
        Group.ENDPOINT,
        "Endpoint/Model",
        properties=(
            PropertyChange(
                "PrimaryContainer.ModelDataUrl",
                "s3://iris-models/jobs/iris-2026-11-01/output/model.tar.gz",
                "s3://iris-models/jobs/iris-2026-11-20/output/model.tar.gz",
                "yes",
            ),
        ),
    ),
    ResourceChange(
        ENDPOINT,
        "EndpointAlarm5xx",
        "AWS::CloudWatch::Alarm",
        Action.CREATE,
        Group.WATCHING,
        "Endpoint/Alarm5xx",
    ),
    ResourceChange(
        FOUNDATION,
        "Bucket83908E77",
        "AWS::S3::Bucket",
        Action.RETAIN,
        Group.DATA,
        "Bucket",
        consequences=(
            Consequence(
                "left-behind",
                Rank.CAUTION,
                "The bucket leaves the stack and stays in the account, with all that is in it; "
                "nobody deletes it.",
            ),
        ),
    ),
    ResourceChange(
        FOUNDATION,
        "TrainingRole1234",
        "AWS::IAM::Role",
        Action.UPDATE,
        Group.PERMISSIONS,
        "TrainingRole",
        properties=(PropertyChange("Description", None, "trains iris"),),
    ),
    ResourceChange(
        FOUNDATION, "OldKeyAlias", "AWS::KMS::Alias", Action.DELETE, Group.OTHER, "OldKeyAlias"
    ),
    ResourceChange(
        FOUNDATION,
        "Repository22E53BBD",
        "AWS::ECR::Repository",
        Action.MAYBE_REPLACE,
        Group.IMAGE,
        "Repository",
        properties=(
            PropertyChange(
                "EncryptionConfiguration.KmsKey", None, {"Fn::ImportValue": "key"}, "maybe"
            ),
        ),
    ),
)

PERMISSIONS = (
    PermissionChange(
        FOUNDATION,
        "TrainingRoleDefaultPolicy",
        "TrainingRole",
        "identity",
        True,
        True,
        "may do s3:GetObject and s3:PutObject on every object of every bucket",
        "The resource is *: it reaches every bucket of the account.",
        Rank.DANGER,
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"},
    ),
    PermissionChange(
        FOUNDATION,
        "TrainingRoleDefaultPolicy",
        "TrainingRole",
        "identity",
        False,
        False,
        "may do s3:GetObject on the objects of iris-data",
        statement={
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::iris-data/*",
        },
    ),
)

BEFORE = Cost(
    (
        CostLine(
            ENDPOINT,
            "Endpoint4747B1DC",
            "1 x ml.m5.large, variant AllTraffic",
            83.95,
            basis="730 hours x 1 x $0.115",
        ),
        CostLine(FOUNDATION, "Bucket83908E77", "objects", basis="by use: $0.023 for each gigabyte"),
        CostLine("", "training", "a training job on 1 x ml.m5.large", once=2.79, basis="24 hours"),
    )
)

AFTER = Cost(
    (
        CostLine(
            ENDPOINT,
            "Endpoint4747B1DC",
            "1 to 4 x ml.g5.xlarge, variant AllTraffic",
            1027.84,
            basis="730 hours x 1 x $1.41, the fewest that autoscaling leaves; $4,111.36 with all 4",
        ),
        CostLine(ENDPOINT, "EndpointAlarm5xx", "an alarm", 0.1, basis="1 x $0.10 a month"),
        CostLine(
            ENDPOINT,
            "Fallback",
            "serverless with 3072 MB, variant AllTraffic",
            0.0,
            0.006,
            basis="1,000 requests of 100 ms each, which is assumed",
        ),
        CostLine(
            ENDPOINT,
            "Shadow",
            "1 x ml.c9z.large, variant Shadow",
            known=False,
            basis="no price of ml.c9z.large as an endpoint's instance in prices.json of odyssey",
        ),
        CostLine("", "training", "a training job on 1 x ml.m5.large", once=2.79, basis="24 hours"),
    )
)

BROUGHT = (
    Finding(
        "SM401",
        Severity.ERROR,
        "the variant is a burstable instance, which autoscaling refuses",
        Place(
            "cdk.out/iris-endpoint.template.json",
            ENDPOINT,
            "Scaling",
            "Endpoint/Scaling",
            ("MinCapacity",),
            42,
        ),
        "ml.t2.medium",
        source="https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html",
        fix="take another instance type",
    ),
    Finding(
        "IAM101",
        Severity.WARNING,
        'a role may do s3:* on "*"',
        Place("cdk.out/iris-foundation.template.json", FOUNDATION, "TrainingRole"),
        fix="name the bucket",
        source="AWS's own words",
    ),
)
KEPT = (
    Finding(
        "ECR101",
        Severity.INFO,
        "images are not scanned when pushed",
        Place("cdk.out/iris-foundation.template.json", FOUNDATION, "Repository", line=7),
        ignored="scanned by the registry's own service",
    ),
)
GONE = (Finding("SM201", Severity.WARNING, "a name is fixed", Place("cdk.out/iris-endpoint.json")),)

_DRAWN = (
    (FOUNDATION, "Bucket83908E77", "Bucket", "AWS::S3::Bucket", Group.DATA),
    (FOUNDATION, "Repository22E53BBD", "Repository", "AWS::ECR::Repository", Group.IMAGE),
    (FOUNDATION, "TrainingRole1234", "TrainingRole", "AWS::IAM::Role", Group.PERMISSIONS),
    (FOUNDATION, "OldKeyAlias", "OldKeyAlias", "AWS::KMS::Alias", Group.OTHER),
    (ENDPOINT, "EndpointRole", "Endpoint/Role", "AWS::IAM::Role", Group.PERMISSIONS),
    (ENDPOINT, "EndpointModelE90", "Endpoint/Model", "AWS::SageMaker::Model", Group.ENDPOINT),
    (
        ENDPOINT,
        "EndpointConfigEAC1C572",
        "Endpoint/Config",
        "AWS::SageMaker::EndpointConfig",
        Group.ENDPOINT,
    ),
    (ENDPOINT, "Endpoint4747B1DC", "Endpoint", "AWS::SageMaker::Endpoint", Group.ENDPOINT),
    (ENDPOINT, "EndpointAlarm5xx", "Endpoint/Alarm5xx", "AWS::CloudWatch::Alarm", Group.WATCHING),
)


def _nodes(action: Action | None) -> tuple[Node, ...]:
    happens = {change.resource: change.action for change in CHANGES}
    return tuple(
        Node(f"{stack}/{id_}", stack, label, type_, group, action or happens.get(id_, Action.NONE))
        for stack, id_, label, type_, group in _DRAWN
    )


EDGES = tuple(
    Edge(source, target)
    for source, target in (
        (f"{ENDPOINT}/EndpointModelE90", f"{FOUNDATION}/Repository22E53BBD"),
        (f"{ENDPOINT}/EndpointModelE90", f"{FOUNDATION}/Bucket83908E77"),
        (f"{ENDPOINT}/EndpointModelE90", f"{ENDPOINT}/EndpointRole"),
        (f"{ENDPOINT}/EndpointRole", f"{FOUNDATION}/Bucket83908E77"),
        (f"{FOUNDATION}/TrainingRole1234", f"{FOUNDATION}/Bucket83908E77"),
        (f"{ENDPOINT}/EndpointConfigEAC1C572", f"{ENDPOINT}/EndpointModelE90"),
        (f"{ENDPOINT}/Endpoint4747B1DC", f"{ENDPOINT}/EndpointConfigEAC1C572"),
        (f"{ENDPOINT}/EndpointAlarm5xx", f"{ENDPOINT}/Endpoint4747B1DC"),
    )
)
