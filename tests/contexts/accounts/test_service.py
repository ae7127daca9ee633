from typing import Any
from uuid import uuid4

import pytest

from financial_live import db
from financial_live.contexts import accounts
from financial_live.contexts.accounts import Purpose, passwords, service
from financial_live.contexts.accounts.tokens import MOST_LIVE
from financial_live.errors import (
    AppError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooMany,
    Unauthorized,
)
from financial_live.scope import Role, Scope
from tests.contexts.factories import OPERATOR, VISITOR, events
from tests.contexts.people import (
    ELSEWHERE,
    EMAIL,
    HOME,
    PASSWORD,
    SITI,
    link,
    log_in,
    make_user,
    registered,
    revoked,
    scope_of,
)

pytestmark = pytest.mark.usefixtures("database", "quick_hashes")

NEW = "another good password"


async def refused(call: Any) -> AppError:
    with pytest.raises(AppError) as caught:
        await call
    return caught.value


async def told() -> list[tuple[str, str]]:
    """Return what was told, and about whom."""
    return [(name, data["user_id"]) for name, _, data in await events()]


class TestRegister:
    async def test_makes_a_donors_account_that_is_not_proven(self) -> None:
        await accounts.register(VISITOR, SITI | {"role": "admin", "email": "SITI@Example.org"})
        user = await accounts.find_user(OPERATOR, EMAIL)
        assert (user.name, user.email, user.role) == (SITI["name"], EMAIL, Role.DONOR)
        assert not user.is_verified
        assert await told() == [("user_registered", str(user.id))]

    async def test_keeps_no_password(self) -> None:
        await registered()
        user = await accounts.find_user(OPERATOR, EMAIL)
        assert user.password_hash is not None
        assert user.password_hash.startswith("$argon2id$")
        assert user.password_hash not in repr(user)

    async def test_a_known_address_changes_nothing_and_answers_the_same(self) -> None:
        before = await make_user(role="manager")
        attrs = {"name": "Eve", "email": EMAIL.upper(), "password": NEW}
        await accounts.register(VISITOR, attrs)
        after = await accounts.find_user(OPERATOR, EMAIL)
        assert after.model_dump() == before.model_dump()
        assert await told() == [("registered_again", str(before.id))]

    async def test_hashes_as_much_for_a_known_address(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hashed: list[str] = []
        before = passwords.hashed

        async def counted(password: str) -> str:
            hashed.append(password)
            return await before(password)

        await make_user()
        monkeypatch.setattr(passwords, "hashed", counted)
        await accounts.register(VISITOR, SITI)
        await accounts.register(VISITOR, SITI | {"email": "new@example.org"})
        assert hashed == [PASSWORD, PASSWORD]

    async def test_reports_every_wrong_field_at_once(self) -> None:
        attrs = {"name": " ", "email": "nobody", "password": "short"}
        error = await refused(accounts.register(VISITOR, attrs))
        assert isinstance(error, Invalid)
        assert error.fields == {
            "name": ["can't be blank"],
            "email": ["is invalid"],
            "password": ["should be at least 10 characters"],
        }

    @pytest.mark.parametrize(
        "email",
        ["a,b@example.org", "a@b@c.org", "<a@b.org>", "a@" + "x" * 254, 5, None, "a@\ud800"],
    )
    async def test_refuses_what_is_not_one_address(self, email: Any) -> None:
        error = await refused(accounts.register(VISITOR, SITI | {"email": email}))
        assert error.fields.keys() == {"email"}

    @pytest.mark.parametrize("password", ["x" * 1001, "siti@example.org", 5, None, ["a"]])
    async def test_refuses_a_password_that_is_none(self, password: Any) -> None:
        error = await refused(accounts.register(VISITOR, SITI | {"password": password}))
        assert error.fields.keys() == {"password"}
        assert await events() == []


class TestVerifyEmail:
    async def test_proves_the_address_and_lets_in(self) -> None:
        await registered()
        user = await accounts.verify_email(VISITOR, await link(EMAIL, Purpose.VERIFY), PASSWORD)
        assert user.is_verified
        assert (await scope_of(await log_in())).is_verified

    async def test_nobody_gets_in_before_whatever_the_password(self) -> None:
        await registered()
        unknown = await refused(log_in("nobody@example.org"))
        assert str(await refused(log_in())) == str(unknown)
        assert str(await refused(log_in(password="wrong"))) == str(unknown)

    async def test_needs_the_password_of_who_registered(self) -> None:
        await registered()
        token = await link(EMAIL, Purpose.VERIFY)
        error = await refused(accounts.verify_email(VISITOR, token, "not the password"))
        assert isinstance(error, Unauthorized)
        assert not (await accounts.find_user(OPERATOR, EMAIL)).is_verified
        assert (await accounts.verify_email(VISITOR, token, PASSWORD)).is_verified

    async def test_works_once(self) -> None:
        await registered()
        token = await link(EMAIL, Purpose.VERIFY)
        await accounts.verify_email(VISITOR, token, PASSWORD)
        assert isinstance(await refused(accounts.verify_email(VISITOR, token, PASSWORD)), NotFound)

    async def test_ends_when_it_is_too_old(self) -> None:
        await registered()
        token = await link(EMAIL, Purpose.VERIFY)
        await expire("user_token")
        assert isinstance(await refused(accounts.verify_email(VISITOR, token, PASSWORD)), NotFound)

    async def test_of_several_links_any_works_and_ends_the_others(self) -> None:
        await registered()
        reset = await link(EMAIL, Purpose.RESET)
        first, second, third = [await link(EMAIL, Purpose.VERIFY) for _ in range(3)]
        await accounts.verify_email(VISITOR, second, PASSWORD)
        for token in (first, third):
            error = await refused(accounts.verify_email(VISITOR, token, PASSWORD))
            assert isinstance(error, NotFound)
        await accounts.reset_password(VISITOR, reset, NEW)

    @pytest.mark.parametrize("token", ["", "x", "x" * 1_000_000, "é", "\ud800", None, 5, b"x"])
    async def test_refuses_what_is_no_token(self, token: Any) -> None:
        assert isinstance(await refused(accounts.verify_email(VISITOR, token, PASSWORD)), NotFound)

    async def test_a_token_serves_its_own_purpose_only(self) -> None:
        await registered()
        token = await link(EMAIL, Purpose.RESET)
        assert isinstance(await refused(accounts.verify_email(VISITOR, token, PASSWORD)), NotFound)


class TestRequests:
    @pytest.mark.parametrize("request_", ["request_reset", "request_verification"])
    async def test_answer_and_do_the_same_for_an_unknown_address(self, request_: str) -> None:
        user_id = await registered()
        ask = getattr(accounts, request_)
        assert await ask(VISITOR, EMAIL.upper()) is None
        assert await ask(VISITOR, "nobody@example.org") is None
        (_, known), (_, unknown) = (await told())[1:]
        assert known == str(user_id)
        assert isinstance(await refused(accounts.find_user(OPERATOR, unknown)), AppError)

    @pytest.mark.parametrize("request_", ["request_reset", "request_verification"])
    async def test_refuse_what_is_no_address(self, request_: str) -> None:
        error = await refused(getattr(accounts, request_)(VISITOR, "nobody"))
        assert error.fields == {"email": ["is invalid"]}


class TestResetPassword:
    async def test_sets_the_password_and_ends_all_sessions(self) -> None:
        await make_user()
        first, second = await log_in(), await log_in()
        user = await accounts.reset_password(VISITOR, await link(EMAIL, Purpose.RESET), NEW)
        assert await accounts.session_scope(first.token) is None
        ids = sorted(str(one.session.id) for one in (first, second))
        assert await revoked() == [([f"user:{user.id}"], ids)]
        assert isinstance(await refused(log_in()), Unauthorized)
        assert (await log_in(password=NEW)).token

    async def test_proves_the_address(self) -> None:
        await registered()
        await accounts.reset_password(VISITOR, await link(EMAIL, Purpose.RESET), NEW)
        assert (await log_in(password=NEW)).token

    async def test_ends_every_link_and_ticket(self) -> None:
        await make_user()
        ticket = await accounts.handover(VISITOR, EMAIL, PASSWORD, address=HOME)
        first, second, third = [await link(EMAIL, Purpose.RESET) for _ in range(3)]
        await accounts.reset_password(VISITOR, second, NEW)
        for token in (first, second, third):
            again = accounts.reset_password(VISITOR, token, NEW)
            assert isinstance(await refused(again), NotFound)
        redeem = accounts.redeem_handover(VISITOR, ticket, address=HOME, agent="")
        assert isinstance(await refused(redeem), NotFound)

    async def test_ends_the_links_that_prove_the_address(self) -> None:
        await registered()
        token = await link(EMAIL, Purpose.VERIFY)
        await accounts.reset_password(VISITOR, await link(EMAIL, Purpose.RESET), PASSWORD)
        assert isinstance(await refused(accounts.verify_email(VISITOR, token, PASSWORD)), NotFound)

    async def test_a_bad_password_leaves_the_link_as_it_is(self) -> None:
        await make_user()
        token = await link(EMAIL, Purpose.RESET)
        error = await refused(accounts.reset_password(VISITOR, token, EMAIL))
        assert error.fields == {"password": ["must not be your name or your e-mail address"]}
        await accounts.reset_password(VISITOR, token, NEW)

    @pytest.mark.usefixtures("still_clock")
    async def test_lets_in_at_once_who_had_to_wait(self) -> None:
        await make_user()
        for _ in range(5):
            await refused(log_in(password="wrong"))
        assert isinstance(await refused(log_in()), TooMany)
        await accounts.reset_password(VISITOR, await link(EMAIL, Purpose.RESET), NEW)
        assert (await log_in(password=NEW)).token


class TestChangePassword:
    async def test_ends_the_other_sessions_and_keeps_this_one(self) -> None:
        user = await make_user()
        here, there = await log_in(), await log_in(address=ELSEWHERE)
        await accounts.change_password(await scope_of(here), PASSWORD, NEW)
        assert await accounts.session_scope(here.token)
        assert await accounts.session_scope(there.token) is None
        assert await revoked() == [([f"user:{user.id}"], [str(there.session.id)])]
        assert (await log_in(password=NEW)).token

    async def test_ends_every_link(self) -> None:
        await make_user()
        scope = await scope_of(await log_in())
        reset = [await link(EMAIL, Purpose.RESET) for _ in range(2)]
        await accounts.change_password(scope, PASSWORD, NEW)
        for token in reset:
            call = accounts.reset_password(VISITOR, token, PASSWORD)
            assert isinstance(await refused(call), NotFound)

    async def test_needs_the_present_password(self) -> None:
        await make_user()
        scope = await scope_of(await log_in())
        error = await refused(accounts.change_password(scope, "wrong", NEW))
        assert error.fields == {"current": ["is not your password"]}
        error = await refused(accounts.change_password(scope, PASSWORD, "short"))
        assert error.fields == {"password": ["should be at least 10 characters"]}

    @pytest.mark.usefixtures("still_clock")
    async def test_slows_who_guesses_in_a_session_of_somebody_else(self) -> None:
        await make_user()
        scope = await scope_of(await log_in())
        for _ in range(5):
            await refused(accounts.change_password(scope, "wrong", NEW))
        error = await refused(accounts.change_password(scope, PASSWORD, NEW))
        assert isinstance(error, TooMany)

    async def test_is_for_who_is_logged_in(self) -> None:
        for scope, kind in ((VISITOR, Unauthorized), (OPERATOR, Forbidden)):
            error = await refused(accounts.change_password(scope, PASSWORD, NEW))
            assert isinstance(error, kind)
        error = await refused(accounts.change_password(Scope.user(uuid4()), PASSWORD, NEW))
        assert isinstance(error, Unauthorized)

    async def test_a_change_meanwhile_is_a_conflict(self, monkeypatch: pytest.MonkeyPatch) -> None:
        await make_user()
        scope = await scope_of(await log_in())
        before = service._new_hash

        async def slow(user: Any, password: str) -> str:
            await accounts.set_password(OPERATOR, EMAIL, "somebody else's choice")
            return await before(user, password)

        monkeypatch.setattr(service, "_new_hash", slow)
        error = await refused(accounts.change_password(scope, PASSWORD, NEW))
        assert isinstance(error, Conflict)


class TestFindUser:
    async def test_an_admin_finds_anybody_and_others_themselves(self) -> None:
        user = await make_user()
        other = await make_user("budi@example.org")
        own = Scope.user(user.id)
        for key in (user.id, EMAIL, EMAIL.upper()):
            assert (await accounts.find_user(own, key)).id == user.id
        admin = Scope.user(uuid4(), role=Role.ADMIN)
        assert (await accounts.find_user(admin, other.id)).email == "budi@example.org"
        for key in (other.id, other.email, uuid4(), "nobody@example.org"):
            assert isinstance(await refused(accounts.find_user(own, key)), Forbidden)
            assert isinstance(await refused(accounts.find_user(VISITOR, key)), Unauthorized)

    async def test_who_is_not_there_is_not_found(self) -> None:
        assert isinstance(await refused(accounts.find_user(OPERATOR, uuid4())), NotFound)


class TestIssueLink:
    async def test_is_the_operators(self) -> None:
        user = await make_user()
        for scope in (VISITOR, Scope.user(user.id), Scope.user(user.id, role=Role.ADMIN)):
            error = await refused(accounts.issue_link(scope, user.id, Purpose.RESET))
            assert isinstance(error, Forbidden)

    async def test_makes_none_for_nobody_or_for_what_is_proven(self) -> None:
        user = await make_user()
        for user_id, purpose in ((uuid4(), Purpose.RESET), (user.id, Purpose.VERIFY)):
            error = await refused(accounts.issue_link(OPERATOR, user_id, purpose))
            assert isinstance(error, NotFound)

    async def test_the_last_hundred_live(self) -> None:
        await make_user()
        oldest, second, *_ = [await link(EMAIL, Purpose.RESET) for _ in range(MOST_LIVE + 1)]
        assert isinstance(await refused(accounts.reset_password(VISITOR, oldest, NEW)), NotFound)
        await accounts.reset_password(VISITOR, second, NEW)

    async def test_the_database_holds_no_token(self) -> None:
        await make_user()
        token = await link(EMAIL, Purpose.RESET)
        async with db.transaction() as session:
            connection = await session.connection()
            rows = await connection.exec_driver_sql("SELECT t::text FROM user_token t")
            assert token not in "".join(rows.scalars())


async def expire(table: str) -> None:
    """Make everything in the table too old."""
    async with db.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql(
            f"UPDATE {table} SET inserted_at = now() - interval '40 days',"
            " expires_at = now() - interval '1 second'"
        )
