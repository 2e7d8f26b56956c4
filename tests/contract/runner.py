"""Our own runner: scenario after scenario, then what was exercised against what the documents have."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import anyio
import httpx

from asyncapi.builder import asyncapi_document
from contracts.openapi import openapi_document
from tests.contract import scenarios_access as access
from tests.contract import scenarios_common as common
from tests.contract import scenarios_contacts as contacts
from tests.contract import scenarios_corrections as corrections
from tests.contract import scenarios_job as job
from tests.contract import scenarios_limits as limits
from tests.contract import scenarios_live as live
from tests.contract import scenarios_live_frames as live_frames
from tests.contract import scenarios_live_limits as live_limits
from tests.contract import scenarios_openai as openai
from tests.contract import scenarios_rest as rest
from tests.contract import scenarios_session as session
from tests.contract import scenarios_voices as voices
from tests.contract import scenarios_webhooks as webhooks
from tests.contract.contract import Json, ViolationError, moves, universe, words
from tests.contract.conversation import Findings
from tests.contract.lab import Lab, Scenario
from tests.contract.rest import rest_universe
from tests.contract.servers import BROKEN, FAULTY, SERVE, own_server

LONGEST = 180.0
"""Seconds of one scenario."""
Tell = Callable[[str], None]


@contextmanager
def _nothing() -> Iterator[dict[str, str]]:
    yield {}


@dataclass(frozen=True)
class Profile:
    """Scenarios that need the same settings."""

    name: str
    scenarios: tuple[Scenario, ...]
    settings: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = SERVE
    anywhere: bool = False
    """Whether the scenarios can run against a server of which nothing is known."""
    beside: Callable[[], AbstractContextManager[dict[str, str]]] = _nothing
    """What else has to run, and the settings that lead there."""


PROFILES = (
    Profile(
        "usual",
        (
            common.refused_handshakes,
            common.russian,
            common.session_broken_frames,
            common.job_broken_frames,
            common.session_mutants,
            common.job_mutants,
            job.watched_to_the_end,
            job.replayed,
            job.failed,
            job.unknown_or_deleted,
            job.invalid_message,
            session.operations,
            session.refusals,
            session.refused_uploads,
            session.uploads,
            session.subscriptions,
            session.ended_subscriptions,
            rest.rest_refusals,
            rest.rest_refused_uploads,
            voices.voices,
            voices.rest_voices,
            voices.rest_refused_samples,
            voices.rest_refused_speakers,
            openai.openai,
            openai.openai_refusals,
            corrections.corrections,
            corrections.rest_corrections,
        ),
        anywhere=True,
    ),
    Profile(
        "live",
        (
            live.live_call,
            live.live_two_sided,
            live.live_encodings,
            live.live_saved,
            live.live_resumed,
            live.live_resumed_wrongly,
            live.live_russian,
            live_frames.live_wrong_starts,
            live_frames.live_errors,
            live_frames.live_after_the_end,
            live_frames.live_fatal,
            live_frames.live_mutants,
        ),
        anywhere=True,
    ),
    Profile(
        "small uploads",
        (
            limits.large_long_and_stalled_uploads,
            limits.full_queue,
            job.gone_messages,
            rest.rest_limits,
            voices.rest_voice_limits,
            openai.openai_limits,
            corrections.rest_stalled_corrections,
            contacts.rest_contact_limits,
        ),
        {
            "MAX_SAMPLE_DURATION": "8",
            "MAX_FILE_SIZE": "200000",
            "MAX_DURATION": "8",
            "UPLOAD_STALL_TIMEOUT": "0.5",
            "QUEUE_LIMIT": "2",
            "REPLAY_BUFFER": "2",
        },
    ),
    Profile("no address books", (contacts.rest_no_address_books,)),
    Profile("address books", (contacts.contacts, contacts.rest_contacts), beside=contacts.address_books),
    Profile(
        "few connections",
        # The last one ends the server.
        (limits.idle, limits.too_many_connections, live_limits.live_too_many_connections, job.stopped),
        {"HEARTBEAT_INTERVAL": "0.5", "HEARTBEAT_TIMEOUT": "1.5", "MAX_CONNECTIONS": "3"},
    ),
    # With one thread the recognition leaves a core to the connections, and takes long enough itself.
    Profile(
        "many heartbeats",
        (limits.heartbeats, limits.slow_readers, live_limits.live_slow_reader),
        {"HEARTBEAT_INTERVAL": "0.5", "THREADS": "1", "LIVE_SESSIONS": "4"},
    ),
    Profile("webhooks", (webhooks.webhooks,), webhooks.SETTINGS),
    Profile("keys", (access.pages_of_strangers, access.first_key, access.keys), {"FAILED_KEY_LIMIT": "100000"}),
    Profile("few failures", (access.failures,), {"ACCESS": "keys", "FAILED_KEY_LIMIT": "1"}),
    Profile("few requests", (limits.rate_limited, rest.rest_rate_limited), {"RATE_LIMIT": "20"}),
    Profile("few live messages", (live_limits.live_rate_limited,), {"RATE_LIMIT": "20"}),
    Profile(
        "full volume",
        (
            limits.full_volume,
            rest.rest_full_volume,
            voices.rest_voice_full_volume,
            openai.openai_full_volume,
            corrections.rest_corrections_full_volume,
            live_limits.live_full_volume,
        ),
        {"MIN_FREE_SPACE": str(2**60)},
    ),
    Profile(
        "short retention",
        (job.archived, rest.rest_archived, rest.rest_stopping),
        {"RETENTION_DAYS": "0.00001", "ARCHIVE_INTERVAL": "0.5"},
    ),
    Profile(
        "short live sessions",
        (live_limits.live_clocks, live_limits.live_gone_messages),
        {
            "LIVE_START_TIMEOUT_S": "0.5",
            "LIVE_IDLE_TIMEOUT_S": "1",
            "LIVE_MAX_SESSION_S": "4",
            "LIVE_RESUME_WINDOW_S": "1",
            "LIVE_REPLAY_MESSAGES": "16",
        },
    ),
    Profile(
        "few live sessions",
        # The last one ends the server.
        (live_limits.too_many_live_sessions, live_limits.live_stopped),
        {"LIVE_SESSIONS": "1"},
    ),
    Profile(
        "mistakes",
        (job.mistake_of_the_server, openai.openai_mistake, live_limits.live_mistakes),
        {"LIVE_SESSIONS": "2"},
        FAULTY,
    ),
    Profile("nothing but mistakes", (rest.rest_mistakes,), command=BROKEN),
)


@dataclass
class Report:
    """What a run has found."""

    violations: list[str]
    missing: list[str]
    """What of the document was not exercised."""
    elsewhere: list[str]
    """What was exercised on servers of our own only, where another server is under test."""
    exercised: int
    moves: int
    """Moves of the order of messages that were made."""
    unmoved: list[str]
    """Those that were not: some are a matter of timing."""

    def print(self, tell: Tell) -> None:
        """For a reader."""
        tell(f"exercised: {self.exercised} messages, errors, close codes and refusals")
        tell(f"moves of the order of messages: {self.moves}")
        for title, lines in (
            ("moves that nobody made, a matter of timing", self.unmoved),
            ("exercised on servers of our own only", self.elsewhere),
            ("not exercised", self.missing),
            ("violations", self.violations),
        ):
            tell(f"{title}: {len(lines)}")
            for line in lines:
                tell(f"  {line}")


def scenario_names() -> list[str]:
    """Of all scenarios, in alphabetical order."""
    return sorted({scenario.__name__ for profile in PROFILES for scenario in profile.scenarios})


async def run(url: str | None, tell: Tell, only: str | None = None, *, own: bool = True) -> Report:
    """Run all scenarios: against `url` those that can run anywhere, the others against servers of our own.

    :param only: run scenarios with this in their name
    :param own: whether to start servers
    """
    findings, elsewhere = Findings(), Findings()
    document: Json = {}
    openapi: Json = {}
    for profile in PROFILES:
        chosen = [scenario for scenario in profile.scenarios if only is None or only in scenario.__name__]
        if not chosen:
            continue
        if url is not None and profile.anywhere:
            tell(f"the server at {url}")
            document, openapi = await _documents(url)
            await _run_all(Lab(url, document, openapi, findings), chosen, tell)
        elif own:
            tell(f"a server of our own: {profile.name} {profile.settings or ''}")
            with profile.beside() as leading:
                async with own_server({**profile.settings, **leading}, profile.command) as server:
                    found = findings if url is None else elsewhere
                    described = await _documents(server.url)
                    document, openapi = document or described[0], openapi or described[1]
                    await _run_all(Lab(server.url, *described, found, server), chosen, tell)
    return _report(universe(document) | rest_universe(openapi), moves(document), findings, elsewhere)


def _report(
    needed: set[tuple[str, ...]], described: set[tuple[str, ...]], findings: Findings, elsewhere: Findings
) -> Report:
    exercised = findings.exercised | elsewhere.exercised
    return Report(
        violations=findings.violations + elsewhere.violations,
        missing=sorted(words(item) for item in needed - exercised),
        elsewhere=sorted(words(item) for item in needed & elsewhere.exercised - findings.exercised),
        exercised=len(needed & exercised),
        moves=len(described & exercised),
        unmoved=sorted(words(item) for item in described - exercised),
    )


async def _documents(url: str) -> tuple[Json, Json]:
    """What the server says of itself: AsyncAPI and OpenAPI; from our own tree where it is too broken to say it."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        answers = [await http.get(f"{url}/{name}.json") for name in ("asyncapi", "openapi")]
    if any(answer.status_code != 200 for answer in answers):
        return asyncapi_document(), openapi_document()
    asyncapi, openapi = (json.loads(answer.content) for answer in answers)
    return asyncapi, openapi


async def _run_all(lab: Lab, scenarios: list[Scenario], tell: Tell) -> None:
    for scenario in scenarios:
        lab.label = scenario.__name__
        before, started = len(lab.findings.violations), anyio.current_time()
        try:
            with anyio.fail_after(LONGEST):
                await scenario(lab)
        except Exception as error:
            lab.findings.violations += [f"{lab.label}: {line}" for line in _lines(error)]
        outcome = "ok" if len(lab.findings.violations) == before else "FAILED"
        tell(f"  {outcome:6} {scenario.__name__} ({anyio.current_time() - started:.1f} s)")


def _lines(error: BaseException) -> list[str]:
    """The errors in a group, one line each."""
    if isinstance(error, BaseExceptionGroup):
        return [line for inner in error.exceptions for line in _lines(inner)]
    return [str(error) if isinstance(error, ViolationError) else f"{type(error).__name__}: {error}"]
