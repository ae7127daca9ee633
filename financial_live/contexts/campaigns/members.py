"""A campaign's team as stored: who is in it, and who is invited."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import AfterValidator, BeforeValidator
from sqlmodel import Field, SQLModel

from financial_live.contexts import columns
from financial_live.contexts.inputs import INVALID, MAX_EMAIL_LENGTH, Email, Input, Wrong
from financial_live.rights import CampaignRole


def _campaign_column(*, is_key: bool = False) -> sa.Column[Any]:
    key = sa.ForeignKey("campaign.id", ondelete="CASCADE")
    return sa.Column(sa.Uuid, key, nullable=False, primary_key=is_key)


def _role_column() -> sa.Column[Any]:
    return columns.choice_column(CampaignRole, constraint="valid_role")


class CampaignMember(SQLModel, table=True):
    """Somebody's place in a campaign's team. It goes with the campaign, and with the account."""

    __tablename__ = "campaign_member"

    campaign_id: UUID = Field(sa_column=_campaign_column(is_key=True))
    user_id: UUID = Field(
        sa_column=sa.Column(
            sa.Uuid, sa.ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True
        )
    )
    role: CampaignRole = Field(sa_column=_role_column())
    inserted_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())

    __table_args__ = (sa.Index("campaign_member_user_id_index", "user_id"),)


class CampaignInvitation(SQLModel, table=True):
    """An invitation of an address, in small letters. It has a ``token_hash`` once it was mailed."""

    __tablename__ = "campaign_invitation"

    id: UUID = Field(default_factory=columns.new_id, sa_column=columns.key_column())
    campaign_id: UUID = Field(sa_column=_campaign_column())
    email: str = Field(sa_column=sa.Column(sa.String(MAX_EMAIL_LENGTH), nullable=False))
    role: CampaignRole = Field(sa_column=_role_column())
    invited_by: UUID | None = Field(
        default=None,
        sa_column=sa.Column(
            sa.Uuid, sa.ForeignKey("user_account.id", ondelete="SET NULL"), nullable=True
        ),
    )
    token_hash: str | None = Field(
        default=None, repr=False, sa_column=sa.Column(sa.String(64), nullable=True)
    )
    inserted_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())
    expires_at: datetime = Field(sa_column=sa.Column(sa.DateTime(timezone=True), nullable=False))
    accepted_at: datetime | None = Field(
        default=None, sa_column=sa.Column(sa.DateTime(timezone=True), nullable=True)
    )

    __table_args__ = (
        sa.UniqueConstraint("token_hash", name="campaign_invitation_token_hash_key"),
        sa.CheckConstraint("email = lower(email)", name="email_must_be_lower_case"),
        sa.CheckConstraint("email <> ''", name="email_must_not_be_blank"),
        sa.CheckConstraint("expires_at > inserted_at", name="expiry_must_follow_insertion"),
        sa.Index(
            "campaign_invitation_campaign_id_email_index",
            "campaign_id",
            "email",
            unique=True,
            postgresql_where=sa.text("accepted_at IS NULL"),
        ),
        sa.Index("campaign_invitation_invited_by_index", "invited_by"),
    )


class CampaignInviter(SQLModel, table=True):
    """How often somebody has invited since ``begun_at``, into whatever campaign.

    It is counted here because invitations are replaced, cancelled and deleted with their campaign.
    """

    __tablename__ = "campaign_inviter"

    user_id: UUID = Field(
        sa_column=sa.Column(
            sa.Uuid, sa.ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True
        )
    )
    begun_at: datetime = Field(sa_column=sa.Column(sa.DateTime(timezone=True), nullable=False))
    invitations: int = Field(sa_column=sa.Column(sa.Integer, nullable=False))


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a team. ``email`` is None for those who may not see it."""

    user_id: UUID
    name: str
    email: str | None
    role: CampaignRole
    inserted_at: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that nobody has accepted yet."""

    id: UUID
    campaign_id: UUID
    email: str
    role: CampaignRole
    invited_by: UUID | None
    inserted_at: datetime
    expires_at: datetime


def _role(value: object) -> Any:
    if value not in list(CampaignRole):
        raise Wrong(f"{INVALID}: use one of {', '.join(CampaignRole)}")
    return value


class RoleInput(Input):
    """A place in a team that somebody gives."""

    role: Annotated[CampaignRole, BeforeValidator(_role)]


class InvitationInput(RoleInput):
    """Whom somebody invites, and to which place."""

    email: Annotated[Email, AfterValidator(str.lower)]
