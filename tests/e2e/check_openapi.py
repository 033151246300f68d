#!/usr/bin/env python3
"""Holds src/admin/openapi.json, as a daemon serves it, against what that daemon answers.

    check_openapi.py URL LINK

LINK is a link of the daemon that is up. Every operation of the document is called, most of them also
so that they fail; each answer must have a status that the document knows and a body of its schema.
Ends with 1 and a line per contradiction.
"""

import http.client
import json
import sys
from urllib.parse import urlsplit

import jsonschema

URL, LINK = urlsplit(sys.argv[1]), sys.argv[2]
faults = []
called = set()


def request(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(URL.hostname, URL.port, timeout=60)
    headers = dict(headers or {})
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    if answer.headers.get_content_type() == "text/event-stream":
        text = "".join(answer.readline().decode() for _ in range(3))
        connection.close()
        return answer, text
    return answer, answer.read().decode()


document = json.loads(request("GET", "/api/v1/openapi.json")[1])
jsonschema.Draft202012Validator.check_schema({"$defs": document["components"]["schemas"]})


def check(schema, value, where):
    whole = {**schema, "components": document["components"]}
    validator = jsonschema.Draft202012Validator(
        whole, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    for fault in validator.iter_errors(value):
        faults.append(f"{where}: {'/'.join(map(str, fault.absolute_path))}: {fault.message}")


def call(method, path, expected, body=None, query="", headers=None, name=LINK):
    """Calls an operation of the document; answers headers and body."""
    where = f"{method} {path}{query}"
    operation = document["paths"][path][method.lower()]
    called.add((method.lower(), path))
    answer, text = request(method, path.replace("{name}", name) + query, body, headers)
    if answer.status != expected:
        faults.append(f"{where}: {answer.status}, not {expected}: {text}")
    described = operation["responses"].get(str(answer.status))
    if described is None:
        faults.append(f"{where}: status {answer.status} is not in the document")
        return answer, None
    for header in described.get("headers", {}):
        if header not in answer.headers:
            faults.append(f"{where}: no {header}")
    content = described.get("content")
    if content is None:
        if text:
            faults.append(f"{where}: a body where none is described")
        return answer, None
    kind = answer.headers.get_content_type()
    if kind not in content:
        faults.append(f"{where}: {kind} is not in the document")
        return answer, None
    if kind == "text/event-stream":
        event, data, end = text.splitlines(keepends=True)
        if event != "event: status\n" or not data.startswith("data: ") or end != "\n":
            faults.append(f"{where}: not an event: {text[:100]}")
        check({"$ref": "#/components/schemas/Status"}, json.loads(data[6:]), where)
        return answer, None
    value = json.loads(text)
    check(content[kind]["schema"], value, where)
    return answer, value


API = "/api/v1/"
ONE = API + "links/{name}"

call("GET", API + "openapi.json", 200)
call("GET", API + "status", 200)
call("GET", API + "status", 403, headers={"Origin": "http://evil.example"})
call("GET", API + "status", 421, headers={"Host": "evil.example"})
call("GET", API + "events", 200)
call("GET", API + "links", 200)
call("GET", ONE, 200)
call("GET", ONE, 404, name="nobody")
call("GET", ONE + "/interest", 200)
call("GET", ONE + "/interest", 200, query="?limit=1")
call("GET", ONE + "/interest", 400, query="?limit=0")
call("GET", ONE + "/metrics", 200)
call("GET", ONE + "/metrics", 404, name="nobody")
call("GET", API + "explain", 200, query="?topic=a%2Fb")
call("GET", API + "explain", 400, query="?topic=%23")
call("POST", ONE + "/test", 200)
call("POST", ONE + "/test", 404, name="nobody")

# A link from its creation to its end.
new = {"name": "nowhere", "server": "mqtt://127.0.0.1:1", "topics": ["a/#"], "password": "hidden"}
call("POST", API + "links", 400, body="{")
call("POST", API + "links", 415, body="{}", headers={"Content-Type": "text/plain"})
call("POST", API + "links", 413, body='{"name": "' + "x" * 70_000 + '"}')
call("POST", API + "links", 422, body={**new, "topics": ["a/#/b"]})
answer, link = call("POST", API + "links", 201, body=new)
call("POST", API + "links", 409, body=new)
if link["password"] != "******":
    faults.append("a password is shown")
etag = answer.headers["ETag"]
call("PUT", ONE, 412, body=link, headers={"If-Match": '"other"'}, name="nowhere")
answer, again = call("PUT", ONE, 200, body=link, headers={"If-Match": etag}, name="nowhere")
if answer.headers["ETag"] != etag:
    faults.append("sent back as it was shown, a link changed")
call("PUT", ONE, 200, body={**link, "accept": None, "topics": []}, name="nowhere")
call("PUT", ONE, 422, body={**link, "colour": "red"}, name="nowhere")
call("PUT", ONE, 404, body=new, name="nobody")
for action in ("disable", "enable"):
    call("POST", ONE + "/" + action, 200, name="nowhere")
    call("POST", ONE + "/" + action, 412, name="nowhere", headers={"If-Match": etag})
for action in ("pause", "resume", "purge", "enable", "disable"):
    call("POST", ONE + "/" + action, 404, name="nobody")
for action in ("pause", "resume", "purge", "test"):
    call("POST", ONE + "/" + action, 200, name="nowhere")
call("DELETE", ONE, 412, name="nowhere", headers={"If-Match": etag})
call("DELETE", ONE, 204, name="nowhere")
call("DELETE", ONE, 404, name="nowhere")
call("POST", API + "reload", 200)

methods = {"get", "put", "post", "delete"}
for path, operations in document["paths"].items():
    for method in methods & operations.keys():
        if (method, path) not in called:
            faults.append(f"{method} {path}: in the document, but never called here")

print("\n".join(faults) or f"{len(called)} operations as described")
sys.exit(1 if faults else 0)
