"""The gift that is open: all of it, what was done to it, and what may be done."""

from typing import Any

import reflex as rx

from financial_live.ui.components import desk as parts
from financial_live.ui.components.fields import field
from financial_live.ui.components.gifts import badge
from financial_live.ui.components.icons import cross
from financial_live.ui.components.values import amount, day, rate_text, when
from financial_live.ui.pages.review.state import ReviewPage
from financial_live.ui.text import t

_ACTS = (
    ("record", t(" recorded it")),
    ("update", t(" edited it")),
    ("delete", t(" deleted it")),
    ("approve", t(" approved it")),
    ("endorse", t(" approved it, as the first of two")),
    ("reject", t(" rejected it")),
    ("refund", t(" refunded ")),
    ("undo", t(" undid what they had done")),
    ("hide", t(" hid its name and message")),
    ("show", t(" showed its name and message again")),
)
_DOORS = (
    ("web", t("on the site")),
    ("api", t("by a program")),
    ("offline", t("offline, entered by the team")),
    ("channel", t("by a channel")),
    ("queue", t("from a queue")),
    ("import", t("by an import")),
)


def _is(status: str) -> rx.Var[bool]:
    return ReviewPage.gift["status"].to(str) == status


def _did(one: Any) -> rx.Component:
    return rx.match(one["act"].to(str), *_ACTS, one["act"].to(str))


def refusal(gift_id: rx.Var[str]) -> rx.Component:
    """Return why the last act on this gift was refused, with who acted before, and when."""
    before = ReviewPage.acted_before
    first = rx.fragment(
        rx.el.span(before["name"], class_name="name"),
        _did(before),
        " ",
        when(at=before["at"].to(int)),
        t(", before you. Nothing was done again."),
    )
    return rx.cond(
        (ReviewPage.refused == gift_id) & (ReviewPage.problem != ""),
        rx.el.p(
            rx.cond(before["name"], first, ReviewPage.problem), class_name="error", role="alert"
        ),
    )


def _facts() -> rx.Component:
    gift = ReviewPage.gift

    def fact(name: str, *what: Any, shown: Any = True) -> rx.Component:
        return rx.cond(shown, rx.el.div(rx.el.dt(name), rx.el.dd(*what)))

    is_foreign = gift["worth"].to(str) != ""
    hides = rx.match(
        gift["hides_name"].to(bool).to_string() + gift["hides_amount"].to(bool).to_string(),
        ("truetrue", t("name and amount, as the donor wishes")),
        ("truefalse", t("the name, as the donor wishes")),
        t("the amount, as the donor wishes"),
    )
    return rx.el.dl(
        fact(
            t("For"),
            rx.el.a(gift["campaign"], href=gift["campaign_address"].to(str), class_name="link"),
        ),
        fact(
            t("E-mail"),
            rx.el.a(gift["email"], href=f"mailto:{gift['email']}", class_name="link"),
            shown=gift["email"],
        ),
        fact(
            t("Given"),
            when(at=gift["at"].to(int)),
            ", ",
            rx.match(gift["source"].to(str), *_DOORS, gift["source"].to(str)),
        ),
        fact(t("Their number"), gift["external_id"], shown=gift["external_id"]),
        fact(
            t("Worth"),
            rx.el.span(amount(gift["worth"], gift["campaign_currency"]), class_name="figures"),
            rx.el.span(
                "1 ",
                gift["currency"],
                " = ",
                rate_text(gift["rate"], gift["campaign_currency"]),
                " ",
                gift["campaign_currency"],
                ", ",
                gift["rate_source"],
                ", ",
                day(at=gift["rate_day"].to(int)),
                class_name="quiet small block figures",
            ),
            shown=is_foreign,
        ),
        fact(
            t("Refunded"),
            rx.el.span(amount(gift["refunded"], gift["campaign_currency"]), class_name="figures"),
            rx.cond(
                gift["kept"],
                rx.fragment(
                    t("; left: "),
                    rx.el.span(
                        amount(gift["kept"], gift["campaign_currency"]), class_name="figures"
                    ),
                ),
            ),
            shown=gift["refunded"],
        ),
        fact(
            t("Not public"),
            hides,
            shown=gift["hides_name"].to(bool) | gift["hides_amount"].to(bool),
        ),
        class_name="facts",
    )


