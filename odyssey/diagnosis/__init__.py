"""Why something failed on AWS: evidence from what AWS says, and the known causes in it."""
