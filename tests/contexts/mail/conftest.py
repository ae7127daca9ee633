"""What the tests of mail share."""

from tests.contexts.people import quick_hashes

__all__ = ["quick_hashes"]
