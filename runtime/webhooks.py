"""Delivers the messages of the outbox: signed, at least once, again and again until they are given up.

What a receiver does decides what becomes of a message (docs/webhooks.md has the table): only 2xx is a delivery, 410 and
an address that is not allowed end it at once, everything else is tried again, each time after twice the pause before.
Nothing of an answer but its status and Retry-After is read, redirects are not followed, and no connection is kept.
"""

import random
import ssl
import time
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Final
from urllib.parse import urlsplit

import anyio
import httpcore2
import structlog
from anyio import create_task_group, fail_after, move_on_after
from anyio.abc import TaskGroup
from msgspec import Struct
from msgspec.structs import replace

from contracts.errors import SETTING_INVALID, CallAnnotateError
from contracts.options import DeliveryState
from contracts.webhooks import Delivery, DeliveryPage, DeliveryProblem
from runtime.clock import moment
from runtime.metrics import Metrics
from runtime.outbox import DeliveryRow, Outbox
from runtime.settings import Settings
from runtime.webhook_address import CheckedBackend, RefusedAddressError, check_url, rules_of
from runtime.webhook_secret import secrets_of, signature

POLL: Final = 5.0
"""Seconds from one look into the outbox to the next: the command line writes into it as well."""
LONGEST_PAUSE: Final = 2 * 3600.0
"""Seconds from one attempt to the next at most."""
JITTER: Final = 0.2
"""Part of a pause by which it varies, so that what failed together is not tried again together."""
DOUBLINGS: Final = 20
"""Times that a pause is doubled at most: further ones would come out of the range of numbers."""

log: Final = structlog.get_logger()


class Outcome(Struct, frozen=True):
    """What became of an attempt."""

    problem: DeliveryProblem | None = None
    """None for a delivery."""
    status: int | None = None
    wait: float = 0.0
    """Seconds that the receiver wants to be left alone."""
    final: bool = False
    """Whether another attempt would be of no use."""


class Webhooks:
    """The deliveries of one server."""

    def __init__(self, settings: Settings, outbox: Outbox, metrics: Metrics) -> None:
        """Blocks. Raises SETTING_INVALID for what can be known to be wrong, and OSError."""
        self._settings: Final = settings
        self._outbox: Final = outbox
        self._metrics: Final = metrics
        self._rules: Final = rules_of(settings)
        self._secrets: Final = secrets_of(settings)
        self._tls: Final = _tls(settings)
        self._busy: Final[set[str]] = set()
        """Deliveries that are under way."""

    def check_url(self, url: str) -> None:
        """Raises INVALID_FIELD for a callback_url that will not be called."""
        check_url(url, self._rules)

    async def page(self, state: DeliveryState | None, limit: int, offset: int) -> DeliveryPage:
        """Deliveries, the newest first."""
        rows, total = await self._outbox.page(state, limit, offset)
        return DeliveryPage(deliveries=tuple(map(delivery_view, rows)), total=total, limit=limit, offset=offset)

    async def again(self, delivery_id: str) -> Delivery:
        """Have a message sent again, now. Raises DELIVERY_NOT_FOUND."""
        return delivery_view(await self._outbox.again(delivery_id, time.time(), lifetime(self._settings)))

    async def run(self) -> None:
        """Deliver what is due; never returns. What is under way when it is cancelled comes again at the next start."""
        pool = httpcore2.AsyncConnectionPool(
            ssl_context=self._tls,
            max_connections=self._settings.webhook_at_once,
            max_keepalive_connections=0,
            network_backend=CheckedBackend(self._rules),
        )
        async with pool, create_task_group() as tasks:
            while True:
                news = self._outbox.news
                try:
                    pause = await self._begin(pool, tasks)
                except CallAnnotateError as error:
                    log.error("disk_fails", task="webhooks", problem=str(error))
                    pause = POLL
                with move_on_after(pause):
                    await news.wait()

    async def _begin(self, pool: httpcore2.AsyncConnectionPool, tasks: TaskGroup) -> float:
        """Begin what is due, as far as there is room; seconds until there may be something to do again."""
        now = time.time()
        room = self._settings.webhook_at_once - len(self._busy)
        rows, later = await self._outbox.due(now, room, frozenset(self._busy))
        for row in rows:
            self._busy.add(row.delivery_id)
            tasks.start_soon(self._deliver, pool, row)
        self._metrics.webhooks.update(await self._outbox.counts())
        return POLL if later is None or room <= len(rows) else min(POLL, max(0.0, later - time.time()))

    async def _deliver(self, pool: httpcore2.AsyncConnectionPool, row: DeliveryRow) -> None:
        """One attempt, and what comes of it."""
        try:
            outcome = await self._attempt(pool, row)
            noted = after(row, outcome, time.time(), self._settings.webhook_retry_delay)
            self._metrics.webhook_attempts.labels(outcome.problem or "delivered").inc()
            said = log.info if outcome.problem is None else log.warning
            said("webhook_attempted", delivery_id=row.delivery_id, job_id=row.job_id, attempt=noted.attempts,
                 outcome=outcome.problem or "delivered", status=outcome.status, state=noted.state)  # fmt: skip
            await self._outbox.note(noted)
        except CallAnnotateError as error:
            # It is still pending, and comes once more: at least once is what is promised.
            log.error("disk_fails", task="webhooks", problem=str(error))
            await anyio.sleep(POLL)
        finally:
            self._busy.discard(row.delivery_id)
            self._outbox.wake()

    async def _attempt(self, pool: httpcore2.AsyncConnectionPool, row: DeliveryRow) -> Outcome:
        """Send a message once."""
        try:
            with fail_after(self._settings.webhook_timeout):
                async with pool.stream("POST", row.url, headers=self._headers(row), content=row.body) as response:
                    headers = {name.lower(): value for name, value in response.headers}
                    return judged(response.status, headers.get(b"retry-after", b"").decode("latin-1"))
        except RefusedAddressError:
            return Outcome("address_refused", final=True)
        except (TimeoutError, httpcore2.TimeoutException):
            return Outcome("timeout")
        except httpcore2.ProtocolError:
            return Outcome("protocol")
        except (ssl.SSLError, httpcore2.NetworkError) as error:
            return Outcome("tls" if _is_tls(error) else "unreachable")
        except Exception as error:
            # A receiver must not bring the server down. The text of the error may have the URL in it.
            log.error("webhook_failed", delivery_id=row.delivery_id, problem=type(error).__name__)
            return Outcome("protocol")

    def _headers(self, row: DeliveryRow) -> list[tuple[str, str]]:
        """Those of Standard Webhooks; signed anew for each attempt, since receivers refuse what is old."""
        now = int(time.time())
        return [
            ("Content-Type", "application/json"),
            ("User-Agent", f"CallAnnotate/{version('callannotate')}"),
            ("webhook-id", row.delivery_id),
            ("webhook-timestamp", str(now)),
            ("webhook-signature", signature(self._secrets, row.delivery_id, now, row.body)),
        ]


