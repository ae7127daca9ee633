"""A forgotten password: asking for a link, and choosing a new one by it."""

from typing import Any

import reflex as rx

from financial_live import routes
from financial_live.contexts import accounts
from financial_live.ui import forms
from financial_live.ui.components.entrance import (
    email_field,
    form_error,
    note,
    password_field,
    sheet,
    submit,
)
from financial_live.ui.components.values import from_link
from financial_live.ui.identity import address_of, scope_of
from financial_live.ui.layout import Shell, add_page, shell
from financial_live.ui.pages.accounts.entering import Entering, handing_over
from financial_live.ui.text import t


class ForgottenForm(Entering, rx.State):
    """What is wrong with the form, and where a link goes once it is right."""

    sent_to: str = ""

    @rx.event
    def load(self) -> None:
        """Start with nothing wrong."""
        self.reset()

    @rx.event
    async def send(self, form: dict[str, Any]) -> Any:
        """Have a link sent."""
        email = forms.texts(form).get("email", "")
        wrong = await self._attempt(self._ask(email))
        if not self.errors:
            self.sent_to = email.strip()
        return rx.set_focus(wrong) if wrong else None

    async def _ask(self, email: str) -> None:
        await accounts.request_reset(await scope_of(self), email)


class ResetForm(Entering, rx.State):
    """What is wrong with the form, and the ticket once it is right."""

    @rx.event
    def load(self) -> None:
        """Start with nothing wrong."""
        self.reset()

    @rx.event
    async def choose(self, form: dict[str, Any]) -> Any:
        """Set the new password and get in, or say what is wrong."""
        typed = forms.texts(form)
        wrong = await self._attempt(self._choose(typed.get("token", ""), typed.get("password", "")))
        return rx.set_focus(wrong) if wrong else None

    async def _choose(self, token: str, password: str) -> None:
        user = await accounts.reset_password(
            await scope_of(self), token, password, address=address_of(self)
        )
        await self._enter(user.email, password)


def forgot() -> rx.Component:
    """Return the form that asks for a link."""
    return shell(
        sheet(
            t("Forgot your password?"),
            t("A link to choose a new one is sent to your address."),
            rx.cond(
                ForgottenForm.sent_to != "",
                note(
                    t("Look at your mail"),
                    rx.fragment(
                        t("If "),
                        rx.el.b(ForgottenForm.sent_to),
                        t(" has an account, a link is there. It works for an hour."),
                    ),
                ),
                rx.el.form(
                    email_field(ForgottenForm.errors.get("email", "").to(str)),
                    form_error(ForgottenForm.errors.get("form", "").to(str)),
                    submit(t("Send the link")),
                    on_submit=ForgottenForm.send,
                    class_name="sheet",
                    id="forgotten-form",
                    no_validate=True,
                ),
            ),
        )
    )


def reset() -> rx.Component:
    """Return the form that sets a new password."""
    return shell(
        sheet(
            t("Choose a new password"),
            t("Wherever you are logged in, you will be logged out."),
            rx.el.form(
                from_link(name="token"),
                password_field(ResetForm.errors.get("password", "").to(str), is_new=True),
                form_error(ResetForm.errors.get("form", "").to(str)),
                handing_over(ResetForm),
                submit(t("Set the password")),
                on_submit=ResetForm.choose,
                class_name="sheet",
                id="reset-form",
                no_validate=True,
            ),
            rx.el.p(
                rx.el.a(t("Ask for another link"), href=routes.FORGOT, class_name="link"),
                class_name="mt-6 text-center",
            ),
        )
    )


def register(app: rx.App) -> None:
    """Add these pages to ``app``."""
    add_page(
        app,
        forgot,
        route=routes.FORGOT,
        title=t("Forgot your password? · Financial Live"),
        description=t("Get a link to choose a new password."),
        on_load=[Shell.leave_rooms, ForgottenForm.load],
    )
    add_page(
        app,
        reset,
        route=routes.RESET,
        title=t("Choose a new password · Financial Live"),
        description=t("Choose a new password."),
        on_load=[Shell.leave_rooms, ResetForm.load],
    )
