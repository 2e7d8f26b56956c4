"""The Postman collection (v2.1) of the REST interface, built from the OpenAPI document, with tests in it.

Every operation is a request, every tag a folder; what deletes stands in a folder of its own at the end, so that all can
be run in a row. Ids travel from answer to request by the links of the document, as variables of the collection.
`openapi-to-postmanv2` makes requests of random words, from which nothing follows for the next, and no tests.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from contracts.openapi import LINKS, openapi_document
from contracts.schemas import Json

SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
TYPES: Final = "schemas"
"""The variable with the schemas of all bodies."""
FILES: Final = {"createJob": "call.wav", "createTranscription": "call.wav", "createTranslation": "call.wav"}
"""What is uploaded, in the folder of files that Postman is told of; else `voice.wav`."""
EXAMPLES: Final = {"speaker_id": "speaker_1"}
"""Of path parameters that no answer gives."""
AFTER: Final = "Cleaning up"
KEYWORDS: Final = frozenset(
    {"$ref", "type", "properties", "required", "items", "enum", "const", "anyOf", "oneOf", "allOf", "minimum",
     "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "additionalProperties", "prefixItems"}
)  # fmt: skip
"""Of JSON Schema, as far as they check something that Postman knows how to check."""
AUTHORISE: Final = """\
const key = pm.variables.get("apiKey");
if (key) pm.request.headers.upsert({ key: "Authorization", value: `Bearer ${key}` });"""
CHECK: Final = """\
const schemas = JSON.parse(pm.collectionVariables.get("schemas"));
const name = documented[pm.response.code];
pm.test("the status is one that the document names", () => pm.expect(documented).to.have.property(pm.response.code));
pm.test("the request has an id", () => pm.expect(pm.response.headers.get("X-Request-ID")).to.match(/^req_/));
if (name) {
  const schema = { $ref: `#/components/schemas/${name}`, components: { schemas } };
  pm.test(`the body is ${name}`, () => pm.response.to.have.jsonSchema(schema));
}
const succeeded = pm.response.code < 300;
const wanted = pm.variables.get("mayFail").split(" ");
pm.test("it succeeds", () => pm.expect(succeeded || wanted.includes(pm.info.requestName)).to.be.true);"""
FOLLOW: Final = """\
if (succeeded && name) {
  const found = (path) => path.split("/").slice(1).reduce((value, key) => value?.[key], pm.response.json());
  for (const [variable, path] of Object.entries(links)) {
    if (found(path) !== undefined) pm.collectionVariables.set(variable, found(path));
  }
}"""
WAIT: Final = """\
if (succeeded && ["queued", "processing"].includes(pm.response.json().status)) {
  setTimeout(() => {}, 500);
  pm.execution.setNextRequest(pm.info.requestName);
}"""


def postman_collection() -> str:
    """The file."""
    document: Any = openapi_document()
    folders: dict[str, list[Json]] = {name: [] for name in (*(tag["name"] for tag in document["tags"]), AFTER)}
    operations = list(_operations(document))
    variables = {name: str(value) for *_, operation in operations for name, value in _ids(operation)}
    # The deeper the path, the earlier: nothing is left of a voice's samples once the voice is gone.
    for method, path, operation in sorted(operations, key=lambda found: -found[1].count("/") * (found[0] == "delete")):
        folders[AFTER if method == "delete" else operation["tags"][0]].append(_request(method, path, operation))
    collection = {
        "info": {
            "name": document["info"]["title"],
            "description": f"{document['info']['summary']}. Made by `callannotate contracts`; see docs/clients.md.",
            "version": document["info"]["version"],
            "schema": SCHEMA,
        },
        "variable": [
            {"key": "baseUrl", "value": "http://127.0.0.1:8000", "description": "Of the server"},
            {"key": "apiKey", "value": "", "description": "Where the server wants one"},
            {"key": "mayFail", "value": "", "description": "Operations that need what the server does not have"},
            *({"key": name, "value": value} for name, value in sorted(variables.items())),
            {"key": TYPES, "value": json.dumps(_checkable(document["components"]["schemas"]), separators=(",", ":"))},
        ],
        "event": [_event("prerequest", AUTHORISE)],
        "item": [{"name": name, "item": items} for name, items in folders.items() if items],
    }
    return json.dumps(collection, ensure_ascii=False, indent=2) + "\n"


def _operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def _ids(operation: Any) -> Iterator[tuple[str, object]]:
    """Names and first values of what stands in the path."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            yield parameter["name"], EXAMPLES.get(parameter["name"], parameter["example"])


