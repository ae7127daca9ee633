import asyncio
import logging
import os
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiosmtplib
import psycopg
import pytest

from financial_live import db
from financial_live.contexts import accounts, campaigns, columns, mail
from financial_live.contexts.accounts import Purpose
from financial_live.contexts.mail import Folder, service
from financial_live.errors import NotFound
from financial_live.outbox import Relay
from tests.contexts.factories import OPERATOR, VISITOR, make_campaign, make_gift
from tests.contexts.mail.post import (
    SENDER,
    Post,
    execute,
    hurry,
    mailer,
    mails,
    place,
    send_all,
    token_in,
)
from tests.contexts.people import (
    EMAIL,
    PASSWORD,
    link,
    log_in,
    make_user,
    registered,
    scope_of,
)
from tests.contexts.test_concurrency import Nobody

pytestmark = pytest.mark.usefixtures("quick_hashes")


@pytest.mark.usefixtures("database")
class TestCollect:
    async def test_each_event_makes_one_mail(self) -> None:
        user_id = await registered()
        await place()
        post = mailer(Post())
        assert await post.collect() == 1
        assert await post.collect() == 0
        [made] = await mails()
        assert (made.user_id, made.kind, made.attempts) == (user_id, "user_registered", 0)

    async def test_other_events_make_none(self) -> None:
        await make_gift(await make_campaign())
        await place()
        assert await mailer(Post()).collect() == 0

    async def test_what_has_no_place_yet_comes_later(self) -> None:
        await registered()
        assert await mailer(Post()).collect() == 0
        await place()
        assert await mailer(Post()).collect() == 1

    async def test_who_asks_often_gets_one_a_minute(self) -> None:
        await make_user()
        await make_user("budi@example.org")
        for _ in range(3):
            await accounts.request_reset(VISITOR, EMAIL)
        await accounts.request_reset(VISITOR, "budi@example.org")
        post = Post()
        await send_all(mailer(post))
        assert post.to() == [EMAIL, "budi@example.org"]
        await accounts.request_reset(VISITOR, EMAIL)
        await send_all(mailer(post))
        assert len(post.sent) == 2
        await execute("UPDATE mail SET inserted_at = inserted_at - interval '1 minute'")
        await accounts.request_reset(VISITOR, EMAIL)
        await send_all(mailer(post))
        assert post.to()[2:] == [EMAIL]

    async def test_holds_no_address(self) -> None:
        await registered()
        await send_all(mailer(Post()))
        async with db.transaction() as session:
            connection = await session.connection()
            for table in ("mail", "outbox"):
                rows = await connection.exec_driver_sql(f"SELECT t::text FROM {table} t")
                assert EMAIL not in "".join(rows.scalars())


@pytest.mark.usefixtures("database")
class TestSend:
    async def test_a_registration_is_proven_by_its_mail(self) -> None:
        await registered()
        post = Post()
        await send_all(mailer(post))
        [message] = post.sent
        assert (message["To"], message["From"]) == (EMAIL, SENDER)
        await accounts.verify_email(VISITOR, token_in(message), PASSWORD)
        [made] = await mails()
        assert made.sent_at is not None
        assert (made.next_attempt_at, made.last_error, made.attempts) == (None, None, 1)

    async def test_a_password_is_reset_by_its_mail(self) -> None:
        await make_user()
        await accounts.request_reset(VISITOR, EMAIL)
        post = Post()
        await send_all(mailer(post))
        await accounts.reset_password(VISITOR, token_in(post.sent[0]), "another good password")

    async def test_who_is_registered_again_is_told_nothing_of_what_was_typed(self) -> None:
        await make_user()
        attrs = {"name": "Buy now", "email": EMAIL, "password": "another good password"}
        await accounts.register(VISITOR, attrs)
        post = Post()
        await send_all(mailer(post))
        assert post.sent[0]["Subject"] == "You have an account already"
        assert "Buy now" not in post.sent[0].as_string()

    async def test_an_invitation_is_accepted_by_its_mail(self) -> None:
        campaign = await make_campaign()
        await make_user()
        invited = await log_in()
        await campaigns.invite(OPERATOR, campaign.id, EMAIL, "reviewer")
        post = Post()
        await send_all(mailer(post))
        assert post.to() == [EMAIL]
        member = await campaigns.accept_invitation(await scope_of(invited), token_in(post.sent[0]))
        assert member.role == "reviewer"

    async def test_a_cancelled_invitation_is_not_sent(self) -> None:
        campaign = await make_campaign()
        invitation = await campaigns.invite(OPERATOR, campaign.id, EMAIL, "reviewer")
        await campaigns.cancel_invitation(OPERATOR, campaign.id, invitation.id)
        post = Post()
        await send_all(mailer(post))
        assert post.sent == []
        assert await mails() == []

    async def test_nobody_gets_none(self) -> None:
        await accounts.request_reset(VISITOR, "nobody@example.org")
        post = Post()
        await send_all(mailer(post))
        assert post.sent == []
        assert await mails() == []

    async def test_what_is_proven_needs_no_proof(self) -> None:
        await registered()
        await accounts.verify_email(VISITOR, await link(EMAIL, Purpose.VERIFY), PASSWORD)
        await accounts.request_verification(VISITOR, EMAIL)
        post = Post()
        await send_all(mailer(post))
        assert post.sent == []


