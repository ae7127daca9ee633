"""How input is checked: one vocabulary of rules and messages for every context.

Input types are pydantic models made of the annotated types below. ``checked`` reports every wrong
field at once as one Invalid, in the words people know from Ecto ("can't be blank"). Each type also
says what it takes as JSON Schema does, as far as that can: what breaks such a schema is refused.
"""

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from financial_live.errors import Invalid
from financial_live.money import CURRENCIES, MAX_AMOUNT

BLANK = "can't be blank"
INVALID = "is invalid"
TAKEN = "has already been taken"
MISSING = "does not exist"
NOT_POSITIVE = "must be greater than 0"
TOO_MANY_DECIMALS = "must have at most 2 decimal places"
TOO_LARGE = "is too large"

MAX_EMAIL_LENGTH = 254
_CENT = Decimal("0.01")
_LAYOUT = frozenset("\n\r\t")
# Separate lines and pages, break a name in two, or are no characters at all (half a surrogate
# pair, which no encoding accepts).
_CONTROL = frozenset({"Cc", "Cs", "Zl", "Zp"})


class Wrong(ValueError):
    """A field breaks a rule; the message completes "<field> …"."""


class Errors:
    """A map from field to messages, filled while checking and raised once."""

    def __init__(self) -> None:
        self.fields: dict[str, list[str]] = {}

    def add(self, field: str, message: str) -> None:
        """Note that ``field`` is wrong."""
        self.fields.setdefault(field, []).append(message)

    def raise_any(self) -> None:
        """Raise Invalid with everything noted, if anything was."""
        if self.fields:
            raise Invalid(self.fields)


