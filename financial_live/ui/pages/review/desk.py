"""How the desk looks: the filters, the list of gifts, and beside it the one that is open."""

from typing import Any

import reflex as rx

from financial_live import routes
from financial_live.contexts.donations import DonationStatus, QueueOrder
from financial_live.ui.components import desk as parts
from financial_live.ui.components.campaigns import ghost
from financial_live.ui.components.gifts import STATUS_TEXTS, badge
from financial_live.ui.components.values import amount, count, follow, when
from financial_live.ui.layout import shell
from financial_live.ui.live import PageLive
from financial_live.ui.pages.review.asking import ANY
from financial_live.ui.pages.review.gift import pane, refusal
from financial_live.ui.pages.review.state import ReviewPage
from financial_live.ui.text import t

_STATUSES = (*((str(one), STATUS_TEXTS[one]) for one in DonationStatus), (ANY, t("All")))
_ORDERS = (
    (str(QueueOrder.OLDEST), t("Oldest first")),
    (str(QueueOrder.NEWEST), t("Newest first")),
    (str(QueueOrder.LARGEST), t("Largest first")),
)
_KEYS = (
    (("j", "k"), t("next gift, gift before")),
    (("o", "Enter"), t("open it")),
    (("a",), t("approve it")),
    (("r",), t("reject it, with a reason")),
    (("h",), t("hide its name and message, or show them")),
    (("u",), t("undo what you did last")),
    (("x", "X"), t("choose it, or all from the last one chosen")),
    (("Esc",), t("close the gift, or choose none")),
)


def _select(
    name: str, label: str, value: rx.Var[str], *options: rx.Component, **props: Any
) -> rx.Component:
    return rx.el.label(
        rx.el.span(label, class_name="sr-only"),
        rx.el.select(
            *options,
            value=value,
            on_change=lambda chosen: ReviewPage.narrow(name, chosen),
            class_name="select",
            id=f"filter-{name}",
            **props,
        ),
    )


def _options(choices: tuple[tuple[str, str], ...]) -> list[rx.Component]:
    return [rx.el.option(text, value=value) for value, text in choices]


def _least() -> rx.Component:
    """Return the field for the least amount, where all amounts are of one currency."""
    return rx.cond(
        ReviewPage.currency != "",
        rx.el.form(
            rx.el.label(t("From"), html_for="least"),
            rx.el.input(
                id="least",
                name="least",
                default_value=ReviewPage.least,
                key=ReviewPage.least + ReviewPage.currency,
                placeholder=ReviewPage.currency,
                input_mode="decimal",
                auto_complete="off",
                class_name="input figures",
                custom_attrs={
                    "aria-invalid": rx.cond(ReviewPage.least_problem != "", "true", "false"),
                    "aria-describedby": "least-error",
                },
            ),
            rx.el.div(
                rx.cond(
                    ReviewPage.least_problem != "",
                    rx.el.p(ReviewPage.least_problem, class_name="error"),
                ),
                id="least-error",
                role="alert",
            ),
            on_submit=ReviewPage.narrow_amount,
            reset_on_submit=False,
            class_name="least",
        ),
    )


def _filters() -> rx.Component:
    return rx.el.div(
        _select(
            "campaign",
            t("Campaign"),
            ReviewPage.campaign,
            rx.el.option(t("All campaigns"), value=""),
            rx.foreach(
                ReviewPage.campaigns,
                lambda one: rx.el.option(one["label"], value=one["slug"].to(str)),
            ),
        ),
        _select("status", t("Status"), ReviewPage.status, *_options(_STATUSES)),
        _select("order", t("Order"), ReviewPage.order, *_options(_ORDERS)),
        _least(),
        rx.el.label(
            rx.el.input(
                type="checkbox",
                id="filter-second",
                checked=ReviewPage.second,
                on_change=lambda on: ReviewPage.narrow("second", rx.cond(on, "1", "")),
            ),
            t("Needs a second person"),
            class_name="check",
        ),
        role="search",
        class_name="filters",
        custom_attrs={"aria-label": t("Which gifts")},
    )


