"""API tokens: made, used, seen and revoked; and what a new password or role means for them."""

import asyncio
import re
from typing import Any
from uuid import uuid4

import pytest

from financial_live import db
from financial_live.contexts import accounts
from financial_live.contexts.accounts import NewToken, Purpose, TokenScope, api_tokens
from financial_live.errors import Conflict, Forbidden, Invalid, NotFound, TooMany, Unauthorized
from financial_live.scope import Role, Scope
from tests.contexts.factories import OPERATOR, VISITOR, events, messages
from tests.contexts.people import (
    ELSEWHERE,
    EMAIL,
    HOME,
    PASSWORD,
    link,
    log_in,
    make_user,
    registered,
    scope_of,
)

NEW = "another good password"
QUEUE: dict[str, Any] = {"name": "Queue", "scopes": ["give"], "expires_in_days": 90}

pytestmark = pytest.mark.usefixtures("quick_hashes")
on_a_database = pytest.mark.usefixtures("database")


async def somebody(**attrs: Any) -> Scope:
    """Return the scope of somebody new who is logged in."""
    await make_user(**attrs)
    return await scope_of(await log_in())


async def by(made: NewToken, *, address: str = HOME) -> Scope | None:
    return await accounts.token_scope(made.secret, address=address)


async def logged_in_program(password: str = PASSWORD, *, agent: str = "curl/8.5") -> NewToken:
    return await accounts.log_in_program(VISITOR, EMAIL, password, address=HOME, agent=agent)


async def told_to_have_ended() -> list[str]:
    """Return the ids of all tokens of which was told that they have ended."""
    told = [data for name, _, data in await events() if name == "token_revoked"]
    return [token_id for data in told for token_id in data["token_ids"]]


async def execute(statement: str) -> None:
    async with db.transaction() as session:
        await (await session.connection()).exec_driver_sql(statement)


async def count_as_used_before(interval: str) -> None:
    await execute(f"UPDATE api_token SET last_used_at = last_used_at - interval '{interval}'")