class Input(BaseModel):
    """What a caller sends. Unknown fields are ignored; each wrong one is reported."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )


Given = TypeVar("Given", bound=Input)


def checked(kind: type[Given], attrs: Mapping[str, Any], **context: Any) -> Given:
    """Return ``attrs`` as a ``kind``. Raises Invalid with every wrong field at once."""
    try:
        return kind.model_validate(dict(attrs), context=context)
    except ValidationError as error:
        raise Invalid(_fields(error)) from None


def _fields(error: ValidationError) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for detail in error.errors(include_url=False, include_input=False):
        fields.setdefault(str(detail["loc"][0]), []).append(_message(dict(detail)))
    return fields


def _message(detail: Mapping[str, Any]) -> str:
    if detail["type"] == "missing":
        return BLANK
    return str(detail["ctx"]["error"]) if detail["type"] == "value_error" else INVALID


def is_storable_text(text: str, *, allowed: frozenset[str] = frozenset()) -> bool:
    """Whether ``text`` has no control characters but ``allowed``.

    PostgreSQL stores no NUL, and nobody wants a line break in a name. The marks that order
    right-to-left text and join letters (category Cf) are part of names, and stay.
    """
    return all(c in allowed or unicodedata.category(c) not in _CONTROL for c in text)


def _is_visible(text: str) -> bool:
    return any(unicodedata.category(c)[0] not in "ZC" for c in text)


def _text(value: object, *, most: int) -> str:
    """Return ``value`` without surrounding whitespace.

    Raises Wrong if it is blank, no text, or longer than ``most`` characters as it was sent.
    """
    if value is None:
        raise Wrong(BLANK)
    if not isinstance(value, str):
        raise Wrong(INVALID)
    if not _is_visible(value) and is_storable_text(value, allowed=_LAYOUT):
        raise Wrong(BLANK)
    return _at_most(value, most).strip()


def _at_most(text: str, length: int) -> str:
    if len(text) > length:
        raise Wrong(f"should be at most {length} character(s)")
    return text


def line_of(length: int) -> BeforeValidator:
    """Return the rule of one line of text that must be there, of at most ``length`` characters."""

    def check(value: object) -> str:
        text = _text(value, most=length)
        if not is_storable_text(text):
            raise Wrong(f"{INVALID}: it has control characters")
        return text

    taken = Annotated[str, Field(min_length=1, max_length=length, pattern=r"\S")]
    return BeforeValidator(check, json_schema_input_type=taken)


def prose_of(length: int) -> BeforeValidator:
    """Return the rule of text that may be empty and have several lines."""

    def check(value: object) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            raise Wrong(INVALID)
        if not is_storable_text(value, allowed=_LAYOUT):
            raise Wrong(f"{INVALID}: it has control characters")
        return _at_most(value, length).strip()

    taken = Annotated[str, Field(max_length=length)] | None
    return BeforeValidator(check, json_schema_input_type=taken)


def _email(value: object) -> str:
    email = _text(value, most=MAX_EMAIL_LENGTH)
    if not is_storable_text(email) or not re.fullmatch(r"[^\s@]+@[^\s@]+", email):
        raise Wrong(INVALID)
    return email


def _amount(value: object) -> Decimal:
    """Return a positive amount with at most two decimals that a column of ours holds.

    Text must be plain (``1234.50``): what people type is read by ``money.parse_amount`` before it
    comes here. A float is refused, because 0.1 is not a tenth in one.
    """
    amount = _decimal(value)
    if not amount.is_finite():
        raise Wrong(INVALID)
    if amount <= 0:
        raise Wrong(NOT_POSITIVE)
    if amount > MAX_AMOUNT:
        raise Wrong(TOO_LARGE)
    if amount != amount.quantize(_CENT):
        raise Wrong(TOO_MANY_DECIMALS)
    return amount.quantize(_CENT)


def _decimal(value: object) -> Decimal:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise Wrong(BLANK)
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if not isinstance(value, str):
        raise Wrong(INVALID)
    return _plain_decimal(value.strip())


def _plain_decimal(text: str) -> Decimal:
    match = re.fullmatch(r"-?[0-9]{1,64}(\.[0-9]{1,64})?", text)
    if match is None:
        raise Wrong(INVALID)
    if len(match[1] or "") > len(".00"):
        raise Wrong(TOO_MANY_DECIMALS)
    return Decimal(text)


def _currency(value: object) -> str:
    if value is None or value == "":
        raise Wrong(BLANK)
    if not isinstance(value, str) or value not in CURRENCIES:
        raise Wrong(f"{INVALID}: use one of {', '.join(CURRENCIES)}")
    return value


def _switch(value: object) -> bool:
    """Return a truth value as JSON, a form or a command line sends it."""
    if isinstance(value, bool):
        return value
    known = {
        "true": True,
        "on": True,
        "1": True,
        "false": False,
        "off": False,
        "0": False,
        "": False,
    }
    if not isinstance(value, str) or value.lower() not in known:
        raise Wrong(INVALID)
    return known[value.lower()]


_EmailText = Annotated[str, Field(max_length=MAX_EMAIL_LENGTH, pattern=r"^\s*[^\s@]+@[^\s@]+\s*$")]
_AmountText = Annotated[
    Decimal,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^\s*[0-9]{1,13}(\.[0-9]{1,2})?\s*$"},
                {"type": "number", "exclusiveMinimum": 0, "maximum": float(MAX_AMOUNT)},
            ]
        }
    ),
]
_CurrencyText = Annotated[str, WithJsonSchema({"type": "string", "enum": list(CURRENCIES)})]
_SwitchText = Literal["true", "on", "1", "false", "off", "0", ""]

Email = Annotated[str, BeforeValidator(_email, json_schema_input_type=_EmailText)]
Amount = Annotated[Decimal, BeforeValidator(_amount, json_schema_input_type=_AmountText)]
CurrencyCode = Annotated[str, BeforeValidator(_currency, json_schema_input_type=_CurrencyText)]
Switch = Annotated[bool, BeforeValidator(_switch, json_schema_input_type=bool | _SwitchText)]
