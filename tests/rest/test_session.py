"""The session's cookie: set, forgotten, and believed only with what proves that a page asks."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient, Response

from financial_live import cookies, db, routes
from financial_live.contexts import accounts, campaigns, donations
from financial_live.contexts.campaigns import Campaign
from financial_live.rest import create_api
from financial_live.rest.parsing import CSRF_HEADER
from tests.contexts.factories import OPERATOR, VISITOR
from tests.contexts.people import EMAIL, HOME, PASSWORD, log_in, make_user, quick_hashes
from tests.rest.conftest import ADDRESS

__all__ = ["quick_hashes"]

pytestmark = pytest.mark.usefixtures("quick_hashes")

SITE = "https://give.example.org"
HERE = "http://localhost:8000"
SESSION_COOKIE = "__Host-financial_live"

At = Callable[[str], AsyncClient]


@pytest_asyncio.fixture
async def at(database: db.Database) -> AsyncIterator[At]:
    """Return what makes a browser at a site; it has an account to log in to."""
    await make_user()
    browsers: list[AsyncClient] = []

    def open_browser(site: str) -> AsyncClient:
        transport = ASGITransport(create_api(), client=(ADDRESS, 40_000))
        headers = {"Origin": site, "User-Agent": "Firefox"}
        browsers.append(AsyncClient(transport=transport, base_url=site, headers=headers))
        return browsers[-1]

    yield open_browser
    for browser in browsers:
        await browser.aclose()


@pytest.fixture
def browser(at: At) -> AsyncClient:
    """Return a browser at the site by its name."""
    return at(SITE)


async def ticket() -> str:
    return await accounts.handover(VISITOR, EMAIL, PASSWORD, address=HOME)


async def enter(browser: AsyncClient) -> Response:
    return await browser.post(routes.SESSION, json={"session": {"ticket": await ticket()}})


def token_in(answer: Response) -> str:
    """Return the token that an answer keeps in the cookie."""
    return answer.headers["set-cookie"].split(";")[0].partition("=")[2]


async def is_alive(token: str) -> bool:
    return await accounts.session_scope(token) is not None


def csrf(token: str) -> dict[str, str]:
    return {CSRF_HEADER: cookies.csrf_token(token)}


class TestCreate:
    async def test_sets_the_cookie_of_the_session_that_the_ticket_stands_for(
        self, browser: AsyncClient
    ) -> None:
        answer = await enter(browser)

        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["cache-control"] == "no-store"
        token = token_in(answer)
        lifetime_s = int(accounts.SESSION_LIFETIME.total_seconds())
        attributes = f"Path=/; Max-Age={lifetime_s}; HttpOnly; SameSite=Lax; Secure"
        assert answer.headers.get_list("set-cookie") == [f"{SESSION_COOKIE}={token}; {attributes}"]
        scope = await accounts.session_scope(token)
        assert scope is not None
        [session] = await accounts.list_sessions(scope)
        assert (session.address, session.agent) == (ADDRESS, "Firefox")

    @pytest.mark.parametrize("site", [HERE, "http://127.0.0.1:8000", "http://[::1]:8000"])
    async def test_needs_no_tls_on_the_machine_itself(self, at: At, site: str) -> None:
        answer = await enter(at(site))

        assert answer.status_code == 204
        assert answer.headers["set-cookie"].startswith("financial_live=")
        assert "Secure" not in answer.headers["set-cookie"]
        assert await is_alive(token_in(answer))

    @pytest.mark.parametrize(
        "site", ["http://give.example.org", "http://192.168.0.7:8000", "HTTP://give.example.org"]
    )
    async def test_sends_no_session_over_a_line_that_anybody_may_read(
        self, at: At, site: str
    ) -> None:
        unused = await ticket()
        body = {"session": {"ticket": unused}}

        answer = await at(site).post(routes.SESSION, json=body)

        assert answer.status_code == 409
        assert "https://" in answer.json()["errors"]["detail"]
        assert "set-cookie" not in answer.headers
        assert (await at(SITE).post(routes.SESSION, json=body)).status_code == 204

    @pytest.mark.parametrize(
        ("origin", "status"), [("http://[", 409), ("https://[", 204), ("null", 204), ("", 204)]
    )
    async def test_answers_whatever_the_origin_is(
        self, browser: AsyncClient, origin: str, status: int
    ) -> None:
        browser.headers["Origin"] = origin
        assert (await enter(browser)).status_code == status

    async def test_a_ticket_works_once(self, browser: AsyncClient) -> None:
        body = {"session": {"ticket": await ticket()}}
        await browser.post(routes.SESSION, json=body)

        again = await browser.post(routes.SESSION, json=body)

        assert again.status_code == 404
        assert "set-cookie" not in again.headers

    @pytest.mark.parametrize("wrong", ["", "x", "é" * 30, "x" * 5000, 7, None, [], {}])
    async def test_refuses_what_is_no_ticket(self, browser: AsyncClient, wrong: object) -> None:
        answer = await browser.post(routes.SESSION, json={"session": {"ticket": wrong}})

        assert answer.status_code == 404
        assert "set-cookie" not in answer.headers

    @pytest.mark.parametrize("body", [b"", b"{}", b'{"session": "x"}', b"ticket=x"])
    async def test_refuses_a_body_it_cannot_read(self, browser: AsyncClient, body: bytes) -> None:
        assert (await browser.post(routes.SESSION, content=body)).status_code == 400

    async def test_ends_the_session_before_it(self, browser: AsyncClient) -> None:
        first = token_in(await enter(browser))

        second = token_in(await enter(browser))

        assert not await is_alive(first)
        assert await is_alive(second)

    async def test_a_ticket_that_is_over_ends_nothing(self, browser: AsyncClient) -> None:
        token = token_in(await enter(browser))

        await browser.post(routes.SESSION, json={"session": {"ticket": "over"}})

        assert await is_alive(token)

    async def test_leaves_the_sessions_of_other_browsers(self, at: At) -> None:
        first = token_in(await enter(at(SITE)))
        await enter(at(SITE))

        assert await is_alive(first)


class TestDelete:
    async def test_ends_the_session_and_forgets_the_cookie(self, browser: AsyncClient) -> None:
        token = token_in(await enter(browser))

        answer = await browser.delete(routes.SESSION, headers=csrf(token))

        assert answer.status_code == 204
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["set-cookie"].startswith(f"{SESSION_COOKIE}=; Path=/; Max-Age=0; ")
        assert not browser.cookies
        assert not await is_alive(token)

    @pytest.mark.parametrize("given", [{}, {CSRF_HEADER: ""}, csrf("another")])
    async def test_needs_the_sessions_csrf_token(
        self, browser: AsyncClient, given: dict[str, str]
    ) -> None:
        token = token_in(await enter(browser))

        answer = await browser.delete(routes.SESSION, headers=given)

        assert answer.status_code == 403
        assert CSRF_HEADER in answer.json()["errors"]["detail"]
        assert "set-cookie" not in answer.headers
        assert await is_alive(token)

    async def test_forgets_the_cookie_of_a_session_that_has_ended(
        self, browser: AsyncClient
    ) -> None:
        token = token_in(await enter(browser))
        scope = await accounts.session_scope(token)
        assert scope is not None
        await accounts.log_out(scope)

        answer = await browser.delete(routes.SESSION)

        assert answer.status_code == 204
        assert not browser.cookies

    async def test_has_nothing_to_end_without_a_cookie(self, browser: AsyncClient) -> None:
        assert (await browser.delete(routes.SESSION)).status_code == 204


@pytest_asyncio.fixture
async def waiting(campaign: Campaign) -> str:
    """Return the address of a gift that waits for review: an admin sees it, a visitor does not."""
    await campaigns.update_campaign(OPERATOR, campaign.id, {"review_policy": "manual"})
    attrs = {"donor_name": "Ana", "donor_email": "ana@example.org", "amount": 5, "currency": "USD"}
    gift = await donations.give(VISITOR, attrs, campaign=campaign.id)
    return routes.api_donation(str(gift.id))


class TestCaller:
    """Who a request acts for: seen by whether it may see a gift, or give one that is a test."""

    @pytest_asyncio.fixture
    async def admin(self, at: At) -> str:
        """Return the token of an admin's session."""
        await accounts.set_role(OPERATOR, EMAIL, "admin")
        return (await log_in()).token

    async def test_is_whose_cookie_it_is_where_nothing_changes(
        self, browser: AsyncClient, admin: str, waiting: str
    ) -> None:
        assert (await browser.get(waiting)).status_code == 404
        browser.cookies.set(SESSION_COOKIE, admin)
        assert (await browser.get(waiting)).status_code == 200

    async def test_is_a_visitor_for_a_cookie_that_anybody_could_have_set(
        self, at: At, admin: str, waiting: str
    ) -> None:
        for site, status in ((SITE, 404), (HERE, 200)):
            browser = at(site)
            browser.cookies.set("financial_live", admin)
            assert (await browser.get(waiting)).status_code == status

    async def test_is_a_visitor_for_a_session_that_has_ended(
        self, browser: AsyncClient, admin: str, waiting: str
    ) -> None:
        browser.cookies.set(SESSION_COOKIE, admin)
        await accounts.set_role(OPERATOR, EMAIL, "donor")
        assert (await browser.get(waiting)).status_code == 404

    @pytest.mark.parametrize("token", ["x", "x" * 5000, '"quoted"'])
    async def test_is_a_visitor_for_a_token_of_nobody(
        self, browser: AsyncClient, campaign: Campaign, token: str
    ) -> None:
        browser.cookies.set(SESSION_COOKIE, token)
        assert (await self.give(browser, campaign, is_test=False)).status_code == 201
        assert (await self.give(browser, campaign, is_test=True)).status_code == 401

    async def test_needs_the_csrf_token_to_change_something(
        self, browser: AsyncClient, admin: str, campaign: Campaign
    ) -> None:
        browser.cookies.set(SESSION_COOKIE, admin)
        for given in ({}, {CSRF_HEADER: "x"}, {CSRF_HEADER: "\xe9"}, csrf("another")):
            for is_test in (False, True):
                answer = await self.give(browser, campaign, is_test=is_test, headers=given)
                assert answer.status_code == 403, answer.text
        answer = await self.give(browser, campaign, is_test=True, headers=csrf(admin))
        assert answer.status_code == 201

    async def test_needs_no_csrf_token_without_a_cookie(
        self, browser: AsyncClient, campaign: Campaign
    ) -> None:
        assert (await self.give(browser, campaign, is_test=False)).status_code == 201

    @pytest.mark.parametrize("host", ["[", "[::1", "]:80", "a b", "", "\xe9"])
    async def test_is_a_visitor_where_the_host_is_no_name(
        self, browser: AsyncClient, admin: str, waiting: str, host: str
    ) -> None:
        headers = {b"Host": host.encode("latin-1"), b"Cookie": b"financial_live=" + admin.encode()}
        answer = await browser.get(waiting, headers=headers)
        assert answer.status_code == 404

    async def give(
        self,
        browser: AsyncClient,
        campaign: Campaign,
        *,
        is_test: bool,
        headers: dict[str, str] | None = None,
    ) -> Response:
        """Ask to give; only the campaign's team and admins may give what is a test."""
        gift = {"donor_name": "Ana", "donor_email": "ana@example.org", "amount": "5"}
        body = {"donation": {**gift, "currency": "USD", "is_test": is_test}}
        address = routes.api_campaign_donations(str(campaign.id))
        sent = {name.encode(): value.encode("latin-1") for name, value in (headers or {}).items()}
        return await browser.post(address, json=body, headers=sent)
