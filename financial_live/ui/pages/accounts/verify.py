"""Proving an address by the link that was mailed to it, and getting in."""

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


class ProofForm(Entering, rx.State):
    """What is wrong with the form, the ticket once it is right, and where another link goes."""

    sent_to: str = ""

    @rx.event
    def load(self) -> None:
        """Start with nothing wrong."""
        self.reset()

    @rx.event
    async def prove(self, form: dict[str, Any]) -> Any:
        """Prove the address and get in, or say what is wrong."""
        typed = forms.texts(form)
        wrong = await self._attempt(self._prove(typed.get("token", ""), typed.get("password", "")))
        return rx.set_focus(wrong) if wrong else None

    async def _prove(self, token: str, password: str) -> None:
        user = await accounts.verify_email(
            await scope_of(self), token, password, address=address_of(self)
        )
        await self._enter(user.email, password)

    @rx.event
    async def send_another(self, form: dict[str, Any]) -> Any:
        """Have another link sent."""
        email = forms.texts(form).get("email", "")
        wrong = await self._attempt(self._ask(email))
        if not self.errors:
            self.sent_to = email.strip()
        return rx.set_focus(wrong) if wrong else None

    async def _ask(self, email: str) -> None:
        await accounts.request_verification(await scope_of(self), email)


def _error(name: str) -> rx.Var[str]:
    return ProofForm.errors.get(name, "").to(str)


def _another() -> rx.Component:
    return rx.el.details(
        rx.el.summary(t("The link is over? Have another one sent")),
        rx.cond(
            ProofForm.sent_to != "",
            note(t("Look at your mail"), t("If the address waits for its proof, a link is there.")),
            rx.el.form(
                email_field(_error("email")),
                rx.el.button(t("Send another link"), type="submit", class_name="button"),
                on_submit=ProofForm.send_another,
                class_name="pt-3",
                no_validate=True,
            ),
        ),
        class_name="more mt-8",
    )


def verify() -> rx.Component:
    """Return the form that proves an address."""
    return shell(
        sheet(
            t("Prove your address"),
            t("Enter the password that you chose, and you are in."),
            rx.el.form(
                from_link(name="token"),
                password_field(_error("password")),
                form_error(_error("form")),
                handing_over(ProofForm),
                submit(t("Prove the address")),
                on_submit=ProofForm.prove,
                class_name="sheet",
                id="proof-form",
                no_validate=True,
            ),
            _another(),
        )
    )


def register(app: rx.App) -> None:
    """Add this page to ``app``."""
    add_page(
        app,
        verify,
        route=routes.VERIFY,
        title=t("Prove your address · Financial Live"),
        description=t("Prove that an e-mail address is yours."),
        on_load=[Shell.leave_rooms, ProofForm.load],
    )
