"""Guessing passwords, and asking who has an account."""

import re
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
import sqlalchemy as sa

from e2e.instance import Site
from e2e.people import PASSWORD, Account, Operator
from financial_live import db, routes
from financial_live.contexts import accounts
from financial_live.contexts.accounts import passwords
from financial_live.errors import Unauthorized
from financial_live.scope import Scope
from financial_live.ui.pages.accounts.login import LoginForm
from financial_live.ui.pages.accounts.password import ForgottenForm, ResetForm
from financial_live.ui.pages.accounts.register import RegistrationForm
from financial_live.ui.pages.accounts.verify import ProofForm
from tests.attacks.visitor import ELSEWHERE, Page, submit, type_password

KNOWN = "192.0.2.1"
"""Where ``Operator.log_in`` logs in from."""


class TestGuessing:
    async def test_is_slowed_and_keeps_nobody_out(
        self, attacked: Site, operator_of_attacked: Operator, victim: Account
    ) -> None:
        neighbour = await operator_of_attacked.new_account("Tetangga Baik")
        told = []
        for attempt in range(50):
            if attempt % 25 == 0:
                page = await Page.open(attacked, routes.LOGIN, address=ELSEWHERE)
            shown = await type_password(page, victim.user.email, f"wrong password {attempt}")
            told.append(shown["errors"]["form"])
            assert not shown["ticket"]
        assert [text for text in told[:4] if "Wait" in text] == []
        assert [text for text in told[6:] if "Wait" not in text] == []

        # The right one is not even looked at from there, and it is known from home.
        shown = await type_password(page, victim.user.email, PASSWORD)
        assert "Wait" in shown["errors"]["form"]
        assert not shown["ticket"]
        assert (await type_password(page, neighbour.user.email, PASSWORD))["ticket"]
        home = await Page.open(attacked, routes.LOGIN, address=KNOWN)
        assert (await type_password(home, victim.user.email, PASSWORD))["ticket"]
        for one in (page, home):
            await one.close()

    async def test_is_slowed_from_addresses_that_only_a_visitor_claims(
        self, attacked: Site, victim: Account
    ) -> None:
        for number in range(8):
            forged = f"203.0.113.{number}, {ELSEWHERE}"
            page = await Page.open(attacked, routes.LOGIN, address=forged)
            shown = await type_password(page, victim.user.email, "wrong password")
            await page.close()
        assert "Wait" in shown["errors"]["form"]

    async def test_of_a_link_or_of_the_first_admin_begins_nothing(self, attacked: Site) -> None:
        for path, handler, state in (
            (routes.RESET, "choose", ResetForm),
            (routes.VERIFY, "prove", ProofForm),
        ):
            page = await Page.open(attacked, path)
            for token in ("", "x" * 43, "\x00", "x" * 9000):
                shown = await submit(page, handler, state, token=token, password=PASSWORD)
                assert shown["errors"]["form"].startswith("This link does not work")
                assert not shown["ticket"]
            await page.close()


async def written(table: str) -> int:
    async with db.transaction() as session:
        found = await session.execute(sa.text(f"SELECT count(*) FROM {table}"))
        return int(found.scalar_one())


FORMS = [
    (routes.LOGIN, "log_in", LoginForm),
    (routes.REGISTER, "send", RegistrationForm),
    (routes.FORGOT, "send", ForgottenForm),
    (routes.VERIFY, "send_another", ProofForm),
]


class TestAskingWhoIsHere:
    @pytest.mark.parametrize(("path", "handler", "state"), FORMS, ids=[f[0] for f in FORMS])
    async def test_gets_the_same_answer_and_as_much_is_written(
        self, attacked: Site, victim: Account, path: str, handler: str, state: type
    ) -> None:
        waiting = f"waiting.{uuid4().hex[:8]}@example.org"
        attrs = {"name": "Belum Terbukti", "email": waiting, "password": PASSWORD}
        await accounts.register(Scope.visitor(), attrs)
        answers = set()
        for email in (victim.user.email, waiting, f"nobody.{uuid4().hex[:8]}@example.org"):
            page = await Page.open(attacked, path, address=ELSEWHERE)
            await page.settle()
            before, heard = await written("outbox"), len(page.heard)
            await submit(page, handler, state, name="Orang", email=email, password="a wrong guess")
            sent = "\n".join(one for one in page.heard[heard:] if one.startswith("42"))
            answer = re.sub(r"mark \d+", "mark", sent.replace(email, "the address"))
            answers.add((answer, await written("outbox") - before))
            await page.close()
        assert len(answers) == 1
        assert "error" in str(answers) or "the address" in str(answers)

    async def test_costs_as_many_hashes_when_logging_in(
        self, database: db.Database, quick_hashes: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        visitor, verify = Scope.visitor(), passwords._verify
        checked: list[bytes] = []

        def counted(password_hash: str | None, password: bytes) -> bool:
            checked.append(password)
            return verify(password_hash, password)

        monkeypatch.setattr(passwords, "_verify", counted)
        person = {"name": "Rina", "password": PASSWORD}
        await accounts.create_user(Scope.operator(), person | {"email": "known@example.org"})
        await accounts.register(visitor, person | {"email": "waiting@example.org"})

        def guess(email: str) -> Callable[[], Awaitable[object]]:
            return lambda: accounts.handover(visitor, email, "a wrong guess", address=ELSEWHERE)

        for name in ("known", "waiting", "nobody"):
            with pytest.raises(Unauthorized):
                await guess(f"{name}@example.org")()
        assert len(checked) == 3
