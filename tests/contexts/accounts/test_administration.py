from typing import Any
from uuid import uuid4

import pytest

from financial_live import db
from financial_live.contexts import accounts
from financial_live.errors import AppError, Forbidden, Invalid, NotFound, Unauthorized
from financial_live.scope import Role, Scope
from tests.contexts.factories import OPERATOR, VISITOR, events
from tests.contexts.people import EMAIL, PASSWORD, SITI, log_in, make_user, registered, scope_of

pytestmark = pytest.mark.usefixtures("database", "quick_hashes")

ADMIN = Scope.user(uuid4(), role=Role.ADMIN)
OTHERS = [VISITOR, Scope.user(uuid4()), Scope.user(uuid4(), role=Role.MANAGER)]


async def refused(call: Any) -> AppError:
    with pytest.raises(AppError) as caught:
        await call
    return caught.value


REFUSALS = (Unauthorized, Forbidden)


class TestCreateUser:
    @pytest.mark.parametrize("scope", [ADMIN, OPERATOR])
    async def test_makes_an_account_that_can_log_in(self, scope: Scope) -> None:
        user = await accounts.create_user(scope, SITI | {"role": "manager"})
        assert (user.role, user.is_verified) == (Role.MANAGER, True)
        assert (await scope_of(await log_in())).role is Role.MANAGER

    async def test_without_a_password_a_link_to_choose_one_is_asked_for(self) -> None:
        user = await make_user(password=None)
        assert [(name, data) for name, _, data in await events()] == [
            ("reset_requested", {"user_id": str(user.id)})
        ]

    async def test_reports_every_wrong_field_at_once(self) -> None:
        attrs = {"name": "", "email": "x", "password": "short", "role": "king"}
        error = await refused(accounts.create_user(OPERATOR, attrs))
        assert isinstance(error, Invalid)
        assert error.fields == {
            "name": ["can't be blank"],
            "email": ["is invalid"],
            "role": ["is invalid: use one of donor, manager, admin"],
            "password": ["should be at least 10 characters"],
        }

    async def test_an_address_has_one_account(self) -> None:
        await make_user()
        error = await refused(make_user(EMAIL.upper()))
        assert error.fields == {"email": ["has already been taken"]}

    @pytest.mark.parametrize("scope", OTHERS)
    async def test_is_for_admins(self, scope: Scope) -> None:
        assert isinstance(await refused(accounts.create_user(scope, SITI)), REFUSALS)


class TestSetPassword:
    async def test_replaces_it_and_ends_all_sessions(self) -> None:
        await make_user()
        before = await log_in()
        await accounts.set_password(ADMIN, EMAIL, "another good password")
        assert await accounts.session_scope(before.token) is None
        assert (await log_in(password="another good password")).token

    async def test_vouches_for_the_address(self) -> None:
        await registered()
        await accounts.set_password(OPERATOR, EMAIL, PASSWORD)
        assert (await log_in()).token

    async def test_refuses_a_bad_one_and_an_unknown_account(self) -> None:
        await make_user()
        error = await refused(accounts.set_password(OPERATOR, EMAIL, "short"))
        assert error.fields.keys() == {"password"}
        unknown = accounts.set_password(OPERATOR, "nobody@example.org", PASSWORD)
        assert isinstance(await refused(unknown), NotFound)

    @pytest.mark.parametrize("scope", OTHERS)
    async def test_is_for_admins(self, scope: Scope) -> None:
        call = accounts.set_password(scope, EMAIL, PASSWORD)
        assert isinstance(await refused(call), REFUSALS)


class TestSetRole:
    async def test_gives_it_and_ends_all_sessions(self) -> None:
        await make_user()
        before = await log_in()
        assert (await accounts.set_role(ADMIN, EMAIL, "manager")).role is Role.MANAGER
        assert await accounts.session_scope(before.token) is None
        assert (await scope_of(await log_in())).role is Role.MANAGER

    async def test_the_same_role_changes_nothing(self) -> None:
        await make_user()
        before = await log_in()
        await accounts.set_role(OPERATOR, EMAIL, "donor")
        assert await accounts.session_scope(before.token)

    async def test_refuses_what_is_no_role_and_an_unknown_account(self) -> None:
        error = await refused(accounts.set_role(OPERATOR, EMAIL, "king"))
        assert error.fields.keys() == {"role"}
        assert isinstance(await refused(accounts.set_role(OPERATOR, EMAIL, "admin")), NotFound)

    @pytest.mark.parametrize("scope", OTHERS)
    async def test_is_for_admins(self, scope: Scope) -> None:
        await make_user()
        assert isinstance(await refused(accounts.set_role(scope, EMAIL, "admin")), REFUSALS)


async def first_token() -> str:
    token = await accounts.first_admin_token(OPERATOR)
    assert token is not None
    return token


class TestFirstAdmin:
    async def test_is_made_by_the_token(self) -> None:
        user = await accounts.create_first_admin(VISITOR, await first_token(), SITI)
        assert user.role is Role.ADMIN
        assert (await scope_of(await log_in())).is_admin

    async def test_there_is_no_token_once_there_is_an_admin(self) -> None:
        token = await first_token()
        await make_user("admin@example.org", role="admin")
        assert await accounts.first_admin_token(OPERATOR) is None
        late = accounts.create_first_admin(VISITOR, token, SITI)
        assert isinstance(await refused(late), NotFound)

    async def test_asking_again_ends_the_token_before(self) -> None:
        old, new = await first_token(), await first_token()
        outdated = accounts.create_first_admin(VISITOR, old, SITI)
        assert isinstance(await refused(outdated), NotFound)
        assert (await accounts.create_first_admin(VISITOR, new, SITI)).role == Role.ADMIN

    async def test_lives_a_day(self) -> None:
        token = await first_token()
        async with db.transaction() as session:
            await (await session.connection()).exec_driver_sql(
                "UPDATE user_token SET inserted_at = inserted_at - interval '24 hours',"
                " expires_at = expires_at - interval '24 hours'"
            )
        late = accounts.create_first_admin(VISITOR, token, SITI)
        assert isinstance(await refused(late), NotFound)

    async def test_wrong_fields_leave_the_token_as_it_is(self) -> None:
        token = await first_token()
        await make_user()
        for attrs, field in ((SITI | {"password": "x"}, "password"), (SITI, "email")):
            error = await refused(accounts.create_first_admin(VISITOR, token, attrs))
            assert error.fields.keys() == {field}
        other = SITI | {"email": "admin@example.org"}
        made = await accounts.create_first_admin(VISITOR, token, other)
        assert made.email == "admin@example.org"

    @pytest.mark.parametrize("token", ["", "x", None, 5])
    async def test_refuses_what_is_no_token(self, token: Any) -> None:
        await first_token()
        call = accounts.create_first_admin(VISITOR, token, SITI)
        assert isinstance(await refused(call), NotFound)

    @pytest.mark.parametrize("scope", [*OTHERS, ADMIN])
    async def test_only_the_operator_gets_the_token(self, scope: Scope) -> None:
        assert isinstance(await refused(accounts.first_admin_token(scope)), Forbidden)