def _two_people() -> rx.Component:
    """Return how far a gift is that needs two people."""
    gift = ReviewPage.gift
    said = rx.match(
        gift["approved_by"].to(str),
        ("me", rx.fragment(t("You have approved it; another person must too."))),
        (
            "other",
            rx.fragment(
                rx.el.span(gift["first_name"], class_name="name"),
                t(" has approved it "),
                when(at=gift["first_at"].to(int)),
                t("; it needs one more person."),
            ),
        ),
        rx.fragment(t("It is large: two people must approve it.")),
    )
    return rx.cond(
        _is("pending") & gift["needs_two"].to(bool), rx.el.p(said, class_name="two-people")
    )


def _error(name: str) -> rx.Var[str]:
    is_here = ReviewPage.refused == ReviewPage.gift_id
    return rx.cond(is_here, ReviewPage.errors.get(name, "").to(str), "")


def _hidden_fields() -> list[rx.Component]:
    gift = ReviewPage.gift
    return [
        rx.el.input(type="hidden", name="gift_id", value=gift["id"].to(str), read_only=True),
        rx.el.input(
            type="hidden", name="version", value=gift["version"].to_string(), read_only=True
        ),
    ]


def _form_key() -> rx.Var[str]:
    """What makes a form new: another gift, or something was done by it."""
    return ReviewPage.gift_id + ReviewPage.sent.to_string()


def _decide() -> rx.Component:
    gift = ReviewPage.gift
    shown = amount(gift["amount"], gift["currency"])
    approve = rx.el.button(
        t("Approve "),
        shown,
        type="button",
        class_name="button primary wide",
        on_click=ReviewPage.act("approve", gift["id"].to(str), gift["version"].to(int)),
    )
    reject = rx.el.form(
        *_hidden_fields(),
        field(
            "reason",
            label=t("Reason to reject it"),
            hint=t("For the team; the donor does not see it."),
            error=_error("reason"),
            auto_complete="off",
        ),
        rx.el.button(t("Reject "), shown, type="submit", class_name="button danger"),
        on_submit=ReviewPage.reject,
        reset_on_submit=False,
        key=_form_key(),
        id="reject-form",
        class_name="reason-form",
        no_validate=True,
    )
    return rx.fragment(rx.cond(gift["approved_by"].to(str) != "me", approve), reject)


def _refund() -> rx.Component:
    gift = ReviewPage.gift
    return rx.el.details(
        rx.el.summary(t("Refund it")),
        rx.el.form(
            *_hidden_fields(),
            field(
                "refund-amount",
                name="amount",
                label=t("Amount"),
                hint=rx.fragment(
                    t("Empty: all that is left, "),
                    amount(gift["kept"], gift["campaign_currency"]),
                    ".",
                ),
                error=rx.cond(
                    ReviewPage.refused == "", ReviewPage.errors.get("amount", ""), _error("amount")
                ).to(str),
                input_mode="decimal",
                auto_complete="off",
                class_name="figures",
            ),
            field(
                "refund-reason",
                name="reason",
                label=t("Reason"),
                hint=t("For the team; the donor does not see it."),
                error=_error("reason"),
                auto_complete="off",
            ),
            rx.el.button(t("Refund"), type="submit", class_name="button danger"),
            on_submit=ReviewPage.refund,
            reset_on_submit=False,
            id="refund-form",
            class_name="reason-form",
            no_validate=True,
        ),
        key=_form_key(),
        class_name="more",
    )


def _hide() -> rx.Component:
    gift = ReviewPage.gift

    def button(text: str, what: str) -> rx.Component:
        return rx.el.button(
            text,
            type="button",
            class_name="button plain",
            on_click=ReviewPage.act(what, gift["id"].to(str), gift["version"].to(int)),
        )

    return rx.el.div(
        rx.cond(
            gift["is_hidden"].to(bool),
            rx.fragment(
                rx.el.p(t("The name and the message are hidden from everybody but the team.")),
                button(t("Show name and message"), "show"),
            ),
            button(t("Hide name and message"), "hide"),
        ),
        class_name="hiding",
    )


