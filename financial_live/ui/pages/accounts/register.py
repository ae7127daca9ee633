"""Getting an account, which is open once its address is proven."""

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
from financial_live.ui.components.fields import field
from financial_live.ui.identity import scope_of
from financial_live.ui.layout import Shell, add_page, shell
from financial_live.ui.pages.accounts.entering import Entering
from financial_live.ui.text import t


class RegistrationForm(Entering, rx.State):
    """What is wrong with the form, and to whom a mail goes once it is right."""

    sent_to: str = ""

    @rx.event
    def load(self) -> None:
        """Start with nothing wrong."""
        self.reset()

    @rx.event
    async def send(self, form: dict[str, Any]) -> Any:
        """Make the account, or say what is wrong with every field."""
        typed = forms.texts(form)
        wrong = await self._attempt(self._make(typed))
        if not self.errors:
            self.sent_to = typed.get("email", "").strip()
        return rx.set_focus(wrong) if wrong else None

    async def _make(self, typed: dict[str, str]) -> None:
        given = {name: typed.get(name, "") for name in ("name", "email", "password")}
        await accounts.register(await scope_of(self), given)


def _error(name: str) -> rx.Var[str]:
    return RegistrationForm.errors.get(name, "").to(str)


def _form() -> rx.Component:
    return rx.el.form(
        field("name", label=t("Name"), error=_error("name"), auto_complete="name", dir="auto"),
        email_field(_error("email")),
        password_field(_error("password"), is_new=True, label=t("Password")),
        form_error(_error("form")),
        submit(t("Get an account")),
        on_submit=RegistrationForm.send,
        class_name="sheet",
        id="registration-form",
        no_validate=True,
    )


def registration() -> rx.Component:
    """Return the form to get an account, or what to do next."""
    return shell(
        sheet(
            t("Get an account"),
            t("With it you find your gifts, and are invited to manage campaigns."),
            rx.cond(
                RegistrationForm.sent_to != "",
                note(
                    t("Look at your mail"),
                    rx.fragment(
                        t("A link was sent to "),
                        rx.el.b(RegistrationForm.sent_to),
                        t(". Open it to prove that the address is yours."),
                    ),
                ),
                _form(),
            ),
            rx.el.p(
                rx.el.a(t("You have one already? Log in"), href=routes.LOGIN, class_name="link"),
                class_name="mt-6 text-center",
            ),
        )
    )


def register(app: rx.App) -> None:
    """Add this page to ``app``."""
    add_page(
        app,
        registration,
        route=routes.REGISTER,
        title=t("Get an account · Financial Live"),
        description=t("Get an account to find your gifts and to manage campaigns."),
        on_load=[Shell.leave_rooms, RegistrationForm.load],
    )
