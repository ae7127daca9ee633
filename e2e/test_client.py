"""A client for programs, generated from the description that a running instance serves."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from e2e.instance import Site
from e2e.people import PASSWORD, Account
from financial_live import routes

_BIN = Path(sys.executable).parent
_NAME = "generated_client"
Part = Callable[[str], Any]


def generate(site: Site, folder: Path) -> subprocess.CompletedProcess[str]:
    """Write the client as a package into ``folder``; a warning is a failure."""
    return subprocess.run(
        [
            *(_BIN / "openapi-python-client", "generate", "--fail-on-warning", "--meta", "none"),
            *("--url", site.address + routes.API_DESCRIPTION, "--output-path", folder / _NAME),
        ],
        # It tidies what it has written with the ruff that it finds.
        env=os.environ | {"PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def part(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Part]:
    """Return a way to import the parts of a client that was just generated."""
    folder = tmp_path_factory.mktemp("client")
    done = generate(site, folder)
    assert done.returncode == 0, done.stdout
    assert "warning" not in done.stdout.lower(), done.stdout
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield lambda path: importlib.import_module(f"{_NAME}.{path}")


@pytest_asyncio.fixture(loop_scope="session")
async def client(site: Site, part: Part, manager: Account) -> Any:
    """Return the client of somebody who may start campaigns, and has logged in by it."""
    models = part("models")
    made = await part("api.accounts.login").asyncio(
        client=part("client").Client(site.address),
        body=models.LoginBody(models.Credentials(manager.user.email, PASSWORD)),
    )
    return part("client").AuthenticatedClient(site.address, token=made.data.token)


async def start(client: Any, part: Part, *, goal_amount: str, **headers: str) -> Any:
    """Start a campaign by the client; return whatever it makes of the answer."""
    models = part("models")
    campaign = models.NewCampaign(
        name="Made by a client",
        goal_amount=goal_amount,
        currency=models.NewCampaignCurrency.USD,
        review_policy=models.ReviewPolicy.AUTOMATIC,
    )
    return await part("api.campaigns.create_campaign").asyncio(
        client=client, body=models.CreateCampaignBody(campaign), **headers
    )


class TestGeneratedClient:
    def test_has_a_function_for_each_operation(self, site: Site, part: Part) -> None:
        described = part("client").httpx.get(site.address + routes.API_DESCRIPTION).json()
        for item in described["paths"].values():
            for operation in item.values():
                [tag] = operation["tags"]
                assert part(f"api.{tag}.{operation['operationId']}").asyncio_detailed

    async def test_starts_a_campaign_gives_and_reads_both_back(
        self, client: Any, part: Part
    ) -> None:
        models = part("models")
        campaign = await start(client, part, goal_amount="1000")
        gift = models.NewDonationToOne.from_dict(
            {
                "donor_name": "Sari Lestari",
                "donor_email": "sari@example.org",
                "amount": "25.50",
                "currency": "USD",
            }
        )
        given = await part("api.donations.give_to_campaign").asyncio(
            campaign.data.slug, client=client, body=models.GiveToCampaignBody(gift)
        )
        assert isinstance(given.data, models.PublicGift)

        shown = await part("api.campaigns.show_campaign").asyncio(campaign.data.id, client=client)
        assert isinstance(shown.data, models.Campaign)
        assert (shown.data.total_raised, shown.data.gift_count) == ("25.50", 1)
        listed = await part("api.donations.list_donations").asyncio(
            campaign.data.id, client=client, after=""
        )
        assert isinstance(listed, models.DonationCursorPage)
        [row] = listed.data
        assert isinstance(row, models.TeamGift)
        assert (row.id, row.donor_email) == (given.data.id, "sari@example.org")

    async def test_is_told_what_is_wrong_in_types(self, client: Any, part: Part) -> None:
        models = part("models")
        key = uuid4().hex
        wrong = await start(client, part, goal_amount="-5")
        assert isinstance(wrong, models.ValidationErrors)
        assert wrong.errors.additional_properties == {"goal_amount": ["must be greater than 0"]}

        await start(client, part, goal_amount="5", idempotency_key=key)
        other = await start(client, part, goal_amount="6", idempotency_key=key)
        assert isinstance(other, models.Error)
        assert key in other.errors.detail

    async def test_changes_only_what_it_has_seen(self, client: Any, part: Part) -> None:
        models = part("models")
        campaign = (await start(client, part, goal_amount="1000")).data
        seen = await part("api.campaigns.show_campaign").asyncio_detailed(
            campaign.id, client=client
        )
        changes = models.UpdateCampaignBody(models.CampaignChanges(description="More"))
        answers = [
            await part("api.campaigns.update_campaign").asyncio_detailed(
                campaign.id, client=client, body=changes, if_match=seen.headers["etag"]
            )
            for _ in range(2)
        ]
        assert [a.status_code for a in answers] == [HTTPStatus.OK, HTTPStatus.PRECONDITION_FAILED]
        assert isinstance(answers[1].parsed, models.Error)
