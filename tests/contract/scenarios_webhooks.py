"""Webhooks over REST and over `/v1/ws`, with a real receiver on loopback."""

import json
from typing import Any

import anyio

from tests.contract.contract import Json
from tests.contract.lab import Lab
from tests.contract.recordings import tone
from tests.contract.rest import Rest, rest_of
from tests.contract.scenarios_session import require_error
from tests.runtime.receivers import answer, answering, receiving

PORT = 49_443
"""That of the receiver; the server allows no other."""
SETTINGS = {
    "WEBHOOK_ALLOW_HTTP": "true",
    "WEBHOOK_ALLOW_NETWORKS": "127.0.0.1/32",
    "WEBHOOK_PORTS": str(PORT),
}


async def webhooks(lab: Lab) -> None:
    """A message that is given up, listed and sent again."""
    async with receiving(answering(answer(410), answer(200)), port=PORT) as receiver, rest_of(lab) as rest:
        job = await lab.submit(tone(), json.dumps({"callback_url": receiver.url()}))
        await receiver.requests(1)
        delivery = await _once(rest, "dead")
        lab.require((delivery["job_id"], delivery["problem"]) == (job["job_id"], "gone"), f"{delivery}")
        async with lab.session() as talk:
            listed = await talk.ask("listWebhooks", parameters={"state": "dead", "limit": 1, "offset": 0})
            lab.require(listed["body"]["total"] == 1, f"listWebhooks: {listed}")
            chosen = {"delivery_id": delivery["delivery_id"]}
            again = await talk.ask("redeliverWebhook", parameters=chosen)
            lab.require(again["body"]["state"] == "pending", f"redeliverWebhook: {again}")
            unknown = await talk.ask("redeliverWebhook", parameters={"delivery_id": "nothing"})
            require_error(lab, unknown, "DELIVERY_NOT_FOUND", "an unknown delivery")
        got = await receiver.requests(2)
        lab.require(len({each.headers["webhook-id"] for each in got}) == 1, "another webhook-id")
        await _once(rest, "delivered")
        await rest.ask("redeliverWebhook", delivery["delivery_id"])
        await rest.refused("DELIVERY_NOT_FOUND", "redeliverWebhook", "msg_" + "0" * 32)
        await rest.refused("INVALID_FIELD", "listWebhooks", params={"state": "lost"})
        form: dict[str, Any] = {
            "files": {"file": ("call.wav", tone())},
            "data": {"metadata": '{"callback_url": "https://10.0.0.1/"}'},
        }
        await rest.refused("INVALID_FIELD", "createJob", **form)


async def _once(rest: Rest, state: str) -> Json:
    """The only delivery, once it is in this state; no message tells when."""
    with anyio.fail_after(20):
        while True:
            for delivery in (await rest.ask("listWebhooks", params={"state": state})).json()["deliveries"]:
                return dict(delivery)
            await anyio.sleep(0.05)
