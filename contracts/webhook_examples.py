"""Examples of what travels about webhooks."""

from datetime import UTC, datetime
from typing import Final

from contracts.webhooks import Delivery, DeliveryPage, WebhookJob, WebhookMessage

DELIVERY_ID_EXAMPLE: Final = "msg_5f0c2c0e9f5b4c0f8d3e6a7b1c2d3e4f"
_JOB_ID: Final = "550e8400-e29b-41d4-a716-446655440000"
_CREATED, _ENDED = (datetime(2026, 11, 22, 18, minute, tzinfo=UTC) for minute in (0, 2))
_NEXT: Final = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)
WEBHOOK_MESSAGES: Final = {
    "completed": WebhookMessage(
        type="job.completed",
        timestamp=_ENDED,
        data=WebhookJob(
            job_id=_JOB_ID,
            status="completed",
            filename="audio.wav",
            created_at=_CREATED,
            ended_at=_ENDED,
            metadata={"order": 17, "callback_url": "https://crm.example.org/calls"},
            result_url=f"/api/v1/jobs/{_JOB_ID}/result",
        ),
    ),
    "cancelled": WebhookMessage(
        type="job.cancelled",
        timestamp=_ENDED,
        data=WebhookJob(job_id=_JOB_ID, status="cancelled", created_at=_CREATED, ended_at=_ENDED),
    ),
}
_DEAD: Final = Delivery(
    delivery_id=DELIVERY_ID_EXAMPLE,
    job_id=_JOB_ID,
    type="job.completed",
    url="https://crm.example.org/calls",
    state="dead",
    attempts=19,
    created_at=_ENDED,
    last_attempt_at=_NEXT,
    status=500,
    problem="status",
)
_PENDING: Final = Delivery(
    delivery_id=DELIVERY_ID_EXAMPLE,
    job_id=_JOB_ID,
    type="job.completed",
    url="https://crm.example.org/calls",
    state="pending",
    attempts=19,
    created_at=_ENDED,
    next_attempt_at=_NEXT,
    last_attempt_at=_NEXT,
    status=500,
    problem="status",
)
WEBHOOK_RESPONSES: Final[dict[tuple[str, int], dict[str, object]]] = {
    ("listWebhooks", 200): {"dead": DeliveryPage(deliveries=(_DEAD,), total=1, limit=50, offset=0)},
    ("redeliverWebhook", 202): {"pending": _PENDING},
}
"""Of each answer with a body."""
WEBHOOK_DETAILS: Final[dict[str, str | float]] = {"delivery_id": DELIVERY_ID_EXAMPLE}
"""Details of errors that only webhooks have."""
