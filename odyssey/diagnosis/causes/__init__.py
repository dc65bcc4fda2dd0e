"""The catalogue of known causes, by where they arise.

Sources are AWS's own pages, or the public issue in which the cause was found.
"""

from __future__ import annotations

from odyssey.diagnosis.causes import access, functions, hosting, images, jobs, stacks

CATALOGUE = (
    *access.CAUSES,
    *images.CAUSES,
    *functions.CAUSES,
    *hosting.CAUSES,
    *jobs.CAUSES,
    *stacks.CAUSES,
)
"""Every known cause; where two are on one line, the earlier is the more exact."""
