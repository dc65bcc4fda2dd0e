"""Rules of functions."""
