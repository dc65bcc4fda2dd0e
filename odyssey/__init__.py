"""Odyssey: from a data scientist's ``train.py`` and ``serve.py`` to AWS."""

__version__ = "0.1.0"
