"""How programs come in: an account, a token, and what is told to whom it does not let in."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from httpx import AsyncClient, Response

from financial_live import cookies, db, limits, routes
from financial_live.config import Rate, Settings
from financial_live.contexts import accounts, campaigns, donations
from financial_live.contexts.accounts import NewToken
from financial_live.contexts.campaigns import Campaign
from tests.contexts.factories import OPERATOR, VISITOR, events
from tests.contexts.people import (
    EMAIL,
    PASSWORD,
    SITI,
    log_in,
    make_user,
    quick_hashes,
    scope_of,
)
from tests.rest.conftest import client_at

__all__ = ["quick_hashes"]

pytestmark = pytest.mark.usefixtures("database", "quick_hashes")

GIFT = {"donor_name": "Ana", "donor_email": "ana@example.org", "amount": "5", "currency": "USD"}
TWICE = Rate(1, "h", 2)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def token(*scopes: str, role: str = "admin") -> NewToken:
    """Return a token of somebody who sees every gift."""
    await make_user(role=role)
    return await another(*scopes)


async def another(*scopes: str) -> NewToken:
    me = await scope_of(await log_in())
    attrs = {"name": "Queue", "scopes": list(scopes or ("manage",))}
    return await accounts.create_token(me, attrs)


async def give(
    client: AsyncClient, campaign: Campaign, headers: dict[str, str], **attrs: Any
) -> Response:
    body = {"donation": GIFT | attrs}
    address = routes.api_campaign_donations(str(campaign.id))
    return await client.post(address, json=body, headers=headers)


@pytest_asyncio.fixture
async def waiting(campaign: Campaign) -> str:
    """Return the address of a gift that waits for review: an admin sees it, a visitor does not."""
    await campaigns.update_campaign(OPERATOR, campaign.id, {"review_policy": "manual"})
    gift = await donations.give(VISITOR, GIFT, campaign=campaign.id)
    return routes.api_donation(str(gift.id))


async def log_in_by(client: AsyncClient, **attrs: Any) -> Response:
    body = {"user": {"email": EMAIL, "password": PASSWORD} | attrs}
    return await client.post(routes.API_LOGIN, json=body)


class TestLogin:
    async def test_gives_a_token_and_says_whose_it_is(
        self, client: AsyncClient, waiting: str
    ) -> None:
        user = await make_user(role="admin")
        answer = await log_in_by(client)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        data = answer.json()["data"]
        assert data["user"] == {
            "id": str(user.id),
            "name": "Siti Nurhaliza",
            "email": EMAIL,
            "role": "admin",
        }
        assert data["scopes"] == ["read", "give", "manage"]
        seen = await client.get(waiting, headers=bearer(data["token"]))
        assert seen.status_code == 200

    @pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"email": "nobody@example.org"}])
    async def test_tells_nobody_which_of_both_is_wrong(
        self, client: AsyncClient, wrong: dict[str, str]
    ) -> None:
        await make_user()
        answer = await log_in_by(client, **wrong)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "do not match" in answer.json()["errors"]["detail"]

    @pytest.mark.parametrize("wrong", [None, 7, [], {}, "", "x" * 5000])
    async def test_names_the_field_that_can_be_none(
        self, client: AsyncClient, wrong: object
    ) -> None:
        for name in ("email", "password"):
            answer = await log_in_by(client, **{name: wrong})
            assert answer.status_code == 422
            assert set(answer.json()["errors"]) == {name}

    async def test_a_token_that_has_ended_does_not_stand_in_the_way(
        self, client: AsyncClient
    ) -> None:
        await make_user()
        client.headers.update(bearer("flt_over"))
        assert (await log_in_by(client)).status_code == 200

    async def test_an_address_that_tries_too_often_waits(self, client: AsyncClient) -> None:
        limits.connect(None, Settings(rate_limit_login=TWICE))
        await make_user()
        statuses = [(await log_in_by(client)).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        async with client_at("198.51.100.9") as other:
            assert (await log_in_by(other)).status_code == 200


class TestRegister:
    async def register(self, client: AsyncClient, **attrs: Any) -> Response:
        return await client.post(routes.API_REGISTER, json={"user": SITI | attrs})

    async def test_answers_the_same_whether_there_is_an_account(self, client: AsyncClient) -> None:
        first, again = await self.register(client), await self.register(client)
        assert first.status_code == again.status_code == 202
        assert first.json() == again.json()
        told = [name for name, _, _ in await events()]
        assert told == ["user_registered", "registered_again"]

    async def test_lets_nobody_in_before_the_address_is_proven(self, client: AsyncClient) -> None:
        await self.register(client)
        assert (await log_in_by(client)).status_code == 401

    async def test_names_every_wrong_field(self, client: AsyncClient) -> None:
        answer = await self.register(client, name="", email="x", password="short")
        assert answer.status_code == 422
        assert set(answer.json()["errors"]) == {"name", "email", "password"}

    async def test_an_address_that_registers_too_many_waits(self, client: AsyncClient) -> None:
        limits.connect(None, Settings(rate_limit_mailing=TWICE))
        answers = [await self.register(client, email=f"{n}@example.org") for n in range(3)]
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert 3590 <= int(answers[-1].headers["retry-after"]) <= 3600


class TestBearer:
    async def test_acts_for_its_user_and_needs_no_csrf_token(
        self, client: AsyncClient, campaign: Campaign, waiting: str
    ) -> None:
        headers = bearer((await token()).secret)
        assert (await client.get(waiting, headers=headers)).status_code == 200
        answer = await give(client, campaign, headers, is_test=True)
        assert answer.status_code == 201

    @pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer  ", "Bearer\t"])
    async def test_is_known_however_it_is_written(
        self, client: AsyncClient, waiting: str, scheme: str
    ) -> None:
        secret = (await token()).secret
        answer = await client.get(waiting, headers={"Authorization": f"{scheme} {secret}"})
        assert answer.status_code == 200

    @pytest.mark.parametrize(
        "header", ["Bearer", "Bearer ", "Bearer x", "Bearer flt_x", "bearer a b", "Bearer \xe9"]
    )
    async def test_one_that_is_none_is_refused_and_no_visitor(
        self, client: AsyncClient, campaign: Campaign, header: str
    ) -> None:
        for method, path in (
            ("GET", routes.API_CAMPAIGNS),
            ("POST", routes.api_campaign_donations(str(campaign.id))),
        ):
            sent = {b"Authorization": header.encode("latin-1")}
            answer = await client.request(method, path, json={"donation": GIFT}, headers=sent)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        assert (await campaigns.get_campaign(OPERATOR, campaign.id)).gift_count == 0

    async def test_one_that_was_revoked_or_is_over_is_refused(
        self, client: AsyncClient, waiting: str
    ) -> None:
        made, other = await token(), await another()
        me = await scope_of(await log_in())
        await accounts.revoke_token(me, made.token.id)
        async with db.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql(
                "UPDATE api_token SET expires_at = now(), inserted_at = '2020-01-01'"
            )
        for one in (made, other):
            answer = await client.get(waiting, headers=bearer(one.secret))
            assert answer.status_code == 401

    async def test_without_the_scope_the_answer_says_which(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        headers = bearer((await token("read")).secret)
        answer = await give(client, campaign, headers)
        assert answer.status_code == 403
        assert answer.headers["www-authenticate"] == (
            'Bearer error="insufficient_scope", scope="give"'
        )
        assert "'give'" in answer.json()["errors"]["detail"]

    async def test_wins_over_a_cookie(self, client: AsyncClient, waiting: str) -> None:
        admins = (await token()).secret
        await make_user("budi@example.org")
        client.cookies.set(cookies.SECURE_NAME, (await log_in("budi@example.org")).token)
        assert (await client.get(waiting)).status_code == 404
        assert (await client.get(waiting, headers=bearer(admins))).status_code == 200
        client.cookies.set(cookies.SECURE_NAME, (await log_in()).token)
        assert (await client.get(waiting, headers=bearer("flt_x"))).status_code == 401

    @pytest.mark.parametrize("header", ["Basic eDp5", "Basic", "", " "])
    async def test_another_scheme_is_not_ours(self, client: AsyncClient, header: str) -> None:
        answer = await client.get(routes.API_CAMPAIGNS, headers={"Authorization": header})
        assert answer.status_code == 200

    async def test_a_key_is_its_users_by_whichever_token(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        key = {"Idempotency-Key": "order-1042"}
        made, other = await token("give"), await another("give")
        first = await give(client, campaign, bearer(made.secret) | key)
        again = await give(client, campaign, bearer(other.secret) | key)
        visitors = await give(client, campaign, key)
        assert first.json() == again.json()
        assert visitors.json()["data"]["id"] != first.json()["data"]["id"]


class TestLimits:
    @pytest_asyncio.fixture
    async def twice(self) -> AsyncIterator[None]:
        """Let each address and each token ask twice, and give once."""
        limits.connect(
            None,
            Settings(
                rate_limit_requests=TWICE,
                rate_limit_token=Rate(1, "h", 1),
                rate_limit_giving=Rate(1, "h", 1),
            ),
        )
        yield

    async def test_are_told_with_each_answer(self, client: AsyncClient, twice: None) -> None:
        answer = await client.get(routes.API_CAMPAIGNS)
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"requests";q=2;w=7200'
        assert answer.headers["ratelimit"] == '"requests";r=1;t=3600'
        assert "retry-after" not in answer.headers

    async def test_of_an_address_refuse_what_is_too_much(
        self, client: AsyncClient, twice: None
    ) -> None:
        answers = [await client.get(routes.API_CAMPAIGNS) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        refused = answers[-1]
        assert 3590 <= int(refused.headers["retry-after"]) <= 3600
        assert refused.headers["ratelimit"].startswith('"requests";r=0;')
        assert "Wait" in refused.json()["errors"]["detail"]
        async with client_at("198.51.100.9") as other:
            assert (await other.get(routes.API_CAMPAIGNS)).status_code == 200

    async def test_of_a_token_hold_wherever_it_is_used(
        self, client: AsyncClient, twice: None
    ) -> None:
        headers = bearer((await token("read")).secret)
        first = await client.get(routes.API_CAMPAIGNS, headers=headers)
        assert first.headers["ratelimit"] == '"requests";r=1;t=3600, "token";r=0;t=3600'
        async with client_at("198.51.100.9") as elsewhere:
            answer = await elsewhere.get(routes.API_CAMPAIGNS, headers=headers)
        assert answer.status_code == 429

    async def test_count_who_guesses_tokens(self, client: AsyncClient, twice: None) -> None:
        guesses = [
            await client.get(routes.API_CAMPAIGNS, headers=bearer(f"flt_{n}")) for n in range(3)
        ]
        assert [answer.status_code for answer in guesses] == [401, 401, 429]

    @pytest.mark.parametrize(
        "address", [routes.API_LOGIN, routes.API_REGISTER, routes.SESSION, routes.API_DONATIONS]
    )
    async def test_count_bodies_that_nobody_can_read(
        self, client: AsyncClient, twice: None, address: str
    ) -> None:
        sent = [await client.post(address, content=b"[") for _ in range(3)]
        assert [answer.status_code for answer in sent] == [400, 400, 429]

    async def test_of_giving_are_told_beside_those_of_requests(
        self, client: AsyncClient, campaign: Campaign, twice: None
    ) -> None:
        first, refused = [await give(client, campaign, {}) for _ in range(2)]
        assert first.status_code == 201
        assert first.headers["ratelimit"] == '"requests";r=1;t=3600, "giving";r=0;t=3600'
        assert refused.status_code == 429
        assert (await campaigns.get_campaign(OPERATOR, campaign.id)).gift_count == 1

    async def test_hold_for_no_operator_of_the_site(self, client: AsyncClient, twice: None) -> None:
        answers = [await client.get(routes.HEALTH) for _ in range(5)]
        assert {answer.status_code for answer in answers} == {200}
