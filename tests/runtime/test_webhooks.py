"""Deliveries of webhooks: what each behaviour of a receiver leads to, and that nothing is lost."""

import base64
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
import trustme
from anyio import create_task_group, fail_after
from anyio.abc import ByteStream
from standardwebhooks.webhooks import Webhook

from contracts.errors import SETTING_INVALID, CallAnnotateError
from contracts.webhook_errors import DELIVERY_NOT_FOUND
from contracts.webhooks import Delivery, WebhookMessage
from runtime.database import Database
from runtime.metrics import Metrics
from runtime.outbox import DeliveryRow, Outbox, insert, new_delivery
from runtime.secret import Secret
from runtime.settings import Settings
from runtime.webhook_secret import own_secret
from runtime.webhooks import LONGEST_PAUSE, Outcome, Webhooks, after, seconds_of
from tests.runtime.receivers import LOOPBACK, OK, Got, answer, answering, receiving

JOB = "550e8400-e29b-41d4-a716-446655440000"
MOMENT = datetime(2026, 11, 22, tzinfo=UTC)
MESSAGE = msgspec.convert(
    {"type": "job.completed", "timestamp": MOMENT,
     "data": {"job_id": JOB, "status": "completed", "created_at": MOMENT, "ended_at": MOMENT}},
    WebhookMessage,
)  # fmt: skip


class Deliverer:
    """Deliveries without a service around them."""

    def __init__(self, settings: Settings) -> None:
        settings.volume_path.mkdir(parents=True, exist_ok=True)
        self.settings = settings
        self.database = Database(settings.volume_path / "jobs.sqlite3")
        self.outbox = Outbox(self.database)
        self.metrics = Metrics(Counter(), lambda: 0)
        self.webhooks = Webhooks(settings, self.outbox, self.metrics)

    async def put(self, url: str, lifetime: float = 3600.0) -> str:
        """A message in the outbox; its id."""
        row = new_delivery(url, MESSAGE, lifetime)
        await self.database.write(lambda writer: insert(writer, row))
        self.outbox.wake()
        return row.delivery_id

    async def of(self, delivery_id: str) -> Delivery:
        """A delivery as it is now."""
        (found,) = [each for each in (await self.webhooks.page(None, 100, 0)).deliveries
                    if each.delivery_id == delivery_id]  # fmt: skip
        return found

    async def until(self, delivery_id: str, attempts: int = 1) -> Delivery:
        """A delivery once it has been tried so often."""
        return await self.when(delivery_id, lambda found: found.attempts >= attempts)

    async def when(self, delivery_id: str, condition: Callable[[Delivery], bool]) -> Delivery:
        """A delivery once it is so."""
        with fail_after(20):
            while True:
                news = self.outbox.news
                if condition(found := await self.of(delivery_id)):
                    return found
                await news.wait()


@asynccontextmanager
async def delivering(settings: Settings, **changes: Any) -> AsyncIterator[Deliverer]:
    """Deliveries at work."""
    chosen = {**LOOPBACK, "webhook_ports": "443", "webhook_retry_delay": 0.01, **changes}
    deliverer = Deliverer(msgspec.structs.replace(settings, **chosen))
    try:
        async with create_task_group() as tasks:
            tasks.start_soon(deliverer.webhooks.run)
            yield deliverer
            tasks.cancel_scope.cancel()
    finally:
        deliverer.database.close()


async def test_a_message_arrives_signed_as_standard_webhooks_has_it(settings: Settings) -> None:
    async with receiving() as receiver, delivering(settings) as deliverer:
        delivery_id = await deliverer.put(receiver.url("/calls?token=1"))
        found = await deliverer.until(delivery_id)
        (got,) = receiver.got
        body = Webhook(own_secret(deliverer.settings.volume_path)).verify(got.body, got.headers)
    assert msgspec.convert(body, WebhookMessage) == MESSAGE
    assert (got.path, got.headers["webhook-id"]) == ("/calls?token=1", delivery_id)
    assert got.headers["content-type"] == "application/json"
    assert (found.state, found.status, found.problem, found.next_attempt_at) == ("delivered", 204, None, None)
    assert found.url == receiver.url("/calls")


