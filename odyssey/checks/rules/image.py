"""Rules of image."""
