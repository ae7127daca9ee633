"""Looking for what donors hide: through every address, every page and every handler."""

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest_asyncio
import reflex as rx

from e2e.instance import Site
from e2e.people import Account, Operator
from financial_live import routes
from financial_live.contexts import accounts, campaigns, donations
from financial_live.contexts.campaigns import Campaign
from financial_live.scope import Scope
from financial_live.ui.layout import Shell
from financial_live.ui.live import CampaignLive
from financial_live.ui.pages.campaign import CampaignPage
from tests.attacks.visitor import Page, cookie_of, headers_of

NAME, EMAIL = "Tersembunyi Sekali", "tersembunyi.sekali@hidden.example"
SEEN_EMAIL = "terlihat@hidden.example"
AMOUNT = "4711.23"
HYDRATE = "reflex___state____state.hydrate"
HYDRATE_AND_LOAD = f"{HYDRATE}_and_load"
UPDATE_VARS = (
    "reflex___state____state.reflex___state____update_vars_internal_state.update_vars_internal"
)


def gift(**attrs: Any) -> dict[str, Any]:
    return {"currency": "USD", "amount": AMOUNT, "donor_name": NAME, "donor_email": EMAIL} | attrs


@pytest_asyncio.fixture
async def campaign(operator_of_attacked: Operator, victim: Account) -> Campaign:
    """Return a campaign of somebody's, with a gift that everybody sees, and one that hides all.

    In this order: the total of a campaign with a single gift tells its amount, whoever hides it.
    """
    owner = await operator_of_attacked.new_account("Pemilik Kampanye", role="manager")
    made = await operator_of_attacked.new_campaign(by=owner, goal_amount="100000")
    await operator_of_attacked.add_member(made, victim, "reviewer")
    for attrs in (
        gift(donor_name="Terlihat", donor_email=SEEN_EMAIL, amount="10.01"),
        gift(show_name=False, show_amount=False),
    ):
        await donations.give(Scope.visitor(), attrs, campaign=made.id)
    return made


async def secrets_of(campaign: Campaign, victim: Account) -> list[str]:
    """Return what neither a nobody nor a donor may ever be sent."""
    scope = await victim.scope()
    return [
        *(NAME, EMAIL, SEEN_EMAIL, AMOUNT, str(Decimal(AMOUNT) * 100)),
        *(victim.user.email, victim.user.name, victim.token, str(victim.user.id)),
        *(accounts.token_digest(victim.token), str(scope.session_id), "argon2", "password_hash"),
    ]


def found_in(text: str, secrets: list[str]) -> list[str]:
    return [secret for secret in secrets if secret in text]


@pytest_asyncio.fixture
async def donor(operator_of_attacked: Operator) -> Account:
    return await operator_of_attacked.new_account("Donatur Biasa")


def states(of: Any = rx.State) -> Iterator[Any]:
    """Yield every class of the page's state."""
    yield of
    for inner in of.get_substates():
        yield from states(inner)


STATES = list(states())


def text_arguments(handler: Any) -> list[str]:
    return [str(name) for name in handler._parameters if name != "self"]


class TestPrograms:
    async def test_find_nothing_hidden_in_any_list(
        self, client: httpx.AsyncClient, campaign: Campaign, victim: Account, donor: Account
    ) -> None:
        secrets = await secrets_of(campaign, victim)
        gifts, lists = routes.api_campaign_donations(campaign.slug), routes.API_CAMPAIGNS
        found = (await client.get(gifts)).json()["data"]
        assert len(found) == 2
        asked = [gifts, lists, routes.api_campaign(str(campaign.id)), routes.API_DONATIONS]
        asked += [routes.api_donation(one["id"]) for one in found]
        asked += [routes.METRICS, routes.READY, routes.HEALTH, "/_health"]
        for query in (
            f"search={NAME}",
            f"search={EMAIL}",
            "search=%25",
            "order=donor_email",
            "order=asc&per_page=100",
            "sort=donor_name&fields=donor_email&include=user",
            "show_name=false&status=pending&audience=staff&is_operator=true",
            "status=pending",
            "page=1&per_page=1",
        ):
            asked += [f"{gifts}?{query}", f"{lists}?{query}"]
        for cookie in ("", cookie_of(donor.token)):
            for path in asked:
                answer = await client.get(path, headers=headers_of(cookie=cookie))
                assert answer.status_code < 500, path
                told = answer.text.replace(NAME, "") if "search" in path else answer.text
                assert found_in(told, secrets) == [], path


