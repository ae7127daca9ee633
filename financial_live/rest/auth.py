"""How programs come in: an account, and the token of one.

What is sent here says who asks, so an Authorization header or a cookie that comes with it does not
matter: a program whose token has expired gets another one.
"""

from typing import Annotated, Any

from fastapi import Depends, Request, Response

from financial_live import routes
from financial_live.contexts import accounts
from financial_live.contexts.wire import time_text
from financial_live.rest.dispatch import Json, new_router
from financial_live.rest.parsing import body_of, client_address, visitor_of
from financial_live.scope import Scope

router = new_router()

UserBody = Annotated[dict[str, Any], Depends(body_of("user"))]

_PRIVATE = {"Cache-Control": "no-store"}


@router.post(routes.API_REGISTER)
async def register(request: Request, body: UserBody) -> Response:
    """Make an account, which is open once its address is proven; the answer tells nothing more."""
    await accounts.register(visitor_of(request), body)
    detail = "A link was sent to the address. Open it to prove that the address is yours."
    return Json({"data": {"detail": detail}}, status_code=202, headers=_PRIVATE)


@router.post(routes.API_LOGIN)
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
    data = {
        "token": made.secret,
        "expires_at": time_text(made.token.expires_at) if made.token.expires_at else None,
        "scopes": made.token.scopes,
        "user": {
            "id": str(user.id),
            "name": user.name,
            "email": user.email,
            "role": user.role.value,
        },
    }
    return Json({"data": data}, headers=_PRIVATE)
