"""The routes of logins: a browser cannot send a key with a WebSocket, a recording that it plays, or a download."""

from typing import Final

from contracts.access import Login
from contracts.parameters import SET_COOKIE
from contracts.route import ANY_KEY, Response, Route, json_response

ACCESS_ROUTES: Final = (
    Route(
        operation_id="getLogin",
        method="GET",
        path="/api/v1/login",
        summary="As whom the server knows who asks",
        description="Answered by 401 where a key is needed and none was sent.",
        tag="Access",
        scope="monitor",
        responses=(json_response(200, "Who asks, and what that opens.", Login),),
        errors=ANY_KEY,
    ),
    Route(
        operation_id="createLogin",
        method="POST",
        path="/api/v1/login",
        summary="Log in with an API key",
        description="The key comes in its header, as with any request. The answer sets a cookie (HttpOnly, "
        "SameSite=Strict) that stands for the key on requests, WebSockets, recordings and downloads from pages of this "
        "server, for 12 hours at most. Where no key is needed, no cookie is set.",
        tag="Access",
        scope="monitor",
        responses=(json_response(201, "The cookie is set.", Login, SET_COOKIE),),
        errors=ANY_KEY,
        over_websocket=False,
    ),
    Route(
        operation_id="deleteLogin",
        method="DELETE",
        path="/api/v1/login",
        summary="Log out",
        description="The login of the cookie ends at once, and the cookie is removed.",
        tag="Access",
        scope="monitor",
        responses=(Response(status=204, summary="There is no login any more.", headers=(SET_COOKIE,)),),
        errors=ANY_KEY,
        over_websocket=False,
    ),
)