def _marks(row: rx.Var[dict[str, Any]]) -> rx.Component:
    """Return what is unusual of a gift, in words."""
    is_waiting = row["status"].to(str) == "pending"
    two = rx.match(
        row["approved_by"].to(str),
        ("me", t("1 of 2: you approved")),
        ("other", t("1 of 2 approved")),
        t("Needs two people"),
    )
    return rx.fragment(
        rx.cond(~is_waiting, badge(row["status"].to(str))),
        rx.cond(is_waiting & row["needs_two"].to(bool), rx.el.span(two, class_name="mark")),
        rx.cond(row["is_hidden"].to(bool), rx.el.span(t("Hidden"), class_name="mark")),
    )


def _row(row: rx.Var[dict[str, Any]]) -> rx.Component:
    row_id = row["id"].to(str)
    is_open = ReviewPage.gift_id == row_id
    return rx.el.li(
        rx.el.label(
            parts.choose(
                gift=row_id,
                custom_attrs={"aria-label": f"{t('Choose')} {row['name']}"},
            ),
            class_name="row-choose",
        ),
        rx.el.a(
            rx.el.span(row["name"], class_name="row-name name"),
            rx.el.span(amount(row["amount"], row["currency"]), class_name="row-amount figures"),
            rx.el.span(
                when(at=row["at"].to(int)),
                " · ",
                row["campaign"],
                rx.cond(row["message"], rx.fragment(" · ", row["message"])),
                class_name="row-about",
            ),
            rx.el.span(
                _marks(row),
                rx.cond(
                    row["worth"],
                    rx.el.span(
                        "≈ ", amount(row["worth"], row["campaign_currency"]), class_name="figures"
                    ),
                ),
                class_name="row-marks",
            ),
            href=ReviewPage.opening + row_id,
            class_name="row-link",
            custom_attrs=parts.within() | {"aria-current": rx.cond(is_open, "true", "false")},
        ),
        refusal(row_id),
        key=row_id,
        class_name="row",
        custom_attrs={
            "data-row": row_id,
            "data-version": row["version"].to(str),
            "data-hidden": rx.cond(row["is_hidden"].to(bool), "true", rx.Var("undefined")),
            "data-open": rx.cond(is_open, "true", rx.Var("undefined")),
        },
    )


def _how_many() -> rx.Component:
    one = ReviewPage.total == 1
    return rx.el.p(
        rx.cond(
            ReviewPage.status == "pending",
            rx.fragment(
                rx.el.b(count(ReviewPage.total)), rx.cond(one, t(" gift waits"), t(" gifts wait"))
            ),
            rx.fragment(rx.el.b(count(ReviewPage.total)), rx.cond(one, t(" gift"), t(" gifts"))),
        ),
        class_name="figures how-many",
        role="status",
    )


def _list_head() -> rx.Component:
    words = {
        "group": t("All that is chosen"),
        "approveOne": t("Approve 1 gift"),
        "approveMany": t("Approve {count} gifts"),
        "reject": t("Reject…"),
        "rejectOne": t("Reject 1 gift"),
        "rejectMany": t("Reject {count} gifts"),
        "reason": t("Reason, for the team"),
        "clear": t("Choose none"),
    }
    return rx.el.div(
        rx.el.label(
            parts.choose_all(
                gifts=ReviewPage.ids, custom_attrs={"aria-label": t("Choose all on this page")}
            ),
            class_name="row-choose",
        ),
        parts.chosen(
            _how_many(),
            words=rx.Var.create(words),
            problem=ReviewPage.many_problem,
            on_approve=ReviewPage.approve_all,
            on_reject=ReviewPage.reject_all,
        ),
        class_name="list-head",
    )


def _pager() -> rx.Component:
    def way(text: str, address: rx.Var[str]) -> rx.Component:
        return rx.cond(
            address != "",
            rx.el.a(text, href=address, class_name="button", custom_attrs=parts.within("list")),
        )

    last = ReviewPage.first + ReviewPage.ids.length() - 1
    return rx.cond(
        (ReviewPage.previous != "") | (ReviewPage.next != ""),
        rx.el.nav(
            way(t("Previous"), ReviewPage.previous),
            way(t("Next"), ReviewPage.next),
            rx.el.span(
                count(ReviewPage.first),
                "–",
                count(last),
                t(" of "),
                count(ReviewPage.total),
                class_name="quiet figures",
            ),
            class_name="pager",
            custom_attrs={"aria-label": t("Pages")},
        ),
    )


