from uuid import UUID

import pytest

from financial_live.errors import Forbidden, Unauthorized
from financial_live.scope import Role, Scope

ID = UUID("01a20986-6915-76b1-bec7-a7d114a33699")
ADMIN = Scope.user(ID, role=Role.ADMIN)


class TestScope:
    def test_a_user_has_idempotency_keys_of_their_own(self) -> None:
        assert Scope.user(ID).caller == f"user:{ID}"

    def test_an_admin_and_the_operator_may_do_everything(self) -> None:
        ADMIN.require_admin("give roles")
        Scope.operator().require_admin("give roles")

    @pytest.mark.parametrize("scope", [Scope.visitor(), Scope.user(ID, role=Role.MANAGER)])
    def test_others_may_not(self, scope: Scope) -> None:
        with pytest.raises(Forbidden, match="You are not allowed to give roles"):
            scope.require_admin("give roles")

    def test_an_admin_is_not_the_operator(self) -> None:
        with pytest.raises(Forbidden):
            ADMIN.require_operator("make links")

    def test_says_who_is_logged_in(self) -> None:
        assert ADMIN.require_user("log out") == ID
        with pytest.raises(Unauthorized, match="Log in to log out"):
            Scope.operator().require_user("log out")
