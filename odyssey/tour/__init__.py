"""``odyssey tour``: an app's whole life, from its template to its end, in a sandbox.

``table`` and ``aws_steps`` say what is typed, in which order and why; ``journey`` types it into a
``shell`` and takes away what it leaves, ``narrator`` shows it, ``looks`` look at what came of it.
"""
