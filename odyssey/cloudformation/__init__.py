"""Stacks in AWS: what is there, what would change, deployment, change sets and destruction."""
