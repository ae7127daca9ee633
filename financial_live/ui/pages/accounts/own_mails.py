"""The mails to one's own address, where no mail server takes them: only where one tries it out."""

from typing import Any

import reflex as rx

from financial_live.config import Settings
from financial_live.contexts import mail
from financial_live.contexts.mail import MailFile
from financial_live.contexts.wire import time_text
from financial_live.rooms.views import microseconds
from financial_live.scope import Scope
from financial_live.ui.components.values import when
from financial_live.ui.text import t


async def mail_lines(scope: Scope, settings: Settings) -> list[dict[str, Any]]:
    """Return what the page says of the caller's mails that lie in the folder.

    In production, and where a mail server takes them, there are none. Raises Unavailable.
    """
    if settings.is_production or settings.secret("smtp_url"):
        return []
    return [_line(one) for one in await mail.own_files(scope, mail.folder_of(settings))]


def _line(one: MailFile) -> dict[str, Any]:
    moment = microseconds(time_text(one.sent_at))
    return {"id": one.path.name, "subject": one.subject, "at": moment, "text": one.text}


def own_mails(mails: rx.Var[list[dict[str, Any]]]) -> rx.Component:
    """Return the section of one's mails; nothing where there are none."""
    return rx.cond(
        mails.length() > 0,
        rx.el.section(
            rx.el.h2(t("Your mails"), class_name="heading mb-3"),
            rx.el.p(
                t("No mail server is set up here, so what is mailed to you is shown instead."),
                class_name="quiet mb-4",
            ),
            rx.el.ul(rx.foreach(mails, _row), class_name="lines", id="own-mails"),
            class_name="mb-12",
        ),
    )


def _row(one: rx.Var[dict[str, Any]]) -> rx.Component:
    return rx.el.li(
        rx.el.details(
            rx.el.summary(
                one["subject"],
                rx.el.span(when(at=one["at"]), class_name="quiet small block font-normal"),
            ),
            rx.el.p(one["text"], class_name="mail-text name"),
            class_name="more",
        ),
        key=one["id"].to(str),
        class_name="line",
    )
