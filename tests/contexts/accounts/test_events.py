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

    def test_sessions_and_tokens_that_end_are_named_in_order(self) -> None:
        for make, named in (
            (accounts.session_revoked, "session_ids"),
            (accounts.token_revoked, "token_ids"),
        ):
            event = make(ID, [ID, OTHER])
            assert event.topics == accounts.topics(ID)
            assert orjson.loads(orjson.dumps(event.data)) == {
                "user_id": str(ID),
                named: [str(OTHER), str(ID)],
            }
