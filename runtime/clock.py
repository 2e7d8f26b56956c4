"""Times of the database as times of the interfaces."""

from datetime import UTC, datetime


def moment(seconds: float) -> datetime:
    """A time of the database, to the millisecond."""
    return datetime.fromtimestamp(round(seconds, 3), UTC)
