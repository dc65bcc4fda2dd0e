"""The page of ``odyssey sandbox ui``: what a sandbox has that takes requests."""
