import pytest
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from financial_live import routes
from financial_live.rest import create_api


class TestUnknown:
    @pytest.mark.parametrize("path", ["/api/nothing", "/api/campaigns/a/b/c", "/api/campaigns/"])
    async def test_an_address_below_api_that_nobody_serves_is_404_in_json(
        self, client: AsyncClient, path: str
    ) -> None:
        answer = await client.get(path)

        assert answer.status_code == 404
        assert path in answer.json()["errors"]["detail"]

    @pytest.mark.parametrize("path", ["/api/a%0Ab", "/api/a%0Ab/c"])
    @pytest.mark.parametrize("method", ["GET", "PUT"])
    async def test_a_line_break_leads_to_no_page(
        self, client: AsyncClient, method: str, path: str
    ) -> None:
        answer = await client.request(method, path)

        assert answer.status_code == 404
        assert "\\n" in answer.json()["errors"]["detail"]

    async def test_a_method_that_an_address_does_not_take_is_405_with_those_it_takes(
        self, client: AsyncClient
    ) -> None:
        answer = await client.delete(routes.api_campaign_donations("x"))

        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
        assert "GET, HEAD, OPTIONS, POST" in answer.json()["errors"]["detail"]

    @pytest.mark.parametrize("method", ["TRACE", "PROPFIND"])
    async def test_any_other_method_too(self, client: AsyncClient, method: str) -> None:
        for address in (routes.API_CAMPAIGNS, routes.HEALTH):
            answer = await client.request(method, address)

            assert answer.status_code == 405
            assert answer.headers["allow"].startswith("GET, HEAD, OPTIONS")

    @pytest.mark.parametrize(
        ("address", "methods"),
        [
            (routes.API_CAMPAIGNS, "GET, HEAD, OPTIONS, POST"),
            (routes.api_campaign("x"), "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
            (routes.HEALTH, "GET, HEAD, OPTIONS"),
        ],
    )
    async def test_options_tells_the_methods(
        self, client: AsyncClient, address: str, methods: str
    ) -> None:
        answer = await client.options(address)

        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["allow"] == methods

    async def test_options_of_nothing_is_404(self, client: AsyncClient) -> None:
        assert (await client.options("/api/nothing")).status_code == 404

    async def test_everything_else_is_left_to_the_site(self) -> None:
        api = create_api()
        page = Route(routes.CAMPAIGNS, lambda _: PlainTextResponse("the page"))
        api.mount("", Starlette(routes=[page]))

        async with AsyncClient(transport=ASGITransport(api), base_url="http://test") as client:
            assert (await client.get(routes.CAMPAIGNS)).text == "the page"
            assert (await client.get("/nothing")).status_code == 404
