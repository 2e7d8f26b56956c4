"""The API key that commands send to a server which needs one."""

import os
from typing import Final

KEY: Final = "CALLANNOTATE_KEY"
"""The environment variable with the key: a key on the command line would be seen by everybody on the machine."""


def authorization() -> dict[str, str]:
    """The header with the key; empty where there is none."""
    key = os.environ.get(KEY, "").strip()
    return {"Authorization": f"Bearer {key}"} if key else {}