def judged(status: int, retry_after: str) -> Outcome:
    """What an answer means."""
    if 200 <= status < 300:
        return Outcome(None, status)
    if status == 410:
        return Outcome("gone", status, final=True)
    if 300 <= status < 400:
        return Outcome("redirect", status)
    return Outcome("status", status, seconds_of(retry_after, time.time()))


def seconds_of(retry_after: str, now: float) -> float:
    """Seconds that a header Retry-After asks for, as a number or as a time; 0 where it says nothing of use."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - now)
    except (ValueError, OverflowError):
        return 0.0


def after(row: DeliveryRow, outcome: Outcome, now: float, first: float) -> DeliveryRow:
    """The message after an attempt; `first` is the first pause in seconds."""
    tried = replace(
        row, attempts=row.attempts + 1, tries=row.tries + 1, last_at=now, status=outcome.status, problem=outcome.problem
    )
    if outcome.problem is None:
        return replace(tried, state="delivered", next_at=None)
    own = min(LONGEST_PAUSE, first * 2.0 ** min(row.tries, DOUBLINGS)) * random.uniform(1 - JITTER, 1 + JITTER)
    # Who asks to be left alone is: no part of that is given away, only added to.
    wanted = min(LONGEST_PAUSE, outcome.wait) * random.uniform(1.0, 1 + JITTER)
    next_at = now + max(own, wanted)
    if outcome.final or next_at > row.expires_at:
        return replace(tried, state="dead", next_at=None)
    return replace(tried, next_at=next_at)


def lifetime(settings: Settings) -> float:
    """Seconds for which a message is tried."""
    return settings.webhook_retry_hours * 3600


def delivery_view(row: DeliveryRow) -> Delivery:
    """What clients are told of a delivery."""
    url = urlsplit(row.url)
    return Delivery(
        delivery_id=row.delivery_id,
        job_id=row.job_id,
        type=row.type,
        url=url._replace(query="", fragment="").geturl(),
        state=row.state,
        attempts=row.attempts,
        created_at=moment(row.created_at),
        next_attempt_at=None if row.next_at is None else moment(row.next_at),
        last_attempt_at=None if row.last_at is None else moment(row.last_at),
        status=row.status,
        problem=row.problem,
    )


def _tls(settings: Settings) -> ssl.SSLContext:
    """Raises SETTING_INVALID."""
    if settings.webhook_ca is None:
        return httpcore2.default_ssl_context()
    try:
        return ssl.create_default_context(cafile=settings.webhook_ca)
    except (OSError, ssl.SSLError) as error:
        raise CallAnnotateError(
            SETTING_INVALID, source="settings", name="WEBHOOK_CA", problem=f"it cannot be read ({error})",
            allowed="a file of certificates (PEM)",
        ) from error  # fmt: skip


def _is_tls(error: BaseException | None) -> bool:
    """Whether the encryption is what failed."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
