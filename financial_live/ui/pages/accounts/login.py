"""Logging in."""

from typing import Any

import reflex as rx

from financial_live import routes
from financial_live.ui import forms
from financial_live.ui.components.entrance import (
    email_field,
    form_error,
    password_field,
    sheet,
    submit,
)
from financial_live.ui.layout import Shell, add_page, shell
from financial_live.ui.pages.accounts.entering import Entering, handing_over, wanted_page
from financial_live.ui.text import t


class LoginForm(Entering, rx.State):
    """What is wrong with the form, and the ticket once it is right."""

    @rx.event
    def load(self) -> None:
        """Start with nothing wrong."""
        self.reset()
        self.to = wanted_page(self.router.url.query_parameters)

    @rx.event
    async def log_in(self, form: dict[str, Any]) -> Any:
        """Get a ticket for whoever has this password, or say what is wrong."""
        typed = forms.texts(form)
        wrong = await self._attempt(self._enter(typed.get("email", ""), typed.get("password", "")))
        return rx.set_focus(wrong) if wrong else None


def _error(name: str) -> rx.Var[str]:
    return LoginForm.errors.get(name, "").to(str)


def login() -> rx.Component:
    """Return the form to log in."""
    return shell(
        sheet(
            t("Log in"),
            t("Giving needs no account. Managing campaigns does."),
            rx.el.form(
                email_field(_error("email"), auto_focus=True),
                password_field(_error("password")),
                form_error(_error("form")),
                handing_over(LoginForm),
                submit(t("Log in")),
                on_submit=LoginForm.log_in,
                class_name="sheet",
                id="login-form",
                no_validate=True,
            ),
            rx.el.p(
                rx.el.a(t("Forgot your password?"), href=routes.FORGOT, class_name="link"),
                " · ",
                rx.el.a(t("Get an account"), href=routes.REGISTER, class_name="link"),
                class_name="mt-6 text-center",
            ),
        )
    )


def register(app: rx.App) -> None:
    """Add this page to ``app``."""
    add_page(
        app,
        login,
        route=routes.LOGIN,
        title=t("Log in · Financial Live"),
        description=t("Log in to manage campaigns, or to find your gifts."),
        on_load=[Shell.leave_rooms, LoginForm.load],
    )
