"""Rules of permissions."""
