"""What changes really do, in the words of a reviewer, service by service."""

from odyssey.review.consequences.catalogue import of

__all__ = ["of"]
