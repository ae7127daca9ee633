"""What every form does with what a browser sends: nothing of it is trusted to have a shape."""

from collections.abc import Mapping
from typing import Any

from financial_live import money
from financial_live.errors import AppError
from financial_live.ui.text import t


def texts(form: object) -> dict[str, str]:
    """Return the form's text fields; whatever else was sent is left out."""
    if not isinstance(form, Mapping):
        return {}
    return {str(k): v for k, v in form.items() if isinstance(v, str)}


def is_on(form: object, name: str) -> bool:
    """Whether a checkbox of the form is ticked, however the browser says so."""
    value: Any = form.get(name) if isinstance(form, Mapping) else None
    return value is True or (isinstance(value, str) and value.lower() in ("on", "true"))


def read_amount(text: str, currency: str) -> tuple[str, str]:
    """Return ``(plain amount, "")``, or ``("", what is wrong)``; both empty if nothing is typed."""
    if not text.strip():
        return "", ""
    if currency not in money.CURRENCIES:
        return text.strip(), ""  # The currency is what is wrong, and is said to be.
    try:
        return f"{money.parse_amount(text, currency):f}", ""
    except money.AmountError as error:
        return "", str(error)


def sentences(
    error: AppError, labels: Mapping[str, str], *, elsewhere: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return a sentence for each wrong field by name; ``form`` holds what belongs to none.

    ``labels`` names the form's fields; ``elsewhere`` what else may be wrong, as people call it.
    """
    shown: dict[str, str] = {}
    for name, messages in error.fields.items():
        label = labels.get(name) or (elsewhere or {}).get(name, name)
        shown[name if name in labels else "form"] = f"{label} {'; '.join(messages)}."
    if not shown:
        shown["form"] = error.message or t("That did not work. Try again in a moment.")
    return shown
