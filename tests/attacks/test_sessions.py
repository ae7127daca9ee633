"""Sessions that are stolen, planted, used twice, or used when they are over."""

import asyncio
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa

from e2e.instance import Site
from e2e.people import PASSWORD, Account, Operator
from financial_live import cookies, db, routes
from financial_live.contexts import accounts
from financial_live.contexts.accounts import Purpose
from financial_live.rest.parsing import CSRF_HEADER
from financial_live.scope import Scope
from financial_live.ui.layout import Shell
from financial_live.ui.pages.accounts.account import AccountPage
from tests.attacks.visitor import (
    HOME,
    HOST,
    ORIGIN,
    Page,
    ask,
    cookie_of,
    headers_of,
    status_of,
)


async def ticket_of(account: Account) -> str:
    visitor = Scope.visitor()
    return await accounts.handover(visitor, account.user.email, PASSWORD, address=HOME)


async def redeem(
    client: httpx.AsyncClient, ticket: str, cookie: str = "", *, origin: str = ORIGIN
) -> httpx.Response:
    body = {"session": {"ticket": ticket}}
    headers = headers_of(cookie=cookie, Origin=origin)
    return await client.post(routes.SESSION, headers=headers, json=body)


async def is_alive(token: str) -> bool:
    return await accounts.session_scope(token) is not None


async def is_known(attacked: Site, cookie: str) -> bool:
    """Whether a page that comes with this cookie is somebody's."""
    page = await Page.open(attacked, routes.ACCOUNT, cookie=cookie)
    known = bool(page.shown(Shell)["is_known"])
    assert known is bool(page.shown(AccountPage)["email"])
    await page.close()
    return known


class TestTickets:
    async def test_are_redeemed_by_one_of_many(
        self, client: httpx.AsyncClient, victim: Account
    ) -> None:
        ticket = await ticket_of(victim)
        answers = await asyncio.gather(*(redeem(client, ticket) for _ in range(20)))
        assert sorted(answer.status_code for answer in answers) == [204] + [404] * 19

    async def test_of_another_purpose_begin_no_session(
        self, client: httpx.AsyncClient, victim: Account
    ) -> None:
        operator = Scope.operator()
        _, reset = await accounts.issue_link(operator, victim.user.id, Purpose.RESET)
        for token in (reset, victim.token, "", "x" * 5000, "\x00"):
            answer = await redeem(client, token)
            assert (answer.status_code, "set-cookie" in answer.headers) == (404, False)

    async def test_that_are_over_begin_no_session(
        self, client: httpx.AsyncClient, victim: Account
    ) -> None:
        ticket = await ticket_of(victim)
        async with db.transaction() as session:
            await session.execute(
                sa.text("UPDATE user_token SET expires_at = now() WHERE token_hash = :hash"),
                {"hash": accounts.token_digest(ticket)},
            )
        assert (await redeem(client, ticket)).status_code == 404

    async def test_are_no_use_to_foreign_pages(
        self, client: httpx.AsyncClient, victim: Account
    ) -> None:
        ticket = await ticket_of(victim)
        assert (await redeem(client, ticket, origin="https://evil.example")).status_code == 403
        assert (await redeem(client, ticket)).status_code == 204


class TestCookies:
    async def test_are_new_at_each_login_and_end_the_one_that_was_planted(
        self, client: httpx.AsyncClient, operator_of_attacked: Operator, victim: Account
    ) -> None:
        planted = await operator_of_attacked.new_account("Penyerang Jahat")
        answer = await redeem(client, await ticket_of(victim), cookie_of(planted.token))
        name, _, rest = answer.headers["set-cookie"].partition("=")
        token, *attributes = rest.split("; ")
        assert name == cookies.SECURE_NAME
        assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(attributes)
        assert not [one for one in attributes if one.startswith("Domain")]
        assert token != planted.token
        assert await is_alive(token)
        assert not await is_alive(planted.token)

    @pytest.mark.parametrize(
        "cookie",
        [
            # A subdomain or a script can set these names, but not ours.
            "{plain}={token}",
            "{secure}x={token}",
            "\xa0{secure}={token}",
            "\x0b{secure}={token}",
            "{upper}={token}",
            "{secure}",
            "{secure}=",
            '{secure}="{token}"',
            "{secure}={token}x",
            "{secure}={token} {token}",
            "{secure}=%00",
            "a={secure}={token}",
            "{secure}=" + "x" * 20_000,
            ";" * 5000,
        ],
    )
    async def test_of_another_shape_are_nobodys(
        self, attacked: Site, victim: Account, cookie: str
    ) -> None:
        names = {"plain": cookies.NAME, "secure": cookies.SECURE_NAME}
        sent = cookie.format(token=victim.token, upper=cookies.SECURE_NAME.upper(), **names)
        proof = {CSRF_HEADER: cookies.csrf_token(victim.token)}
        request = [f"DELETE {routes.SESSION} HTTP/1.1", "Connection: close"]
        request += [f"{n}: {value}" for n, value in headers_of(cookie=sent, **proof).items()]
        answer = await ask(attacked, "\r\n".join([*request, "", ""]).encode("latin-1"))
        # Nobody's session is ended, or a request of that shape is none.
        assert status_of(answer) in (204, 400)
        assert await is_alive(victim.token)

    async def test_planted_beside_the_own_one_make_nobody_of_its_owner(
        self, attacked: Site, victim: Account
    ) -> None:
        planted = f"{cookies.NAME}=planted; {cookie_of(victim.token)}"
        assert await is_known(attacked, planted)

    async def test_stay_on_the_server(self, attacked: Site, victim: Account) -> None:
        page = await Page.open(attacked, routes.ACCOUNT, cookie=cookie_of(victim.token))
        await page.shows(AccountPage, loaded=True)
        assert victim.token not in page.text()
        assert accounts.token_digest(victim.token) not in page.text()
        await page.close()


