"""The descriptions of the interfaces, as the server hands them out; those in the tree are the same."""

from functools import cache

import msgspec

from asyncapi.builder import asyncapi_document
from contracts.openapi import openapi_document
from contracts.openapi_30 import openapi_30_document
from contracts.parameters import DocumentVersion


@cache
def openapi_json(version: DocumentVersion) -> bytes:
    """OpenAPI."""
    return msgspec.json.encode(openapi_document() if version == "3.1" else openapi_30_document())


@cache
def asyncapi_json() -> bytes:
    """AsyncAPI."""
    return msgspec.json.encode(asyncapi_document())
