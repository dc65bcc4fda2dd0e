"""What is typed in more than one step, and what is looked for in what it prints."""

from __future__ import annotations

APP = "iris-tour"
"""The app's name: its folder's, its image's and its endpoint's."""

HERE, BOX = "On this machine", "In a container"
REVIEW, SAGEMAKER, LAMBDA, END = "Review and deploy", "On SageMaker", "On Lambda", "The end"

SETOSA = '{"observation": [5.1, 3.5, 1.4, 0.2]}'
VERSICOLOR = '{"observation": [7.0, 3.2, 4.7, 1.4]}'
"""A flower of the data that a timid model takes for another one."""

PREDICTION = r'"prediction":\s*"(?P<prediction>[\w-]+)"'
JOB = r"(?m:^)(?P<job>\S+): trained in"
ACCURACY = r"accuracy on them (?P<accuracy>[\d.]+)"
CONFIG = r"  EndpointConfigName {2,}(?P<config>\S+)"
TRAINED = r"accuracy|^Started|^  [A-Z]|trained in"
CHANGES = (
    r"^Account|^[+~±-] |^\d+ \w+[,:]|^Permissions|^Cost|^Error|^Hint"
    r"|^  [A-Z_]+ +AWS::(SageMaker::Endpoint|Lambda::Function) "
    r"|^  \w+_(COMPLETE|FAILED) +AWS::CloudFormation::Stack"
    r"|^  (Endpoint\w+|\w+FunctionArn) {2,}"
)
"""The lines of a deployment that tell most: what changes, what it costs, how it went on."""
