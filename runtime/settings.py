"""Settings of the server: typed, each from the environment, from the YAML file of CONFIG_PATH, or its default.

The environment goes before the file. A key of the file that is no setting, and a value that a setting cannot take, are
errors that name it. `docs/settings.md` documents each; a test compares.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
import yaml
from msgspec import Meta, Struct
from platformdirs import user_data_path

from contracts.errors import CONFIG_UNREADABLE, SETTING_INVALID, SETTING_UNKNOWN, CallAnnotateError
from contracts.options import Engine
from runtime.secret import Secret

CONFIG_PATH: Final = "CONFIG_PATH"
"""The environment variable that names the file."""
SECRETS: Final = {
    "carddav_password": "the environment variable CARDDAV_PASSWORD, or a file of its own, named by "
    "carddav_password_file",
    "webhook_secret": "the environment variable WEBHOOK_SECRET, or the secret that the volume has",
}
"""Settings that nobody may see, and where they belong."""
IN_FILE: Final = "it does not belong into a file of settings"

Count = Annotated[int, Meta(ge=1, description="a whole number from 1 on")]
Bytes = Annotated[int, Meta(ge=0, description="a whole number of bytes")]
Seconds = Annotated[float, Meta(gt=0, description="a number of seconds above 0")]
Days = Annotated[float, Meta(gt=0, description="a number of days above 0")]
Port = Annotated[int, Meta(ge=0, le=65535, description="0 to 65535; 0 for any that is free")]
Text = Annotated[str, Meta(min_length=1, description="a text that is not empty")]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class Settings(Struct, frozen=True, kw_only=True):
    """All that can be set. The environment variable of a field is its name in capitals."""

    volume_path: Path = msgspec.field(default_factory=lambda: user_data_path("callannotate") / "volume")
    """The folder that holds recordings, results, the database and the logs."""
    host: Text = "127.0.0.1"
    """Address to listen on."""
    port: Port = 8000
    """TCP port to listen on."""
    log_level: LogLevel = "INFO"
    """The least important lines that are logged."""
    log_max_bytes: Count = 10 * 1024 * 1024
    """Bytes after which a new log file is begun."""
    log_files: Annotated[int, Meta(ge=2, description="a whole number from 2 on")] = 5
    """Log files that are kept, the one being written included."""
    log_console: bool = True
    """Whether log lines go to standard error as well."""
    max_file_size: Count = 1_073_741_824
    """Bytes of a recording at most."""
    max_duration: Seconds = 14_400.0
    """Seconds of a recording at most."""
    min_free_space: Bytes = 64 * 1024 * 1024
    """Bytes that stay free on the volume; below that uploads are refused and the server is unhealthy."""
    queue_limit: Count = 1000
    """Jobs that wait at most."""
    queue_poll_interval: Seconds = 5.0
    """Seconds from one look into the folder `incoming` to the next."""
    jobs_at_once: Count = 1
    """Jobs that are processed side by side."""
    retention_days: Days = 30.0
    """Days after which a finished job is archived: its recording and its result are removed."""
    archive_interval: Seconds = 3600.0
    """Seconds from one look for jobs to archive to the next."""
    openai_keep_jobs: bool = False
    """Whether the jobs of requests under `/v1/audio` are kept like any other."""
    keep_voice_samples: bool = True
    """Whether the audio that voices were enrolled with is kept, so that another model can make voiceprints of it."""
    max_sample_duration: Seconds = 600.0
    """Seconds of a recording at most that a voice is enrolled with."""
    model: Text = "whisper-base"
    """Whisper weights of jobs that ask for none; they are loaded at start-up."""
    engine: Engine = "onnx"
    """Diarization engine of jobs that ask for none."""
    threads: Count | None = None
    """Threads of the networks; all cores where it is not set."""
    rate_limit: Count = 120
    """Requests that one address may make in a window."""
    upload_limit: Count = 30
    """Recordings that one address may submit in a window."""
    rate_limit_window: Seconds = 60.0
    """Seconds of a window of the rate limits."""
    upload_stall_timeout: Seconds = 30.0
    """Seconds without a byte after which an upload is given up."""
    access: Literal["auto", "keys", "anonymous"] = "auto"
    """Who may use the server: `auto` needs a key as soon as there is one, `keys` always, `anonymous` never."""
    failed_key_limit: Count = 20
    """Requests of one address in a window that are answered by 401, before they are answered by 429."""
    cors_origins: Text | None = None
    """Origins whose pages may use the server, separated by commas, or `*`; only its own where it is not set."""
    heartbeat_interval: Seconds = 30.0
    """Seconds from one ping on a WebSocket to the next."""
    heartbeat_timeout: Seconds = 90.0
    """Seconds without a sign of life after which a WebSocket is closed."""
    watcher_buffer: Count = 256
    """Messages that wait for one watcher at most, before it counts as too slow."""
    replay_buffer: Count = 1000
    """Messages of a job that are kept for watchers that come back."""
    max_connections: Count = 500
    """WebSockets at once."""
    ws_max_message: Count = 1024 * 1024
    """Bytes of a message on a WebSocket at most."""
    live_sessions: Count | None = None
    """Live sessions at once; as many as the machine keeps up with by its measured speed where it is not set."""
    live_max_session_s: Seconds = 14_400.0
    """Seconds that a live session may last."""
    live_idle_timeout_s: Seconds = 30.0
    """Seconds without audio and without a message after which a live session ends."""
    live_resume_window_s: Seconds = 60.0
    """Seconds that a live session waits for its client after a lost connection."""
    live_start_timeout_s: Seconds = 5.0
    """Seconds within which the first message of a live connection has to come."""
    live_max_unacked_ms: Count = 10_000
    """Milliseconds that the audio of a live session may be ahead of real time."""
    live_speed_limit: Annotated[float, Meta(ge=1, description="a number from 1 on")] = 1.0
    """Times as fast as real time that audio may come over a whole live session."""
    live_replay_messages: Annotated[int, Meta(ge=16, description="a whole number from 16 on")] = 512
    """Messages of a live session that are kept for a client that resumes."""
    carddav_url: Text | None = None
    """Where the address books are: the server, an account or an address book on it; no contacts where it is not set."""
    carddav_username: Text | None = None
    """The account's name."""
    carddav_password: Secret | None = None
    """The account's password, or the token for `bearer`; from the environment alone."""
    carddav_password_file: Text | None = None
    """A file with the password or the token, read for every connection."""
    carddav_auth: Literal["auto", "basic", "digest", "bearer"] = "auto"
    """How to log in; `auto` does as the server asks."""
    carddav_ca: Text | None = None
    """File of the certificates that are trusted instead of the system's."""
    carddav_allow_http: bool = False
    """Whether the password may go over a network unencrypted."""
    carddav_books: Text | None = None
    """Names of address books, separated by commas; all where it is not set."""
    carddav_sync_interval: Seconds = 300.0
    """Seconds from one look for changes to the next."""
    carddav_timeout: Seconds = 10.0
    """Seconds that an answer of the server may take."""
    webhook_secret: Secret | None = None
    """What messages to a callback_url are signed with; one that is made for the volume where it is not set."""
    webhook_allow_networks: Text | None = None
    """Networks that callbacks may go to though they are not public, separated by commas."""
    webhook_allow_http: bool = False
    """Whether a callback_url may begin with http://."""
    webhook_ports: Text = "443,8443"
    """Ports that a callback_url may have, separated by commas."""
    webhook_ca: Text | None = None
    """File of the certificates that are trusted instead of the system's."""
    webhook_timeout: Annotated[float, Meta(gt=0, le=60, description="a number of seconds above 0, up to 60")] = 10.0
    """Seconds that one attempt to deliver may take."""
    webhook_at_once: Annotated[int, Meta(ge=1, le=64, description="a whole number from 1 to 64")] = 4
    """Messages that are being delivered at once."""
    webhook_retry_delay: Annotated[
        float, Meta(gt=0, le=3600, description="a number of seconds above 0, up to 3600")
    ] = 5.0
    """Seconds before the second attempt; each further pause is twice the one before, up to two hours."""
    webhook_retry_hours: Annotated[float, Meta(gt=0, le=168, description="a number of hours above 0, up to 168")] = 24.0
    """Hours after which a message is given up."""
    phone_region: (
        Annotated[str, Meta(pattern="^[A-Z]{2}$", description="a country's two letters, such as RU")] | None
    ) = None
    """Whose national numbers are meant by numbers without a country code."""
    phone_pattern: Text = r"\+\d{7,15}"
    """Regular expression for numbers in names of files, with groups named caller and callee where it tells them."""
    caller_channel: Annotated[int, Meta(ge=0, le=1, description="0 or 1")] = 0
    """Channel of a two-sided recording that the caller is on."""
    shutdown_timeout: Seconds = 8.0
    """Seconds that stopping may take."""


