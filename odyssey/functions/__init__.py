"""Lambda functions: the emulator that runs them on this machine, and what speaks to it."""
