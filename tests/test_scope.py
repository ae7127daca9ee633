from uuid import UUID

import pytest

from financial_live.scope import Role, Scope

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