async def test_a_message_is_signed_with_both_secrets_while_one_is_being_changed(settings: Settings) -> None:
    old, new = (f"whsec_{base64.b64encode(bytes([n]) * 24).decode()}" for n in (1, 2))
    async with receiving() as receiver, delivering(settings, webhook_secret=Secret(f"{new} {old}")) as deliverer:
        await deliverer.until(await deliverer.put(receiver.url()))
        for secret in (old, new):
            Webhook(secret).verify(receiver.got[0].body, receiver.got[0].headers)
    assert not (deliverer.settings.volume_path / "webhook.secret").exists()


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
async def test_what_is_not_taken_comes_again_with_the_same_id_until_it_is(settings: Settings, status: int) -> None:
    behave = answering(answer(status), answer(status), OK)
    async with receiving(behave) as receiver, delivering(settings, webhook_retry_delay=0.3) as deliverer:
        delivery_id = await deliverer.put(receiver.url())
        first = await deliverer.until(delivery_id)
        assert (first.state, first.problem, first.status) == ("pending", "status", status)
        last = await deliverer.until(delivery_id, 3)
        assert (last.state, last.problem) == ("delivered", None)
        assert {got.headers["webhook-id"] for got in await receiver.requests(3)} == {delivery_id}
        assert "callannotate_webhook_attempts_total" in deliverer.metrics.text().decode()


async def test_a_redirect_is_not_followed(settings: Settings) -> None:
    async with receiving() as elsewhere:
        behave = answering(answer(307, f"Location: {elsewhere.url()}"))
        async with receiving(behave) as receiver, delivering(settings) as deliverer:
            found = await deliverer.until(await deliverer.put(receiver.url()))
            assert (found.state, found.problem, found.status) == ("pending", "redirect", 307)
        assert elsewhere.got == []


async def test_410_ends_it_at_once(settings: Settings) -> None:
    async with receiving(answering(answer(410))) as receiver, delivering(settings) as deliverer:
        found = await deliverer.until(await deliverer.put(receiver.url()))
    assert (found.state, found.problem, found.attempts) == ("dead", "gone", 1)


async def test_a_receiver_that_says_nothing_is_given_up_in_time_and_holds_nobody_up(settings: Settings) -> None:
    async def silent(_: ByteStream, __: Got) -> None:
        await anyio.sleep_forever()

    async with (
        receiving(silent) as slow,
        receiving() as quick,
        delivering(settings, webhook_timeout=0.5, webhook_at_once=2, webhook_retry_delay=60) as deliverer,
    ):
        stuck = await deliverer.put(slow.url())
        await slow.requests(1)
        for _ in range(5):
            assert (await deliverer.until(await deliverer.put(quick.url()))).state == "delivered"
        found = await deliverer.until(stuck)
    assert (found.state, found.problem, found.status) == ("pending", "timeout", None)


async def test_a_receiver_that_drips_its_answer_is_given_up_in_time(settings: Settings) -> None:
    async def dripping(stream: ByteStream, _: Got) -> None:
        while True:
            await stream.send(b"H")
            await anyio.sleep(0.1)

    async with receiving(dripping) as receiver, delivering(settings, webhook_timeout=0.5) as deliverer:
        found = await deliverer.until(await deliverer.put(receiver.url()))
    assert found.problem in ("timeout", "protocol")


async def test_no_more_are_delivered_at_once_than_the_setting_says(settings: Settings) -> None:
    inside, most = 0, 0

    async def counting(stream: ByteStream, _: Got) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await anyio.sleep(0.05)
        inside -= 1
        await stream.send(OK)

    async with receiving(counting) as receiver, delivering(settings, webhook_at_once=3) as deliverer:
        ids = [await deliverer.put(receiver.url()) for _ in range(12)]
        for delivery_id in ids:
            assert (await deliverer.until(delivery_id)).state == "delivered"
    assert most == 3


async def test_an_answer_of_any_size_is_not_read(settings: Settings) -> None:
    sent = 0

    async def huge(stream: ByteStream, _: Got) -> None:
        nonlocal sent
        await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        while True:
            await stream.send(b"x" * 65536)
            sent += 65536

    async with receiving(huge) as receiver, delivering(settings) as deliverer:
        found = await deliverer.until(await deliverer.put(receiver.url()))
    assert (found.state, found.status) == ("delivered", 200)
    assert sent < 50_000_000


