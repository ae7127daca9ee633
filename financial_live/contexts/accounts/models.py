"""Accounts as stored: people, where they are logged in, links they were sent, logins tried."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import AfterValidator, BeforeValidator, ValidationInfo
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from financial_live.config import is_mailbox
from financial_live.contexts import columns
from financial_live.contexts.accounts import passwords
from financial_live.contexts.constraints import Constraints
from financial_live.contexts.inputs import (
    BLANK,
    INVALID,
    MAX_EMAIL_LENGTH,
    TAKEN,
    Email,
    Input,
    Wrong,
    line_of,
)
from financial_live.scope import Role, TokenScope

NAME_LENGTH = 160
ADDRESS_LENGTH = 64
AGENT_LENGTH = 200
TOKEN_NAME_LENGTH = 80
HINT_LENGTH = 4
# None is for as long as it is not revoked.
TOKEN_DAYS = (30, 90, 365, None)
HASH_LENGTH = 64


class Purpose(StrEnum):
    """What a single-use token is for."""

    VERIFY = "verify"
    RESET = "reset"
    INVITE = "invite"
    FIRST_ADMIN = "first_admin"
    HANDOVER = "handover"


class User(SQLModel, table=True):
    """Somebody's account. ``email`` is in small letters; no ``password_hash``: none can log in."""

    __tablename__ = "user_account"

    id: UUID = Field(default_factory=columns.new_id, sa_column=columns.key_column())
    email: str = Field(sa_column=sa.Column(sa.String(MAX_EMAIL_LENGTH), nullable=False))
    name: str = Field(sa_column=sa.Column(sa.String(NAME_LENGTH), nullable=False))
    password_hash: str | None = Field(
        default=None, repr=False, sa_column=sa.Column(sa.String(255), nullable=True)
    )
    role: Role = Field(
        default=Role.DONOR,
        sa_column=columns.choice_column(Role, constraint="valid_role", default=Role.DONOR),
    )
    verified_at: datetime | None = Field(
        default=None, sa_column=sa.Column(sa.DateTime(timezone=True), nullable=True)
    )
    inserted_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())
    updated_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())

    __table_args__ = (
        sa.UniqueConstraint("email", name="user_account_email_key"),
        sa.CheckConstraint("email = lower(email)", name="email_must_be_lower_case"),
        sa.CheckConstraint("email <> ''", name="email_must_not_be_blank"),
        sa.CheckConstraint("name <> ''", name="name_must_not_be_blank"),
    )

    @property
    def is_verified(self) -> bool:
        """Whether somebody has proven to read the mail of this address."""
        return self.verified_at is not None


def _user_column(*, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(
        sa.Uuid, sa.ForeignKey("user_account.id", ondelete="CASCADE"), nullable=nullable
    )


def _end_column() -> sa.Column[Any]:
    return sa.Column(sa.DateTime(timezone=True), nullable=False)


class UserSession(SQLModel, table=True):
    """Where somebody is logged in, until ``expires_at``. The token itself is kept nowhere."""

    __tablename__ = "user_session"

    id: UUID = Field(default_factory=columns.new_id, sa_column=columns.key_column())
    user_id: UUID = Field(sa_column=_user_column())
    token_hash: str = Field(repr=False, sa_column=sa.Column(sa.String(HASH_LENGTH), nullable=False))
    inserted_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())
    last_seen_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())
    expires_at: datetime = Field(sa_column=_end_column())
    address: str = Field(default="", sa_column=sa.Column(sa.String(ADDRESS_LENGTH), nullable=False))
    agent: str = Field(default="", sa_column=sa.Column(sa.String(AGENT_LENGTH), nullable=False))

    __table_args__ = (
        sa.UniqueConstraint("token_hash", name="user_session_token_hash_key"),
        sa.CheckConstraint("expires_at > inserted_at", name="expiry_must_follow_insertion"),
        sa.Index("user_session_user_id_index", "user_id"),
        sa.Index("user_session_expires_at_index", "expires_at"),
    )


