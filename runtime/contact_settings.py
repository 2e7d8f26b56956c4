"""What the settings say of address books and telephone numbers, checked before anything is sent."""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from contracts.contact_errors import CONTACTS_NOT_CONFIGURED, CONTACTS_REFUSED
from contracts.errors import SETTING_INVALID, CallAnnotateError
from runtime.dav_session import Account, origin_of
from runtime.settings import Settings


def account_of(settings: Settings) -> Account:
    """The account with its password, read anew. Raises CONTACTS_NOT_CONFIGURED or CONTACTS_REFUSED."""
    if settings.carddav_url is None:
        raise CallAnnotateError(CONTACTS_NOT_CONFIGURED)
    password = settings.carddav_password.reveal() if settings.carddav_password is not None else ""
    if settings.carddav_password_file is not None:
        try:
            password = Path(settings.carddav_password_file).expanduser().read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            cause = getattr(error, "strerror", None) or "it is no text"
            server = str(origin_of(settings.carddav_url))
            raise CallAnnotateError(
                CONTACTS_REFUSED, server=server, cause=f"CARDDAV_PASSWORD_FILE cannot be read: {cause}"
            ) from None
    return Account(
        url=settings.carddav_url,
        username=settings.carddav_username or "",
        password=password,
        auth=settings.carddav_auth,
        ca=settings.carddav_ca,
        timeout=settings.carddav_timeout,
    )


def check_settings(settings: Settings) -> None:
    """Raises SETTING_INVALID for what can be known to be wrong without a connection."""
    _compiled(settings.phone_pattern)
    if settings.carddav_url is None:
        return
    try:
        origin = origin_of(settings.carddav_url)
    except ValueError as error:
        _refuse("carddav_url", str(error), "such as https://dav.example.org/")
    if urlsplit(settings.carddav_url).username is not None:
        _refuse("carddav_url", "there is a name or a password in it", "CARDDAV_USERNAME and CARDDAV_PASSWORD")
    secret = settings.carddav_password is not None or settings.carddav_password_file is not None
    if origin.scheme == "http" and secret and not settings.carddav_allow_http and not _on_this_machine(origin.host):
        _refuse("carddav_url", "the password would go unencrypted", "https://, or CARDDAV_ALLOW_HTTP=true")


def phone_pattern(settings: Settings) -> re.Pattern[str]:
    """The expression for numbers in names of files. Raises SETTING_INVALID."""
    return _compiled(settings.phone_pattern)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        _refuse(
            "phone_pattern", f"it is no regular expression ({error})", r"such as (?P<caller>\+\d+)_(?P<callee>\+\d+)"
        )


def _on_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse(name: str, problem: str, allowed: str) -> NoReturn:
    raise CallAnnotateError(SETTING_INVALID, source="settings", name=name.upper(), problem=problem, allowed=allowed)
