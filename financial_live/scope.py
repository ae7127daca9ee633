"""Who asks: the first argument of every service function."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What somebody's account is for. Rights in one campaign are given beside it."""

    DONOR = "donor"
    MANAGER = "manager"
    ADMIN = "admin"


class TokenScope(StrEnum):
    """What an API token is for. It never may more than its user may, now and by this."""

    READ = "read"
    GIVE = "give"
    MANAGE = "manage"
    """Whatever the user may do in campaigns; who manages reads and gives as well."""

    def is_in(self, scopes: "frozenset[TokenScope]") -> bool:
        """Whether a token with these scopes may do what asks for this one."""
        return self in scopes or TokenScope.MANAGE in scopes


@dataclass(frozen=True, slots=True)
class Scope:
    """The caller's identity and rights, made by a door from what it has verified itself.

    ``caller`` names the caller for idempotency keys (``visitor:203.0.113.7``), so that two callers
    who happen to choose the same key do not receive each other's answers. ``token_scopes`` is what
    the API token is for by which the caller came; None for who came otherwise. ``address`` is where
    the caller is, for limits; it is empty for who comes by no network, and is no part of who it is.
    """

    caller: str
    user_id: UUID | None = None
    is_operator: bool = False
    role: Role | None = None
    session_id: UUID | None = None
    is_verified: bool = False
    token_scopes: frozenset[TokenScope] | None = None
    address: str = field(default="", compare=False)

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
        token_scopes: frozenset[TokenScope] | None = None,
    ) -> "Scope":
        """Return the scope of somebody logged in; ``is_verified``: the address is proven."""
        return cls(
            caller=f"user:{user_id}",
            user_id=user_id,
            role=role,
            session_id=session_id,
            is_verified=is_verified,
            token_scopes=token_scopes,
        )

    def at(self, address: str) -> "Scope":
        """Return the same caller, who comes from ``address``."""
        return replace(self, address=address)

    @property
    def is_admin(self) -> bool:
        """Whether the caller may do everything: an admin, or the operator."""
        return self.is_operator or self.role is Role.ADMIN
