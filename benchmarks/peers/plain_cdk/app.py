"""The stacks of an Odyssey app, written with the CDK's own constructs in the obvious way."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker

DIGEST = "sha256:4b825dc642cb6eb9a060e54bf8d69288fbee4904e4b9a3a8f4a5c1a2b3c4d5e6"


class Foundation(cdk.Stack):
    def __init__(self, scope, construct_id, **kwargs):
        super().__init__(scope, construct_id, **kwargs)
        repository = ecr.Repository(
            self,
            "Repository",
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            lifecycle_rules=[
                ecr.LifecycleRule(
                    tag_status=ecr.TagStatus.UNTAGGED, max_image_age=cdk.Duration.days(14)
                )
            ],
        )
        bucket = s3.Bucket(
            self,
            "Bucket",
            versioned=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(noncurrent_version_expiration=cdk.Duration.days(90)),
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=cdk.Duration.days(7)),
            ],
        )
        role = iam.Role(
            self, "TrainingRole", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com")
        )
        repository.grant_pull(role)
        bucket.grant_read(role, "input/data/*")
        bucket.grant_read_write(role, "model/*")
        bucket.grant_put(role, "output/*")
        logs.LogGroup(
            self,
            "EndpointLogs",
            log_group_name="/aws/sagemaker/Endpoints/iris",
            retention=logs.RetentionDays.ONE_MONTH,
        )
        cdk.CfnOutput(self, "RepositoryUri", value=repository.repository_uri)
        cdk.CfnOutput(self, "BucketName", value=bucket.bucket_name)
        cdk.CfnOutput(self, "TrainingRoleArn", value=role.role_arn)


class Endpoint(cdk.Stack):
    def __init__(self, scope, construct_id, **kwargs):
        super().__init__(scope, construct_id, **kwargs)
        role = iam.Role(
            self, "HostingRole", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com")
        )
        repository = ecr.Repository.from_repository_arn(
            self, "Repository", "arn:aws:ecr:eu-west-1:123456789012:repository/iris"
        )
        repository.grant_pull(role)
        models = s3.Bucket.from_bucket_name(self, "Models", "iris-models")
        models.grant_read(role, "jobs/iris-7/output/model.tar.gz")
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=role.role_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@{DIGEST}",
                model_data_url="s3://iris-models/jobs/iris-7/output/model.tar.gz",
            ),
        )
        model.node.add_dependency(role)
        config = sagemaker.CfnEndpointConfig(
            self,
            "EndpointConfig",
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name="AllTraffic",
                    model_name=model.attr_model_name,
                    instance_type="ml.m5.large",
                    initial_instance_count=1,
                    initial_variant_weight=1,
                    container_startup_health_check_timeout_in_seconds=300,
                )
            ],
        )
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name="iris",
            endpoint_config_name=config.attr_endpoint_config_name,
        )
        cdk.CfnOutput(self, "EndpointName", value=endpoint.attr_endpoint_name)
        cdk.CfnOutput(self, "EndpointConfigName", value=config.attr_endpoint_config_name)


app = cdk.App()
foundation = Foundation(app, "iris-foundation")
serving = Endpoint(app, "iris-endpoint")
serving.add_dependency(foundation)
for stack in (foundation, serving):
    cdk.Tags.of(stack).add("odyssey:app", "iris")
app.synth()
