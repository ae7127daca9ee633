"""A campaign's address, made from its name."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from uuid import UUID

from financial_live.contexts.campaigns.models import RESERVED_SLUGS, SLUG_LENGTH, is_campaign_id

# Letters that are no base letter with an accent, so that decomposing leaves them as they are.
_SPELLED = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i"}
)


def slug_of(name: str, campaign_id: UUID) -> str:
    """Spell ``name`` in small Latin letters, digits and hyphens: "Bâtir l'école" is batir-l-ecole.

    A name of which nothing is left, such as one in Arabic letters, gives ``campaign-`` and the
    random end of the id.
    """
    decomposed = unicodedata.normalize("NFKD", name.casefold().translate(_SPELLED))
    base = "".join(c for c in decomposed if not unicodedata.combining(c))
    slug = re.sub(r"[^a-z0-9]+", "-", base.lower())[:SLUG_LENGTH].strip("-")
    is_usable = slug and slug not in RESERVED_SLUGS and not is_campaign_id(slug)
    return slug if is_usable else f"campaign-{campaign_id.hex[-8:]}"


def free_slug(base: str, taken: Collection[str]) -> str:
    """Return ``base``, or the first of base-2, base-3 … that is not ``taken``."""
    return next(slug for slug in _numbered(base) if slug not in taken)


def _numbered(base: str) -> Iterator[str]:
    yield base
    number = 2
    while True:
        ending = f"-{number}"
        yield base[: SLUG_LENGTH - len(ending)].rstrip("-") + ending
        number += 1
