"""How many mails an address is sent, and what becomes of those that are one too many."""

import pytest

from financial_live.contexts import accounts, campaigns
from financial_live.contexts.mail import service
from financial_live.errors import NotFound
from tests.contexts.factories import OPERATOR, VISITOR, make_campaign
from tests.contexts.mail.post import Post, execute, hurry, mailer, mails, send_all, token_in
from tests.contexts.people import EMAIL, SITI, log_in, make_user, registered, scope_of

pytestmark = pytest.mark.usefixtures("quick_hashes")


async def ask_for_reset(email: str = EMAIL) -> None:
    """Ask as if nobody had for a minute."""
    await pass_by("1 minute")
    await accounts.request_reset(VISITOR, email)


async def pass_by(time: str) -> None:
    """Make all mails older by this time."""
    moved = (f"{name} = {name} - interval '{time}'" for name in ("inserted_at", "sent_at"))
    await execute(f"UPDATE mail SET {', '.join(moved)}")


@pytest.mark.usefixtures("database")
class TestCap:
    async def test_an_address_is_sent_five_mails_an_hour(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        await make_user()
        await make_user("budi@example.org")
        post = Post()
        for _ in range(7):
            await ask_for_reset()
            await send_all(mailer(post))
        assert post.to() == [EMAIL] * 5
        withheld = (await mails())[5:]
        assert [(one.sent_at, one.next_attempt_at) for one in withheld] == [(None, None)] * 2
        assert {one.last_error for one in withheld} == {service.OVER_CAP}
        assert len(caplog.records) == 2
        assert EMAIL not in caplog.text
        await ask_for_reset("budi@example.org")
        await send_all(mailer(post))
        assert post.to()[5:] == ["budi@example.org"]

    async def test_what_was_withheld_is_not_sent_later_but_who_asks_again_gets_one(self) -> None:
        await make_user()
        post = Post()
        for _ in range(6):
            await ask_for_reset()
            await send_all(mailer(post))
        await pass_by("53 minutes")
        await ask_for_reset()
        await send_all(mailer(post))
        assert len(post.sent) == 5
        # The first of them is an hour old now.
        await ask_for_reset()
        await send_all(mailer(post))
        assert len(post.sent) == 6
        await accounts.reset_password(VISITOR, token_in(post.sent[5]), "another good password")

    async def test_an_address_is_sent_twenty_mails_a_day(self) -> None:
        await make_user()
        post = Post()
        for _ in range(5):
            for _ in range(5):
                await ask_for_reset()
                await send_all(mailer(post))
            await pass_by("1 hour")
        assert len(post.sent) == 20
        await pass_by("19 hours")
        await ask_for_reset()
        await send_all(mailer(post))
        assert len(post.sent) == 21

    async def test_counts_mails_of_every_kind(self) -> None:
        await registered()
        post = Post()
        for ask in (accounts.request_reset, accounts.request_verification):
            await ask(VISITOR, EMAIL)
        await accounts.register(VISITOR, SITI)
        for _ in range(2):
            await campaigns.invite(OPERATOR, (await make_campaign()).id, EMAIL, "viewer")
        await send_all(mailer(post))
        assert len({message["Subject"] for message in post.sent}) == 4
        assert len(post.sent) == 5
        assert [one.last_error for one in await mails()] == [None] * 5 + [service.OVER_CAP]

    async def test_counts_invitations_of_all_campaigns(self) -> None:
        post = Post()
        for _ in range(7):
            await campaigns.invite(OPERATOR, (await make_campaign()).id, EMAIL, "viewer")
        await send_all(mailer(post))
        assert post.to() == [EMAIL] * 5

    async def test_counts_no_attempt_that_failed(self) -> None:
        await make_user()
        await accounts.request_reset(VISITOR, EMAIL)
        post = Post(refusal=TimeoutError())
        for _ in range(6):
            await hurry()
            await send_all(mailer(post))
        post.refusal = None
        await hurry()
        await send_all(mailer(post))
        assert post.to() == [EMAIL]

    async def test_asking_for_others_leaves_the_first_link_alive(self) -> None:
        await make_user()
        post = Post()
        for _ in range(7):
            await ask_for_reset()
            await send_all(mailer(post))
        await accounts.reset_password(VISITOR, token_in(post.sent[0]), "another good password")
        for message in post.sent[1:]:
            with pytest.raises(NotFound):
                await accounts.reset_password(VISITOR, token_in(message), "one more password")

    async def test_an_invitation_that_is_withheld_leaves_the_link_before_alive(self) -> None:
        await make_user()
        invited = await scope_of(await log_in())
        campaign = await make_campaign()
        post = Post()
        for role in ("viewer", "reviewer", "owner", "viewer", "reviewer", "owner"):
            await pass_by("1 minute")
            await campaigns.invite(OPERATOR, campaign.id, EMAIL, role)
            await send_all(mailer(post))
        assert len(post.sent) == 5
        member = await campaigns.accept_invitation(invited, token_in(post.sent[4]))
        assert member.role == "owner"
