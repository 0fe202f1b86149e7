# SPDX-License-Identifier: Apache-2.0
"""2,000 requests that nobody should send: each is refused by a 4xx with a problem document, also where
it is no HTTP at all, alone or behind a good one on the same connection. Octets that end before a
request does may be answered by nothing; whatever comes is of that form.

malformed.py OPENAPI URL SEED
"""
import concurrent.futures
import http.client
import json
import random
import socket
import sys
import urllib.parse

import operations

ASKED, RAW = 1600, 400
TOKEN = "operator-token"


def garbage(dice, most, alphabet=None):
    alphabet = alphabet or [chr(c) for c in range(33, 127) if chr(c) not in "#?&=%"]
    return "".join(dice.choice(alphabet) for _ in range(dice.randint(1, most)))


WRONG = {  # values that no parameter of that name takes
    "limit": ["0", "1001", "-1", "1e3", "ten", "", "99999999999999999999", "0x10", "1 ", "+1"],
    "cursor": ["!", "AAAA", "bGlzdA", "a" * 201, "%F0%9F%98%80", "..%2F", "cHJvZmlsZXMKMQox"],
    "format": ["xml", "CSV", "", "json,csv"],
    "from": ["yesterday", "2026-13-01T00:00:00Z", "2026-01-14", "1768407300", "2026-01-14T16:15:00", "0000-00-00T00:00:00Z",
             "2026-02-30T00:00:00Z", "9999-99-99T99:99:99Z", ""],
    "state": ["lost", "applied'--", "APPLIED", "", "planned%20queued"],
    "meter": ["E1%27", "E1;drop", "%00", "x" * 49, "", "E%201"],
    "connection": ["123", "8716871200000000111", "87168712000000001x", ""],
    "feeder": ["..", "%2e%2e", "F1%0a", "-F1", "x" * 65, ""],
    "transformer": ["T1'", "%27%20or%201=1", "", "T%001"],
    "charger": ["C01%5c", "%ff", ""],
    "kind": ["x", "access.", ".x", "a.b.c", "A.b", ""],
    "subject": ["%0a", "%ff%fe", "x" * 201, ""],
    "program": ["%1b[2J", "%c3%a9", ""],
    "cause": ["%7f", "x" * 201, ""],
    "online": ["1", "yes", "TRUE", ""],
    "mode": ["offline", "Own", ""],
    "congested": ["maybe", "0", ""],
    "at": ["now", "2026-01-14T25:00:00Z", ""],
}
WRONG["to"] = WRONG["from"]
WRONG["all"] = WRONG["congested"]
WRONG["reason"] = WRONG["subject"]


def wrong_value(dice, operation):
    name = dice.choice(operation.query)
    return operations.fill(operation.path) + f"?{name}={dice.choice(WRONG[name])}", {}, "GET", None


def unknown_parameter(dice, operation):
    name = garbage(dice, 12, "abcdefghijklmnopqrstuvwxyz_-.[]")
    return operations.fill(operation.path) + f"?x{urllib.parse.quote(name)}={garbage(dice, 8, '0123456789')}", {}, "GET", None


def twice(dice, operation):
    name = dice.choice(operation.query)
    return operations.fill(operation.path) + f"?{name}=1&{name}=2", {}, "GET", None


def no_such_thing(dice, operation):
    if "{" not in operation.path:
        return operation.path + "/" + urllib.parse.quote(garbage(dice, 20), safe=""), {}, "GET", None
    odd = dice.choice(["%00", "%ff%fe", "..", "%2e%2e%2f%2e%2e", "'%20or%20'1'='1", "%0d%0aX:%20y", "%7b%7d", "*",
                       "x" * dice.randint(65, 3000), garbage(dice, 30), "%f0%9f%92%a9", "-1", "NaN"])
    head, tail = operation.path.split("{")[0], operation.path.split("}")[1]
    return head + odd.replace("?", "").replace("#", "") + tail, {}, "GET", None


def wrong_method(dice, operation):
    return operations.fill(operation.path), {}, dice.choice(["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW", "get", "PROPFIND"]), \
        garbage(dice, 300) if dice.random() < 0.5 else None


def not_acceptable(dice, operation):
    accept = dice.choice(["image/png", "text/html;q=0", "application/*;q=0, text/*;q=0, */*;q=0", ";;;", ",", "application/xml",
                          "q=1", "\x80\xff", "application/jsonx", "a" * 2000])
    return operations.fill(operation.path), {"Accept": accept}, "GET", None


def wrong_token(dice, operation):
    token = dice.choice(["", "Bearer", "Bearer ", "Basic dmlld2VyOg==", "Bearer " + "x" * 600, "Bearer a b", "bearer\ttab",
                         "Bearer \x00", "Bearer viewer-token;", "Bearer 'x'", "Bearer " + garbage(dice, 80), "\xff\xfe"])
    return operations.fill(operation.path), {"Authorization": token.replace("\x00", "")}, "GET", None


def too_long(dice, operation):
    return operations.fill(operation.path) + "?limit=" + "1" * dice.randint(8000, 12000), {}, "GET", None


def too_many_headers(dice, operation):
    return operations.fill(operation.path), {f"X-{i}": "y" for i in range(dice.randint(70, 200))}, "GET", None


def too_large(dice, operation):
    return operations.fill(operation.path), {}, "POST", "x" * dice.randint(65537, 90000)


WAYS = [wrong_value] * 4 + [no_such_thing] * 3 + [unknown_parameter, twice, wrong_method, not_acceptable, wrong_token, too_long,
                                                  too_many_headers, too_large]


