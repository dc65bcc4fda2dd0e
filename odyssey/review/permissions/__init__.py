"""What changes in permissions: each statement of each policy, in plain words."""

from odyssey.review.permissions.changes import changes

__all__ = ["changes"]
