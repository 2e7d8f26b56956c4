"""The operations on logins."""

from typing import Final

from quart import request
from werkzeug.http import dump_cookie

from contracts.openapi import LOGIN_COOKIE
from runtime.access import LOGIN_LIFETIME, login_view
from runtime.service import JobService
from web.answers import Answer, Call, Handler, json_answer


class AccessOperations:
    """Every operation of the route table that is about who asks."""

    def __init__(self, service: JobService) -> None:
        self._access: Final = service.access
        self.handlers: Final[dict[str, Handler]] = {
            "getLogin": self.get_login,
            "createLogin": self.create_login,
            "deleteLogin": self.delete_login,
        }

    async def get_login(self, call: Call) -> Answer:
        """Who asks."""
        return json_answer(200, login_view(call.holder()))

    async def create_login(self, call: Call) -> Answer:
        """A cookie in the place of a key."""
        holder = call.holder()
        if holder.by == "anonymous":
            return json_answer(201, login_view(holder))
        login, secret = await self._access.log_in(holder)
        return json_answer(201, login_view(login), {"Set-Cookie": _cookie(secret, round(LOGIN_LIFETIME))})

    async def delete_login(self, call: Call) -> Answer:
        """No cookie any more."""
        await self._access.log_out(call.holder())
        return Answer(204, "", headers={"Set-Cookie": _cookie("", 0)})


def _cookie(value: str, seconds: int) -> str:
    """`Secure` where the page came over TLS, which behind a proxy only the browser knows."""
    secure = request.headers.get("Origin", "").startswith("https://") or request.scheme == "https"
    return dump_cookie(LOGIN_COOKIE, value, max_age=seconds, httponly=True, samesite="Strict", secure=secure, path="/")
