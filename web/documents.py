"""The committed descriptions of the interfaces, as the server hands them out."""

from functools import cache
from importlib.resources import files

import msgspec
import yaml

from contracts.routes import DocumentVersion


@cache
def openapi_document(version: DocumentVersion) -> bytes:
    """OpenAPI as JSON."""
    return _json("contracts", "openapi.yaml" if version == "3.1" else "openapi-3.0.yaml")


@cache
def asyncapi_document() -> bytes:
    """AsyncAPI as JSON."""
    return _json("asyncapi", "asyncapi.yaml")


def _json(package: str, name: str) -> bytes:
    return msgspec.json.encode(yaml.load((files(package) / name).read_bytes(), Loader=yaml.CSafeLoader))
