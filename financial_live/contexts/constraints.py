"""What the database refuses comes out as the same errors as what validation refuses.

Validation looks first, but another transaction may act between the look and the write; then the
constraint decides, and its name tells which field to blame.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import psycopg.errors
from sqlalchemy.exc import DBAPIError

from financial_live import db
from financial_live.contexts.inputs import TOO_LARGE
from financial_live.errors import AppError, Invalid

Constraints = Mapping[str, tuple[str, str] | Callable[[], AppError]]


@contextmanager
def refusals(constraints: Constraints, *, overflow: str) -> Iterator[None]:
    """Translate what the database refuses inside the block.

    ``constraints`` maps a constraint's name to a field and its message, or to what makes the error;
    ``overflow`` is the field to blame when a number exceeds its column. Anything
    else is a defect of ours, and passes through.
    """
    try:
        yield
    except DBAPIError as error:
        refusal = _refusal(error, constraints, overflow)
        if refusal is None:
            raise
        raise refusal from error


def _refusal(error: DBAPIError, constraints: Constraints, overflow: str) -> AppError | None:
    if isinstance(error.orig, psycopg.errors.NumericValueOutOfRange):
        return Invalid({overflow: [TOO_LARGE]})
    known = constraints.get(db.violated_constraint(error) or "")
    if isinstance(known, tuple):
        return Invalid({known[0]: [known[1]]})
    return known() if known is not None else None