def _line(one: rx.Var[dict[str, Any]]) -> rx.Component:
    return rx.el.li(
        rx.el.span(
            rx.el.b(one["name"], class_name="name"),
            _did(one),
            rx.cond(
                one["amount"],
                rx.el.span(
                    amount(one["amount"], ReviewPage.gift["campaign_currency"]),
                    class_name="figures",
                ),
            ),
        ),
        rx.el.span(
            when(at=one["at"].to(int)),
            rx.cond(one["address"], rx.fragment(t(", from "), one["address"])),
            class_name="quiet small",
        ),
        rx.cond(one["reason"], rx.el.q(one["reason"], class_name="reason")),
        rx.cond(one["changed"], rx.el.span(one["changed"], class_name="small reason")),
        key=one["key"].to(str),
    )


def _history() -> rx.Component:
    return rx.cond(
        ReviewPage.history.length() > 0,
        rx.el.section(
            rx.el.h3(t("What was done"), class_name="part"),
            rx.el.ol(rx.foreach(ReviewPage.history, _line), class_name="history", id="history"),
        ),
    )


def _opened() -> rx.Component:
    gift = ReviewPage.gift
    return rx.fragment(
        rx.el.div(
            badge(gift["status"].to(str)),
            rx.cond(gift["is_test"].to(bool), rx.el.span(t("Test"), class_name="mark")),
            class_name="standing",
        ),
        rx.el.h2(
            rx.el.span(amount(gift["amount"], gift["currency"]), class_name="gift-amount"),
            rx.el.span(t("from "), class_name="sr-only"),
            rx.el.span(gift["name"], class_name="gift-name name"),
            id="gift-title",
        ),
        rx.cond(
            gift["message"],
            rx.el.blockquote(gift["message"], class_name="gift-message name"),
        ),
        _two_people(),
        refusal(ReviewPage.gift_id),
        rx.cond(_is("pending"), _decide()),
        _facts(),
        _hide(),
        rx.cond(gift["kept"].to(str) != "", _refund()),
        _history(),
    )


def _outcome(one: rx.Var[dict[str, Any]]) -> rx.Component:
    did = rx.match(
        one["act"].to(str),
        ("approve", t("approved")),
        ("reject", t("rejected")),
        t("as it was before"),
    )
    return rx.el.li(
        rx.el.span(
            rx.el.b(one["name"], class_name="name"),
            " ",
            rx.el.span(amount(one["amount"], one["currency"]), class_name="figures"),
        ),
        rx.cond(
            one["is_done"].to(bool),
            rx.el.span(rx.cond(one["text"], one["text"], did), class_name="small quiet"),
            rx.el.span(one["text"], class_name="error"),
        ),
        key=one["key"].to(str),
    )


def _outcomes() -> rx.Component:
    return rx.cond(
        ReviewPage.outcomes.length() > 0,
        rx.el.section(
            rx.el.div(
                rx.el.h2(t("What became of them"), class_name="part"),
                rx.el.button(
                    cross(),
                    type="button",
                    class_name="icon-button",
                    on_click=ReviewPage.dismiss,
                    custom_attrs={"aria-label": t("Close this list")},
                ),
                class_name="outcomes-head",
            ),
            rx.el.ol(rx.foreach(ReviewPage.outcomes, _outcome), class_name="history"),
            class_name="outcomes",
            id="outcomes",
            role="status",
        ),
    )


def pane() -> rx.Component:
    """Return what stands beside the list: the open gift, or how to open one."""
    missing = rx.el.p(t("There is no such gift, or it is not yours to review."), class_name="quiet")
    is_open = ReviewPage.gift_id != ""
    back = rx.el.a(
        t("Back to the list"),
        href=ReviewPage.list_address,
        class_name="link back",
        custom_attrs=parts.within("row"),
    )
    return rx.el.aside(
        _outcomes(),
        rx.cond(
            is_open,
            rx.fragment(back, rx.cond(ReviewPage.gift["id"], _opened(), missing)),
            rx.el.p(t("Choose a gift to see all of it here."), class_name="quiet hint-to-open"),
        ),
        class_name="pane",
        id="gift",
        tab_index=-1,
        custom_attrs={
            "aria-label": t("The open gift"),
            "data-gift": rx.cond(ReviewPage.gift["id"], ReviewPage.gift_id, rx.Var("undefined")),
            "data-version": ReviewPage.gift["version"].to_string(),
            "data-hidden": rx.cond(ReviewPage.gift["is_hidden"], "true", rx.Var("undefined")),
        },
    )
