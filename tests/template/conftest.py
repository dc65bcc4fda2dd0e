"""The CDK within this process: on the Node.js that comes with odyssey, without its validation."""

import os

from odyssey.infra import toolkit

os.environ["JSII_NODE"] = toolkit.environment(os.environ)["JSII_NODE"]

# Two seconds a synthesis; the golden apps are validated, in processes of their own.
os.environ["CDK_VALIDATION"] = "false"
