"""The first page: what this is, and the campaigns that take gifts now."""

from typing import Any

import reflex as rx

from financial_live import rooms, routes
from financial_live.errors import Unavailable
from financial_live.rooms.views import LIVE_CAMPAIGNS
from financial_live.ui import live
from financial_live.ui.components.campaigns import entry, feature, ghost
from financial_live.ui.layout import Shell, add_page, shell
from financial_live.ui.live import CampaignsLive
from financial_live.ui.stream import rows_of
from financial_live.ui.text import t


class HomePage(live.LoadsAgain, rx.State):
    """The first page follows the campaigns that take gifts now."""

    @rx.event
    async def load(self) -> Any:
        """Watch the campaigns that take gifts."""
        try:
            await live.watch(self, rooms.live_campaigns_room())
        except Unavailable:
            return HomePage.load_again


def _loading() -> rx.Component:
    return rx.el.div(
        ghost("3rem", "60%"),
        ghost("6rem", "80%"),
        ghost("1.25rem"),
        class_name="loading grid content-start gap-5",
    )


def _empty() -> rx.Component:
    return rx.el.div(
        rx.el.h2(t("No campaign takes gifts right now"), class_name="heading"),
        rx.el.p(
            t("As soon as one opens it appears here, without a reload."), class_name="quiet mt-2"
        ),
        rx.cond(
            Shell.may_start,
            rx.el.a(
                t("Start a campaign"), href=routes.CAMPAIGN_NEW, class_name="button primary mt-5"
            ),
        ),
        class_name="empty",
    )


def _campaigns() -> rx.Component:
    rows = rows_of(CampaignsLive, size=LIVE_CAMPAIGNS)
    return rx.fragment(
        rx.foreach(rows[:1], feature),
        rx.el.div(rx.foreach(rows[1:], entry), class_name="entries mt-12 pt-8 hairline"),
    )


def _steps() -> rx.Component:
    steps = (
        (t("Give in under a minute"), t("On any phone, from a link, without an account.")),
        (
            t("Watch it land"),
            t("The bar moves for everybody at once: on the phone, the dashboard, the wall."),
        ),
        (
            t("Trust the number"),
            t("Every total is what was given and matched, exact to the cent, provable any moment."),
        ),
    )
    return rx.el.ol(
        *[rx.el.li(rx.el.h3(title, class_name="heading"), rx.el.p(text)) for title, text in steps],
        class_name="steps",
    )


def home() -> rx.Component:
    """Return the first page."""
    is_here = CampaignsLive.subject == "live"
    return shell(
        rx.el.p(
            t("Live fundraising. A gift given anywhere moves the bar everywhere."),
            class_name="lead mb-10",
        ),
        rx.el.h1(t("Live campaigns"), class_name="sr-only"),
        rx.cond(
            is_here & CampaignsLive.loaded,
            rx.cond(CampaignsLive.total > 0, _campaigns(), _empty()),
            _loading(),
        ),
        rx.el.section(_steps(), class_name="mt-20", custom_attrs={"aria-label": t("How it works")}),
        stale=CampaignsLive.stale,
    )


def register(app: rx.App) -> None:
    """Add this page to ``app``."""
    add_page(
        app,
        home,
        route=routes.HOME,
        title=t("Financial Live: every gift moves the bar"),
        description=t("Live fundraising. A gift given anywhere moves the bar everywhere."),
        on_load=[HomePage.load],
    )
