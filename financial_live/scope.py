"""Who asks: the first argument of every service function."""

from dataclasses import dataclass
from uuid import UUID

from financial_live.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Scope:
    """The caller's identity and rights, made by a door from what it has verified itself.

    ``caller`` names the caller for idempotency keys (``visitor:203.0.113.7``), so that two callers
    who happen to choose the same key do not receive each other's answers.
    """

    caller: str
    user_id: UUID | None = None
    is_operator: bool = False

    @classmethod
    def visitor(cls, caller: str = "visitor") -> "Scope":
        """Return the scope of somebody unknown: may read what is public, and give."""
        return cls(caller=caller)

    @classmethod
    def operator(cls, caller: str = "operator") -> "Scope":
        """Return the scope of the machine's own operator: may do everything."""
        return cls(caller=caller, is_operator=True)

    def require_operator(self, act: str) -> None:
        """Raise Forbidden unless the caller is the operator. ``act`` completes "not allowed to"."""
        if not self.is_operator:
            raise Forbidden(f"You are not allowed to {act}.")
