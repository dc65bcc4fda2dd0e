"""Rules of endpoint configs."""
