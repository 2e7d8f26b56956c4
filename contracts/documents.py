"""How the documents are written: YAML in the order of the builders, without anchors."""

from typing import Final

import yaml

from contracts.schemas import Json

HEAD: Final = "# Made by `callannotate contracts`; do not edit by hand.\n"


class _Dumper(yaml.SafeDumper):
    """Writes what occurs twice twice: anchors are hard to read, and not every reader of OpenAPI follows them."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def to_yaml(document: Json) -> str:
    """The document as a file."""
    return HEAD + yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
