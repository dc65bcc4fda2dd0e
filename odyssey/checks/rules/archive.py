"""Rules of archive."""
