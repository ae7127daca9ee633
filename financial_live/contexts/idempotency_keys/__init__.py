"""Idempotency keys: a request repeated with its key is answered, not done again."""

from financial_live.contexts.idempotency_keys.models import KEY_LENGTH, IdempotencyKey
from financial_live.contexts.idempotency_keys.service import LIFETIME, once, prune

__all__ = ["KEY_LENGTH", "LIFETIME", "IdempotencyKey", "once", "prune"]
