"""What Prometheus is told. The names are documented in docs/queue.md."""

from collections.abc import Callable, Mapping
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from contracts.jobs import JobStatus, StageName
from contracts.options import DeliveryState
from runtime.memory import resident

NETWORK_STAGES: Final[dict[str, StageName]] = {
    "segmentation": "diarization",
    "voiceprint": "diarization",
    "language": "transcription",
    "words": "transcription",
}
"""The stage that each network's work is for."""
LIVE_DELAYS: Final = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Seconds."""


class Metrics:
    """The figures of one server."""

    def __init__(self, counts: Mapping[str, int], watchers: Callable[[], int]) -> None:
        """`counts`: jobs by state, which is read when somebody asks."""
        self.registry: Final = CollectorRegistry()
        self.stage_seconds: Final = Counter(
            "callannotate_stage_seconds", "Seconds that threads computed for a stage", ["stage"], registry=self.registry
        )
        self.real_time_factor: Final = Histogram(
            "callannotate_real_time_factor",
            "Seconds of processing for a second of audio, of each completed job",
            buckets=(0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0),
            registry=self.registry,
        )
        self.answers: Final = Counter(
            "callannotate_network_answers",
            "Answers of the networks, computed or from a journal",
            ["network", "source"],
            registry=self.registry,
        )
        self.ended: Final = Counter(
            "callannotate_jobs_ended", "Jobs that ended since the start", ["status"], registry=self.registry
        )
        self.websockets: Final = Gauge(
            "callannotate_websocket_sessions", "WebSocket connections that are open", registry=self.registry
        )
        self.live_sessions: Final = Gauge(
            "callannotate_live_sessions", "Live sessions that have not ended", registry=self.registry
        )
        self.live_ended: Final = Counter(
            "callannotate_live_sessions_ended", "Live sessions that ended, by why", ["reason"], registry=self.registry
        )
        self.live_resumes: Final = Counter(
            "callannotate_live_resumes", "Connections that went on with a live session", registry=self.registry
        )
        self.live_refused: Final = Counter(
            "callannotate_live_refused", "Live sessions that were not admitted, by why", ["reason"],
            registry=self.registry,
        )  # fmt: skip
        self.live_audio: Final = Counter(
            "callannotate_live_audio_seconds", "Seconds of audio that live sessions took", registry=self.registry
        )
        self.live_final_delay: Final = Histogram(
            "callannotate_live_final_delay_seconds",
            "Seconds from the arrival of the end of an utterance to its final",
            buckets=LIVE_DELAYS,
            registry=self.registry,
        )
        self.live_partial_delay: Final = Histogram(
            "callannotate_live_partial_delay_seconds",
            "Seconds from the arrival of the start of an utterance to its first partial",
            buckets=LIVE_DELAYS,
            registry=self.registry,
        )
        self.live_degraded: Final = Counter(
            "callannotate_live_degraded",
            "Times that partials of a session were made rarer (1), stopped (2) or restored (0)",
            ["level"],
            registry=self.registry,
        )
        self.refused: Final = Counter(
            "callannotate_requests_refused", "Requests and handshakes that were not let in, by why", ["reason"],
            registry=self.registry,
        )  # fmt: skip
        self.webhook_attempts: Final = Counter(
            "callannotate_webhook_attempts", "Attempts to deliver a message, by what came of them", ["outcome"],
            registry=self.registry,
        )  # fmt: skip
        self.webhooks: Final[dict[str, int]] = {}
        """Messages by state, as the outbox had them last."""
        deliveries = Gauge(
            "callannotate_webhooks", "Messages to callback_urls by state", ["state"], registry=self.registry
        )
        for state in get_args(DeliveryState):
            deliveries.labels(state).set_function(lambda state=state: self.webhooks.get(state, 0))  # type: ignore[misc]
        jobs = Gauge("callannotate_jobs", "Jobs by state", ["state"], registry=self.registry)
        for state in get_args(JobStatus):
            jobs.labels(state).set_function(lambda state=state: counts[state])  # type: ignore[misc]
        length = Gauge("callannotate_queue_length", "Jobs that wait", registry=self.registry)
        length.set_function(lambda: counts["queued"])
        watching = Gauge("callannotate_watchers", "Subscriptions to jobs", registry=self.registry)
        watching.set_function(watchers)
        memory = Gauge("callannotate_memory_bytes", "Memory of the server's process", registry=self.registry)
        memory.set_function(resident)
        for stage in get_args(StageName):
            self.stage_seconds.labels(stage)

    def computed(self, seconds: Mapping[str, float]) -> None:
        """Take in the seconds that networks computed for a job."""
        for network, own in seconds.items():
            self.stage_seconds.labels(NETWORK_STAGES[network]).inc(own)

    def answered(self, source: str, answers: Mapping[str, int]) -> None:
        """Take in the answers of the networks: from `journal`, or `computed`."""
        for network, count in answers.items():
            self.answers.labels(network, source).inc(count)

    def text(self) -> bytes:
        """In Prometheus' format."""
        return generate_latest(self.registry)