@pytest.mark.usefixtures("database")
class TestFailure:
    async def test_is_tried_again_later_with_a_link_of_its_own(self) -> None:
        await registered()
        post = Post(refusal=ConnectionRefusedError(111, "refused"), takes_and_refuses=True)
        await send_all(mailer(post))
        [made] = await mails()
        assert (made.sent_at, made.attempts) == (None, 1)
        assert made.last_error == "ConnectionRefusedError 111"
        post.refusal = None
        await send_all(mailer(post))
        assert len(post.sent) == 1
        await hurry()
        await send_all(mailer(post))
        first, second = post.sent
        assert first["Message-ID"] != second["Message-ID"]
        assert token_in(first) != token_in(second)
        await accounts.verify_email(VISITOR, token_in(first), PASSWORD)
        with pytest.raises(NotFound):
            await accounts.verify_email(VISITOR, token_in(second), PASSWORD)

    async def test_is_not_due_before_its_pause_is_over(self) -> None:
        await registered()
        post = Post(refusal=TimeoutError())
        await send_all(mailer(post))
        [made] = await mails()
        assert made.next_attempt_at is not None
        assert made.next_attempt_at > made.inserted_at + service.pause(0)
        assert not await mailer(post).send_next()

    @pytest.mark.parametrize(
        ("attempts", "pause_s"), [(0, 10), (1, 20), (5, 320), (6, 600), (7, 600), (1_000, 600)]
    )
    def test_waits_longer_each_time_up_to_ten_minutes(self, attempts: int, pause_s: int) -> None:
        assert service.pause(attempts).total_seconds() == pause_s

    async def test_does_not_hold_up_the_others(self) -> None:
        class Picky(Post):
            async def send(self, message: Any, *, name: str) -> None:
                self.refusal = ValueError("no") if message["To"] == EMAIL else None
                await super().send(message, name=name)

        await registered()
        await registered("budi@example.org")
        post = Picky()
        await send_all(mailer(post))
        assert post.to() == ["budi@example.org"]
        assert [made.attempts for made in await mails()] == [1, 1]

    async def test_is_given_up_in_the_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "MAX_ATTEMPTS", 3)
        await registered()
        sending = mailer(Post(refusal=TimeoutError()))
        await send_all(sending)
        for _ in range(5):
            await hurry()
            await send_all(sending)
        [made] = await mails()
        assert (made.attempts, made.next_attempt_at, made.sent_at) == (3, None, None)

    async def test_no_log_holds_an_address_or_a_token(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        await registered()
        words = f"5.1.1 <{EMAIL}> unknown"
        refused = aiosmtplib.SMTPRecipientsRefused(
            [aiosmtplib.SMTPRecipientRefused(550, words, EMAIL)]
        )
        for refusal in (refused, aiosmtplib.SMTPDataError(550, words), OSError(5, words), None):
            post = Post(refusal=refusal)
            await hurry()
            await send_all(mailer(post))
        assert len(caplog.records) > 2
        assert EMAIL not in caplog.text
        assert token_in(post.sent[0]) not in caplog.text
        [made] = await mails()
        assert made.sent_at is not None

    async def test_is_written_down_without_the_servers_words(self) -> None:
        await registered()
        words = f"5.1.1 <{EMAIL}> unknown"
        await send_all(mailer(Post(refusal=aiosmtplib.SMTPDataError(550, words))))
        [made] = await mails()
        assert made.last_error == "SMTPDataError 550"


@pytest.mark.usefixtures("own_database")
class TestAtLeastOnce:
    async def test_a_mailer_that_dies_after_sending_leaves_it_to_be_sent_again(self) -> None:
        await registered()
        post = Post(refusal=asyncio.CancelledError(), takes_and_refuses=True)
        with pytest.raises(asyncio.CancelledError):
            await send_all(mailer(post))
        [made] = await mails()
        assert (made.attempts, made.sent_at) == (1, None)
        post.refusal = None
        await hurry()
        await send_all(mailer(post))
        assert len(post.sent) == 2
        assert (await mails())[0].sent_at is not None

    async def test_a_mailer_that_dies_while_collecting_overlooks_nothing(self) -> None:
        await registered()
        await place()
        with pytest.raises(RuntimeError, match="dead"):
            async with db.transaction():
                assert await mailer(Post()).collect() == 1
                raise RuntimeError("dead")
        assert await mailer(Post()).collect() == 1

    async def test_several_at_once_send_each_mail_once(self) -> None:
        for number in range(20):
            await registered(f"{number}@example.org")
        await place()
        post = Post()
        await asyncio.gather(*(send_all(mailer(post)) for _ in range(4)))
        assert Counter(post.to()) == {f"{number}@example.org": 1 for number in range(20)}


class TestRun:
    async def test_of_two_one_works_and_the_other_takes_over(
        self, own_database: db.Database
    ) -> None:
        relaying = asyncio.create_task(Relay(own_database.dsn, Nobody()).run())
        first, second = Post(), Post()
        working = asyncio.create_task(mailer(first).run())
        await registered()
        await first.arrived.wait()
        standing_by = asyncio.create_task(mailer(second).run())
        first.arrived.clear()
        await registered("budi@example.org")
        await first.arrived.wait()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await registered("dewi@example.org")
        await second.arrived.wait()
        for task in (relaying, standing_by):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        assert first.to() == [EMAIL, "budi@example.org"]
        assert second.to() == ["dewi@example.org"]

    async def test_ends_when_its_connection_is_cut(self, own_database: db.Database) -> None:
        post = Post()
        relaying = asyncio.create_task(Relay(own_database.dsn, Nobody()).run())
        working = asyncio.create_task(mailer(post).run())
        await registered()
        await post.arrived.wait()
        await execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'financial_live mailer' AND datname = current_database()"
        )
        with pytest.raises(psycopg.OperationalError):
            await working
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)


