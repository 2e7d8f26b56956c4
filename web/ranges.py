"""Byte ranges of a file (RFC 9110, section 14)."""

from werkzeug.http import parse_range_header, unquote_etag

from contracts.errors import RANGE_NOT_SATISFIABLE, CallAnnotateError


def wanted_range(header: str | None, if_range: str | None, etag: str, size: int) -> tuple[int, int] | None:
    """First byte and the byte after the last one, or None for the whole file.

    A range that is not understood, several ranges, and a range of a version that is gone are the whole file.

    :param if_range: only where this ETag is the file's is the range wanted
    :param etag: of the file, without quotes
    :param size: bytes of the file
    Raises RANGE_NOT_SATISFIABLE.
    """
    if header is None or (if_range is not None and unquote_etag(if_range) != (etag, False)):
        return None
    parsed = parse_range_header(header)
    if parsed is None or parsed.units != "bytes" or len(parsed.ranges) != 1:
        return None
    found = parsed.range_for_length(size)
    if found is None:
        raise CallAnnotateError(RANGE_NOT_SATISFIABLE, range=header, size=size)
    return found
