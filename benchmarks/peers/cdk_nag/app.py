"""cdk-nag and the CDK's own validation over templates: ``python app.py OUT FILE …``.

Each template is included in an app of its own, ``OUT/0``, ``OUT/1`` and so on, where the CDK leaves
its report; of what cannot be included a line is printed: the number and the reason.
"""

import sys

import aws_cdk as cdk
from aws_cdk.cloudformation_include import CfnInclude
from cdk_nag import AwsSolutionsChecks

out, *files = sys.argv[1:]
for number, file in enumerate(files):
    app = cdk.App(outdir=f"{out}/{number}")
    stack = cdk.Stack(app, "S", synthesizer=cdk.BootstraplessSynthesizer())
    try:
        CfnInclude(stack, "T", template_file=file)
        cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        app.synth()
    except RuntimeError as problem:
        # With findings it ends so, after the report.
        if "ValidationFailed" not in str(problem):
            print(number, " ".join(str(problem).split()))
