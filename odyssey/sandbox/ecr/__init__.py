"""ECR: a registry of images, and its control plane."""