GOOD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
WHOLE = [octets.replace(b"PATH", path) for path in (b"/v1/profiles", b"/v1/events", b"/", b"/healthz") for octets in (
    b"GET PATH HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET PATH HTTP/0.9\r\nHost: x\r\n\r\n",
    b"GET PATH HTTP/1.1\r\n\r\n",
    b"GET PATH HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"GET PATH HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    b"POST PATH HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    b"POST PATH HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    b"GET PATH HTTP/1.1\r\n: no name\r\n\r\n",
    b"GET PATH HTTP/1.1\r\nno colon\r\n\r\n",
    b"GET /" + b"x" * 50000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET PATH HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 50000 + b"\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
)]


def raw(dice):
    """Octets that may or may not be the beginning of a request; some behind one that is."""
    octets = bytes(dice.randrange(256) for _ in range(dice.randint(1, 400)))
    path = dice.choice([b"/v1/profiles", b"/v1/events", b"/", b"/healthz"])
    if dice.random() < 0.5:
        return dice.choice(WHOLE)
    if dice.random() < 0.2:
        return GOOD + dice.choice([octets, octets + b"\r\n\r\n", dice.choice(WHOLE)])
    return dice.choice([
        octets,
        b"GET " + octets + b" HTTP/1.1\r\n\r\n",
        b"GET " + path + b" HTTP/1.1\r\n" + octets + b"\r\n\r\n",
        b"GET " + path + b"\r\n\r\n",
        b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"GET " + b"/" * dice.randint(20000, 60000) + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + octets,  # a TLS hello
        b"\r\n" * dice.randint(1, 50) + octets,
    ])


def ask(netloc, method, path, headers, body):
    connection = http.client.HTTPConnection(netloc, timeout=10)
    connection.putrequest(method, path, skip_accept_encoding=True)
    if "Authorization" not in headers:
        connection.putheader("Authorization", f"Bearer {TOKEN}")
    for name, value in headers.items():
        connection.putheader(name, value.encode("latin-1"))
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    try:
        connection.endheaders(body.encode() if body is not None else None)
    except (BrokenPipeError, ConnectionResetError):
        pass  # refused before all of it was sent: the answer may be there
    try:
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type", ""), answer.read()
    except (ConnectionResetError, http.client.RemoteDisconnected):
        return 0, "", b""
    finally:
        connection.close()


def send_raw(host, port, octets):
    """What is answered; nothing where the service closes, or waits for the rest as it may."""
    answer = b""
    with socket.create_connection((host, port), timeout=2) as stream:
        try:
            stream.sendall(octets)
            while len(answer) < 1 << 20 and (piece := stream.recv(65536)):
                answer += piece
        except OSError:
            pass
    return answer


def split(answer):
    """Status, type and body of each answer, which stand there without a gap and without a rest."""
    answers = []
    while answer:
        head, _, rest = answer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        status = int(lines[0][9:12]) if lines[0].startswith("HTTP/1.1 ") and lines[0][9:12].isdigit() else 0
        length = int(headers.get("content-length", -1))
        whole = 0 <= length <= len(rest)
        text = rest[:length].decode() if whole else ""
        try:
            json.loads(text)
        except ValueError:
            status = 0
        answers.append((status, headers.get("content-type", ""), text))
        answer = rest[length:] if whole else b""
    return answers


def main():
    known = [o for o in operations.read(sys.argv[1]) if o.method == "get" and o.path.startswith("/v1/") and o.path != "/v1/stream"]
    url = urllib.parse.urlsplit(sys.argv[2])
    dice = random.Random(int(sys.argv[3]))
    faults, statuses = [], {}
    for _ in range(ASKED):
        operation, way = dice.choice(known), dice.choice(WAYS)
        while way in (wrong_value, twice) and not operation.query:
            operation = dice.choice(known)
        path, headers, method, body = way(dice, operation)
        # The client library minds some of these; the service has to as well, so past its checks.
        http.client._contains_disallowed_url_pchar_re = http.client.re.compile("[\0]")
        status, media, text = ask(url.netloc, method, path, headers, body)
        statuses[status] = statuses.get(status, 0) + 1
        closed = status == 0 and way is too_large
        if not closed and not (400 <= status < 500 and media == "application/problem+json" and b"urn:socmod:problem:" in text):
            faults.append(f"{way.__name__}: {method} {path[:200]} {str(headers)[:100]}: {status} {media} {text[:100]}")
    pieces = [raw(dice) for _ in range(RAW)]
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        got = list(pool.map(lambda octets: send_raw(url.hostname, url.port, octets), pieces))
    for octets, answer in zip(pieces, got):
        answers = split(answer)
        if answers and octets.startswith(GOOD):
            is_fine = answers.pop(0)[0] == 200
        else:
            is_fine = not octets.startswith(GOOD)
        statuses[answers[0][0] if answers else 0] = statuses.get(answers[0][0] if answers else 0, 0) + 1
        is_fine &= all(400 <= status < 500 and media == "application/problem+json" and "urn:socmod:problem:" in text
                       for status, media, text in answers)
        if not is_fine or (octets in WHOLE and not answers):
            faults.append(f"raw: {octets[:100]!r}: {answer[-400:]!r}")
    for fault in faults[:20]:
        print(fault)
    print(f"{ASKED + RAW} requests, {len(faults)} faults; statuses (0: closed) {dict(sorted(statuses.items()))}")
    sys.exit(1 if faults else 0)


main()