def _request(method: str, path: str, operation: Any) -> Json:
    written = path.replace("{", "{{").replace("}", "}}")
    parameters = operation.get("parameters", ())
    query = [
        {"key": p["name"], "value": str(p["example"]), "description": p["description"], "disabled": not p["required"]}
        for p in parameters
        if p["in"] == "query"
    ]
    headers = [
        {"key": p["name"], "value": str(p["example"]), "description": p["description"], "disabled": not p["required"]}
        for p in parameters
        if p["in"] == "header"
    ]
    request: Json = {
        "method": method.upper(),
        "description": operation.get("description", operation["summary"]),
        "url": {
            "raw": "{{baseUrl}}" + written,
            "host": ["{{baseUrl}}"],
            "path": written.strip("/").split("/"),
            "query": query,
        },
        "header": headers,
    }
    body = _body(operation)
    if body is not None:
        request["body"] = body
        if body["mode"] == "raw":
            request["header"] = [*headers, {"key": "Content-Type", "value": "application/json"}]
    return {"name": operation["operationId"], "event": [_event("test", _tests(operation))], "request": request}


def _body(operation: Any) -> Json | None:
    content = operation.get("requestBody", {}).get("content", {})
    schemas: Any = openapi_document()["components"]
    if "multipart/form-data" in content:
        form = content["multipart/form-data"]["schema"]
        if metadata := form["properties"].get("metadata"):
            example = schemas["schemas"][metadata["$ref"].rsplit("/", 1)[1]]["examples"][0]
            fields = {"metadata": json.dumps(example, ensure_ascii=False)}
        else:
            example = schemas["schemas"][form["title"]]["examples"][0]
            fields = {name: value for name, value in example.items() if value and isinstance(value, str)}
        file = FILES.get(operation["operationId"], "voice.wav")
        return {
            "mode": "formdata",
            "formdata": [
                *({"key": name, "type": "text", "value": value} for name, value in fields.items()),
                {"key": "file", "type": "file", "src": file},
            ],
        }
    if "application/json" in content:
        reference = content["application/json"]["schema"]["$ref"]
        example = schemas["schemas"][reference.rsplit("/", 1)[1]]["examples"][0]
        options = {"raw": {"language": "json"}}
        return {"mode": "raw", "raw": json.dumps(example, ensure_ascii=False, indent=2), "options": options}
    return None


def _tests(operation: Any) -> str:
    """The script: the status and its body's schema, then what the next requests need."""
    documented = {status: _schema_name(answer.get("content", {})) for status, answer in operation["responses"].items()}
    name = operation["operationId"]
    links = {
        variable: source.removeprefix("$response.body#")
        for _, sources in LINKS.get(name, ())
        for variable, source in sources.items()
        if source.startswith("$response.body#")
    }
    lines = [f"const documented = {json.dumps(documented)};", CHECK]
    # A list may begin with what another program has made: its links are for people.
    if links and not name.startswith(("list", "getQueue")):
        lines += [f"const links = {json.dumps(links)};", FOLLOW]
    if name == "getJob":
        lines.append(WAIT)
    return "\n".join(lines)


def _schema_name(content: Any) -> str | None:
    schema = content.get("application/json", {}).get("schema", {})
    return str(schema["$ref"]).rsplit("/", 1)[1] if "$ref" in schema else None


def _event(listen: str, script: str) -> Json:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": script.split("\n")}}


def _checkable(schema: Any, inside: bool = False) -> Any:
    """A schema, or a mapping to some, without what only people read and what Postman's validator stumbles over."""
    if isinstance(schema, list):
        return [_checkable(item, True) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if not inside:
        return {name: _checkable(value, True) for name, value in schema.items()}
    return {
        key: _checkable(value, key not in {"properties"}) if key not in {"enum", "const", "required"} else value
        for key, value in schema.items()
        if key in KEYWORDS
    }
