"""SageMaker: jobs, models, endpoints and what they are asked."""
