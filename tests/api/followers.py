# SPDX-License-Identifier: Apache-2.0
"""Many followers of /v1/stream at once, from one process.

followers.py HOST PORT TOKEN COUNT: prints "all here" when each has heard the clock, then, for each
word of standard input, how long it took until the last of them heard a change with that word.
"""
import selectors
import socket
import sys
import time

host, port, token, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
REQUEST = f"GET /v1/stream HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
selector = selectors.DefaultSelector()
heard = {}


def wait_for(word, seconds):
    """Until each has heard word since it was last forgotten."""
    missing = {stream for stream, text in heard.items() if word not in text}
    until = time.monotonic() + seconds
    while missing and time.monotonic() < until:
        for key, _ in selector.select(0.5):
            piece = key.fileobj.recv(65536)
            if not piece:
                raise SystemExit(f"a follower was let go: {heard[key.fileobj][-200:]}")
            heard[key.fileobj] += piece
            if word in heard[key.fileobj]:
                missing.discard(key.fileobj)
    if missing:
        raise SystemExit(f"{len(missing)} of {count} did not hear {word}: {next(iter(missing)) and heard[next(iter(missing))][-200:]}")


for _ in range(count):
    stream = socket.create_connection((host, port))
    stream.sendall(REQUEST)
    heard[stream] = b""
    selector.register(stream, selectors.EVENT_READ)
wait_for(b"event: clock", 30)
print("all here", flush=True)
for line in sys.stdin:
    for stream in heard:
        heard[stream] = b""
    began = time.monotonic()
    print("listening", flush=True)
    wait_for(b'"' + line.strip().encode() + b'"', 30)
    print(f"{line.strip()} heard by {count} within {time.monotonic() - began:.2f} s", flush=True)
