import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from fastapi.routing import APIRoute
from httpx import AsyncClient

from financial_live import cookies, routes
from financial_live.rest import auth, campaigns, create_api, donations, exchange_rates
from financial_live.rest.description import document

DOCUMENT = document(create_api(), cookie=cookies.SECURE_NAME)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each operation with its method and path."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def contents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what is described of each body in JSON, of requests and answers."""
    for method, path, operation in operations():
        bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for name, body in bodies.items():
            if "application/json" in body.get("content", {}):
                yield f"{method} {path} {name}", body["content"]["application/json"]


def validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    components = {"components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator({**components, **schema})


# Acts that need nothing said.
WITHOUT_BODY = {
    f"{routes.API_DONATIONS}/{{id}}/{act}" for act in ("approve", "undo", "hide", "show")
}


class TestDocument:
    def test_has_every_route_of_a_context(self) -> None:
        routers = [auth.router, campaigns.router, donations.router, exchange_rates.router]
        served = [route for router in routers for route in router.routes]
        known = {(method, path) for method, path, _ in operations()}
        for route in served:
            assert isinstance(route, APIRoute)
            assert {(method, route.path) for method in route.methods or ()} <= known

    @pytest.mark.parametrize("name", [name for name, _ in contents()])
    def test_each_example_is_as_its_schema_says(self, name: str) -> None:
        content = dict(contents())[name]

        validator(content["schema"]).validate(content["example"])

    def test_each_route_says_who_may_call_and_what_else_may_come(self) -> None:
        for method, path, operation in operations():
            if path.startswith(routes.API):
                name = f"{method} {path}"
                assert operation["security"], name
                assert {"403", "429", "503"} <= set(operation["responses"]), name
                assert "HTTPValidationError" not in str(operation), name
                if method in {"POST", "PUT", "PATCH"} and path not in WITHOUT_BODY:
                    assert operation["requestBody"]["required"], name
                    assert {"400", "413", "415", "422"} <= set(operation["responses"]), name

    def test_an_operation_is_named_as_its_function_and_links_lead_to_such(self) -> None:
        served = {route.name for route in campaigns.router.routes if isinstance(route, APIRoute)}
        named = {operation["operationId"] for _, _, operation in operations()}
        linked = {
            link["operationId"]
            for _, _, operation in operations()
            for answer in operation["responses"].values()
            for link in answer.get("links", {}).values()
        }

        assert linked
        assert served | linked <= named

    def test_public_is_what_the_table_in_the_docs_says(self) -> None:
        public = {(m, p) for m, p, operation in operations() if {} in operation.get("security", ())}

        assert public == {
            ("POST", "/api/auth/login"),
            ("POST", "/api/auth/register"),
            ("GET", "/api/campaigns"),
            ("GET", "/api/campaigns/{id}"),
            ("GET", "/api/campaigns/{id}/donations"),
            ("GET", "/api/campaigns/{id}/events"),
            ("GET", "/api/campaigns/{id}/challenges"),
            ("GET", "/api/campaigns/{id}/milestones"),
            ("POST", "/api/campaigns/{id}/donations"),
            ("POST", "/api/donations"),
            ("GET", "/api/donations/{id}"),
            ("GET", "/api/exchange_rates"),
        }

    def test_says_every_field_of_answers_and_bodies(self) -> None:
        answers = ("Campaign", "PublicGift", "TeamGift", "Token", "ExchangeRate")
        for name in (*answers, "NewCampaign", "NewDonation", "NewExchangeRate"):
            for field, schema in DOCUMENT["components"]["schemas"][name]["properties"].items():
                assert schema.get("description"), f"{name}.{field}"

    async def test_the_examples_can_be_sent_as_they_are(
        self, manager: AsyncClient, client: AsyncClient
    ) -> None:
        def example(path: str, method: str = "post") -> Any:
            body = DOCUMENT["paths"][path][method]["requestBody"]
            return body["content"]["application/json"]["example"]

        one = "/api/campaigns/{id}"
        made = await manager.post(routes.API_CAMPAIGNS, json=example(routes.API_CAMPAIGNS))
        address = made.headers["location"]
        given = await client.post(f"{address}/donations", json=example(f"{one}/donations"))
        gift = await manager.patch(
            given.headers["location"], json=example("/api/donations/{id}", "patch")
        )
        changed = await manager.patch(address, json=example(one, "patch"))

        assert [a.status_code for a in (made, given, gift, changed)] == [201, 201, 200, 200]


class TestDescription:
    @pytest.mark.parametrize(
        ("site", "cookie"),
        [("http://localhost", cookies.NAME), ("https://give.example.org", cookies.SECURE_NAME)],
    )
    async def test_names_the_cookie_of_the_address_it_is_asked_at(
        self, client: AsyncClient, site: str, cookie: str
    ) -> None:
        answer = await client.get(site + routes.API_DESCRIPTION)

        body = answer.json()
        assert body["openapi"].startswith("3.1")
        assert body["components"]["securitySchemes"]["session"]["name"] == cookie

    async def test_is_not_sent_again_to_who_has_it(self, client: AsyncClient) -> None:
        first = await client.get(routes.API_DESCRIPTION)
        known = {"If-None-Match": first.headers["etag"]}

        assert (await client.get(routes.API_DESCRIPTION, headers=known)).status_code == 304


class TestDocs:
    async def test_is_a_page_of_files_of_our_own_that_runs_nothing_else(
        self, client: AsyncClient
    ) -> None:
        answer = await client.get(routes.API_DOCS)

        assert answer.headers["content-type"].startswith("text/html")
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        named = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
        addresses = [f"{routes.API}/{name}" for name in named if not name.startswith(("/", "#"))]
        assert set(addresses) >= {routes.API_DOCS_SCRIPT, routes.API_DOCS_STYLE}
        for address in addresses:
            assert (await client.get(address)).status_code == 200, address
        assert "://" not in "".join(named)
        assert not re.search(r"<script>|<style|style=| on\w+=", answer.text)

    async def test_its_files_say_what_they_are(self, client: AsyncClient) -> None:
        for address, kind in (
            (routes.API_DOCS_SCRIPT, "text/javascript"),
            (routes.API_DOCS_STYLE, "text/css"),
        ):
            answer = await client.get(address)

            assert answer.headers["content-type"].startswith(kind)
            assert answer.headers["x-content-type-options"] == "nosniff"
