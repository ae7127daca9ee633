"""Idempotency keys: a request repeated with its key is answered, not done again."""

from financial_live.contexts.idempotency_keys.models import IdempotencyKey
from financial_live.contexts.idempotency_keys.service import LIFETIME, once, prune

__all__ = ["LIFETIME", "IdempotencyKey", "once", "prune"]