@pytest.mark.usefixtures("database")
class TestPrune:
    async def test_forgets_what_was_sent_or_given_up_a_week_ago(self) -> None:
        for name in ("sent", "waiting", "new"):
            await registered(f"{name}@example.org")
        await place()
        await mailer(Post()).collect()
        sent, waiting, new = await mails()
        week = "inserted_at = now() - interval '8 days'"
        await execute(f"UPDATE mail SET {week}, next_attempt_at = NULL WHERE id = '{sent.id}'")
        await execute(f"UPDATE mail SET {week} WHERE id = '{waiting.id}'")
        await execute(f"UPDATE mail SET next_attempt_at = NULL WHERE id = '{new.id}'")
        await mail.prune(Post())
        assert [made.id for made in await mails()] == [waiting.id, new.id]

    async def test_what_was_sent_lately_is_counted_on_however_late_it_was(self) -> None:
        await registered()
        await send_all(mailer(Post()))
        await execute("UPDATE mail SET inserted_at = now() - interval '8 days'")
        await mail.prune(Post())
        assert len(await mails()) == 1

    async def test_deletes_the_files_of_a_week_ago(self, tmp_path: Path) -> None:
        await registered("old@example.org")
        await registered("new@example.org")
        await send_all(mailer(Folder(tmp_path)))
        old, new = [file.path for file in reversed(await mail.files(OPERATOR, tmp_path))]
        week_ago = (columns.now() - timedelta(days=7, seconds=1)).timestamp()
        os.utime(old, (week_ago, week_ago))
        await mail.prune(Folder(tmp_path))
        assert [file.path for file in await mail.files(OPERATOR, tmp_path)] == [new]
