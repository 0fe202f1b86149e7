#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Read P1 telegrams from a TCP port or a device, checking each sum.

usage: telegram.py PORT|DEVICE [COUNT [FIELD...]]

Prints COUNT telegrams (1), one line each: the values of the OBIS codes given as FIELD, or of
"text" (0-0:96.13.0 decoded), "time", or "crc", separated by blanks; without FIELD the telegram.
"""
import os
import re
import socket
import sys


def crc(octets):
    value = 0
    for octet in octets:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return "%04X" % value


def parts(where):
    if where.isdigit():
        with socket.create_connection(("127.0.0.1", int(where)), 5) as link:
            while True:
                yield link.recv(4096)
    fd = os.open(where, os.O_RDWR | os.O_NOCTTY)
    while True:
        yield os.read(fd, 4096)


def telegrams(where):
    buffer = b""
    for part in parts(where):
        if not part:
            sys.exit("the line was closed")
        buffer += part
        while True:
            found = re.search(rb"(/.*?\r\n!)([0-9A-F]{4})\r\n", buffer, re.S)
            if not found:
                break
            buffer = buffer[found.end():]
            yield found


def field(telegram, name, good):
    if name == "crc":
        return "ok" if good else "bad"
    code = {"text": "0-0:96.13.0", "time": "0-0:1.0.0"}.get(name, name)
    found = re.search(r"^%s\((.*)\)\r$" % re.escape(code), telegram, re.M)
    if not found:
        return "-"
    return bytes.fromhex(found[1]).decode() if name == "text" else found[1]


def main(where, count="1", *names):
    for i, found in enumerate(telegrams(where), 1):
        good = crc(found[1]) == found[2].decode()
        if not good and "crc" not in names:
            sys.exit("wrong sum")
        text = found[1].decode()
        print(" ".join(field(text, name, good) for name in names) if names else text, flush=True)
        if i == int(count):
            return


main(*sys.argv[1:])
