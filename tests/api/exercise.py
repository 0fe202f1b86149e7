# SPDX-License-Identifier: Apache-2.0
"""Each response that openapi.yaml documents, asked for and got.

exercise.py OPENAPI ANSWERS URL LIMITED DOWN: a service; one that takes hardly any requests of an
address; one without a database. Writes what it got to the file ANSWERS. Ends with status 1 when a
response did not come.
"""
import http.client
import json
import sys
import urllib.parse

import operations

TOKENS = {"metrics": "metrics-token", "viewer": "viewer-token", "auditor": "auditor-token", "operator": "operator-token"}
BELOW = {"viewer": "metrics", "auditor": "viewer", "operator": "auditor"}
BODIES = {"/v1/limits": {"transformer": "T1", "phase_w": 1000, "reason": "test", "until": "2026-01-14T19:00:00Z"}}
REASON = "?reason=test"


def ask(url, method, path, token=None, headers=None, body=None):
    connection = http.client.HTTPConnection(url, timeout=10)
    headers = dict(headers or {})
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection.request(method.upper(), path, body, headers)
    answer = connection.getresponse()
    # The stream has no end: its beginning will do.
    text = answer.read(200) if answer.getheader("Content-Type", "").startswith("text/event-stream") else answer.read()
    connection.close()
    return answer.status, answer.getheader("Content-Type", ""), text.decode(), dict(answer.getheaders())


def body_of(operation):
    body = BODIES.get(operation.path) if operation.method == "post" else None
    return (json.dumps(body), {"Content-Type": "application/json"}) if body else (None, {})


def questions(operation, status, urls):
    """How to get that status: (url, path, token, headers, body)"""
    path, token = operations.fill(operation.path), TOKENS.get(operation.role)
    body, headers = body_of(operation)
    if operation.method == "delete":
        if status in (200, 204):  # one that is in force
            made = ask(urls["good"], "post", "/v1/limits", token, {"Content-Type": "application/json"},
                       json.dumps(BODIES["/v1/limits"]))
            path = f"/v1/limits/{json.loads(made[2])['number']}"
        elif status == 404:
            return urls["good"], operations.fill(operation.path, operations.UNKNOWN) + REASON, token, headers, None
        path += REASON if status != 400 else ""
    if status in (200, 201, 204):
        return urls["good"], path, token, headers, body
    if status == 304:
        etag = ask(urls["good"], operation.method, path, token)[3]["ETag"]
        return urls["good"], path, token, {"If-None-Match": etag}, None
    if status == 400:
        return urls["good"], path + ("" if body or operation.method == "delete" else "?no-such=1"), token, headers, "{" if body else None
    if status == 401:
        return urls["good"], path, "nobody", headers, body
    if status == 403:
        return urls["good"], path, TOKENS[BELOW[operation.role]], headers, body
    if status == 404:
        if body:
            wrong = json.dumps({**json.loads(body), "transformer": "T9"})
            return urls["good"], path, token, headers, wrong
        return urls["good"], operations.fill(operation.path, operations.UNKNOWN), token, headers, None
    if status == 406:
        return urls["good"], path, token, {**headers, "Accept": "image/png"}, body
    if status == 415:
        return urls["good"], path, token, {"Content-Type": "text/plain"}, body
    if status == 429:
        return urls["limited"], path, token, headers, body
    if status == 503:
        return urls["down"], path, token, headers, body
    raise SystemExit(f"no way to get {status}")


def main():
    description, file = sys.argv[1:3]
    urls = {name: urllib.parse.urlsplit(url).netloc for name, url in zip(("good", "limited", "down"), sys.argv[3:])}
    answers, missing = [], 0
    for operation in operations.read(description):
        for status in operation.statuses:
            url, path, token, headers, body = questions(operation, status, urls)
            # A busy machine may be slow enough for a limited rate.
            for _ in range(20):
                got, media, text, told = ask(url, operation.method, path, token, headers, body)
                if status != 429 or got == 429:
                    break
            answers.append({"path": operation.path, "method": operation.method, "status": got, "type": media, "body": text})
            wrong = None
            if got != status:
                wrong = f"got {got}"
            elif status >= 400 and media != "application/problem+json":
                wrong = f"type {media}"
            elif status in (429, 503) and not told.get("Retry-After", "").isdigit() and operation.path != "/readyz":
                wrong = "no Retry-After"
            elif status == 401 and "WWW-Authenticate" not in told:
                wrong = "no WWW-Authenticate"
            if wrong:
                missing += 1
                print(f"{operation.method} {operation.path} {status}: {wrong}: {text[:200]}")
    json.dump(answers, open(file, "w", encoding="utf-8"))
    print(f"{len(answers)} documented responses, {missing} did not come")
    sys.exit(1 if missing or len(answers) < 250 else 0)


main()
