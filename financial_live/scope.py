"""Who asks: the first argument of every service function."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What somebody's account is for. Rights in one campaign are given beside it."""

    DONOR = "donor"
    MANAGER = "manager"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Scope:
    """The caller's identity and rights, made by a door from what it has verified itself.

    ``caller`` names the caller for idempotency keys (``visitor:203.0.113.7``), so that two callers
    who happen to choose the same key do not receive each other's answers.
    """

    caller: str
    user_id: UUID | None = None
    is_operator: bool = False
    role: Role | None = None
    session_id: UUID | None = None
    is_verified: bool = False

    @classmethod
    def visitor(cls, caller: str = "visitor") -> "Scope":
        """Return the scope of somebody unknown: may read what is public, and give."""
        return cls(caller=caller)

    @classmethod
    def operator(cls, caller: str = "operator") -> "Scope":
        """Return the scope of the machine's own operator: may do everything."""
        return cls(caller=caller, is_operator=True)

    @classmethod
    def user(
        cls,
        user_id: UUID,
        *,
        role: Role = Role.DONOR,
        session_id: UUID | None = None,
        is_verified: bool = False,
    ) -> "Scope":
        """Return the scope of somebody logged in; ``is_verified``: the address is proven."""
        return cls(
            caller=f"user:{user_id}",
            user_id=user_id,
            role=role,
            session_id=session_id,
            is_verified=is_verified,
        )

    @property
    def is_admin(self) -> bool:
        """Whether the caller may do everything: an admin, or the operator."""
        return self.is_operator or self.role is Role.ADMIN
