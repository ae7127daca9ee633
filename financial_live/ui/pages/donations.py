"""The last gifts to any campaign, as they arrive."""

from typing import Any

import reflex as rx

from financial_live import rooms, routes
from financial_live.contexts.donations import Audience, audience
from financial_live.errors import Unavailable
from financial_live.rooms.views import CAMPAIGN_FIELD, GIFTS
from financial_live.ui import live
from financial_live.ui.components.campaigns import ghost
from financial_live.ui.components.gifts import donation_card_of
from financial_live.ui.identity import scope_of
from financial_live.ui.layout import add_page, shell
from financial_live.ui.live import DonationsLive
from financial_live.ui.stream import field_of, rows_of
from financial_live.ui.text import t


class DonationsPage(live.LoadsAgain, rx.State):
    """The page follows the last gifts: all, or those that everybody sees."""

    sees_all: bool = False

    @rx.event
    async def load(self) -> Any:
        """Watch the last gifts."""
        try:
            seen_by = await audience(await scope_of(self))
            self.sees_all = seen_by is Audience.STAFF
            await live.watch(self, rooms.gifts_room(seen_by))
        except Unavailable:
            return DonationsPage.load_again


def _empty() -> rx.Component:
    return rx.el.div(
        rx.el.h2(t("No gift yet"), class_name="heading"),
        rx.el.p(t("The first one appears here the moment it is given."), class_name="quiet mt-2"),
        rx.el.a(t("See the campaigns"), href=routes.CAMPAIGNS, class_name="button mt-5"),
        class_name="empty",
    )


def _loading() -> rx.Component:
    return rx.el.div(
        *[ghost("3rem") for _ in range(12)], class_name="loading grid content-start gap-4"
    )


def donations() -> rx.Component:
    """Return the list of the last gifts."""
    rows = rows_of(DonationsLive, size=GIFTS)

    def card(gift: rx.Var[dict[str, Any]]) -> rx.Component:
        return donation_card_of(
            gift, field_of(DonationsLive, CAMPAIGN_FIELD + gift["campaign"].to(str))
        )

    gifts = rx.el.ul(rx.foreach(rows, card), class_name="gifts", id="donations")
    return shell(
        rx.el.h1(t("Gifts"), class_name="title"),
        rx.el.p(
            rx.cond(
                DonationsPage.sees_all,
                t("The last hundred, with those that wait for review."),
                t("The last hundred, as they arrive."),
            ),
            class_name="lead mt-2 mb-8",
        ),
        rx.el.h2(t("Latest gifts"), class_name="sr-only"),
        rx.el.div(
            rx.cond(DonationsLive.loaded, rx.cond(rows.length() > 0, gifts, _empty()), _loading()),
            class_name="max-w-3xl",
        ),
        stale=DonationsLive.stale,
    )


def register(app: rx.App) -> None:
    """Add this page to ``app``."""
    add_page(
        app,
        donations,
        route=routes.DONATIONS,
        title=t("Gifts · Financial Live"),
        description=t("The last gifts to any campaign, live."),
        on_load=[DonationsPage.load],
    )
