"""What can go wrong with who asks; a part of the catalogue."""

from contracts.fault import Fault

KEY_REQUIRED = Fault(
    "KEY_REQUIRED", 102, "an API key is needed ({cause})",
    "Send `Authorization: Bearer KEY`, or set CALLANNOTATE_KEY; `callannotate keys add` makes one.", 401, 4401,
)  # fmt: skip
SCOPE_MISSING = Fault(
    "SCOPE_MISSING", 103, "the API key {key_id} does not have the scope {scope}", "It has: {allowed}.", 403
)
ORIGIN_REFUSED = Fault(
    "ORIGIN_REFUSED", None, "pages of {origin} may not use this server",
    "Open the page of the server itself, or name the origin in CORS_ORIGINS.", 403,
)  # fmt: skip
KEY_NOT_FOUND = Fault("KEY_NOT_FOUND", 100, "there is no API key {key_id}", "See `callannotate keys list`.", 404)
