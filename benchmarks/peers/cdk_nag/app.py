"""cdk-nag and the CDK's own validation over templates: ``python app.py FILE …``, with CDK_OUTDIR.

Each template is included in a stack of its own, ``S0``, ``S1`` and so on; what cannot be included
is printed, a line each: the number and the reason. The report is the CDK's.
"""

import sys

import aws_cdk as cdk
from aws_cdk.cloudformation_include import CfnInclude
from cdk_nag import AwsSolutionsChecks

app = cdk.App()
for number, file in enumerate(sys.argv[1:]):
    stack = cdk.Stack(app, f"S{number}", synthesizer=cdk.BootstraplessSynthesizer())
    try:
        CfnInclude(stack, "T", template_file=file)
    except RuntimeError as problem:
        app.node.try_remove_child(stack.node.id)
        print(number, str(problem).splitlines()[0])
cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
try:
    app.synth()
except RuntimeError as problem:
    # With findings it ends so, after the report.
    if "ValidationFailed" not in str(problem):
        raise
