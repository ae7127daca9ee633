"""One campaign: its numbers, its last gifts, and the form to give."""

from typing import Any

import reflex as rx

from financial_live import rooms, routes
from financial_live.contexts import campaigns, donations
from financial_live.errors import NotFound, Unavailable
from financial_live.rights import Act
from financial_live.rooms.views import CAMPAIGN_GIFTS
from financial_live.ui import live
from financial_live.ui.components.campaigns import ghost, hero_total
from financial_live.ui.components.gifts import badge, donation_card
from financial_live.ui.components.matches import match_banner, milestone_list
from financial_live.ui.components.progress import (
    bar,
    goal_and_rest,
    parts_of_total,
    percent_and_gifts,
)
from financial_live.ui.components.values import jump, out_of_sight
from financial_live.ui.identity import scope_of
from financial_live.ui.layout import add_page, shell
from financial_live.ui.live import CampaignLive
from financial_live.ui.pages.give_form import GiveForm, give_form
from financial_live.ui.pages.not_found import nothing_here
from financial_live.ui.pages.statistics import campaign_statistics
from financial_live.ui.stream import rows_of
from financial_live.ui.text import t

# What leads from here to what its team does, for those who may.
_WAYS = (
    (Act.LIST_MEMBERS, t("Team"), routes.team),
    (Act.RECORD_BATCH, t("Record gifts"), routes.record),
    (Act.CREATE_CHALLENGE, t("Match and milestones"), routes.match),
)


class CampaignPage(live.LoadsAgain, rx.State):
    """Which campaign the address names, and the ways from it to what its team does."""

    missing: bool = False
    ways: list[dict[str, str]] = []

    @rx.event
    async def load(self) -> Any:
        """Watch the campaign that the address names; its id leads to its slug."""
        named = str(self.slug)  # The route's part; Reflex adds it.
        try:
            scope = await scope_of(self)
            campaign = await campaigns.get_campaign(scope, named)
            if campaign.slug != named:
                yield rx.redirect(routes.campaign(campaign.slug), replace=True)
                return
            self.missing = False
            form = await self.get_state(GiveForm)
            await form._open(scope, campaign)
            self.ways = [
                {"name": name, "href": address(campaign.slug)}
                for act, name, address in _WAYS
                if await campaigns.may(scope, act, campaign.id)
            ]
            yield  # The form is as it will be before there are numbers, and moves nothing then.
            audience = await donations.audience(scope, campaign.id)
            await live.watch(self, rooms.campaign_room(campaign.id, audience))
        except NotFound:
            self.missing = True
            await live.unwatch(self)
        except Unavailable:
            live.say_stale(self, "campaign")
            yield CampaignPage.load_again


def _numbers() -> rx.Component:
    c = CampaignLive
    return rx.el.section(
        rx.el.div(
            badge(c.status),
            rx.foreach(
                CampaignPage.ways,
                lambda way: rx.el.a(
                    way["name"], href=way["href"].to(str), key=way["href"], class_name="link"
                ),
            ),
            class_name="standing mb-3",
        ),
        rx.el.h1(c.name, class_name="title name"),
        rx.el.div(hero_total(c.total, c.currency), class_name="sized mt-5"),
        goal_and_rest(c.goal_amount, c.total, c.currency, is_closed=c.status == "closed"),
        bar(
            c.goal_amount,
            c.total,
            label=c.name,
            matched=c.matched_total,
            milestones=c.milestones,
        ),
        percent_and_gifts(c.goal_amount, c.total, c.gift_count),
        parts_of_total(
            c.total_raised,
            c.matched_total,
            c.transferred_total,
            c.currency,
            is_expected=c.challenges.length() > 0,
        ),
        match_banner(c.challenges, c.currency),
        class_name="mb-12",
        id="numbers",
    )


def _story() -> rx.Component:
    """Return what the money is for: after the numbers, however long it is."""
    return rx.cond(
        CampaignLive.description != "",
        rx.el.p(CampaignLive.description, class_name="lead story whitespace-pre-line name"),
    )


def _gifts() -> rx.Component:
    rows = rows_of(CampaignLive, size=CAMPAIGN_GIFTS)
    return rx.el.section(
        rx.el.h2(t("Latest gifts"), class_name="heading mb-3"),
        rx.cond(
            rows.length() > 0,
            rx.el.ul(
                rx.foreach(rows, lambda gift: donation_card(gift, CampaignLive.currency)),
                class_name="gifts",
                id="gifts",
            ),
            rx.el.div(
                rx.el.p(
                    t("Nobody has given yet. The first gift appears here."), class_name="quiet"
                ),
                class_name="empty",
            ),
        ),
        class_name="latest",
    )


def _loading() -> rx.Component:
    return rx.el.div(
        ghost("1rem", "4rem"),
        ghost("3rem", "min(28rem, 80%)"),
        ghost("clamp(2.5rem, 8vw, 6rem)", "min(40rem, 100%)"),
        ghost("1.25rem"),
        rx.el.div(
            rx.el.div(ghost("30rem"), class_name="aside"),
            rx.el.div(ghost("18rem"), class_name="told"),
            class_name="campaign-columns mt-8",
        ),
        class_name="loading grid gap-5",
        custom_attrs={"aria-busy": "true"},
    )


def campaign() -> rx.Component:
    """Return a campaign's page."""
    is_here = (CampaignLive.slug != "") & (CampaignLive.slug == rx.State.slug)
    page = rx.fragment(
        _numbers(),
        rx.el.div(
            rx.el.div(
                rx.el.div(give_form(), id="give", tab_index=-1),
                campaign_statistics(class_name="statistics"),
                class_name="aside",
            ),
            rx.el.div(
                _story(),
                milestone_list(CampaignLive.milestones, CampaignLive.total, CampaignLive.currency),
                _gifts(),
                class_name="told",
            ),
            class_name="campaign-columns",
        ),
        rx.cond(
            CampaignLive.status == "active",
            out_of_sight(
                jump(t("Give"), target="give", class_name="button primary wide"),
                target="give",
                class_name="thumb",
            ),
        ),
    )
    gone = nothing_here(t("There is no campaign at this address. It may have been deleted."))
    return shell(
        rx.cond(
            CampaignPage.missing | (is_here & CampaignLive.missing),
            gone,
            rx.cond(is_here, page, _loading()),
        ),
        stale=CampaignLive.stale,
        class_name="has-thumb",
    )


def register(app: rx.App) -> None:
    """Add this page to ``app``."""
    add_page(
        app,
        campaign,
        route=routes.CAMPAIGN,
        title=t("Campaign · Financial Live"),
        description=t("Watch the bar move, and give."),
        on_load=[CampaignPage.load],
    )
