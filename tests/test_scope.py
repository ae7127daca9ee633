from uuid import UUID

import pytest

from financial_live.scope import Role, Scope, TokenScope

ID = UUID("01a20986-6915-76b1-bec7-a7d114a33699")


class TestScope:
    def test_a_user_has_idempotency_keys_of_their_own(self) -> None:
        assert Scope.user(ID).caller == f"user:{ID}"

    @pytest.mark.parametrize(
        ("scope", "is_admin"),
        [
            (Scope.user(ID, role=Role.ADMIN), True),
            (Scope.operator(), True),
            (Scope.user(ID, role=Role.MANAGER), False),
            (Scope.visitor(), False),
        ],
    )
    def test_an_admin_and_the_operator_are_admins(self, scope: Scope, is_admin: bool) -> None:
        assert scope.is_admin is is_admin

    def test_who_somebody_is_does_not_depend_on_where(self) -> None:
        somewhere = Scope.user(ID).at("203.0.113.7")
        assert somewhere.address == "203.0.113.7"
        assert somewhere == Scope.user(ID)


class TestTokenScope:
    @pytest.mark.parametrize(
        ("needs", "held", "is_enough"),
        [
            (TokenScope.READ, {TokenScope.READ}, True),
            (TokenScope.READ, {TokenScope.GIVE}, False),
            (TokenScope.READ, {TokenScope.MANAGE}, True),
            (TokenScope.GIVE, {TokenScope.MANAGE}, True),
            (TokenScope.MANAGE, {TokenScope.READ, TokenScope.GIVE}, False),
            (TokenScope.MANAGE, set(), False),
        ],
    )
    def test_who_manages_reads_and_gives_as_well(
        self, needs: TokenScope, held: set[TokenScope], *, is_enough: bool
    ) -> None:
        assert needs.is_in(frozenset(held)) is is_enough
