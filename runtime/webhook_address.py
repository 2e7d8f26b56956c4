"""Where a webhook may go: which URLs are taken, and which addresses are connected to.

Whoever submits a recording chooses a URL that the server then connects to. It must not become their way to what the
server can reach and they cannot: so addresses that are not public are refused, unless WEBHOOK_ALLOW_NETWORKS has them.
A literal address is looked at when the recording is submitted. A name is looked at when the connection is made: it is
resolved once, and what is connected to is the very address that was checked, whatever the name means a moment later.
"""

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NoReturn
from urllib.parse import SplitResult, urlsplit

import httpcore2
from anyio import CapacityLimiter, fail_after, to_thread
from msgspec import Struct

from contracts.errors import INVALID_FIELD, SETTING_INVALID, CallAnnotateError
from runtime.settings import Settings

FIELD: Final = "metadata.callback_url"
PORTS: Final = {"http": 80, "https": 443}
NAT64: Final = ip_network("64:ff9b::/96")
"""IPv6 addresses that stand for IPv4 ones."""
NEVER: Final = tuple(map(ip_network, ("3fff::/20", "192.88.99.0/24", "168.63.129.16/32")))
"""Addresses that some versions of Python take for public: of documentation, of relays of 6to4, and the one at which
Azure has the agents of its machines answered."""
TRIED: Final = 4
"""Addresses of a name that are tried at most."""
RESOLVERS: Final = CapacityLimiter(4)
"""Threads that resolve names."""

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class RefusedAddressError(Exception):
    """A name leads to an address that may not be connected to."""


class Rules(Struct, frozen=True):
    """What the settings allow."""

    schemes: tuple[str, ...]
    ports: frozenset[int]
    networks: tuple[Network, ...]
    """Addresses that are allowed though they are not public."""

    def allows(self, address: Address) -> bool:
        """Whether the address may be connected to, and each that is hidden in it."""
        return all(self._allows(each) for each in (address, *hidden(address)))

    def _allows(self, address: Address) -> bool:
        public = address.is_global and not address.is_multicast and not address.is_reserved
        public = public and not (isinstance(address, IPv6Address) and address.is_site_local)
        return (public and not _within(address, NEVER)) or _within(address, self.networks)


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def hidden(address: Address) -> list[IPv4Address]:
    """IPv4 addresses that an IPv6 address stands for: mapped, 6to4, Teredo, NAT64."""
    if isinstance(address, IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in NAT64:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [each for each in found if each is not None]


def rules_of(settings: Settings) -> Rules:
    """Raises SETTING_INVALID."""
    try:
        networks = tuple(ip_network(text) for text in _listed(settings.webhook_allow_networks or ""))
    except ValueError as error:
        _refuse_setting("webhook_allow_networks", str(error), "networks such as 10.1.0.0/16, separated by commas")
    try:
        ports = frozenset(int(text) for text in _listed(settings.webhook_ports))
    except ValueError as error:
        _refuse_setting("webhook_ports", str(error), "numbers, separated by commas")
    if not ports or not all(0 < port < 65536 for port in ports):
        _refuse_setting("webhook_ports", repr(settings.webhook_ports), "numbers from 1 to 65535, separated by commas")
    return Rules(("https", "http") if settings.webhook_allow_http else ("https",), ports, networks)


def check_url(text: str, rules: Rules) -> None:
    """Raises INVALID_FIELD for a URL that will not be called."""
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        _refuse("there are characters in it that no URL has", "ASCII; anything else encoded")
    try:
        url = urlsplit(text)
        port, host = port_of(url), url.hostname or ""
    except ValueError as error:
        _refuse(str(error), "such as https://crm.example.org/calls")
    if url.scheme not in rules.schemes:
        _refuse(f"its scheme is {url.scheme!r}", " or ".join(f"{scheme}://" for scheme in rules.schemes))
    if not host:
        _refuse("there is no host in it", "such as https://crm.example.org/calls")
    if url.username is not None or url.password is not None:
        _refuse("there is a name or a password in it", "a URL without; the signature says who sends it")
    if "#" in text:
        _refuse("there is a fragment in it", "a URL without #")
    if port not in rules.ports:
        _refuse(f"its port is {port}", f"{', '.join(map(str, sorted(rules.ports)))} (WEBHOOK_PORTS)")
    literal = literal_of(host)
    if literal is not None and not rules.allows(literal):
        _refuse(f"{literal} is not a public address", "public addresses, and those of WEBHOOK_ALLOW_NETWORKS")


def literal_of(host: str) -> Address | None:
    """The address that a host is, in whatever notation systems take; None for a name."""
    host = host.rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return IPv4Address("127.0.0.1")
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        # 127.1, 0x7f000001, 2130706433: no name ends in a number.
        return IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def port_of(url: SplitResult) -> int:
    """Raises ValueError."""
    return url.port if url.port is not None else PORTS.get(url.scheme, 0)


class CheckedBackend(httpcore2.AnyIOBackend):
    """Connects to addresses that the rules allow."""

    def __init__(self, rules: Rules) -> None:
        self._rules: Final = rules

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - that of the library
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Raises RefusedAddressError where any address of the host is not allowed, or httpcore2.ConnectError."""
        try:
            with fail_after(timeout):
                addresses = await to_thread.run_sync(resolved, host, port, abandon_on_cancel=True, limiter=RESOLVERS)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(f"{host} cannot be resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"{host} cannot be resolved") from error
        refused = [address for address in addresses if not self._rules.allows(address)]
        if refused:
            raise RefusedAddressError(str(refused[0]))
        failure: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in addresses[:TRIED]:
            try:
                return await super().connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure


def resolved(host: str, port: int) -> list[Address]:
    """The addresses of a host; blocks. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _refuse(problem: str, allowed: str) -> NoReturn:
    raise CallAnnotateError(INVALID_FIELD, field=FIELD, problem=problem, allowed=allowed)


def _refuse_setting(name: str, problem: str, allowed: str) -> NoReturn:
    raise CallAnnotateError(SETTING_INVALID, source="settings", name=name.upper(), problem=problem, allowed=allowed)
