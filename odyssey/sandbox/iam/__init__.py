"""IAM: who asks, what they may do, and what was asked for."""
