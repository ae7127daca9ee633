"""The statistics of a campaign, as a component with a state and a Refresh of its own."""

from datetime import UTC, datetime
from typing import Any

import reflex as rx

from financial_live import rooms
from financial_live.contexts import campaigns, donations
from financial_live.errors import AppError
from financial_live.ui import live
from financial_live.ui.components.icons import refresh as refresh_icon
from financial_live.ui.components.values import amount, average, clock, count, percent_text
from financial_live.ui.identity import scope_of
from financial_live.ui.live import CampaignLive
from financial_live.ui.text import t


class CampaignStatistics(rx.ComponentState):
    """When this instance was last refreshed by hand, and what went wrong if something did."""

    checked_at: str = ""
    problem: str = ""

    @rx.event
    async def refresh(self) -> None:
        """Read the campaign from the database again, whatever the screen says."""
        scope = await scope_of(self)
        try:
            campaign = await campaigns.get_campaign(scope, str(self.slug))
            audience = await donations.audience(scope, campaign.id)
            await live.reread(self, rooms.campaign_room(campaign.id, audience))
        except AppError as error:
            self.problem = error.message
            return
        self.problem = ""
        self.checked_at = datetime.now(UTC).isoformat()

    @classmethod
    def get_component(cls, **props: Any) -> rx.Component:
        """Return one instance."""
        c = CampaignLive
        values = (
            (t("Total raised"), amount(c.total, c.currency)),
            (t("Goal"), amount(c.goal_amount, c.currency)),
            (t("Progress"), percent_text(c.goal_amount, c.total)),
            (t("Gifts"), count(c.gift_count)),
            (t("Average gift"), _amount_or_dash(average(c.total_raised, c.gift_count))),
            (t("Largest gift"), _amount_or_dash(c.largest)),
        )
        return rx.el.section(
            rx.el.div(
                rx.el.h2(t("Statistics"), class_name="heading"),
                rx.el.div(
                    rx.cond(
                        cls.checked_at != "",
                        rx.el.span(t("Checked "), clock(cls.checked_at), class_name="small quiet"),
                    ),
                    rx.el.button(
                        refresh_icon(),
                        type="button",
                        class_name="icon-button",
                        on_click=cls.refresh,
                        custom_attrs={"aria-label": t("Refresh"), "title": t("Refresh")},
                    ),
                    class_name="flex items-center gap-2",
                    role="status",
                ),
                class_name="flex items-center justify-between gap-4 mb-4",
            ),
            rx.cond(cls.problem != "", rx.el.p(cls.problem, class_name="error mb-4")),
            rx.el.dl(
                *[rx.el.div(rx.el.dt(label), rx.el.dd(value)) for label, value in values],
                class_name="stats figures",
            ),
            **props,
        )


def _amount_or_dash(value: rx.Var[str]) -> rx.Component:
    return rx.cond(value != "", amount(value, CampaignLive.currency), "–")


campaign_statistics = CampaignStatistics.create
