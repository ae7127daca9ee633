"""Every address leads somewhere, and only ``routes`` spells one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Match

from financial_live import routes
from financial_live.financial_live import app
from financial_live.rest import campaigns, create_api, donations, exchange_rates

PACKAGE = Path(routes.__file__).parent

# What an address begins with, followed by its end, a further part or a query.
ADDRESS = re.compile(r"/(campaigns|donations|api|health|ready|metrics)(?![\w.-])")


def name_of(page: str) -> str:
    """Return what Reflex calls a page."""
    return page.strip("/") or "index"


class TestPages:
    @pytest.mark.parametrize("page", routes.PAGES)
    def test_each_is_served_by_itself(self, page: str) -> None:
        assert app.router(re.sub(r"\[\w+\]", "a-part", page)) == name_of(page)

    def test_the_site_has_no_page_that_routes_does_not_know(self) -> None:
        assert set(app._page_routes) == {name_of(p) for p in (*routes.PAGES, routes.NOT_FOUND)}


class TestPageAddresses:
    @pytest.mark.parametrize(
        ("address", "page"),
        [
            (routes.campaign("wells"), routes.CAMPAIGN),
            (routes.campaigns(), routes.CAMPAIGNS),
            (routes.receipt("01a2"), routes.RECEIPT),
            (routes.team("wells"), routes.TEAM),
            (routes.record("wells"), routes.RECORD),
            (routes.match("wells"), routes.MATCH),
            (routes.campaigns(page=2).partition("?")[0], routes.CAMPAIGNS),
        ],
    )
    def test_each_leads_to_its_page(self, address: str, page: str) -> None:
        assert app.router(address) == name_of(page)

    @pytest.mark.parametrize("slug", ["a/b", "a?b=c", "a#b", "a b", "é", "%2F"])
    def test_nothing_in_a_slug_leads_elsewhere(self, slug: str) -> None:
        assert app.router(routes.campaign(slug)) == name_of(routes.CAMPAIGN)
        assert re.fullmatch(r"[\w.%~/-]+", routes.campaign(slug), re.ASCII)


@pytest.fixture(scope="module")
def api() -> FastAPI:
    return create_api()


def answers(api: FastAPI, method: str, path: str) -> bool:
    """Whether a route of the API takes this request."""
    scope = {"type": "http", "method": method, "path": path, "headers": [], "root_path": ""}
    return any(route.matches(dict(scope))[0] is Match.FULL for route in api.router.routes)


class TestApiAddresses:
    @pytest.mark.parametrize(
        ("method", "address"),
        [
            ("GET", routes.API_CAMPAIGNS),
            ("POST", routes.API_CAMPAIGNS),
            ("GET", routes.API_DONATIONS),
            ("POST", routes.API_DONATIONS),
            ("GET", routes.API_EXCHANGE_RATES),
            ("POST", routes.API_EXCHANGE_RATES),
            *((method, routes.api_campaign("wells")) for method in ("PUT", "PATCH", "DELETE")),
            *((method, routes.api_donation("1")) for method in ("PUT", "PATCH", "DELETE")),
            ("GET", routes.api_campaign("wells")),
            ("GET", routes.api_campaign_donations("wells")),
            ("POST", routes.api_campaign_donations("wells")),
            ("GET", routes.api_donation("1")),
        ],
    )
    def test_each_is_served_by_a_context(self, method: str, address: str) -> None:
        scope = {"type": "http", "method": method, "path": address, "headers": []}
        served = [
            *of(campaigns.router),
            *of(donations.router),
            *of(exchange_rates.router),
        ]

        assert [r for r in served if r.matches(dict(scope))[0] is Match.FULL]

    @pytest.mark.parametrize(
        "address",
        [
            routes.API_DESCRIPTION,
            routes.API_DOCS,
            routes.API_DOCS_SCRIPT,
            routes.API_DOCS_STYLE,
            routes.api_campaign_events("wells"),
        ],
    )
    def test_what_is_said_of_them_is_beside_them(self, api: FastAPI, address: str) -> None:
        assert answers(api, "GET", address)

    @pytest.mark.parametrize("address", [routes.HEALTH, routes.READY, routes.METRICS])
    def test_operators_ask_beside_the_api(self, api: FastAPI, address: str) -> None:
        assert answers(api, "GET", address)
        assert not answers(api, "GET", address + "/more")


def of(router: APIRouter) -> list[APIRoute]:
    return [route for route in router.routes if isinstance(route, APIRoute)]


def spelled(source: Path) -> Iterator[str]:
    """Yield each text of a file that holds an address; what only explains does not count."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    documents = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    for text in texts:
        if id(text) not in documents and ADDRESS.search(str(text.value)):
            yield f"{source.relative_to(PACKAGE)}:{text.lineno} {text.value!r}"


class TestSpelling:
    def test_only_routes_spells_an_address(self) -> None:
        others = (file for file in PACKAGE.rglob("*.py") if file.name != "routes.py")

        assert [found for file in others for found in spelled(file)] == []

    def test_an_address_that_is_spelled_is_found(self) -> None:
        assert list(spelled(PACKAGE / "routes.py"))