class UserToken(SQLModel, table=True):
    """A link or ticket that does one thing once. The first admin's belongs to nobody yet."""

    __tablename__ = "user_token"

    id: UUID = Field(default_factory=columns.new_id, sa_column=columns.key_column())
    user_id: UUID | None = Field(default=None, sa_column=_user_column(nullable=True))
    purpose: Purpose = Field(sa_column=columns.choice_column(Purpose, constraint="valid_purpose"))
    token_hash: str = Field(repr=False, sa_column=sa.Column(sa.String(HASH_LENGTH), nullable=False))
    data: dict[str, Any] = Field(
        default_factory=dict,
        sa_column=sa.Column(JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    )
    inserted_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())
    expires_at: datetime = Field(sa_column=_end_column())
    used_at: datetime | None = Field(
        default=None, sa_column=sa.Column(sa.DateTime(timezone=True), nullable=True)
    )

    __table_args__ = (
        sa.UniqueConstraint("token_hash", name="user_token_token_hash_key"),
        sa.CheckConstraint("expires_at > inserted_at", name="expiry_must_follow_insertion"),
        sa.CheckConstraint(
            "(user_id IS NULL) = (purpose = 'first_admin')",
            name="only_the_first_admins_token_has_no_user",
        ),
        sa.Index("user_token_user_id_purpose_index", "user_id", "purpose"),
        sa.Index("user_token_expires_at_index", "expires_at"),
    )


class ApiToken(SQLModel, table=True):
    """What a program comes in by, as its user, until ``expires_at`` if that is set.

    The token itself is kept nowhere: ``hint`` is how it ends, to tell it from others.
    ``is_login``: a program got it by logging in, and not somebody on the site.
    """

    __tablename__ = "api_token"

    id: UUID = Field(default_factory=columns.new_id, sa_column=columns.key_column())
    user_id: UUID = Field(sa_column=_user_column())
    name: str = Field(sa_column=sa.Column(sa.String(TOKEN_NAME_LENGTH), nullable=False))
    token_hash: str = Field(repr=False, sa_column=sa.Column(sa.String(HASH_LENGTH), nullable=False))
    hint: str = Field(sa_column=sa.Column(sa.String(HINT_LENGTH), nullable=False))
    scopes: list[str] = Field(sa_column=sa.Column(ARRAY(sa.String(20)), nullable=False))
    is_login: bool = Field(
        default=False,
        sa_column=sa.Column(sa.Boolean, nullable=False, server_default=sa.text("false")),
    )
    inserted_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())
    expires_at: datetime | None = Field(
        default=None, sa_column=sa.Column(sa.DateTime(timezone=True), nullable=True)
    )
    last_used_at: datetime | None = Field(
        default=None, sa_column=sa.Column(sa.DateTime(timezone=True), nullable=True)
    )
    last_address: str = Field(
        default="", sa_column=sa.Column(sa.String(ADDRESS_LENGTH), nullable=False)
    )

    __table_args__ = (
        sa.UniqueConstraint("token_hash", name="api_token_token_hash_key"),
        sa.CheckConstraint("name <> ''", name="name_must_not_be_blank"),
        sa.CheckConstraint(
            "scopes <@ ARRAY['read', 'give', 'manage']::varchar[] AND cardinality(scopes) > 0",
            name="valid_scopes",
        ),
        sa.CheckConstraint("expires_at > inserted_at", name="expiry_must_follow_insertion"),
        sa.Index("api_token_user_id_index", "user_id"),
        sa.Index("api_token_expires_at_index", "expires_at"),
    )


class LoginAttempt(SQLModel, table=True):
    """A password that was tried. ``account`` is a hash: people type passwords for addresses."""

    __tablename__ = "login_attempt"

    id: UUID = Field(default_factory=columns.new_id, sa_column=columns.key_column())
    account: str = Field(sa_column=sa.Column(sa.String(HASH_LENGTH), nullable=False))
    address: str = Field(sa_column=sa.Column(sa.String(ADDRESS_LENGTH), nullable=False))
    has_succeeded: bool = Field(
        default=False, sa_column=sa.Column(sa.Boolean, nullable=False, server_default=sa.false())
    )
    inserted_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())

    __table_args__ = (
        sa.Index("login_attempt_account_inserted_at_index", "account", "inserted_at"),
        sa.Index("login_attempt_address_inserted_at_index", "address", "inserted_at"),
        sa.Index("login_attempt_inserted_at_index", "inserted_at"),
    )


