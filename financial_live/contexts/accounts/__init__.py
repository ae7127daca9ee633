"""Accounts: who somebody is, where they are logged in, and the links that prove it."""

from financial_live.contexts.accounts.administration import (
    create_first_admin,
    create_user,
    first_admin_token,
    set_password,
    set_role,
)
from financial_live.contexts.accounts.events import (
    registered_again,
    reset_requested,
    session_begun,
    session_revoked,
    topics,
    user_registered,
    verification_requested,
)
from financial_live.contexts.accounts.models import LoggedIn, Purpose, User, UserSession
from financial_live.contexts.accounts.service import (
    change_password,
    find_user,
    issue_link,
    register,
    request_reset,
    request_verification,
    reset_password,
    verify_email,
)
from financial_live.contexts.accounts.sessions import (
    LIFETIME as SESSION_LIFETIME,
    handover,
    list_sessions,
    log_in,
    log_out,
    prune,
    redeem_handover,
    revoke_others,
    revoke_session,
    session_scope,
)
from financial_live.contexts.accounts.tokens import (
    LIFETIMES as TOKEN_LIFETIMES,
    digest as token_digest,
    mint as mint_token,
)
from financial_live.scope import Role

__all__ = [
    "SESSION_LIFETIME",
    "TOKEN_LIFETIMES",
    "LoggedIn",
    "Purpose",
    "Role",
    "User",
    "UserSession",
    "change_password",
    "create_first_admin",
    "create_user",
    "find_user",
    "first_admin_token",
    "handover",
    "issue_link",
    "list_sessions",
    "log_in",
    "log_out",
    "mint_token",
    "prune",
    "redeem_handover",
    "register",
    "registered_again",
    "request_reset",
    "request_verification",
    "reset_password",
    "reset_requested",
    "revoke_others",
    "revoke_session",
    "session_begun",
    "session_revoked",
    "session_scope",
    "set_password",
    "set_role",
    "token_digest",
    "topics",
    "user_registered",
    "verification_requested",
    "verify_email",
]
