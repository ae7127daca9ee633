"""The pages by which somebody gets in: one sheet with a heading, a form, and where else to go."""

from typing import Any

import reflex as rx

from financial_live.ui.components.fields import field
from financial_live.ui.text import t

FAILED = t("That did not work. Check your connection and try again.")


def sheet(title: str, lead: Any, *content: rx.Component) -> rx.Component:
    """Return the one raised surface of such a page, under its heading."""
    return rx.el.div(
        rx.el.h1(title, class_name="title"),
        rx.el.p(lead, class_name="lead mt-2 mb-8"),
        *content,
        class_name="mx-auto w-full max-w-md",
    )


def note(title: str, text: Any, *content: rx.Component) -> rx.Component:
    """Return what is said once the form has been taken."""
    return rx.el.div(
        rx.el.h2(title, class_name="heading"),
        rx.el.p(text, class_name="mt-3"),
        *content,
        class_name="sheet thanks",
        role="status",
    )


def form_error(error: rx.Var[str]) -> rx.Component:
    """Return the place for what is wrong with the whole form."""
    return rx.cond(error != "", rx.el.p(error, class_name="error mb-4", role="alert"))


def email_field(error: rx.Var[str], **props: Any) -> rx.Component:
    """Return the field for an e-mail address."""
    return field(
        "email",
        label=t("E-mail"),
        error=error,
        type="email",
        auto_complete="username",
        spell_check=False,
        **props,
    )


def password_field(
    error: rx.Var[str], *, id: str = "password", label: str = "", is_new: bool = False
) -> rx.Component:
    """Return the field for a password that somebody has, or chooses."""
    hint = t("At least 10 characters. A sentence is fine.") if is_new else None
    return field(
        id,
        label=label or (t("New password") if is_new else t("Password")),
        error=error,
        hint=hint,
        type="password",
        auto_complete="new-password" if is_new else "current-password",
    )


def submit(text: str) -> rx.Component:
    """Return the button that sends the form, once the page is there to take it.

    Before that the browser would send it by itself, and write the password into the address.
    """
    return rx.el.button(
        text, type="submit", disabled=~rx.State.is_hydrated, class_name="button primary wide"
    )
