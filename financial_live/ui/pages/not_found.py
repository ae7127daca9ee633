"""The page for an address that leads nowhere."""

import reflex as rx

from financial_live import routes
from financial_live.ui.layout import add_page, shell
from financial_live.ui.text import t


def nothing_here(text: str) -> rx.Component:
    """Return what is said where something was looked for and is not there."""
    return rx.el.div(
        rx.el.h1(t("Nothing is here"), class_name="title"),
        rx.el.p(text, class_name="lead mt-4"),
        rx.el.div(
            rx.el.a(t("See the campaigns"), href=routes.CAMPAIGNS, class_name="button primary"),
            rx.el.a(t("First page"), href=routes.HOME, class_name="button plain"),
            class_name="flex flex-wrap gap-2 mt-8",
        ),
        class_name="py-12",
    )


def not_found() -> rx.Component:
    """Return the page for an unknown address."""
    return shell(nothing_here(t("The address may be mistyped, or what was here is gone.")))


def register(app: rx.App) -> None:
    """Add this page to ``app``."""
    add_page(
        app,
        not_found,
        route=routes.NOT_FOUND,
        title=t("Nothing is here · Financial Live"),
        description=t("This address leads nowhere."),
    )
