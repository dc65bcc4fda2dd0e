"""Rules of settings."""
