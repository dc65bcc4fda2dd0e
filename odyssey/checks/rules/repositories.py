"""Rules of repositories."""
