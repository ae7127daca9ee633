"""Making the server write down what it was told in confidence."""

import httpx

from e2e.bench.client import NAMESPACE
from e2e.instance import Site
from e2e.people import PASSWORD, Account, eventually
from financial_live import routes
from financial_live.ui.pages.accounts.login import LoginForm
from tests.attacks.visitor import SECRETS, Page, cookie_of, headers_of, log_of

SECRET = "rahasia-5e8d1c"
PACKETS: tuple[str | bytes, ...] = (
    *(SECRET, f"4{SECRET}", f"42{NAMESPACE},{SECRET}", f"42/{SECRET},[]", f"40/{SECRET},{{}}"),
    *(f'42{NAMESPACE},["{SECRET}"', f'42{NAMESPACE},{{"{SECRET}": 1}}', f"451-{SECRET}"),
    *(f'42{NAMESPACE},[["{SECRET}"], 1]', f"42{NAMESPACE},[]", f"43{NAMESPACE},1[{SECRET}]"),
    *(SECRET.encode(), b"\x00", "", "9", "41", "42", f"6{SECRET}", f"5{SECRET}", "2" * 9000),
    f"452{NAMESPACE}," + f'["event",{{"_placeholder":true,"num":0,"{SECRET}":1}}]',
)


async def test_takes_no_secret_and_no_line_of_somebody_elses(
    attacked: Site, client: httpx.AsyncClient, victim: Account
) -> None:
    """What all attacks have sent in confidence is looked for when the instance has ended."""
    SECRETS.update({SECRET, victim.user.email, victim.token, PASSWORD})
    cookie = cookie_of(victim.token)
    form = {"email": victim.user.email, "password": PASSWORD, "token": SECRET}
    for number in range(5):
        page = await Page.open(attacked, f"{routes.LOGIN}?to={SECRET}", cookie=cookie)
        await page.call("no.such.handler", form=form)
        await page.call(f"{LoginForm.get_full_name()}.log_in", form=form, surplus=SECRET)
        await page.call(f"{LoginForm.get_full_name()}._enter", **form)
        await page.send("event", f"{SECRET} {number}")
        await page.send("event", [SECRET])
        await page.send("event", {"name": 1, "token": SECRET, "payload": SECRET})
        await page.send("no_such_event", form)
        await page.close()
    for packet in PACKETS:
        page = await Page.open(attacked, cookie=cookie)
        await page.send_packet(packet)
        await page.close()
    for boot in (SECRET, [SECRET], {"name": SECRET}, {"name": [SECRET], "router_data": SECRET}):
        await (await Page.open(attacked, cookie=cookie, boot=boot)).close()
    for path in (
        f"{NAMESPACE}/?token={SECRET}&EIO=4&transport=polling",
        f"{NAMESPACE}/?token={SECRET}&EIO=3&transport=websocket",
        f"{NAMESPACE}/?token={SECRET}&EIO=4&transport=websocket&j={SECRET}",
        f"{routes.API_CAMPAIGNS}?search={SECRET}&page={SECRET}",
        f"{routes.VERIFY}?token={SECRET}",
    ):
        for method in ("GET", "POST"):
            await client.request(method, path, headers=headers_of(cookie=cookie), json=form)

    async def has_begun() -> bool:
        return "not logged" in log_of(attacked)

    await eventually(has_begun, what="something is refused in the log")
    assert [secret for secret in SECRETS if secret in log_of(attacked)] == []


async def test_takes_a_line_for_a_line(attacked: Site) -> None:
    forged = "2026-01-01 00:00:00,000 INFO forged: nothing has happened"
    page = await Page.open(attacked)
    for line in (f"x\n{forged}", f"x\r{forged}", f"x\u2028{forged}", f"x\x1b[2K{forged}"):
        await page.send("client_error", {"error_type": "a", "message": line})
        await page.call(line)
    await page.settle()
    await page.close()
    assert [line for line in log_of(attacked).splitlines() if line.startswith(forged)] == []


async def test_takes_no_flood(attacked: Site) -> None:
    for _ in range(40):
        page = await Page.open(attacked)
        await page.send_packet(SECRET)
        await page.closed()
        await page.close()
    assert log_of(attacked).count("Exception in ASGI application") < 40
