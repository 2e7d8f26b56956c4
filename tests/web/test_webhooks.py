"""Webhooks of a server as users run it: killed, started again, and its receiver as the documentation has it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from anyio import to_thread
from click.testing import CliRunner, Result

from runtime.settings import Settings
from runtime.webhook_secret import own_secret
from tests.runtime.receivers import answer, answering, receiving
from tests.web.process import Process, started
from tests.web.serving import wav
from web.cli import cli

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"


def webhooks(volume: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["webhooks", *arguments], env={"VOLUME_PATH": str(volume)})


def allowed(port: int) -> dict[str, str]:
    """Settings with which a message goes to this port once, and again only where it is told to, slow as it may be."""
    return {
        "WEBHOOK_ALLOW_HTTP": "true", "WEBHOOK_ALLOW_NETWORKS": "127.0.0.1/32", "WEBHOOK_PORTS": str(port),
        "WEBHOOK_RETRY_DELAY": "3600",
    }  # fmt: skip


def submitted(server: Process, url: str) -> str:
    """The id of a job with this callback_url."""
    metadata = json.dumps({"callback_url": url})
    response = httpx.post(
        f"{server.url}/api/v1/jobs",
        files={"file": ("call.wav", wav())},
        data={"metadata": metadata},
        trust_env=False,
        timeout=30,
    )
    assert response.status_code == 201, response.text
    return str(response.json()["job_id"])


def tried(server: Process, job_id: str) -> bool:
    """Whether the message of this job has been tried."""
    found = httpx.get(f"{server.url}/api/v1/webhooks", trust_env=False).json()["deliveries"]
    return any(each["job_id"] == job_id and each["attempts"] for each in found)


def until(condition: Callable[[], bool]) -> None:
    """Ask again and again; a test that has to wait for ever is ended by its timeout."""
    while not condition():
        time.sleep(0.02)


async def test_a_message_survives_the_death_of_the_server(tmp_path: Path) -> None:
    async with receiving() as receiver:
        port, url = receiver.port, receiver.url()
    with started(tmp_path, **allowed(port)) as server:
        job_id = await to_thread.run_sync(submitted, server, url)
        await to_thread.run_sync(until, lambda: tried(server, job_id))
        server.popen.send_signal(signal.SIGKILL)
        await to_thread.run_sync(server.popen.wait)
    (waiting,) = json.loads(await to_thread.run_sync(lambda: webhooks(tmp_path, "list", "--json").stdout))
    assert (waiting["job_id"], waiting["state"], waiting["problem"]) == (job_id, "pending", "unreachable")
    async with receiving(answering(answer(410), answer(204)), port=port) as receiver:
        with started(tmp_path, **allowed(port)):
            await to_thread.run_sync(lambda: webhooks(tmp_path, "redeliver", waiting["delivery_id"]))
            (first,) = await receiver.requests(1)
            assert json.loads(first.body)["data"]["job_id"] == job_id
            await to_thread.run_sync(until, lambda: "dead" in webhooks(tmp_path, "list").stdout)
            done = await to_thread.run_sync(lambda: webhooks(tmp_path, "redeliver", "--all-dead"))
            assert done.stdout == "to be sent again: 1\n"
            assert len({each.headers["webhook-id"] for each in await receiver.requests(2)}) == 1


def test_the_receiver_of_the_documentation_takes_what_is_signed_and_nothing_else(tmp_path: Path) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    secret = own_secret(tmp_path)
    (tmp_path / "receiver.py").write_text(source)
    environment = {**os.environ, "WEBHOOK_SECRET": secret, "PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "receiver.py")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as receiver:
        try:
            forged: Any = None
            while forged is None:
                try:
                    forged = httpx.post(f"http://127.0.0.1:{port}/", content=b"{}", trust_env=False)
                except httpx.ConnectError:
                    assert receiver.poll() is None
            assert forged.status_code == 401
            with started(tmp_path, **allowed(port)) as server:
                job_id = submitted(server, f"http://127.0.0.1:{port}/")
                assert receiver.stdout is not None
                assert receiver.stdout.readline() == f"job.completed {job_id}\n"
        finally:
            receiver.kill()


def test_the_secret_is_made_once_and_one_of_the_settings_goes_before_it(tmp_path: Path) -> None:
    first = webhooks(tmp_path, "secret").stdout
    assert first.startswith("whsec_")
    assert webhooks(tmp_path, "secret").stdout == first
    assert (tmp_path / "webhook.secret").stat().st_mode & 0o777 == 0o600
    environment = {"VOLUME_PATH": str(tmp_path), "WEBHOOK_SECRET": "whsec_NEW whsec_OLD"}
    assert CliRunner().invoke(cli, ["webhooks", "secret"], env=environment).stdout == "whsec_NEW\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("redeliver",), "--all-dead"), (("redeliver", "msg_x"), "msg_x"), (("list", "--state", "lost"), "'lost'")],
)
def test_what_cannot_be_done_is_told(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    result = webhooks(tmp_path, *arguments)
    assert result.exit_code != 0
    assert words in result.output + str(result.exception)


def test_kubernetes_lets_messages_out_to_every_port_that_a_callback_may_have() -> None:
    policy = yaml.safe_load((PAGE.parents[1] / "deploy" / "kubernetes" / "networkpolicy.yaml").read_text())
    open_ports = {port["port"] for rule in policy["spec"]["egress"] if "to" not in rule for port in rule["ports"]}
    assert open_ports == {int(port) for port in Settings().webhook_ports.split(",")}


def test_every_problem_a_delivery_may_have_is_on_the_page() -> None:
    from typing import get_args

    from contracts.webhooks import DeliveryProblem, WebhookType

    page = PAGE.read_text()
    assert [word for word in (*get_args(DeliveryProblem), *get_args(WebhookType)) if f"`{word}`" not in page] == []
