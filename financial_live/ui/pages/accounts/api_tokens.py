"""One's own API tokens: making one, seeing where it is used, and revoking it."""

from typing import Any

import reflex as rx

from financial_live import routes
from financial_live.contexts import accounts
from financial_live.contexts.accounts import API_TOKEN_PREFIX, ApiToken, TokenScope
from financial_live.contexts.wire import time_text
from financial_live.errors import AppError, Unauthorized, Unavailable
from financial_live.rooms.views import microseconds
from financial_live.ui import forms, live
from financial_live.ui.components.campaigns import ghost
from financial_live.ui.components.entrance import form_error
from financial_live.ui.components.fields import check, field, field_error, segments
from financial_live.ui.components.values import copyable, date_text, landing, when
from financial_live.ui.identity import scope_of
from financial_live.ui.layout import Shell, add_page, shell
from financial_live.ui.text import t

_LABELS = {"name": t("Name"), "scopes": t("What it is for"), "expires_in_days": t("Time")}
_ID_LENGTH = 36
_SCOPES = (
    (TokenScope.READ.value, t("Read"), t("sees what you may see")),
    (TokenScope.GIVE.value, t("Give"), t("makes gifts in your name")),
    (
        TokenScope.MANAGE.value,
        t("Manage"),
        t("does in campaigns whatever you may do; reads and gives as well"),
    ),
)
_TIMES = (
    ("30", t("30 days")),
    ("90", t("90 days")),
    ("365", t("A year")),
    ("", t("No end")),
)


class TokensPage(live.LoadsAgain, rx.State):
    """The visitor's tokens, and the one just made with its secret, until the page loads anew."""

    loaded: bool = False
    tokens: list[dict[str, Any]] = []
    errors: dict[str, str] = {}
    secret: str = ""
    secret_name: str = ""
    example: str = ""
    confirming: str = ""
    refused: str = ""
    problem: str = ""

    @rx.event
    async def load(self) -> Any:
        """Show the tokens, or the way in."""
        self.reset()
        return await self._load()

    async def _load(self) -> Any:
        self.confirming = self.refused = self.problem = ""
        try:
            found = await accounts.list_tokens(await scope_of(self))
        except Unauthorized:
            self.reset()
            return rx.redirect(routes.login(to=routes.TOKENS), replace=True)
        except Unavailable:
            return TokensPage.load_again
        self.tokens = [_token(one) for one in found]
        self.loaded = True
        return None

    @rx.event
    async def make(self, form: dict[str, Any]) -> Any:
        """Make a token and show its secret, or say what is wrong with every field."""
        typed = forms.texts(form)
        attrs = {
            "name": typed.get("name", ""),
            "scopes": [scope for scope, *_ in _SCOPES if forms.is_on(form, scope)],
            "expires_in_days": typed.get("expires_in_days", ""),
        }
        self.errors = {}
        try:
            made = await accounts.create_token(await scope_of(self), attrs)
        except AppError as error:
            self.errors = forms.sentences(error, _LABELS)
            return rx.set_focus("name") if "name" in self.errors else None
        self.secret, self.secret_name = made.secret, made.token.name
        may_read = TokenScope.READ.is_in(frozenset(map(TokenScope, made.token.scopes)))
        self.example = _example(self.router.url.origin, made.secret) if may_read else ""
        return await self._load()

    @rx.event
    def put_away(self) -> None:
        """Show the secret no more."""
        self.secret = self.secret_name = self.example = ""

    @rx.event
    def ask(self, token_id: str) -> None:
        """Ask whether a token is really to go; an empty text takes the question back."""
        self.confirming, self.refused = str(token_id)[:_ID_LENGTH], ""

    @rx.event
    async def revoke(self, token_id: str) -> Any:
        """Revoke a token and show those that are left, with why not if it was refused."""
        problem = ""
        try:
            await accounts.revoke_token(await scope_of(self), str(token_id))
        except AppError as error:
            problem = error.message
        shown = await self._load()
        self.refused, self.problem = str(token_id)[:_ID_LENGTH], problem
        return shown


def _example(site: str, secret: str) -> str:
    return f"curl {site}{routes.API_CAMPAIGNS} \\\n  -H 'Authorization: Bearer {secret}'"


def _token(one: ApiToken) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "name": one.name,
        "scopes": ", ".join(name for scope, name, _ in _SCOPES if scope in one.scopes),
        "ends": f"{API_TOKEN_PREFIX}…{one.hint}",
        "at": microseconds(time_text(one.inserted_at)),
        "expires": time_text(one.expires_at) if one.expires_at else "",
        "used_at": microseconds(time_text(one.last_used_at)) if one.last_used_at else 0,
        "used_from": one.last_address,
        "is_login": one.is_login,
    }


def _about(one: rx.Var[dict[str, Any]]) -> rx.Component:
    """Return what there is to know of a token: what it is for, since when, and until when."""
    return rx.fragment(
        rx.el.div(
            one["scopes"],
            " · ",
            rx.cond(one["is_login"], t("by logging in "), t("made ")),
            when(at=one["at"]),
            " · ",
            rx.cond(
                one["expires"] != "",
                rx.fragment(t("ends on "), date_text(one["expires"])),
                t("no end"),
            ),
            class_name="quiet small",
        ),
        rx.el.div(
            rx.cond(
                one["used_at"].to(int) > 0,
                rx.fragment(
                    t("Last used "), when(at=one["used_at"]), t(" from "), one["used_from"]
                ),
                t("Never used"),
            ),
            class_name="quiet small used",
        ),
    )


