"""What is sent to the `callback_url` of a job when it ends, and what became of it."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from contracts.jobs import JobFailure, JobId, Moment
from contracts.options import DeliveryState

DeliveryId = Annotated[str, Meta(pattern="^msg_[0-9a-f]{32}$")]
"""The header `webhook-id`: the same however often a message is sent."""
WebhookType = Literal["job.completed", "job.failed", "job.cancelled"]
DeliveryProblem = Literal["status", "redirect", "gone", "timeout", "unreachable", "tls", "address_refused", "protocol"]


class WebhookJob(Struct, frozen=True, kw_only=True):
    """The job that has ended."""

    job_id: JobId
    status: Literal["completed", "failed", "cancelled"]
    """`cancelled`: it was deleted before it had ended, and nothing of it is left."""
    filename: str | None = None
    """Null for one that was cancelled."""
    created_at: Moment
    ended_at: Moment
    metadata: dict[str, object] = {}
    """As it was sent with the recording; empty for one that was cancelled."""
    error: JobFailure | None = None
    """Why it failed."""
    result_url: str | None = None
    """Path of the result on the server, where there is one."""


class WebhookMessage(Struct, frozen=True, kw_only=True):
    """The body: a job has ended. What was said in the call is not in it; `result_url` leads there."""

    type: WebhookType
    timestamp: Moment
    """When the job ended."""
    data: WebhookJob


class Delivery(Struct, frozen=True, kw_only=True):
    """What became of a message."""

    delivery_id: DeliveryId
    job_id: JobId
    type: WebhookType
    url: str
    """Where it goes, without the query, which may have a secret in it."""
    state: DeliveryState
    """`pending`: it will be tried (again). `dead`: given up until somebody has it sent again."""
    attempts: int
    created_at: Moment
    next_attempt_at: Moment | None = None
    """Null once it is not tried any more."""
    last_attempt_at: Moment | None = None
    status: int | None = None
    """Of the last answer; null where there was none."""
    problem: DeliveryProblem | None = None
    """Why the last attempt failed; docs/webhooks.md says what each means."""


class DeliveryPage(Struct, frozen=True, kw_only=True):
    """Some of the deliveries, the newest first."""

    deliveries: tuple[Delivery, ...]
    total: int
    """Deliveries that the filter lets through, on all pages."""
    limit: int
    offset: int