@on_a_database
class TestCreate:
    async def test_the_secret_is_returned_once_and_kept_as_a_hash(self) -> None:
        me = await somebody()
        made = await accounts.create_token(me, QUEUE)
        assert re.fullmatch(r"flt_[A-Za-z0-9_-]{43}", made.secret)
        [kept] = await accounts.list_tokens(me)
        assert (kept.name, kept.scopes, kept.is_login) == ("Queue", ["give"], False)
        assert kept.hint == made.secret[-4:]
        assert kept.token_hash == accounts.token_digest(made.secret)
        assert made.secret not in repr((made, kept, kept.model_dump()))

    @pytest.mark.parametrize(
        ("asked", "days"), [(30, 30), ("90", 90), (365, 365), (None, None), ("", None)]
    )
    async def test_expires_when_it_was_asked_to(self, asked: object, days: int | None) -> None:
        made = await accounts.create_token(await somebody(), QUEUE | {"expires_in_days": asked})
        lifetime = made.token.expires_at and made.token.expires_at - made.token.inserted_at
        assert (lifetime.days if lifetime else None) == days

    async def test_every_wrong_field_is_named(self) -> None:
        me = await somebody()
        with pytest.raises(Invalid) as caught:
            await accounts.create_token(me, {"name": " ", "expires_in_days": 7})
        assert set(caught.value.fields) == {"name", "scopes", "expires_in_days"}

    @pytest.mark.parametrize(
        "scopes", [[], ["all"], ["read", "all"], "read", None, {"read": 1}, [["read"]], 7]
    )
    async def test_is_for_something_known(self, scopes: object) -> None:
        with pytest.raises(Invalid) as caught:
            await accounts.create_token(await somebody(), QUEUE | {"scopes": scopes})
        assert "read, give, manage" in messages(caught.value, "scopes")[0]

    async def test_nobody_has_more_than_fifty(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(api_tokens, "MOST", 2)
        me = await somebody()
        made = [await accounts.create_token(me, QUEUE) for _ in range(2)]
        with pytest.raises(Conflict, match="Revoke"):
            await accounts.create_token(me, QUEUE)
        await accounts.revoke_token(me, made[0].token.id)
        await accounts.create_token(me, QUEUE)

    async def test_one_whose_time_is_over_takes_no_place(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(api_tokens, "MOST", 1)
        me = await somebody()
        await accounts.create_token(me, QUEUE)
        await execute("UPDATE api_token SET expires_at = now(), inserted_at = '2020-01-01'")
        made = await accounts.create_token(me, QUEUE)
        assert [one.id for one in await accounts.list_tokens(me)] == [made.token.id]

    async def test_is_made_by_no_token(self) -> None:
        made = await accounts.create_token(await somebody(), QUEUE | {"scopes": ["manage"]})
        scope = await by(made)
        assert scope is not None
        with pytest.raises(Forbidden):
            await accounts.create_token(scope, QUEUE)


@on_a_database
class TestTokenScope:
    async def test_is_its_user_with_its_scopes(self) -> None:
        me = await somebody(role="manager")
        made = await accounts.create_token(me, QUEUE | {"scopes": ["give", "read"]})
        assert await by(made) == Scope.user(
            made.token.user_id,
            role=Role.MANAGER,
            is_verified=True,
            token_scopes=frozenset({TokenScope.READ, TokenScope.GIVE}),
        )

    @pytest.mark.parametrize("wrong", ["", "flt_", "flt_x", "x" * 5000, "flt_é", "flt_\x00"])
    async def test_nobody_comes_by_what_is_none(self, wrong: str) -> None:
        assert await accounts.token_scope(wrong, address=HOME) is None

    async def test_a_sessions_token_is_none(self) -> None:
        await make_user()
        session = await log_in()
        assert await accounts.token_scope(session.token, address=HOME) is None

    async def test_it_opens_no_session(self) -> None:
        made = await accounts.create_token(await somebody(), QUEUE)
        assert await accounts.session_scope(made.secret) is None

    async def test_has_ended_at_its_time(self) -> None:
        made = await accounts.create_token(await somebody(), QUEUE)
        await execute("UPDATE api_token SET expires_at = now(), inserted_at = '2020-01-01'")
        assert await by(made) is None

    async def test_another_role_counts_at_once(self) -> None:
        made = await accounts.create_token(await somebody(), QUEUE)
        await accounts.set_role(OPERATOR, EMAIL, "manager")
        scope = await by(made)
        assert scope is not None
        assert scope.role is Role.MANAGER

    async def test_the_use_is_noted_once_a_minute(self) -> None:
        me = await somebody()
        made = await accounts.create_token(me, QUEUE)
        [unused] = await accounts.list_tokens(me)
        assert (unused.last_used_at, unused.last_address) == (None, "")
        await by(made)
        [first] = await accounts.list_tokens(me)
        await by(made, address=ELSEWHERE)
        [second] = await accounts.list_tokens(me)
        assert second.last_used_at == first.last_used_at
        assert (first.last_address, second.last_address) == (HOME, HOME)
        await count_as_used_before("61 seconds")
        await by(made, address=ELSEWHERE)
        [third] = await accounts.list_tokens(me)
        assert third.last_address == ELSEWHERE


@pytest.mark.usefixtures("own_database")
class TestAtOnce:
    async def test_a_use_is_not_held_up_by_who_notes_another(self) -> None:
        made = await accounts.create_token(await somebody(), QUEUE)
        held, over = asyncio.Event(), asyncio.Event()

        async def hold() -> None:
            async with db.transaction() as session:
                connection = await session.connection()
                await connection.exec_driver_sql("SELECT 1 FROM api_token FOR UPDATE")
                held.set()
                await over.wait()

        holding = asyncio.create_task(hold())
        await held.wait()
        assert await by(made) is not None
        over.set()
        await holding

    async def test_of_many_who_make_one_so_many_get_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(api_tokens, "MOST", 3)
        me = await somebody()
        made = await asyncio.gather(
            *(accounts.create_token(me, QUEUE) for _ in range(8)), return_exceptions=True
        )
        assert sum(isinstance(one, NewToken) for one in made) == 3
        assert sum(isinstance(one, Conflict) for one in made) == 5
        assert len(await accounts.list_tokens(me)) == 3


@on_a_database
class TestRevoke:
    async def test_ends_it_at_once_and_no_other(self) -> None:
        me = await somebody()
        gone, kept = [await accounts.create_token(me, QUEUE) for _ in range(2)]
        await accounts.revoke_token(me, str(gone.token.id))
        assert await by(gone) is None
        assert await by(kept) is not None
        assert await told_to_have_ended() == [str(gone.token.id)]

    async def test_what_is_not_ones_own_is_not_found(self) -> None:
        made = await accounts.create_token(await somebody(), QUEUE)
        other = Scope.user((await make_user("budi@example.org")).id)
        for wrong in (made.token.id, uuid4(), "x", ""):
            with pytest.raises(NotFound):
                await accounts.revoke_token(other, wrong)
        assert await by(made) is not None
        assert await accounts.list_tokens(other) == []


@on_a_database
class TestLogInProgram:
    async def test_makes_a_token_for_everything_named_after_the_program(self) -> None:
        await make_user()
        made = await logged_in_program()
        scope = await by(made)
        assert scope is not None
        assert scope.token_scopes == frozenset(TokenScope)
        [kept] = await accounts.list_tokens(Scope.user(made.token.user_id))
        assert (kept.name, kept.is_login) == ("curl/8.5", True)
        assert kept.expires_at is not None
        assert (kept.expires_at - kept.inserted_at).days == 30

    @pytest.mark.parametrize(
        ("agent", "name"), [("", "A program"), ("a\x00b", "A program"), ("x" * 300, "x" * 80)]
    )
    async def test_takes_whatever_the_program_calls_itself(self, agent: str, name: str) -> None:
        await make_user()
        assert (await logged_in_program(agent=agent)).token.name == name

    async def test_who_has_fifty_loses_the_oldest_that_was_got_so(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(api_tokens, "MOST", 3)
        kept = await accounts.create_token(await somebody(), QUEUE)
        first, second, third = [await logged_in_program() for _ in range(3)]
        assert await by(first) is None
        for one in (kept, second, third):
            assert await by(one) is not None
        assert await told_to_have_ended() == [str(first.token.id)]

    async def test_who_has_made_fifty_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(api_tokens, "MOST", 1)
        await accounts.create_token(await somebody(), QUEUE)
        with pytest.raises(Conflict):
            await logged_in_program()

    @pytest.mark.usefixtures("still_clock")
    async def test_is_refused_and_slowed_as_on_the_site(self) -> None:
        await make_user()
        await registered("budi@example.org")
        with pytest.raises(Unauthorized):
            await accounts.log_in_program(
                VISITOR, "budi@example.org", PASSWORD, address=HOME, agent=""
            )
        for refusal in [Unauthorized] * 5 + [TooMany]:
            with pytest.raises(refusal):
                await logged_in_program("wrong")


@on_a_database
class TestANewPassword:
    async def made(self) -> tuple[Scope, NewToken, NewToken]:
        me = await somebody()
        return me, await accounts.create_token(me, QUEUE), await logged_in_program()

    async def test_set_by_a_mailed_link_ends_all(self) -> None:
        _, made, got = await self.made()
        await accounts.reset_password(VISITOR, await link(EMAIL, Purpose.RESET), NEW)
        assert (await by(made), await by(got)) == (None, None)
        assert set(await told_to_have_ended()) == {str(made.token.id), str(got.token.id)}

    async def test_set_by_an_admin_ends_all(self) -> None:
        _, made, got = await self.made()
        await accounts.set_password(OPERATOR, EMAIL, NEW)
        assert (await by(made), await by(got)) == (None, None)

    async def test_that_its_owner_chooses_ends_those_got_by_logging_in(self) -> None:
        me, made, got = await self.made()
        await accounts.change_password(me, PASSWORD, NEW)
        assert await by(made) is not None
        assert await by(got) is None
        assert await told_to_have_ended() == [str(got.token.id)]


@on_a_database
class TestPrune:
    async def test_forgets_those_whose_time_is_over(self) -> None:
        me = await somebody()
        gone = await accounts.create_token(me, QUEUE)
        await execute("UPDATE api_token SET expires_at = now(), inserted_at = '2020-01-01'")
        kept = await accounts.create_token(me, QUEUE)
        await accounts.prune()
        async with db.transaction() as session:
            connection = await session.connection()
            rows = await connection.exec_driver_sql("SELECT id FROM api_token")
            assert rows.scalars().all() == [kept.token.id]
        assert await told_to_have_ended() == [str(gone.token.id)]
