"""The routes of webhooks."""

from typing import Final

from contracts import errors, webhook_errors
from contracts.options import DeliveryState
from contracts.parameters import Parameter, page_of
from contracts.route import EVERY, Route, json_response
from contracts.webhook_examples import DELIVERY_ID_EXAMPLE
from contracts.webhooks import Delivery, DeliveryPage

DELIVERY_ID: Final = Parameter(
    name="delivery_id",
    place="path",
    type=str,
    summary="The `webhook-id` of the message; anything else is a delivery that does not exist.",
    required=True,
    example=DELIVERY_ID_EXAMPLE,
)
STATE_FILTER: Final = Parameter(
    name="state", place="query", type=DeliveryState, summary="Only deliveries in this state.", example="dead"
)
_LIMIT, _OFFSET = page_of("deliveries", "newest")

WEBHOOK_ROUTES: Final = (
    Route(
        operation_id="listWebhooks",
        method="GET",
        path="/api/v1/webhooks",
        summary="List what is or was to be delivered, the newest first",
        description="With `state=dead`, what was given up.",
        tag="Webhooks",
        scope="manage",
        parameters=(STATE_FILTER, _LIMIT, _OFFSET),
        responses=(json_response(200, "One page of them.", DeliveryPage),),
        errors=(*EVERY, errors.INVALID_FIELD),
    ),
    Route(
        operation_id="redeliverWebhook",
        method="POST",
        path="/api/v1/webhooks/{delivery_id}/redeliver",
        summary="Deliver a message again, now",
        description="With the same `webhook-id`, and as many attempts as a new one; also one that was delivered.",
        tag="Webhooks",
        parameters=(DELIVERY_ID,),
        responses=(json_response(202, "It is tried as soon as there is room.", Delivery),),
        errors=(*EVERY, webhook_errors.DELIVERY_NOT_FOUND),
    ),
)