@pytest.mark.parametrize(
    "said", [b"", b"hello\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000]
)
async def test_an_answer_that_is_no_http_is_a_failure_like_another(settings: Settings, said: bytes) -> None:
    async with receiving(answering(said)) as receiver, delivering(settings) as deliverer:
        found = await deliverer.until(await deliverer.put(receiver.url()))
    assert (found.state, found.problem, found.status) == ("pending", "protocol", None)


async def test_a_receiver_that_is_down_gets_the_message_once_it_is_up(settings: Settings) -> None:
    async with receiving() as receiver:
        port, url = receiver.port, receiver.url()
    async with delivering(settings, webhook_retry_delay=0.05) as deliverer:
        delivery_id = await deliverer.put(url)
        assert (await deliverer.until(delivery_id)).problem == "unreachable"
        async with receiving(port=port) as receiver:
            await receiver.requests(1)
            await deliverer.when(delivery_id, lambda found: found.state == "delivered")


async def test_a_name_that_does_not_exist_is_unreachable(settings: Settings) -> None:
    async with delivering(settings) as deliverer:
        found = await deliverer.until(await deliverer.put("https://nowhere.invalid/"))
    assert (found.state, found.problem) == ("pending", "unreachable")


async def test_certificates_are_verified(settings: Settings, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    async with receiving(tls=tls) as receiver:
        async with delivering(settings) as deliverer:
            stranger = await deliverer.until(await deliverer.put(receiver.url(scheme="https", host="localhost")))
        assert (stranger.state, stranger.problem) == ("pending", "tls")
        trusting = msgspec.structs.replace(settings, volume_path=tmp_path / "other")
        async with delivering(trusting, webhook_ca=str(tmp_path / "ca.pem")) as deliverer:
            known = await deliverer.until(await deliverer.put(receiver.url(scheme="https", host="localhost")))
            other = await deliverer.until(await deliverer.put(receiver.url(scheme="https")))
    assert (known.state, known.problem) == ("delivered", None)
    assert (other.state, other.problem) == ("pending", "tls")
    assert len(receiver.got) == 1


async def test_a_name_that_leads_to_an_address_that_is_not_allowed_is_not_connected_to(settings: Settings) -> None:
    async with receiving() as receiver, delivering(settings, webhook_allow_networks=None) as deliverer:
        for host in ("localhost", "127.0.0.1", "127.1"):
            found = await deliverer.until(await deliverer.put(receiver.url(host=host)))
            assert (found.state, found.problem, found.attempts) == ("dead", "address_refused", 1)
        assert receiver.got == []


async def test_what_was_checked_is_what_is_connected_to_whatever_the_name_means_then(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    asked = []

    def rebinding(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(0, 0, 0, "", (address, port)) for address in answers.pop(0)]

    async with receiving() as receiver, delivering(settings, webhook_retry_delay=0.01) as deliverer:
        monkeypatch.setattr("runtime.webhook_address.socket.getaddrinfo", rebinding)
        first = await deliverer.until(await deliverer.put(receiver.url(host="rebinding.example")))
        assert (first.state, len(asked)) == ("delivered", 1)
        second = await deliverer.until(await deliverer.put(receiver.url(host="rebinding.example")))
        assert (second.state, second.problem) == ("dead", "address_refused")
        assert len(receiver.got) == 1


async def test_what_was_given_up_can_be_sent_again_under_the_same_id(settings: Settings) -> None:
    behave = answering(answer(410), OK)
    async with receiving(behave) as receiver, delivering(settings) as deliverer:
        delivery_id = await deliverer.put(receiver.url())
        await deliverer.until(delivery_id)
        assert [each.delivery_id for each in (await deliverer.webhooks.page("dead", 10, 0)).deliveries] == [delivery_id]
        again = await deliverer.webhooks.again(delivery_id)
        assert (again.state, again.attempts) == ("pending", 1)
        assert (await deliverer.until(delivery_id, 2)).state == "delivered"
        assert [got.headers["webhook-id"] for got in receiver.got] == [delivery_id] * 2
        with pytest.raises(CallAnnotateError) as caught:
            await deliverer.webhooks.again("msg_x")
        assert caught.value.fault is DELIVERY_NOT_FOUND


async def test_what_nobody_takes_is_given_up_when_its_time_is_over(settings: Settings) -> None:
    async with receiving(answering(answer(500))) as receiver, delivering(settings) as deliverer:
        delivery_id = await deliverer.put(receiver.url(), lifetime=0.3)
        found = await deliverer.when(delivery_id, lambda found: found.state != "pending")
    assert (found.state, found.problem, found.status) == ("dead", "status", 500)
    assert found.attempts >= 3


def test_pauses_double_up_to_two_hours_and_vary() -> None:
    row = new_delivery("https://example.org/", MESSAGE, 7 * 86_400.0)
    now, pauses = time.time(), []
    for _ in range(20):
        row = after(row, Outcome("status", 500), now, 5.0)
        assert row.next_at is not None
        pauses.append(row.next_at - now)
    for number, pause in enumerate(pauses):
        usual = min(LONGEST_PAUSE, 5.0 * 2**number)
        assert 0.79 * usual <= pause <= 1.21 * usual
    assert len({round(pause / LONGEST_PAUSE, 6) for pause in pauses[12:]}) > 1


def test_a_receiver_that_asks_to_be_left_alone_is_not_asked_sooner() -> None:
    now = time.time()
    for asked, least, most in ((600.0, 600, 720), (1e9, LONGEST_PAUSE, 1.2 * LONGEST_PAUSE)):
        for _ in range(20):
            new = new_delivery("https://example.org/", MESSAGE, 86_400.0)
            row = after(new, Outcome("status", 429, asked), now, 5.0)
            assert row.next_at is not None
            assert least <= row.next_at - now <= most


def test_retry_after_is_a_number_of_seconds_or_a_time() -> None:
    now = datetime(2026, 11, 22, 18, 0, 0, tzinfo=UTC).timestamp()
    for said, seconds in {
        "120": 120, "Sun, 22 Nov 2026 18:01:30 GMT": 90, "Sun, 22 Nov 2026 17:00:00 GMT": 0, "9" * 400: 999_999_999,
        "-5": 0, "1.5": 0, "soon": 0, "": 0, "Sun, 99 Nov 2026 18:01:30 GMT": 0, "Sun, 22 Nov 99999999999 1:1:1": 0,
    }.items():  # fmt: skip
        assert seconds_of(said, now) == seconds


async def test_an_attempt_that_ends_after_somebody_had_it_sent_again_does_not_undo_that(settings: Settings) -> None:
    deliverer = Deliverer(settings)
    delivery_id = await deliverer.put("https://example.org/")
    ((row,), _) = await deliverer.outbox.due(time.time(), 1, frozenset())
    assert isinstance(row, DeliveryRow)
    await deliverer.webhooks.again(delivery_id)
    await deliverer.outbox.note(after(row, Outcome("gone", 410, final=True), time.time(), 5.0))
    assert (await deliverer.of(delivery_id)).state == "pending"
    deliverer.database.close()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"webhook_secret": Secret("whsec_short")}, "WEBHOOK_SECRET"),
        ({"webhook_secret": Secret("whsec_" + "A" * 8)}, "6 bytes"),
        ({"webhook_secret": Secret(" ")}, "empty"),
        ({"webhook_ports": "https"}, "WEBHOOK_PORTS"),
        ({"webhook_ports": "0"}, "1 to 65535"),
        ({"webhook_allow_networks": "10.0.0.1/8"}, "WEBHOOK_ALLOW_NETWORKS"),
        ({"webhook_ca": "/nowhere.pem"}, "WEBHOOK_CA"),
    ],
)
def test_a_setting_that_cannot_be_used_stops_the_server_before_it_begins(
    settings: Settings, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(CallAnnotateError) as caught:
        Deliverer(msgspec.structs.replace(settings, **changes))
    assert caught.value.fault is SETTING_INVALID
    assert words in str(caught.value)
    assert "AAAA" not in str(caught.value)