FIELDS: Final = {field.name: field for field in msgspec.structs.fields(Settings)}


def load_settings(environ: Mapping[str, str], path: Path | None = None) -> Settings:
    """The settings; `path` goes before CONFIG_PATH.

    Raises SETTING_UNKNOWN, SETTING_INVALID or CONFIG_UNREADABLE.
    """
    chosen: dict[str, object] = {}
    if path is None and environ.get(CONFIG_PATH):
        path = Path(environ[CONFIG_PATH])
    if path is not None:
        for name, value in _read(path).items():
            if name not in FIELDS:
                near = (get_close_matches(str(name), FIELDS, 1, 0) or ["volume_path"])[0]
                raise CallAnnotateError(SETTING_UNKNOWN, source=str(path), name=str(name), near=near)
            if name in SECRETS and value is not None:
                raise CallAnnotateError(
                    SETTING_INVALID, source=str(path), name=name, problem=IN_FILE, allowed=SECRETS[name]
                )
            chosen[name] = _converted(str(path), name, value, strict=True)
    for name in FIELDS:
        if text := environ.get(name.upper()):
            chosen[name] = _converted("environment", name, text, strict=False)
    return msgspec.convert(chosen, Settings, strict=False)


def _read(path: Path) -> dict[str, object]:
    """The keys and values of a YAML file."""
    try:
        content = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise CallAnnotateError(CONFIG_UNREADABLE, path=str(path), cause=error.strerror or str(error)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CallAnnotateError(CONFIG_UNREADABLE, path=str(path), cause=" ".join(str(error).split())) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise CallAnnotateError(CONFIG_UNREADABLE, path=str(path), cause="it is no mapping of names to values")
    return content


def _converted(source: str, name: str, value: object, *, strict: bool) -> object:
    """The value as the type of its setting; raises SETTING_INVALID."""
    try:
        if name == "volume_path":
            return Path(msgspec.convert(value, Text)).expanduser()
        if name in SECRETS:
            return Secret(str(value)) if value is not None else None
        return msgspec.convert(value, FIELDS[name].type, strict=strict)
    except msgspec.ValidationError as error:
        shown = name if source != "environment" else name.upper()
        problem = f"{value!r} does not fit ({str(error)[:1].lower()}{str(error)[1:]})"
        raise CallAnnotateError(
            SETTING_INVALID, source=source, name=shown, problem=problem, allowed=_allowed(name)
        ) from error


def _allowed(name: str) -> str:
    """What a setting can be, in words."""
    match msgspec.inspect.type_info(FIELDS[name].type):
        case msgspec.inspect.LiteralType(values=values):
            return ", ".join(map(str, values))
        case msgspec.inspect.UnionType(types=types):
            return " or ".join(_described(kind) for kind in types if not isinstance(kind, msgspec.inspect.NoneType))
        case msgspec.inspect.CustomType():
            return "the path of a folder"
        case kind:
            return _described(kind)


def _described(kind: msgspec.inspect.Type) -> str:
    schema = kind.extra_json_schema if isinstance(kind, msgspec.inspect.Metadata) else None
    return str((schema or {}).get("description", "another value"))
