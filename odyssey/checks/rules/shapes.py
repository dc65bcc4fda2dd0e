"""Rules of shapes."""
