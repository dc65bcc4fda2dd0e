"""The rules, a module for each subject that they know: each adds its own to the catalogue."""
