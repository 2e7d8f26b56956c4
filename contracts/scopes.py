"""What an API key may open. By itself, so that the help of `callannotate keys` need not know the other types."""

from typing import Final, Literal, get_args

Scope = Literal["monitor", "read", "submit", "live", "manage"]
SCOPES: Final[dict[Scope, str]] = {
    "monitor": "health, metrics, what the service can do, the documents; every key has it",
    "read": "jobs, results, recordings, voices and contacts; the messages of jobs",
    "submit": "submit recordings",
    "live": "live sessions",
    "manage": "delete and change: jobs, voices, contacts, webhooks; export voiceprints",
}
"""Each scope, and what it opens."""
CHOSEN_SCOPES: Final = tuple(scope for scope in get_args(Scope) if scope != "monitor")
"""Those that are worth asking for beside others."""