class TestLoggingOut:
    async def test_ends_the_session_on_the_server(
        self, attacked: Site, client: httpx.AsyncClient, victim: Account
    ) -> None:
        cookie = cookie_of(victim.token)
        proof = {CSRF_HEADER: cookies.csrf_token(victim.token)}
        headers = headers_of(cookie=cookie, **proof)
        answer = await client.delete(routes.SESSION, headers=headers)
        assert answer.status_code == 204
        assert "Max-Age=0" in answer.headers["set-cookie"]
        assert not await is_alive(victim.token)
        assert not await is_known(attacked, cookie)


class TestRevoking:
    async def test_closes_the_sockets_of_the_session_and_no_others(
        self, attacked: Site, operator_of_attacked: Operator, victim: Account
    ) -> None:
        other = await operator_of_attacked.new_account("Orang Lain")
        elsewhere = await operator_of_attacked.log_in(victim.user)
        pages = [
            await Page.open(attacked, routes.ACCOUNT, cookie=cookie_of(account.token))
            for account in (victim, elsewhere, other)
        ]
        for page in pages:
            await page.shows(AccountPage, loaded=True)
        scope = await victim.scope()
        await accounts.revoke_session(await elsewhere.scope(), str(scope.session_id))
        await pages[0].closed()
        for page in pages[1:]:
            await page.settle()
            await page.close()
        assert not await is_known(attacked, cookie_of(victim.token))

    async def test_leaves_nothing_to_who_has_stolen_the_tab_and_the_cookie(
        self, attacked: Site, victim: Account
    ) -> None:
        tab, cookie = str(uuid4()), cookie_of(victim.token)
        page = await Page.open(attacked, routes.ACCOUNT, token=tab, cookie=cookie)
        await page.shows(AccountPage, loaded=True)
        scope = await victim.scope()
        await accounts.revoke_session(scope, str(scope.session_id))
        await page.closed()
        for stolen in (cookie, ""):
            thief = await Page.open(attacked, routes.HOME, token=tab, cookie=stolen)
            await thief.settle()
            assert victim.user.email not in thief.text()
            assert victim.user.name not in thief.text()
            await thief.close()


class TestTabs:
    async def test_show_nothing_of_a_visitor_to_the_next_one(
        self, attacked: Site, operator_of_attacked: Operator, victim: Account
    ) -> None:
        tab = str(uuid4())
        page = await Page.open(attacked, routes.ACCOUNT, token=tab, cookie=cookie_of(victim.token))
        await page.shows(AccountPage, loaded=True)
        await page.close()
        next_one = await operator_of_attacked.new_account("Orang Berikut")
        for cookie in ("", cookie_of(next_one.token)):
            page = await Page.open(attacked, routes.HOME, token=tab, cookie=cookie)
            await page.settle()
            assert victim.user.email not in page.text()
            assert cookies.csrf_token(victim.token) not in page.text()
            await page.close()

    async def test_give_their_visitor_back_what_was_shown(
        self, attacked: Site, victim: Account
    ) -> None:
        tab, cookie = str(uuid4()), cookie_of(victim.token)
        page = await Page.open(attacked, routes.ACCOUNT, token=tab, cookie=cookie)
        await page.shows(AccountPage, loaded=True)
        await page.close()
        again = await Page.open(attacked, routes.HOME, token=tab, cookie=cookie)
        await again.settle()
        assert victim.user.email in again.text()
        await again.close()

    async def test_are_not_told_whose_headers_they_claim_to_have(
        self, attacked: Site, victim: Account
    ) -> None:
        cookie = cookie_of(victim.token)
        boot = {
            "name": "reflex___state____state.hydrate_and_load",
            "payload": {},
            "token": "another tab's",
            "router_data": {
                "pathname": routes.ACCOUNT,
                "asPath": routes.ACCOUNT,
                "headers": {"cookie": cookie, "host": HOST},
                "cookie": cookie,
                "ip": "192.0.2.1",
                "sid": "another's",
                "token": "another's",
            },
        }
        page = await Page.open(attacked, routes.ACCOUNT, boot=boot)
        await page.settle()
        assert page.shown(Shell)["is_known"] is False
        assert victim.user.email not in page.text()
        await page.close()
