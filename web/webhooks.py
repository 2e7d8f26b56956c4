"""The operations on webhooks."""

from typing import Final

from runtime.service import JobService
from web.answers import Answer, Call, Handler, json_answer
from web.parameters import value_of


class WebhookOperations:
    """Every operation of the route table that is about webhooks."""

    def __init__(self, service: JobService) -> None:
        self._webhooks: Final = service.webhooks
        self.handlers: Final[dict[str, Handler]] = {
            "listWebhooks": self.list_webhooks,
            "redeliverWebhook": self.redeliver_webhook,
        }

    async def list_webhooks(self, call: Call) -> Answer:
        """One page of deliveries."""
        page = await self._webhooks.page(value_of(call, "state"), value_of(call, "limit"), value_of(call, "offset"))
        return json_answer(200, page)

    async def redeliver_webhook(self, call: Call) -> Answer:
        """A message once more."""
        return json_answer(202, await self._webhooks.again(call.values["delivery_id"]))
