#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One Modbus request, over TCP or on a serial device.

usage: modbus.py PORT|DEVICE hold|input|write|raw ADDRESS [COUNT|VALUE|HEX] [UNIT]

Prints the registers, "exception N", "silence" or "closed". raw sends the PDU given as hex in
place of ADDRESS and prints the answer as hex.
"""
import os
import select
import socket
import struct
import sys


def crc(octets):
    value = 0xFFFF
    for octet in octets:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return struct.pack("<H", value)


def over_tcp(port, unit, pdu):
    with socket.create_connection(("127.0.0.1", port), 10) as link:
        link.settimeout(4)
        link.sendall(struct.pack(">HHHB", 0x1234, 0, len(pdu) + 1, unit) + pdu)
        answer = b""
        while len(answer) < 6 or len(answer) < 6 + struct.unpack(">H", answer[4:6])[0]:
            part = link.recv(512)
            if not part:
                return None
            answer += part
        assert answer[:4] == b"\x12\x34\0\0" and answer[6] == unit, answer.hex()
        return answer[7:]


def on_line(device, unit, pdu):
    frame = bytes([unit]) + pdu
    fd = os.open(device, os.O_RDWR | os.O_NOCTTY)
    os.write(fd, frame + crc(frame))
    answer = b""
    while select.select([fd], [], [], 0.3 if answer else 4)[0]:
        answer += os.read(fd, 512)
    os.close(fd)
    if not answer:
        raise socket.timeout
    assert crc(answer[:-2]) == answer[-2:] and answer[0] == unit, answer.hex()
    return answer[1:-2]


def main(where, what, address, value="1", unit="1"):
    if what == "raw":
        pdu = bytes.fromhex(address)
        unit = value
    else:
        function = {"hold": 3, "input": 4, "write": 6}[what]
        pdu = struct.pack(">BHH", function, int(address, 0), int(value, 0))
    send = over_tcp if where.isdigit() else on_line
    try:
        answer = send(int(where) if where.isdigit() else where, int(unit), pdu)
    except socket.timeout:
        return "silence"
    except ConnectionError:
        return "closed"
    if answer is None:
        return "closed"
    if answer[0] & 0x80:
        return "exception %d" % answer[1]
    if what == "raw":
        return answer.hex()
    words = answer[3:] if what == "write" else answer[2:]
    return " ".join(str(word) for (word,) in struct.iter_unpack(">H", words))


print(main(*sys.argv[1:]))
