from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from financial_live import db
from financial_live.contexts import accounts
from financial_live.contexts.accounts import Purpose, passwords
from financial_live.errors import AppError, Invalid, NotFound, Unauthorized
from financial_live.scope import Role, Scope
from tests.contexts.factories import OPERATOR, VISITOR, events
from tests.contexts.people import (
    ELSEWHERE,
    EMAIL,
    HOME,
    PASSWORD,
    link,
    log_in,
    make_user,
    registered,
    revoked,
    scope_of,
)

NEW = "another good password"

pytestmark = pytest.mark.usefixtures("database", "quick_hashes")


async def refused(call: Any) -> AppError:
    with pytest.raises(AppError) as caught:
        await call
    return caught.value


async def execute(statement: str) -> None:
    async with db.transaction() as session:
        await (await session.connection()).exec_driver_sql(statement)


class TestLogIn:
    async def test_begins_a_session_of_who_has_the_password(self) -> None:
        user = await make_user(role="manager")
        logged_in = await log_in(EMAIL.upper())
        assert await accounts.session_scope(logged_in.token) == Scope.user(
            user.id, role=Role.MANAGER, session_id=logged_in.session.id, is_verified=True
        )
        session = logged_in.session
        assert (session.address, session.agent) == (HOME, "Firefox")
        assert session.expires_at - session.inserted_at == accounts.SESSION_LIFETIME
        told = ("session_begun", [f"user:{user.id}"], {"user_id": str(user.id)})
        assert (await events())[-1] == told

    async def test_each_has_an_id_and_a_token_of_its_own(self) -> None:
        await make_user()
        first, second = await log_in(), await log_in()
        assert first.session.id != second.session.id
        assert first.token != second.token
        assert len(first.token) == 43

    async def test_who_is_unknown_wrong_or_not_proven_hears_the_same_as_late(
        self, verified: list[str]
    ) -> None:
        user = await make_user()
        await registered("budi@example.org")
        verified.clear()
        dummy = passwords._dummy()
        errors = [
            await refused(log_in(password="wrong")),
            await refused(log_in("nobody@example.org")),
            await refused(log_in("budi@example.org")),
        ]
        assert {type(error) for error in errors} == {Unauthorized}
        assert len({error.message for error in errors}) == 1
        assert verified == [user.password_hash, dummy, dummy]

    async def test_who_has_no_password_cannot(self) -> None:
        await make_user(password=None)
        assert isinstance(await refused(log_in()), Unauthorized)

    @pytest.mark.parametrize(
        ("email", "password", "field"),
        [
            ("nobody", PASSWORD, "email"),
            (None, PASSWORD, "email"),
            (EMAIL, "", "password"),
            (EMAIL, 5, "password"),
            (EMAIL, "x" * 1001, "password"),
        ],
    )
    async def test_refuses_what_can_be_none(self, email: Any, password: Any, field: str) -> None:
        error = await refused(log_in(email, password))
        assert isinstance(error, Invalid)
        assert error.fields.keys() == {field}

    async def test_takes_any_browser(self) -> None:
        await make_user()
        for agent, kept in (("x" * 1000, "x" * 200), ("a\x00b", ""), ("\ud800", "")):
            address = agent
            begun = await accounts.log_in(VISITOR, EMAIL, PASSWORD, address=address, agent=agent)
            assert begun.session.agent == kept

    async def test_keeps_the_password_at_todays_cost(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = await make_user()
        dearer = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)
        monkeypatch.setattr(passwords, "hasher", dearer)
        await log_in()
        after = await accounts.find_user(OPERATOR, EMAIL)
        assert after.password_hash not in (None, before.password_hash)
        assert not passwords.is_outdated(after.password_hash or "")
        await log_in()
        assert (await accounts.find_user(OPERATOR, EMAIL)).password_hash == after.password_hash

    async def test_a_password_changed_while_it_was_looked_at_lets_nobody_in(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await make_user()
        before = passwords.is_right

        async def slow(password_hash: str | None, password: str) -> bool:
            is_right = await before(password_hash, password)
            await accounts.set_password(OPERATOR, EMAIL, NEW)
            return is_right

        monkeypatch.setattr(passwords, "is_right", slow)
        assert isinstance(await refused(log_in()), Unauthorized)
        ticket = accounts.handover(VISITOR, EMAIL, NEW, address=HOME)
        assert isinstance(await refused(ticket), Unauthorized)

    async def test_the_token_is_in_no_representation_and_not_in_the_database(self) -> None:
        await make_user()
        logged_in = await log_in()
        assert logged_in.token not in repr(logged_in)
        async with db.transaction() as session:
            connection = await session.connection()
            rows = await connection.exec_driver_sql("SELECT s::text FROM user_session s")
            assert logged_in.token not in "".join(rows.scalars())


class TestHandover:
    async def test_a_ticket_begins_one_session(self) -> None:
        user = await make_user()
        ticket = await accounts.handover(VISITOR, EMAIL, PASSWORD, address=HOME)
        begun = await accounts.redeem_handover(VISITOR, ticket, address=HOME, agent="Firefox")
        assert (await scope_of(begun)).user_id == user.id
        again = accounts.redeem_handover(VISITOR, ticket, address=HOME, agent="")
        assert isinstance(await refused(again), NotFound)

    async def test_is_refused_as_logging_in_is(self) -> None:
        await make_user()
        wrong = await refused(accounts.handover(VISITOR, EMAIL, "wrong", address=HOME))
        assert wrong.message == (await refused(log_in(password="wrong"))).message

    async def test_lives_a_minute(self) -> None:
        await make_user()
        ticket = await accounts.handover(VISITOR, EMAIL, PASSWORD, address=HOME)
        await execute(
            "UPDATE user_token SET inserted_at = inserted_at - interval '60 seconds',"
            " expires_at = expires_at - interval '60 seconds'"
        )
        redeem = accounts.redeem_handover(VISITOR, ticket, address=HOME, agent="")
        assert isinstance(await refused(redeem), NotFound)

    async def test_no_other_token_is_a_ticket(self) -> None:
        await make_user()
        token = await link(EMAIL, Purpose.RESET)
        redeem = accounts.redeem_handover(VISITOR, token, address=HOME, agent="")
        assert isinstance(await refused(redeem), NotFound)


class TestSessionScope:
    @pytest.mark.parametrize("token", ["", "x", "x" * 1_000_000, "é", "\ud800", None, 5, b"x"])
    async def test_nobody_has_what_is_no_token(self, token: Any) -> None:
        assert await accounts.session_scope(token) is None

    async def test_ends_when_its_time_is_over(self) -> None:
        await make_user()
        logged_in = await log_in()
        await execute("UPDATE user_session SET expires_at = now(), inserted_at = '2020-01-01'")
        assert await accounts.session_scope(logged_in.token) is None

    async def test_is_seen_once_a_minute(self) -> None:
        await make_user()
        logged_in = await log_in()
        scope = await scope_of(logged_in)

        async def seen() -> Any:
            return (await accounts.list_sessions(scope))[0].last_seen_at

        assert await seen() == logged_in.session.last_seen_at
        await execute("UPDATE user_session SET last_seen_at = now() - interval '61 seconds'")
        await scope_of(logged_in)
        now = await seen()
        assert now > logged_in.session.last_seen_at
        await scope_of(logged_in)
        assert await seen() == now

    async def test_asks_one_indexed_query(self) -> None:
        await make_user()
        logged_in = await log_in()
        statements: list[str] = []
        async with db.transaction() as session:
            raw = (await session.connection()).sync_connection
            assert raw is not None

            @sa.event.listens_for(raw, "before_cursor_execute")
            def note(*args: Any) -> None:
                statements.append(args[2])

            await accounts.session_scope(logged_in.token)
            sa.event.remove(raw, "before_cursor_execute", note)
            assert len(statements) == 1
            plan = await session.execute(
                sa.text(
                    "EXPLAIN SELECT s.id FROM user_session s JOIN user_account u ON u.id ="
                    " s.user_id WHERE s.token_hash = 'x' AND s.expires_at > now()"
                )
            )
            assert "user_session_token_hash_key" in "".join(plan.scalars())


class TestListSessions:
    async def test_shows_ones_own_the_last_used_first(self) -> None:
        await make_user()
        await make_user("budi@example.org")
        await log_in("budi@example.org")
        first, second = await log_in(), await log_in(address=ELSEWHERE)
        await execute(
            "UPDATE user_session SET last_seen_at = now() + interval '1 minute'"
            f" WHERE id = '{first.session.id}'"
        )
        listed = await accounts.list_sessions(await scope_of(first))
        assert [one.id for one in listed] == [first.session.id, second.session.id]
        assert listed[0].token_hash not in repr(listed)

    async def test_is_for_who_is_logged_in(self) -> None:
        assert isinstance(await refused(accounts.list_sessions(VISITOR)), Unauthorized)


class TestEnding:
    async def test_logging_out_ends_this_session(self) -> None:
        user = await make_user()
        here, there = await log_in(), await log_in()
        scope = await scope_of(here)
        await accounts.log_out(scope)
        await accounts.log_out(scope)
        assert await accounts.session_scope(here.token) is None
        assert await accounts.session_scope(there.token)
        assert await revoked() == [([f"user:{user.id}"], [str(here.session.id)])]

    async def test_one_may_be_ended_from_another(self) -> None:
        await make_user()
        here, there = await log_in(), await log_in()
        await accounts.revoke_session(await scope_of(here), str(there.session.id))
        assert await accounts.session_scope(there.token) is None
        again = accounts.revoke_session(await scope_of(here), there.session.id)
        assert isinstance(await refused(again), NotFound)

    @pytest.mark.parametrize("id", [uuid4(), "nothing", "", None, 5])
    async def test_what_is_no_session_is_not_found(self, id: Any) -> None:
        await make_user()
        scope = await scope_of(await log_in())
        assert isinstance(await refused(accounts.revoke_session(scope, id)), NotFound)

    async def test_somebody_elses_is_not_found_and_goes_on(self) -> None:
        await make_user()
        await make_user("budi@example.org")
        theirs = await log_in("budi@example.org")
        mine = await scope_of(await log_in())
        end = accounts.revoke_session(mine, theirs.session.id)
        assert isinstance(await refused(end), NotFound)
        assert await accounts.session_scope(theirs.token)

    async def test_all_others_may_be_ended(self) -> None:
        await make_user()
        await make_user("budi@example.org")
        theirs = await log_in("budi@example.org")
        here, *others = [await log_in() for _ in range(3)]
        assert await accounts.revoke_others(await scope_of(here)) == 2
        assert await accounts.revoke_others(await scope_of(here)) == 0
        assert [await accounts.session_scope(one.token) for one in others] == [None, None]
        assert await accounts.session_scope(theirs.token)
        assert len(await revoked()) == 1

    async def test_is_for_who_is_logged_in(self) -> None:
        for call in (
            accounts.log_out(VISITOR),
            accounts.revoke_session(VISITOR, uuid4()),
            accounts.revoke_others(VISITOR),
        ):
            assert isinstance(await refused(call), Unauthorized)


class TestPrune:
    async def test_ends_sessions_whose_time_is_over_and_tells(self) -> None:
        user = await make_user()
        old = await log_in()
        await execute("UPDATE user_session SET expires_at = now(), inserted_at = '2020-01-01'")
        new = await log_in()
        assert await accounts.prune() == 1
        assert await accounts.prune() == 0
        assert await revoked() == [([f"user:{user.id}"], [str(old.session.id)])]
        assert await accounts.session_scope(new.token)

    async def test_forgets_links_and_attempts_that_count_no_more(self) -> None:
        await make_user()
        await log_in()
        await refused(log_in(password="wrong"))
        await link(EMAIL, Purpose.RESET)
        await accounts.prune()
        assert await counts() == (1, 2)
        await execute("UPDATE user_token SET expires_at = now(), inserted_at = '2020-01-01'")
        await execute("UPDATE login_attempt SET inserted_at = now() - interval '16 minutes'")
        await accounts.prune()
        assert await counts() == (0, 1)
        await execute("UPDATE login_attempt SET inserted_at = now() - interval '91 days'")
        await accounts.prune()
        assert await counts() == (0, 0)


async def counts() -> tuple[int, ...]:
    """Return how many links and attempts there are."""
    query = "SELECT (SELECT count(*) FROM user_token), (SELECT count(*) FROM login_attempt)"
    async with db.transaction() as session:
        connection = await session.connection()
        return tuple((await connection.exec_driver_sql(query)).one())
