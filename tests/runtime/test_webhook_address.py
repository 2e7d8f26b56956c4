"""Which URLs a callback may have, and which addresses are connected to."""

from ipaddress import ip_address

import pytest

from contracts.errors import INVALID_FIELD, CallAnnotateError
from runtime.settings import Settings
from runtime.webhook_address import check_url, rules_of

RULES = rules_of(Settings())
OWN = rules_of(
    Settings(webhook_allow_networks="10.1.0.0/16, fd00::/8", webhook_allow_http=True, webhook_ports="80,443")
)


@pytest.mark.parametrize(
    "url",
    ["https://crm.example.org/calls", "https://crm.example.org:8443/x?token=1", "https://8.8.8.8/",
     "https://[2001:4860:4860::8888]/", "https://xn--e1afmkfd.xn--p1ai/"],
)  # fmt: skip
def test_public_urls_are_taken(url: str) -> None:
    check_url(url, RULES)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://crm.example.org/", "its scheme is 'http'"),
        ("ftp://crm.example.org/", "its scheme is 'ftp'"),
        ("crm.example.org/calls", "its scheme is ''"),
        ("https:///calls", "no host"),
        ("https://anna:secret@crm.example.org/", "a name or a password"),
        ("https://@crm.example.org/", "a name or a password"),
        ("https://crm.example.org/#x", "fragment"),
        ("https://crm.example.org:22/", "its port is 22"),
        ("https://crm.example.org:0/", "its port is 0"),
        ("https://crm.example.org:99999/", "Port out of range"),
        ("https://crm.example.org:x/", "Port could not be cast"),
        ("https://[::1/", "Invalid IPv6"),
        ("https://пример.рф/", "characters"),
        ("https://crm.example.org/a b", "characters"),
        ("https://crm.example.org\\@evil.example/", "characters"),
        ("https://crm.example.org/\r\nX: y", "characters"),
    ],
)
def test_a_url_that_is_not_taken_is_told_with_what_is(url: str, words: str) -> None:
    with pytest.raises(CallAnnotateError) as caught:
        check_url(url, RULES)
    assert caught.value.fault is INVALID_FIELD
    assert words in caught.value.message
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "localhost", "LOCALHOST.", "api.localhost",
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "[::1]", "[::]", "[fe80::1]", "[fe80::1%25eth0]",
        "[fd00::1]", "[fec0::1]", "[ff02::1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[::127.0.0.1]", "[2001:db8::1]", "127.0.0.1.", "0x7f.1.", "[3fff::1]",
        "192.88.99.1", "168.63.129.16", "[::ffff:168.63.129.16]",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(CallAnnotateError) as caught:
        check_url(f"https://{host}/", RULES)
    assert "is not a public address" in caught.value.message


def test_networks_that_the_settings_allow_are_taken_and_no_others() -> None:
    for host in ("10.1.2.3", "[fd12::1]", "[::ffff:10.1.2.3]"):
        # What an address stands for has to be allowed, and the address itself.
        taken = not host.startswith("[::ffff")
        try:
            check_url(f"http://{host}/", OWN)
        except CallAnnotateError:
            assert not taken
        else:
            assert taken
    assert OWN.allows(ip_address("10.1.0.1"))
    for address in ("10.2.0.1", "127.0.0.1", "::1", "fe80::1"):
        assert not OWN.allows(ip_address(address))
