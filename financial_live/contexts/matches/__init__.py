"""Matches: sponsors who add to each gift, by a ratio, up to a cap, for a time."""

from financial_live.contexts.matches.events import ChallengeRow, challenge_row
from financial_live.contexts.matches.models import ChallengeInput, GiftMatch, MatchChallenge
from financial_live.contexts.matches.service import (
    cancel_challenge,
    create_challenge,
    list_challenges,
)
from financial_live.contexts.matches.settling import Change, Settled, Share, concern, settle

__all__ = [
    "ChallengeInput",
    "ChallengeRow",
    "Change",
    "GiftMatch",
    "MatchChallenge",
    "Settled",
    "Share",
    "cancel_challenge",
    "challenge_row",
    "concern",
    "create_challenge",
    "list_challenges",
    "settle",
]
