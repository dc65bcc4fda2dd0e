"""Whether this machine has what odyssey needs: each thing with a reason and what mends it."""
