"""Campaigns to look at on the first day, with gifts that went the way of all gifts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from financial_live import db, rights
from financial_live.contexts import campaigns, columns, exchange_rates, matches
from financial_live.contexts.donations import giving
from financial_live.contexts.donations.giving import Gift
from financial_live.contexts.donations.models import DonationSource
from financial_live.rights import Act
from financial_live.scope import Scope

_GIFTS = 25
_DAYS = 24
_MATCH_DAYS = 4


@dataclass(frozen=True, slots=True)
class _Demo:
    slug: str
    name: str
    description: str
    goal_amount: int
    currency: str
    amounts: tuple[str, ...]
    dual_approval_from: int | None = None
    challenge: Mapping[str, str] | None = None
    milestones: Mapping[int, str] = field(default_factory=dict)
    last_gift: Mapping[str, str] = field(default_factory=dict)


_DEMOS = (
    _Demo(
        "build-mosque",
        "Build Mosque",
        "A mosque for four villages on the slope of Mount Merbabu, with a library, a clinic that "
        "opens twice a week, and a courtyard where children learn after school.\n\nThe ground is "
        "bought and the foundation poured. Your gift raises the walls.",
        600_000_000,
        "IDR",
        ("500000", "1000000", "1500000", "2500000", "5000000", "10000000", "25000000", "75000000"),
    ),
    _Demo(
        "clean-water-for-nusa-penida",
        "Clean Water for Nusa Penida",
        "Three wells and eleven kilometres of pipe bring drinking water to two thousand families "
        "who carry it home by hand today.",
        22_500_000,
        "IDR",
        ("25000", "75000", "100000", "200000", "350000", "1250000", "5000000"),
        # Some of its gifts wait, some are doubled, and the last one is in euro.
        dual_approval_from=5_000_000,
        challenge={"sponsor_name": "Yayasan Harapan", "ratio": "1", "cap": "10000000"},
        milestones={
            2_500_000: "The first well is dug",
            10_000_000: "The pipe reaches the school",
            22_500_000: "Water runs in every house",
        },
        last_gift={"amount": "50", "currency": "EUR"},
    ),
    _Demo(
        "school-library-in-nairobi",
        "A School Library in Nairobi",
        "Six thousand books, forty desks and light to read by after sunset, for the children of "
        "Kibera Primary School and everybody who lives around it.",
        24_000,
        "USD",
        ("10", "25", "40", "50", "75.50", "120", "250", "600", "1200"),
    ),
    _Demo(
        "wiederaufbau-nach-der-flut",
        "Wiederaufbau nach der Flut",
        "Das Hochwasser hat im Ahrtal Häuser, Werkstätten und einen Kindergarten zerstört. Mit "
        "jeder Gabe kehrt ein Stück Alltag zurück.",
        15_500,
        "EUR",
        ("15", "20", "35.50", "50", "80", "100", "300", "750", "2500"),
    ),
)

_DONORS = (
    "Siti Nurhaliza", "Budi Santoso", "Raden Ayu Kartika", "H. Ahmad Dahlan", "Ni Luh Putu Sari",
    "Joko Susilo", "Dewi Lestari", "Teuku Rizky", "Maria Goretti Wuwur", "Yohanes Tanaka",
    "فاطمة الزهراء", "عبد الرحمن بن عوف", "یاسمین رضایی", "נועה לוי", "Jürgen Groß",
    "Zoë van der Meer", "François Lefèvre", "Łukasz Wójcik", "Søren Ågård", "Ana María Peña",
    "Nguyễn Thị Minh Khai", "山田 花子", "김민준", "王小明", "Amara Okafor",
    "Wanjirũ Kamau", "Priya Raghunathan", "Ольга Кузнецова", "Γιώργος Παπαδόπουλος", "Mele Tupou",
)  # fmt: skip

_MESSAGES = (
    "", "", "", "Semoga bermanfaat.", "For my grandmother, who taught me to read.",
    "بارك الله فيكم", "Bismillah, semoga lancar.", "Alles Gute!", "Keep going!",
    "In memory of my father.",
    "Dari keluarga besar di Salatiga.", "皆さん、頑張ってください。",
)  # fmt: skip


async def load_demo(scope: Scope) -> int:
    """Make the demo campaigns that are not there yet, each with its gifts; return how many.

    A campaign is known by its slug, and made with all its gifts in one transaction, so a load that
    was interrupted is taken up by the next. Raises Unauthorized and Forbidden.
    """
    rights.require(scope, Act.LOAD_DEMO)
    return sum([await _load(scope, demo) for demo in _DEMOS])


async def _load(scope: Scope, demo: _Demo) -> bool:
    async with db.transaction():
        if await campaigns.find_campaign(demo.slug) is not None:
            return False
        await campaigns.create_campaign(
            scope,
            {
                "slug": demo.slug,
                "name": demo.name,
                "description": demo.description,
                "goal_amount": demo.goal_amount,
                # Who tries the demo with a huge gift still sees a bar that makes sense.
                "max_gift": demo.goal_amount,
                "dual_approval_from": demo.dual_approval_from,
                "currency": demo.currency,
                "review_policy": "automatic",
                "one_gift_per_donor": False,
            },
        )
        await _set_beside(scope, demo)
        for gift in _gifts(demo, columns.now()):
            await giving.take(scope, gift)
    return True


async def _set_beside(scope: Scope, demo: _Demo) -> None:
    """Make the demo's match, which began days ago, its milestones, and a rate if it needs one."""
    now = columns.now()
    if demo.challenge is not None:
        began, ends = now - timedelta(days=_MATCH_DAYS), now + timedelta(days=_DAYS)
        attrs = {**demo.challenge, "starts_at": began, "ends_at": ends}
        await matches.create_challenge(scope, demo.slug, attrs)
    for amount, label in demo.milestones.items():
        await campaigns.create_milestone(scope, demo.slug, {"amount": amount, "label": label})
    given = demo.last_gift.get("currency", demo.currency)
    if given not in {demo.currency, *await exchange_rates.rates_to(scope, demo.currency)}:
        pair = {"base_currency": given, "quote_currency": demo.currency}
        rate = {"rate": "17000", "as_of": now.date(), "source": "for the demo"}
        await exchange_rates.set_rate(scope, pair | rate)


def _gifts(demo: _Demo, now: datetime) -> Iterator[Gift]:
    """Return gifts from weeks ago until now, the same ones for a campaign every time."""
    chance = Random(demo.slug)
    donors = chance.sample(_DONORS, _GIFTS)
    ages = sorted((chance.uniform(0.01, _DAYS) for _ in donors), reverse=True)
    for number, (donor, age) in enumerate(zip(donors, ages, strict=True)):
        said = {
            "donor_name": donor,
            "donor_email": f"donor{number}@example.org",
            "amount": Decimal(chance.choice(demo.amounts)),
            "currency": demo.currency,
            "message": chance.choice(_MESSAGES),
            "show_name": chance.random() > 0.12,
            "show_amount": chance.random() > 0.08,
        }
        is_last = number == len(ages) - 1
        yield Gift(
            {**said, **(demo.last_gift if is_last else {})},
            DonationSource.WEB,
            campaign=demo.slug,
            given_at=now - timedelta(days=age),
        )
