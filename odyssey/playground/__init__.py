"""A page in the browser, from which requests are sent to a model that is served.

::

    browser ──HTTP──> server ── guard ── application ──> a place: an app here, or a sandbox
                                              │                 │
                                              └── its log <─────┴──> targets: what answers requests

It is asked for (``odyssey local serve --ui``, ``odyssey sandbox ui``), runs in odyssey's own
process on 127.0.0.1, and is no part of the container: the model's server does not know of it.
"""
