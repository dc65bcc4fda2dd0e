"""The CDK app over ``odyssey.toml``, and the program that deploys it."""
