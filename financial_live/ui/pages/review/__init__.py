"""The desk of those who review gifts: what waits, one of them opened, and what is done to it."""

import reflex as rx

from financial_live import routes
from financial_live.ui.layout import Shell, add_page
from financial_live.ui.pages.review.desk import desk
from financial_live.ui.pages.review.state import ReviewPage
from financial_live.ui.text import t

__all__ = ["register"]


def register(app: rx.App) -> None:
    """Add this page to ``app``."""
    add_page(
        app,
        desk,
        route=routes.REVIEW,
        title=t("Review · Financial Live"),
        description=t("Gifts that wait for somebody's approval."),
        on_load=[Shell.leave_rooms, ReviewPage.load],
    )
