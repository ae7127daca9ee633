"""The first admin, made by the link that the first start prints."""

from typing import Any

import reflex as rx

from financial_live import routes
from financial_live.contexts import accounts
from financial_live.ui import forms
from financial_live.ui.components.entrance import (
    email_field,
    form_error,
    password_field,
    sheet,
    submit,
)
from financial_live.ui.components.fields import field
from financial_live.ui.components.values import from_link
from financial_live.ui.identity import scope_of
from financial_live.ui.layout import Shell, add_page, shell
from financial_live.ui.pages.accounts.entering import Entering, handing_over
from financial_live.ui.text import t


class WelcomeForm(Entering, rx.State):
    """What is wrong with the form, and the ticket once it is right."""

    @rx.event
    def load(self) -> None:
        """Start with nothing wrong."""
        self.reset()
        self.to = routes.CAMPAIGNS

    @rx.event
    async def begin(self, form: dict[str, Any]) -> Any:
        """Make the first admin and let them in, or say what is wrong with every field."""
        wrong = await self._attempt(self._begin(forms.texts(form)))
        return rx.set_focus(wrong) if wrong else None

    async def _begin(self, typed: dict[str, str]) -> None:
        given = {name: typed.get(name, "") for name in ("name", "email", "password")}
        scope = await scope_of(self)
        user = await accounts.create_first_admin(scope, typed.get("token", ""), given)
        await self._enter(user.email, given["password"])


def _error(name: str) -> rx.Var[str]:
    return WelcomeForm.errors.get(name, "").to(str)


def welcome() -> rx.Component:
    """Return the form that makes the first admin."""
    return shell(
        sheet(
            t("Welcome"),
            t("You are the first one here. This account may do everything, and invite others."),
            rx.el.form(
                from_link(name="token"),
                field(
                    "name", label=t("Name"), error=_error("name"), auto_complete="name", dir="auto"
                ),
                email_field(_error("email")),
                password_field(_error("password"), is_new=True, label=t("Password")),
                form_error(_error("form")),
                handing_over(WelcomeForm),
                submit(t("Begin")),
                on_submit=WelcomeForm.begin,
                class_name="sheet",
                id="welcome-form",
                no_validate=True,
            ),
        )
    )


def register(app: rx.App) -> None:
    """Add this page to ``app``."""
    add_page(
        app,
        welcome,
        route=routes.WELCOME,
        title=t("Welcome · Financial Live"),
        description=t("Make the first account of this site."),
        on_load=[Shell.leave_rooms, WelcomeForm.load],
    )
