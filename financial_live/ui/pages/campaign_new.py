"""A new campaign: a name, a goal and a currency are enough."""

from typing import Any

import reflex as rx

from financial_live import money, routes
from financial_live.contexts import campaigns
from financial_live.errors import AppError
from financial_live.ui import forms
from financial_live.ui.components.fields import check, field, segments
from financial_live.ui.components.values import amount
from financial_live.ui.identity import scope_of
from financial_live.ui.layout import Shell, add_page, shell
from financial_live.ui.text import t

_LABELS = {
    "name": t("Name"),
    "goal_amount": t("Goal"),
    "currency": t("Currency"),
    "description": t("Description"),
    "slug": t("Address"),
    "max_gift": t("Largest gift"),
    "dual_approval_from": t("Two approvals from"),
    "review_policy": t("Review"),
}
_CURRENCIES = (("IDR", t("Rupiah")), ("USD", t("Dollar")), ("EUR", t("Euro")))
_AMOUNTS = ("goal_amount", "max_gift", "dual_approval_from")


class NewCampaignForm(rx.State):
    """What is wrong with the form, and how the goal that is being typed is understood."""

    errors: dict[str, str] = {}
    currency: str = "IDR"
    goal: str = ""
    goal_problem: str = ""
    _goal_text: str = ""

    @rx.event
    def load(self) -> None:
        """Start with nothing wrong."""
        self.reset()

    @rx.event
    def read_goal(self, text: str) -> None:
        """Show how the goal is understood while it is typed."""
        self._goal_text = str(text)[:100]
        self.goal, self.goal_problem = forms.read_amount(self._goal_text, self.currency)

    @rx.event
    def choose_currency(self, currency: str) -> None:
        """Read what is typed again as this currency writes it."""
        self.currency = currency if currency in money.CURRENCIES else "IDR"
        self.goal, self.goal_problem = forms.read_amount(self._goal_text, self.currency)

    @rx.event
    async def create(self, form: dict[str, Any]) -> Any:
        """Make the campaign and go to its page, or say what is wrong with every field."""
        given = forms.texts(form)
        problems = self._read_amounts(given)
        given["one_gift_per_donor"] = str(forms.is_on(form, "one_gift_per_donor")).lower()
        given["review_policy"] = "automatic" if forms.is_on(form, "counts_at_once") else "manual"
        try:
            campaign = await campaigns.create_campaign(await scope_of(self), given)
        except AppError as error:
            self.errors = forms.sentences(error, _LABELS) | problems
            first = next((name for name in _LABELS if name in self.errors), None)
            return rx.set_focus(first) if first and first != "currency" else None
        shell_state = await self.get_state(Shell)
        shell_state._say(
            "info", t("“{name}” is live.").format(name=campaign.name), on_next_page=True
        )
        return rx.redirect(routes.campaign(campaign.slug))

    def _read_amounts(self, given: dict[str, str]) -> dict[str, str]:
        """Replace typed amounts by plain ones; return what is wrong with those that are none."""
        problems: dict[str, str] = {}
        for name in _AMOUNTS:
            plain, problem = forms.read_amount(given.get(name, ""), given.get("currency", ""))
            if problem:
                problems[name] = f"{_LABELS[name]} {problem}."
            given[name] = plain or ("?" if problem else "")
        return problems


def _goal_hint() -> rx.Component:
    understood = rx.cond(
        NewCampaignForm.goal != "",
        rx.el.span(
            t("Understood as "), rx.el.b(amount(NewCampaignForm.goal, NewCampaignForm.currency))
        ),
        rx.el.span(t("Write it as you like: 1.000.000 or 1,000,000.")),
    )
    return rx.el.span(
        rx.cond(
            (NewCampaignForm.goal_problem != "") & (_error("goal_amount") == ""),
            rx.el.span(t("The goal "), NewCampaignForm.goal_problem, "."),
            understood,
        ),
        custom_attrs={"aria-live": "polite"},
    )


