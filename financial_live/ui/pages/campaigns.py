"""All campaigns, a page at a time."""

from typing import Any

import reflex as rx

from financial_live import rights, rooms, routes
from financial_live.contexts import campaigns as context
from financial_live.errors import AppError, Unavailable
from financial_live.rights import Act
from financial_live.rooms.views import CAMPAIGNS_PER_PAGE
from financial_live.scope import Scope
from financial_live.ui import live
from financial_live.ui.components.campaigns import address, ghost, raised_of_goal
from financial_live.ui.components.gifts import badge
from financial_live.ui.components.progress import bar
from financial_live.ui.components.values import amount, landing, percent_text
from financial_live.ui.identity import scope_of
from financial_live.ui.layout import Shell, add_page, shell
from financial_live.ui.live import CampaignsLive
from financial_live.ui.stream import rows_of
from financial_live.ui.text import t

_ID_LENGTH = 36


class CampaignsPage(live.LoadsAgain, rx.State):
    """Which page of the list is shown, and the deletion that waits to be confirmed."""

    page: int = 1
    confirming: str = ""
    deletable: list[str] = []
    may_delete_all: bool = False

    @rx.event
    async def load(self) -> Any:
        """Watch the page of the list that the address asks for; one after the last is empty."""
        asked = str(self.router.url.query_parameters.get("page", "1"))
        is_number = asked.isascii() and asked.isdecimal() and len(asked) < 7
        self.confirming = ""
        try:
            scope = await scope_of(self)
            await self._note_rights(scope)
            first = await context.list_campaigns(scope, per_page=CAMPAIGNS_PER_PAGE)
            self.page = min(max(int(asked), 1), first.pages + 1) if is_number else 1
            await live.watch(self, rooms.campaigns_room(self.page))
        except Unavailable:
            live.say_stale(self, "campaigns")
            return CampaignsPage.load_again

    async def _note_rights(self, scope: Scope) -> None:
        """Note which campaigns the visitor may delete; each act asks again."""
        self.may_delete_all = rights.allows(scope, Act.DELETE_CAMPAIGN)
        places = await context.roles(scope)
        self.deletable = [
            str(campaign_id)
            for campaign_id, role in places.items()
            if rights.allows(scope, Act.DELETE_CAMPAIGN, role=role)
        ]

    @rx.event
    def ask(self, campaign_id: str) -> None:
        """Ask whether the campaign is really to go; an empty id takes the question back."""
        self.confirming = str(campaign_id)[:_ID_LENGTH]

    @rx.event
    async def delete(self, campaign_id: str) -> None:
        """Delete a campaign; the flash says done, or why not."""
        shell_state = await self.get_state(Shell)
        self.confirming = ""
        try:
            gone = await context.delete_campaign(await scope_of(self), str(campaign_id))
        except AppError as error:
            shell_state._say("error", error.message)
        else:
            shell_state._say("info", t("“{name}” is deleted.").format(name=gone.name))


def _actions(campaign: rx.Var[dict[str, Any]]) -> rx.Component:
    delete = rx.cond(
        CampaignsPage.confirming == campaign["id"],
        landing(
            rx.el.button(
                t("Delete for good"),
                type="button",
                class_name="button danger",
                on_click=CampaignsPage.delete(campaign["id"]),
            ),
            rx.el.button(
                t("Keep"),
                type="button",
                class_name="button plain",
                on_click=CampaignsPage.ask(""),
            ),
            class_name="actions",
            custom_attrs={"role": "group", "aria-label": f"{t('Delete')} {campaign['name']}?"},
        ),
        rx.el.button(
            t("Delete"),
            type="button",
            class_name="button plain",
            on_click=CampaignsPage.ask(campaign["id"]),
            custom_attrs={"aria-label": f"{t('Delete')} {campaign['name']}"},
        ),
    )
    return rx.el.div(
        rx.el.a(t("View"), href=address(campaign), class_name="button plain"),
        rx.cond(
            CampaignsPage.may_delete_all | CampaignsPage.deletable.contains(campaign["id"].to(str)),
            delete,
        ),
        class_name="actions",
    )