def _nothing() -> rx.Component:
    is_plain = ReviewPage.list_address == routes.REVIEW
    return rx.el.div(
        rx.cond(
            is_plain,
            rx.fragment(
                rx.el.h2(t("Nothing waits."), class_name="heading"),
                rx.el.p(t("Gifts that need a look appear here."), class_name="quiet mt-2"),
            ),
            rx.fragment(
                rx.el.h2(t("No gift is like that."), class_name="heading"),
                rx.el.p(
                    rx.el.a(
                        t("See all that waits"),
                        href=routes.REVIEW,
                        class_name="link",
                        custom_attrs=parts.within("list"),
                    ),
                    class_name="mt-2",
                ),
            ),
        ),
        class_name="empty",
    )


def _list() -> rx.Component:
    return rx.el.section(
        rx.el.h2(t("Gifts"), class_name="sr-only"),
        rx.cond(
            ReviewPage.ids.length() > 0,
            rx.fragment(
                _list_head(),
                rx.el.ol(rx.foreach(ReviewPage.rows, _row), class_name="rows", id="queue"),
                _pager(),
            ),
            _nothing(),
        ),
        class_name="queue",
        id="list",
        tab_index=-1,
    )


def _deed() -> rx.Component:
    """Return what was done last: "Approved Rp 50.000 from Sari"."""
    done = ReviewPage.done
    verbs = (
        ("approve", t("Approved ")),
        ("endorse", t("Approved, as the first of two, ")),
        ("reject", t("Rejected ")),
        ("refund", t("Refunded of ")),
    )
    one = rx.fragment(
        rx.el.b(amount(done["amount"], done["currency"]), class_name="figures"),
        t(" from "),
        rx.el.span(done["name"], class_name="name"),
    )
    many = rx.fragment(
        rx.el.b(done["count"].to(int)), rx.cond(done["count"].to(int) == 1, t(" gift"), t(" gifts"))
    )
    return rx.fragment(rx.match(done["act"].to(str), *verbs, ""), rx.cond(done["name"], one, many))


def _undo() -> rx.Component:
    return parts.undo(
        _deed(),
        deed=rx.cond(ReviewPage.left_s > 0, ReviewPage.done["number"].to(int), 0),
        left=ReviewPage.left_s,
        undo=t("Undo"),
        on_undo=ReviewPage.undo,
    )


def _keys() -> rx.Component:
    return parts.key_sheet(
        rx.el.h2(t("Keys"), class_name="heading"),
        rx.el.dl(
            *[
                rx.el.div(rx.el.dt(*[rx.el.kbd(key) for key in keys]), rx.el.dd(meaning))
                for keys, meaning in _KEYS
            ],
            class_name="keys",
        ),
        label=t("Keys"),
        close=t("Close"),
    )


def _loading() -> rx.Component:
    failed = rx.el.p(
        t("The gifts cannot be read right now. This page tries again by itself; nothing is lost."),
        class_name="error",
        role="alert",
    )
    lines = [ghost("3.5rem") for _ in range(6)]
    return rx.el.div(
        rx.cond(ReviewPage.failing, failed, ghost("2.75rem", "60%")),
        *lines,
        class_name="loading grid content-start gap-4",
    )


def _not_for_them() -> rx.Component:
    return rx.el.div(
        rx.el.h2(t("You review no gifts yet."), class_name="heading"),
        rx.el.p(
            t(
                "Ask an owner of a campaign to invite you into its team as a reviewer. "
                "Once you have followed the invitation, its gifts appear here."
            ),
            class_name="prose quiet mt-2 mb-4",
        ),
        rx.el.a(t("See the campaigns"), href=routes.CAMPAIGNS, class_name="button"),
        class_name="empty",
    )


def desk() -> rx.Component:
    """Return the page of those who review gifts."""
    work = rx.fragment(
        _filters(),
        rx.el.div(_list(), pane(), class_name="desk-columns"),
        _undo(),
    )
    page = parts.desk(
        rx.el.div(
            rx.el.h1(t("Review"), class_name="title"),
            rx.cond(ReviewPage.loaded & ReviewPage.reviews, _keys()),
            class_name="desk-head",
        ),
        rx.cond(
            ReviewPage.loaded,
            rx.cond(ReviewPage.reviews, work, _not_for_them()),
            _loading(),
        ),
        follow(stamp=PageLive.stamp, read=ReviewPage.read, on_move=ReviewPage.move),
        open=ReviewPage.gift_id,
        list=ReviewPage.list_address,
        on_act=ReviewPage.act,
        class_name="desk",
    )
    return shell(page, stale=PageLive.stale)
