"""How programs come in: an account, and the token of one.

What is sent here says who asks, so an Authorization header or a cookie that comes with it does not
matter: a program whose token has expired gets another one.
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

from fastapi import Depends, Request, Response

from financial_live import routes
from financial_live.contexts import accounts
from financial_live.contexts.accounts import NewToken, User
from financial_live.contexts.wire import time_text
from financial_live.rest import describing, examples
from financial_live.rest.describing import Answer, described, ref
from financial_live.rest.dispatch import Json, new_router
from financial_live.rest.parsing import (
    body_of,
    client_address,
    count_request,
    require_json_accepted,
    visitor_of,
)
from financial_live.scope import Scope

router = new_router(Depends(require_json_accepted), Depends(count_request), tag="accounts")

UserBody = Annotated[dict[str, Any], Depends(body_of("user"))]

_PRIVATE = {"Cache-Control": "no-store"}
_SENT = {"detail": "A link was sent to the address. Open it to prove that the address is yours."}


class UserAnswer(TypedDict):
    """An account, as its own programs see it."""

    id: str
    """The account's UUID."""
    name: str
    """What the account is called."""
    email: str
    """The address it is logged in with."""
    role: str
    """donor, manager or admin."""


class TokenAnswer(TypedDict):
    """A new API token. It is shown here, and never again."""

    token: str
    """To be sent as Authorization: Bearer."""
    expires_at: str | None
    """When it ends, UTC to the microsecond; null for never."""
    scopes: list[str]
    """What it is for: read, give, manage."""
    user: Mapping[str, Any]
    """Whose it is."""


def rendered(made: NewToken, user: User) -> TokenAnswer:
    """Return what a program gets of its new token."""
    return TokenAnswer(
        token=made.secret,
        expires_at=time_text(made.token.expires_at) if made.token.expires_at else None,
        scopes=list(made.token.scopes),
        user=UserAnswer(id=str(user.id), name=user.name, email=user.email, role=user.role.value),
    )


@router.post(
    routes.API_REGISTER,
    **described(
        Answer(202, "A mail says how it goes on.", describing.data(ref("Notice")), {"data": _SENT}),
        errors=describing.ASKING,
        takes=("user", "Registration", examples.REGISTRATION),
        callers=describing.ANYBODY,
    ),
)
async def register(request: Request, body: UserBody) -> Response:
    """Make an account, which is open once its address is proven; the answer tells nothing more."""
    await accounts.register(visitor_of(request), body)
    return Json({"data": _SENT}, status_code=202, headers=_PRIVATE)


@router.post(
    routes.API_LOGIN,
    **described(
        Answer(
            200,
            "A token of whoever has this password.",
            describing.data(ref("Token")),
            {"data": rendered(examples.TOKEN, examples.USER)},
        ),
        errors=(*describing.ASKING, 401, 409),
        takes=("user", "Credentials", examples.CREDENTIALS),
        callers=describing.ANYBODY,
    ),
)
async def login(request: Request, body: UserBody) -> Response:
    """Return a new token of whoever has this password, and who they are."""
    made = await accounts.log_in_program(
        visitor_of(request),
        body.get("email", ""),
        body.get("password", ""),
        address=client_address(request),
        agent=request.headers.get("user-agent", ""),
    )
    user_id = made.token.user_id
    user = await accounts.find_user(Scope.user(user_id), user_id)
    return Json({"data": rendered(made, user)}, headers=_PRIVATE)