def _going(one: rx.Var[dict[str, Any]]) -> rx.Component:
    """Return the button that revokes a token, and asks once more."""
    token_id = one["id"].to(str)
    return rx.cond(
        TokensPage.confirming == token_id,
        landing(
            rx.el.button(
                t("Revoke for good"),
                type="button",
                class_name="button danger",
                on_click=TokensPage.revoke(token_id),
            ),
            rx.el.button(
                t("Keep"), type="button", class_name="button plain", on_click=TokensPage.ask("")
            ),
            class_name="actions",
            custom_attrs={"role": "group", "aria-label": f"{t('Revoke')} {one['name']}?"},
        ),
        rx.el.button(
            t("Revoke"),
            type="button",
            class_name="button plain",
            on_click=TokensPage.ask(token_id),
            custom_attrs={"aria-label": f"{t('Revoke')} {one['name']}"},
        ),
    )


def _row(one: rx.Var[dict[str, Any]]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.span(one["name"], class_name="font-medium name"),
                " ",
                rx.el.code(one["ends"], class_name="quiet small whitespace-nowrap"),
            ),
            _about(one),
            rx.cond(
                (TokensPage.problem != "") & (TokensPage.refused == one["id"]),
                rx.el.p(TokensPage.problem, class_name="error", role="alert"),
            ),
        ),
        rx.el.div(_going(one), class_name="actions"),
        key=one["id"].to(str),
        class_name="line",
    )


def _held() -> rx.Component:
    return rx.el.section(
        rx.el.h2(t("Your tokens"), class_name="heading mb-3"),
        rx.cond(
            TokensPage.tokens.length() > 0,
            rx.el.ul(rx.foreach(TokensPage.tokens, _row), class_name="lines", id="tokens"),
            rx.el.p(t("You have none yet. Make one for each program."), class_name="quiet"),
        ),
        class_name="mb-12",
    )


def _secret() -> rx.Component:
    """Return the token that was just made, which is shown this once."""
    return landing(
        rx.el.h2(t("Copy it now"), class_name="heading"),
        rx.el.p(
            t("This is the token "),
            rx.el.b(TokensPage.secret_name, class_name="name"),
            t(". It is not shown again: keep it where the program reads its passwords."),
            class_name="mt-3 mb-4",
        ),
        copyable(text=TokensPage.secret, copy=t("Copy"), copied=t("Copied"), id="secret"),
        rx.cond(
            TokensPage.example != "",
            rx.fragment(
                rx.el.h3(t("Try it"), class_name="mt-6 mb-2"),
                copyable(text=TokensPage.example, copy=t("Copy"), copied=t("Copied"), id="example"),
            ),
        ),
        rx.el.button(
            t("I have it"),
            type="button",
            class_name="button primary mt-6",
            on_click=TokensPage.put_away,
        ),
        class_name="sheet thanks",
        custom_attrs={"role": "status"},
    )


def _error(name: str) -> rx.Var[str]:
    return TokensPage.errors.get(name, "").to(str)


def _form() -> rx.Component:
    return rx.el.section(
        rx.el.h2(t("Make a token"), class_name="heading mb-4"),
        rx.el.form(
            field(
                "name",
                label=t("Name"),
                error=_error("name"),
                hint=t("The program that it is for."),
                auto_complete="off",
                dir="auto",
            ),
            rx.el.div(
                rx.el.fieldset(
                    rx.el.legend(t("What it is for")),
                    *[
                        check(scope, label=name, hint=hint, default_checked=index == 0)
                        for index, (scope, name, hint) in enumerate(_SCOPES)
                    ],
                ),
                field_error("scopes", _error("scopes")),
                class_name="field",
            ),
            segments(
                "expires_in_days",
                legend=t("Ends after"),
                choices=_TIMES,
                error=_error("expires_in_days"),
            ),
            form_error(_error("form")),
            rx.el.button(t("Make the token"), type="submit", class_name="button primary"),
            on_submit=TokensPage.make,
            reset_on_submit=False,
            class_name="sheet",
            id="token-form",
            no_validate=True,
        ),
        class_name="max-w-md",
    )


def tokens() -> rx.Component:
    """Return the page of one's own API tokens."""
    return shell(
        rx.el.div(
            rx.el.h1(t("API tokens"), class_name="title"),
            rx.el.p(
                t("A program that has one acts in your name, and never may more than you. "),
                # It is no page of Reflex, which would look for it among its own.
                rx.el.a(
                    t("What it can ask for"),
                    href=routes.API_DOCS,
                    reload_document=True,
                    class_name="link",
                ),
                " · ",
                rx.el.a(t("Your account"), href=routes.ACCOUNT, class_name="link"),
                class_name="lead mt-2 mb-10",
            ),
            rx.cond(
                TokensPage.loaded,
                rx.fragment(
                    _held(),
                    # The form comes back empty when the secret has been put away.
                    rx.cond(TokensPage.secret != "", _secret(), _form()),
                ),
                rx.el.div(
                    *[ghost("3.5rem") for _ in range(4)],
                    class_name="loading grid content-start gap-4",
                ),
            ),
            class_name="max-w-2xl",
        )
    )


def register(app: rx.App) -> None:
    """Add this page to ``app``."""
    add_page(
        app,
        tokens,
        route=routes.TOKENS,
        title=t("API tokens · Financial Live"),
        description=t("The tokens by which programs act in your name."),
        on_load=[Shell.leave_rooms, TokensPage.load],
    )