CONSTRAINTS: Constraints = {
    "user_account_email_key": ("email", TAKEN),
    "email_must_be_lower_case": ("email", INVALID),
    "email_must_not_be_blank": ("email", BLANK),
    "name_must_not_be_blank": ("name", BLANK),
    "valid_role": ("role", INVALID),
}


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A session that has just begun. ``token`` opens it and is shown this once, for the cookie."""

    token: str
    session: UserSession

    def __repr__(self) -> str:
        """Say which session, and not what opens it."""
        return f"LoggedIn(session={self.session.id})"


@dataclass(frozen=True, slots=True)
class NewToken:
    """An API token as it was made, and the secret, which is nowhere else."""

    secret: str
    token: ApiToken

    def __repr__(self) -> str:
        """Say which token, and not what opens it."""
        return f"NewToken(token={self.token.id})"


def _account_email(email: str) -> str:
    """Return the address in small letters, if a mail can be sent to it and to it alone."""
    small = email.lower()
    if len(small) > MAX_EMAIL_LENGTH or not is_mailbox(small):
        raise Wrong(INVALID)
    return small


def _any_password(value: object) -> str:
    """Return what was typed as a password, whatever the rules are for new ones."""
    if value is None or value == "":
        raise Wrong(BLANK)
    if not isinstance(value, str) or len(value) > passwords.MAX_LENGTH:
        raise Wrong(INVALID)
    return value


def _good_password(value: str, info: ValidationInfo) -> str:
    known = {**(info.context or {}), **info.data}
    problem = passwords.problem(value, email=known.get("email", ""), name=known.get("name", ""))
    if problem is not None:
        raise Wrong(problem)
    return value


def _role(value: object) -> Any:
    if value not in list(Role):
        raise Wrong(f"{INVALID}: use one of {', '.join(Role)}")
    return value


def _token_scopes(value: object) -> frozenset[TokenScope]:
    """Return what a token is for. Raises Wrong if that is nothing, or nothing known."""
    known = f"use some of {', '.join(TokenScope)}"
    if not isinstance(value, list | tuple | set | frozenset) or not value:
        raise Wrong(f"{BLANK}: {known}")
    if not all(isinstance(one, str) and one in list(TokenScope) for one in value):
        raise Wrong(f"{INVALID}: {known}")
    return frozenset(TokenScope(one) for one in value)


def _token_days(value: object) -> int | None:
    """Return in how many days a token expires, or None, as a program or a form says it."""
    days = {str(days or ""): days for days in TOKEN_DAYS}
    text = "" if value is None else str(value)
    if text not in days:
        raise Wrong(f"{INVALID}: use {', '.join(filter(None, days))}, or nothing for ever")
    return days[text]


AccountEmail = Annotated[Email, AfterValidator(_account_email)]
AnyPassword = Annotated[str, BeforeValidator(_any_password)]
# Checked last in its input: it must differ from the name and the address given beside it.
NewPassword = Annotated[AnyPassword, AfterValidator(_good_password)]


class EmailInput(Input):
    """An address that somebody names."""

    email: AccountEmail


class Credentials(Input):
    """What somebody logs in with."""

    email: AccountEmail
    """The address of the account."""
    password: AnyPassword
    """Its password."""


class CurrentPassword(Input):
    """The password somebody has."""

    current: AnyPassword


class TypedPassword(Input):
    """The password somebody has, on a page that asks for nothing else."""

    password: AnyPassword


class PasswordInput(Input):
    """A password that somebody chooses; ``email`` and ``name`` of the context may not be it."""

    password: NewPassword


class Registration(Input):
    """What somebody says of themselves to get an account."""

    name: Annotated[str, line_of(NAME_LENGTH)]
    """What the account is to be called."""
    email: AccountEmail
    """Where the link is sent that opens the account."""
    password: NewPassword
    """A password of at least 10 characters that nobody would guess."""


class AccountInput(Input):
    """An account that an admin makes for somebody; without a password they reset it by mail."""

    name: Annotated[str, line_of(NAME_LENGTH)]
    email: AccountEmail
    role: Annotated[Role, BeforeValidator(_role)] = Role.DONOR
    password: NewPassword | None = None


class RoleInput(Input):
    """A role that an admin gives."""

    role: Annotated[Role, BeforeValidator(_role)]


class TokenInput(Input):
    """An API token that somebody makes."""

    name: Annotated[str, line_of(TOKEN_NAME_LENGTH)]
    scopes: Annotated[frozenset[TokenScope], BeforeValidator(_token_scopes)]
    expires_in_days: Annotated[int | None, BeforeValidator(_token_days)]
