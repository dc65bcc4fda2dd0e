"""Odyssey's serving and command line, measured side by side with its peers.

Run ``python -m benchmarks serving``, ``cli`` or ``all``; see ``benchmarks/README.md``.
"""
