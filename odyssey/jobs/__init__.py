"""Jobs on SageMaker: requested, submitted, followed with their logs, and explained."""
