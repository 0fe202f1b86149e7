#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long from a telegram's last octet to the write of the register: p99 over many changes.

  gateway_delay.py FOLDER P1-PORT CHARGER-PORT CHANGES

Two messages take turns; the gateway must take each at its first telegram (repeats = 1)."""
import os
import select
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../system'))
import pole as poles  # noqa: E402

MESSAGE = ('{"Header":{"Action":"EBGDirectControl","ValidFrom":"%s","ValidTo":"%s"},'
           '"Body":{"Period":[{"Start":"%s","MxPwr":%d}]}}')


def main():
    folder, changes = sys.argv[1], int(sys.argv[4])
    pole = poles.Pole(folder)
    p1, charger = poles.Port(sys.argv[2]), poles.Port(sys.argv[3])
    start, end = (poles.stamp(time.time() + s).decode() for s in (-60, 3600))
    delays, sent, wanted, due = [], None, None, time.monotonic() + 0.2
    while len(delays) < changes:
        fds = [fd for p in (p1, charger) for fd in (p.fd, p.server) if fd is not None]
        ready, _, _ = select.select(fds, [], [], max(0, due - time.monotonic()))
        for port in (p1, charger):
            if port.server in ready:
                port.accept()
            elif port.fd in ready:
                port.read()
        poles.serve_modbus(charger, pole)
        if sent and pole.registers.get(0) == wanted:
            delays.append(time.monotonic() - sent)
            sent = None
        if time.monotonic() >= due and p1.fd is not None and charger.fd is not None:
            due = time.monotonic() + 0.01
            if sent is None:
                wanted = 50 if wanted == 60 else 60
                text = MESSAGE % (start, end, start, 100 * wanted)
                pole.message = text.encode().hex().upper().encode()
                telegram = pole.telegram()
                sent = time.monotonic()
                p1.write(telegram)
    delays.sort()
    print('telegram_to_register_p50_ms %.2f ms' % (1000 * delays[len(delays) // 2]))
    print('telegram_to_register_p99_ms %.2f ms' % (1000 * delays[len(delays) * 99 // 100]))


main()