def _error(name: str) -> rx.Var[str]:
    return NewCampaignForm.errors.get(name, "").to(str)


def _more() -> rx.Component:
    return rx.el.details(
        rx.el.summary(t("More settings")),
        rx.el.div(
            field(
                "slug",
                label=t("Address"),
                error=_error("slug"),
                hint=t("Small letters, digits and hyphens. Left empty, it is made from the name."),
                auto_complete="off",
                spell_check=False,
            ),
            field(
                "max_gift",
                label=t("Largest gift"),
                error=_error("max_gift"),
                hint=t("Left empty, a gift may be as large as it likes."),
                input_mode="decimal",
                auto_complete="off",
            ),
            field(
                "dual_approval_from",
                label=t("Two approvals from"),
                error=_error("dual_approval_from"),
                hint=t("A gift this large counts when two people have approved it."),
                input_mode="decimal",
                auto_complete="off",
            ),
            check(
                "one_gift_per_donor",
                label=t("One gift per donor"),
                hint=t("A second gift from the same e-mail address is refused."),
                default_checked=True,
            ),
            class_name="pt-3",
        ),
        class_name="more mb-6",
    )


def _form() -> rx.Component:
    return rx.el.form(
        field(
            "name",
            label=t("Name"),
            error=_error("name"),
            hint=t("What people will call it: “Build Mosque”, “Winter shelter”."),
            auto_complete="off",
            max_length=400,
        ),
        segments(
            "currency",
            legend=t("Currency"),
            choices=_CURRENCIES,
            error=_error("currency"),
            on_change=NewCampaignForm.choose_currency,
        ),
        field(
            "goal_amount",
            label=t("Goal"),
            error=_error("goal_amount"),
            hint=_goal_hint(),
            input_mode="decimal",
            auto_complete="off",
            class_name="amount",
            on_change=NewCampaignForm.read_goal.debounce(150),
        ),
        field(
            "description",
            label=t("Description"),
            error=_error("description"),
            hint=t("One or two sentences: what the money is for."),
            is_long=True,
        ),
        check(
            "counts_at_once",
            label=t("Count gifts at once"),
            hint=t("Otherwise each gift waits, uncounted, until somebody has approved it."),
            default_checked=True,
        ),
        _more(),
        rx.cond(
            _error("form") != "", rx.el.p(_error("form"), class_name="error mb-4", role="alert")
        ),
        rx.el.button(t("Start the campaign"), type="submit", class_name="button primary wide"),
        on_submit=NewCampaignForm.create,
        id="campaign-form",
        no_validate=True,
    )


def _not_allowed() -> rx.Component:
    return rx.el.div(
        rx.el.p(
            rx.cond(
                Shell.is_known,
                t("Managers start campaigns. An admin of this site can make you one."),
                t("Managers start campaigns. Log in if you are one."),
            ),
            class_name="lead",
        ),
        rx.el.div(
            rx.cond(
                ~Shell.is_known,
                rx.el.a(
                    t("Log in"),
                    href=routes.login(to=routes.CAMPAIGN_NEW),
                    class_name="button primary",
                ),
            ),
            rx.el.a(t("See the campaigns"), href=routes.CAMPAIGNS, class_name="button"),
            class_name="flex flex-wrap gap-3 mt-5",
        ),
        class_name="empty",
    )


def campaign_new() -> rx.Component:
    """Return the form that starts a campaign."""
    return shell(
        rx.el.div(
            rx.el.h1(t("New campaign"), class_name="title mb-8"),
            rx.cond(Shell.may_start | ~rx.State.is_hydrated, _form(), _not_allowed()),
            class_name="max-w-xl",
        )
    )


def register(app: rx.App) -> None:
    """Add this page to ``app``."""
    add_page(
        app,
        campaign_new,
        route=routes.CAMPAIGN_NEW,
        title=t("New campaign · Financial Live"),
        description=t("Start a campaign."),
        on_load=[Shell.leave_rooms, NewCampaignForm.load],
    )
