"""What runs the jobs: containers, or processes."""
