"""Rules of scaling."""