class TestPages:
    async def test_show_nothing_hidden_when_they_open_or_while_they_live(
        self, attacked: Site, campaign: Campaign, victim: Account, donor: Account
    ) -> None:
        secrets = await secrets_of(campaign, victim)
        paths = (
            *(routes.HOME, routes.CAMPAIGNS, routes.DONATIONS, routes.ACCOUNT),
            *(routes.campaign(campaign.slug), routes.team(campaign.slug)),
        )
        pages = [
            await Page.open(attacked, path, cookie=cookie)
            for path in paths
            for cookie in ("", cookie_of(donor.token))
        ]
        watching = [page for page in pages if page.path == routes.campaign(campaign.slug)]
        assert len(watching) == 2
        for page in pages:
            await page.settle()
        for page in watching:
            await page.shows(CampaignLive, gift_count=2)
        await donations.give(
            Scope.visitor(), gift(show_name=False, show_amount=False), campaign=campaign.id
        )
        for page in watching:
            await page.shows(CampaignLive, gift_count=3)
        for page in pages:
            assert found_in(page.text(), secrets) == [], page.path
            await page.close()

    async def test_end_with_the_place_that_opened_them(
        self, attacked: Site, campaign: Campaign, victim: Account
    ) -> None:
        """Who is taken out of a team is sent away, and comes back as one of the public."""
        path, tab, cookie = routes.campaign(campaign.slug), str(uuid4()), cookie_of(victim.token)
        page = await Page.open(attacked, path, token=tab, cookie=cookie)
        await page.until(lambda: bool(page.shown(CampaignPage).get("ways")))
        await campaigns.remove_member(Scope.operator(), campaign.id, victim.user.id)
        await page.closed()
        again = await Page.open(attacked, path, token=tab, cookie=cookie)
        await again.shows(CampaignLive, gift_count=2)
        await again.shows(CampaignPage, ways=[])
        assert found_in(again.text(), [NAME, EMAIL, SEEN_EMAIL, AMOUNT]) == []
        await again.close()

    async def test_open_no_room_by_its_name(
        self, attacked: Site, campaign: Campaign, victim: Account
    ) -> None:
        """Rooms are entered by the server alone, whatever a socket asks for."""
        page = await Page.open(attacked, routes.HOME)
        rooms = ["gifts:staff", f"campaign:{campaign.id}:staff", f"user:{victim.user.id}"]
        for room in (name for one in rooms for name in (one, f"room:{one}")):
            for event in ("join", "subscribe", "enter_room", "message", "room", "connect"):
                await page.send(event, room)
                await page.send(event, {"room": room, "topic": room})
        hidden = gift(show_name=False, show_amount=False)
        await donations.give(Scope.visitor(), hidden, campaign=campaign.id)
        await page.settle()
        assert found_in(page.text(), await secrets_of(campaign, victim)) == []
        await page.close()


def variables() -> Iterator[tuple[type[rx.State], list[str]]]:
    """Yield each state with some of its variables: a socket is not heard on too many at once."""
    for state in STATES:
        # Whether it is loaded is the page's own affair: Reflex lets it say so.
        names = sorted({*state.vars, *state.get_fields()} - {"is_hydrated"})
        for start in range(0, len(names), 20):
            yield state, names[start : start + 20]


class TestHandlers:
    async def test_give_nothing_hidden_to_whoever_calls_them(
        self, attacked: Site, campaign: Campaign, victim: Account, donor: Account
    ) -> None:
        secrets = await secrets_of(campaign, victim)
        for cookie, state in itertools.product(("", cookie_of(donor.token)), STATES):
            page = await Page.open(attacked, routes.team(campaign.slug), cookie=cookie)
            for name, handler in state.event_handlers.items():
                given: dict[str, Any] = {one: str(campaign.id) for one in text_arguments(handler)}
                given |= {"form": {"token": "x" * 43}} if "form" in given else {}
                await page.call(f"{state.get_full_name()}.{name}", **given)
            await page.call(HYDRATE)
            await page.settle()
            assert found_in(page.text(), secrets) == []
            await page.close()

    def test_set_no_variable(self) -> None:
        setters = {
            f"{state.__name__}.{name}"
            for state in STATES
            for name in dir(state)
            if name.startswith("set_") and name in state.event_handlers
        }
        assert {one.partition(".")[2] for one in setters} == {"set_is_hydrated"}

    async def test_that_reflex_brings_set_none_either(self, attacked: Site) -> None:
        for state, names in variables():
            page = await Page.open(attacked, routes.HOME)
            named = state.get_full_name()
            for name in names:
                key = f"{named}.{name}"
                planted = {key: "planted", f"{key}_rx_state_": "planted"}
                await page.call(f"{named}.setvar", var_name=name, value="planted")
                await page.call(f"{named}.set_{name}", value="planted")
                await page.call(UPDATE_VARS, vars=planted)
            await page.call(HYDRATE_AND_LOAD, vars=planted)
            await page.call(HYDRATE)
            await page.settle()
            assert "planted" not in page.text()
            assert page.shown(Shell)["is_known"] is False
            await page.close()

    async def test_are_public_methods_alone(self, attacked: Site) -> None:
        page = await Page.open(attacked, routes.HOME)
        called = 0
        for state in STATES:
            for name, method in vars(state).items():
                if callable(method) and name not in state.event_handlers:
                    called += 1
                    await page.call(
                        f"{state.get_full_name()}.{name}",
                        kind="error",
                        text="planted",
                        on_next_page=False,
                    )
        assert called > 5
        await page.call(HYDRATE)
        await page.settle()
        assert "planted" not in page.text()
        await page.close()
