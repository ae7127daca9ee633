from uuid import UUID

import orjson

from financial_live.contexts import accounts

ID = UUID("01a20986-6915-76b1-bec7-a7d114a33699")
OTHER = UUID("01a20986-6915-76b1-bec7-a7d114a33698")


class TestEvents:
    def test_hold_an_id_and_nothing_else(self) -> None:
        for make in (
            accounts.user_registered,
            accounts.registered_again,
            accounts.verification_requested,
            accounts.reset_requested,
            accounts.session_begun,
        ):
            event = make(ID)
            assert event.name == make.__name__
            assert event.topics == (f"user:{ID}",)
            assert event.data == {"user_id": str(ID)}

    def test_sessions_that_end_are_named_in_order(self) -> None:
        event = accounts.session_revoked(ID, [ID, OTHER])
        assert event.topics == accounts.topics(ID)
        assert orjson.loads(orjson.dumps(event.data)) == {
            "user_id": str(ID),
            "session_ids": [str(OTHER), str(ID)],
        }
