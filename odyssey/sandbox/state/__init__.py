"""What the sandbox knows, over a restart."""