def _row(campaign: rx.Var[dict[str, Any]]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.el.a(campaign["name"], href=address(campaign), class_name="campaign-name name"),
            rx.cond(
                campaign["status"].to(bool),
                rx.el.div(badge(campaign["status"].to(str)), class_name="mt-1"),
            ),
        ),
        rx.el.td(
            amount(campaign["goal_amount"], campaign["currency"]),
            class_name="amount-cell figures",
        ),
        rx.el.td(
            bar(
                campaign["goal_amount"],
                campaign["total"],
                label=campaign["name"],
                matched=campaign["matched_total"],
                is_thin=True,
            ),
            rx.el.div(
                raised_of_goal(campaign),
                rx.el.b(percent_text(campaign["goal_amount"], campaign["total"])),
                class_name="measures small figures mt-2",
            ),
            class_name="progress-cell",
        ),
        rx.el.td(_actions(campaign)),
        key=campaign["id"],
    )


def _table() -> rx.Component:
    return rx.el.table(
        rx.el.caption(t("Campaigns, the newest first"), class_name="sr-only"),
        rx.el.thead(
            rx.el.tr(
                rx.el.th(t("Name"), scope="col"),
                rx.el.th(t("Goal"), scope="col", class_name="amount-cell"),
                rx.el.th(t("Progress"), scope="col"),
                rx.el.th(rx.el.span(t("Actions"), class_name="sr-only"), scope="col"),
            )
        ),
        rx.el.tbody(rx.foreach(rows_of(CampaignsLive, size=CAMPAIGNS_PER_PAGE), _row)),
        class_name="table",
    )


def _pager() -> rx.Component:
    page, pages = CampaignsLive.page, CampaignsLive.pages
    return rx.cond(
        pages > 1,
        rx.el.nav(
            rx.cond(
                page > 1,
                rx.el.a(
                    t("Newer"), href=f"{routes.CAMPAIGNS}?page={page - 1}", class_name="button"
                ),
            ),
            rx.cond(
                page < pages,
                rx.el.a(
                    t("Older"), href=f"{routes.CAMPAIGNS}?page={page + 1}", class_name="button"
                ),
            ),
            rx.el.span(t("Page "), page, t(" of "), pages, class_name="quiet figures ms-3"),
            class_name="pager",
            custom_attrs={"aria-label": t("Pages")},
        ),
    )


def _empty() -> rx.Component:
    return rx.el.div(
        rx.cond(
            CampaignsLive.total > 0,
            rx.fragment(
                rx.el.h2(t("There is nothing on this page"), class_name="heading"),
                rx.el.a(t("Go to the first page"), href=routes.CAMPAIGNS, class_name="button mt-5"),
            ),
            rx.fragment(
                rx.el.h2(t("No campaign yet"), class_name="heading"),
                rx.el.p(
                    t("A name, a goal and a currency are enough to start one."),
                    class_name="quiet mt-2",
                ),
                rx.cond(Shell.may_start, _new_button("mt-5")),
            ),
        ),
        class_name="empty",
    )


def _new_button(class_name: str = "") -> rx.Component:
    return rx.el.a(
        t("New campaign"), href=routes.CAMPAIGN_NEW, class_name=f"button primary {class_name}"
    )


def _loading() -> rx.Component:
    return rx.el.div(
        *[ghost("3.5rem") for _ in range(8)], class_name="loading grid content-start gap-4"
    )


def campaigns() -> rx.Component:
    """Return the list of campaigns."""
    is_here = CampaignsLive.loaded & (CampaignsLive.subject == CampaignsPage.page.to_string())
    is_empty = (CampaignsLive.total == 0) | (CampaignsLive.page > CampaignsLive.pages)
    return shell(
        rx.el.div(
            rx.el.h1(t("Campaigns"), class_name="title"),
            rx.cond(Shell.may_start, _new_button()),
            class_name="flex flex-wrap items-center justify-between gap-4 mb-8",
        ),
        rx.cond(is_here, rx.cond(is_empty, _empty(), rx.fragment(_table(), _pager())), _loading()),
        stale=CampaignsLive.stale,
    )


def register(app: rx.App) -> None:
    """Add this page to ``app``."""
    add_page(
        app,
        campaigns,
        route=routes.CAMPAIGNS,
        title=t("Campaigns · Financial Live"),
        description=t("All campaigns, live."),
        on_load=[CampaignsPage.load],
    )
