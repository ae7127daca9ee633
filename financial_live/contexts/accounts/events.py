"""What accounts tell. Each event goes to ``user:{id}``.

- ``session_begun``: somebody has logged in, somewhere.
- ``session_revoked``: sessions have ended, by logging out or by force: a new password, another
  role, their time. Whoever serves them must stop. ``session_ids`` names them.
- ``token_revoked``: API tokens have ended, for the like reasons; ``token_ids`` names them.
- ``user_registered``: somebody has an account whose address must be proven.
- ``registered_again``: somebody tried to register an address that has an account.
- ``verification_requested``: somebody wants another link to prove the address.
- ``reset_requested``: somebody wants a link to choose a new password.

The last four make a mail. No event holds an address, a name or a secret: whoever sends the mail
looks the account up, and makes the token then. The data of each has ``user_id``.
"""

from collections.abc import Iterable
from uuid import UUID

from financial_live.event import Event


def session_begun(user_id: UUID) -> Event:
    """Tell that somebody has logged in."""
    return _event("session_begun", user_id)


def session_revoked(user_id: UUID, session_ids: Iterable[UUID]) -> Event:
    """Tell that these sessions of somebody have ended."""
    ended = sorted(map(str, session_ids))
    return Event(
        "session_revoked", topics(user_id), {"user_id": str(user_id), "session_ids": ended}
    )


def token_revoked(user_id: UUID, token_ids: Iterable[UUID]) -> Event:
    """Tell that these API tokens of somebody have ended."""
    ended = sorted(map(str, token_ids))
    return Event("token_revoked", topics(user_id), {"user_id": str(user_id), "token_ids": ended})


def user_registered(user_id: UUID) -> Event:
    """Tell that there is a new account, whose address must be proven."""
    return _event("user_registered", user_id)


def registered_again(user_id: UUID) -> Event:
    """Tell that somebody tried to register an address that has an account."""
    return _event("registered_again", user_id)


def verification_requested(user_id: UUID) -> Event:
    """Tell that somebody wants another link to prove the address."""
    return _event("verification_requested", user_id)


def reset_requested(user_id: UUID) -> Event:
    """Tell that somebody wants a link to choose a new password."""
    return _event("reset_requested", user_id)


def topics(user_id: UUID) -> tuple[str, ...]:
    """Return the topic that hears of everything about this account."""
    return (f"user:{user_id}",)


def _event(name: str, user_id: UUID) -> Event:
    return Event(name, topics(user_id), {"user_id": str(user_id)})
