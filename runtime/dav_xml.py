"""The XML of CardDAV: bodies of requests, and what the responses of a multistatus say."""

from collections.abc import Iterable
from typing import Final

from lxml import etree  # type: ignore[import-untyped]
from msgspec import Struct

DAV: Final = "{DAV:}"
CARD: Final = "{urn:ietf:params:xml:ns:carddav}"
SERVER: Final = "{http://calendarserver.org/ns/}"
NAMESPACES: Final = {None: "DAV:", "C": CARD[1:-1], "S": SERVER[1:-1]}


class Member(Struct, frozen=True):
    """One response of a multistatus that lists cards."""

    url: str
    status: int
    etag: str
    collection: bool


def element(tag: str, parent: etree._Element | None = None, **attributes: str) -> etree._Element:
    """An element; attributes are written with "_" in the place of "-"."""
    named = {name.replace("_", "-"): value for name, value in attributes.items()}
    if parent is None:
        return etree.Element(tag, named, nsmap=NAMESPACES)
    return etree.SubElement(parent, tag, named)


def printed(body: etree._Element) -> str:
    """The body of a request."""
    return str(etree.tostring(body, xml_declaration=True, encoding="utf-8"), "utf-8")


def propfind_body(properties: Iterable[str]) -> str:
    """Asks for these properties; those without a namespace are WebDAV's."""
    body = element(f"{DAV}propfind")
    wanted = element(f"{DAV}prop", body)
    for name in properties:
        element(name if name.startswith("{") else f"{DAV}{name}", wanted)
    return printed(body)


def cards_wanted(tag: str) -> etree._Element:
    """The beginning of a report that asks for cards."""
    body = element(tag)
    wanted = element(f"{DAV}prop", body)
    element(f"{DAV}getetag", wanted)
    element(f"{CARD}address-data", wanted)
    return body


def checked(content: bytes) -> None:
    """Raises ValueError for what is no XML, or has a document type: nobody needs entities here."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        raise ValueError("it is no XML") from None
    if root.getroottree().docinfo.doctype:
        raise ValueError("its XML has a document type")


def responses(tree: etree._Element | None) -> list[etree._Element]:
    """The responses of a multistatus."""
    return [] if tree is None else list(tree.iter(f"{DAV}response"))


def properties_of(response: etree._Element) -> dict[str, etree._Element]:
    """The properties that were found, by their tags."""
    found: dict[str, etree._Element] = {}
    for part in response.findall(f"{DAV}propstat"):
        if status_of(part) == 200:
            found |= {str(item.tag): item for item in part.findall(f"{DAV}prop/*")}
    return found


def status_of(response: etree._Element) -> int:
    """Of a response or a propstat; 200 where none is named."""
    words = (response.findtext(f"{DAV}status") or "").split()
    return int(words[1]) if len(words) > 1 and words[1].isdecimal() else 200


def text_of(response: etree._Element | None, tag: str) -> str:
    """The text of a child; empty where there is none."""
    return ((response.findtext(tag) if response is not None else "") or "").strip()


def value_of(properties: dict[str, etree._Element], tag: str) -> str:
    """The text of a property; empty where there is none."""
    found = properties.get(tag)
    return "" if found is None else (found.text or "").strip()


def links_of(found: Iterable[etree._Element], tag: str) -> list[str]:
    """The addresses in a property of these responses."""
    links = [
        (link.text or "").strip()
        for item in found
        if (holder := properties_of(item).get(tag)) is not None
        for link in holder.findall(f"{DAV}href")
    ]
    return [link for link in dict.fromkeys(links) if link]
