#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The meter and the charger of one pole, both as bad as a test wants them.

  pole.py FOLDER [P1] [CHARGER]

P1 and CHARGER are TCP ports on 127.0.0.1, or serial devices (a pty of socat). Commands come as
lines through the named pipe FOLDER/tell, and FOLDER/told counts those done:

  text TEXT       the message on P1; nothing: an empty one      hex DIGITS   it, as digits
  flicker on|off  the last digit of what MxPwr says changes with each telegram
  no-line         no message line                               id ID        equipment identifier
  meter on|off    send telegrams or not                         crc on|off   with a right CRC or not
  clock SECONDS   the meter's clock is that much ahead          version NN   DSMR version
  power W         drawn on L1, L2 and L3
  charger on|off  answer or not             exception N|off     answer writes with it
  stuck RAW|off   read back this            forget              as after a restart: all 0
  raw HEX         octets on P1, between telegrams      period S       between telegrams
  tic CODE        from now on a French meter, with CODE as its MSG1

Every write is a line in FOLDER/writes: time in s, register, value.
"""
import os
import select
import socket
import struct
import sys
import time
import tty


def crc16(data, start):
    crc = start
    for octet in data:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def stamp(seconds):
    return time.strftime('%y%m%d%H%M%SW', time.gmtime(seconds + 3600)).encode()


class Pole:
    def __init__(self, folder):
        self.folder = folder
        self.message = b''
        self.line = True
        self.id = 'E0051000000000001'
        self.meter = self.crc = self.charger = True
        self.flicker, self.sent = False, 0
        self.clock = 0
        self.version = '50'
        self.power = 0
        self.exception = self.stuck = None
        self.registers = {3: 42, 5: 60}
        self.told = 0
        self.extra = b''
        self.code = None
        self.period = 0.1
        self.writes = open(folder + '/writes', 'a', buffering=1)

    def frame(self):
        """What a French meter sends in standard mode; its clock says the time but not the day."""
        groups = [('ADSC', self.id), ('VTIC', '02'),
                  ('DATE', 'H' + stamp(time.time() + self.clock).decode()[:12], ''),
                  ('EAST', '000123456'), ('SINSTS1', '%05d' % self.power),
                  ('SINSTS2', '%05d' % self.power), ('SINSTS3', '%05d' % self.power),
                  ('MSG1', '%-32s' % self.code), ('MSG2', ' ' * 16), ('RELAIS', '000')]
        text = ''
        for group in groups:
            body = '\t'.join(group) + '\t'
            check = (sum(body.encode()) + (not self.crc)) % 64 + 32
            text += '\n' + body + chr(check) + '\r'
        return b'\2' + text.encode() + b'\3'

    def shown(self):
        """The message, as digits."""
        if not self.flicker:
            return self.message
        text = bytes.fromhex(self.message.decode())
        at = text.index(b'}', text.index(b'"MxPwr":')) - 1
        return (text[:at] + b'%d' % (self.sent % 10) + text[at + 1:]).hex().upper().encode()

    def telegram(self):
        self.sent += 1
        if self.code is not None:
            return self.frame()
        kw = b'%02d.%03d*kW' % divmod(self.power, 1000)
        lines = [b'/ISK5\\2M550T-1012', b'',
                 b'1-3:0.2.8(%s)' % self.version.encode(),
                 b'0-0:1.0.0(%s)' % stamp(time.time() + self.clock),
                 b'0-0:96.1.1(%s)' % self.id.encode().hex().upper().encode(),
                 b'1-0:1.8.1(000123.456*kWh)', b'1-0:1.8.2(000000.000*kWh)']
        if self.line:
            lines.append(b'0-0:96.13.0(%s)' % self.shown())
        lines += [b'1-0:21.7.0(%s)' % kw, b'1-0:41.7.0(%s)' % kw, b'1-0:61.7.0(%s)' % kw]
        body = b'\r\n'.join(lines) + b'\r\n!'
        crc = crc16(body, 0) ^ (0 if self.crc else 1)
        return body + b'%04X\r\n' % crc

    def answer(self, pdu):
        """The answer to a request, without unit and envelope."""
        function, address, value = struct.unpack('>BHH', pdu[:5])
        if function == 3:
            words = [self.registers.get(address + i, 0) for i in range(value)]
            if self.stuck is not None and address == 0:
                words[0] = self.stuck
            return struct.pack('>BB%dH' % value, 3, 2 * value, *words)
        if function != 6:
            return bytes([function | 0x80, 1])
        if self.exception:
            return bytes([function | 0x80, self.exception])
        self.registers[address] = value
        self.writes.write('%.4f %d %d\n' % (time.time(), address, value))
        return pdu[:5]

    def obey(self, line):
        verb, _, argument = line.partition(' ')
        on = argument == 'on'
        number = None if argument == 'off' else argument
        if verb == 'text':
            self.message, self.line = argument.encode().hex().upper().encode(), True
        elif verb == 'hex':
            self.message, self.line = argument.encode(), True
        elif verb == 'no-line':
            self.line = False
        elif verb in ('meter', 'crc', 'charger', 'flicker'):
            setattr(self, verb, on)
        elif verb in ('clock', 'power'):
            setattr(self, verb, int(argument))
        elif verb == 'tic':
            self.code = argument
        elif verb == 'period':
            self.period = float(argument)
        elif verb in ('id', 'version'):
            setattr(self, verb, argument)
        elif verb in ('exception', 'stuck'):
            setattr(self, verb, number and int(number))
        elif verb == 'forget':
            self.registers = {3: 42, 5: 60}
        elif verb == 'raw':
            self.extra = bytes.fromhex(argument)
        else:
            sys.exit('pole.py: what is "%s"?' % line)
        self.told += 1
        with open(self.folder + '/told.new', 'w') as out:
            out.write('%d\n' % self.told)
        os.rename(self.folder + '/told.new', self.folder + '/told')


class Port:
    """A TCP server for one client at a time, or a serial device."""

    def __init__(self, where):
        self.server = self.fd = None
        self.data = b''
        if where.isdigit():
            self.server = socket.create_server(('127.0.0.1', int(where)))
        else:
            self.fd = os.open(where, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(self.fd)

    def accept(self):
        self.close()
        client, _ = self.server.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.fd = client.detach()

    def close(self):
        if self.fd is not None and self.server:
            os.close(self.fd)
            self.fd = None
        self.data = b''

    def read(self):
        try:
            data = os.read(self.fd, 4096)
        except OSError:
            data = b''
        if not data:
            self.close()
        self.data += data

    def write(self, data):
        try:
            if self.fd is not None:
                os.write(self.fd, data)
        except OSError:
            self.close()


def serve_modbus(port, pole):
    while port.server and len(port.data) >= 12:
        head, pdu, port.data = port.data[:7], port.data[7:12], port.data[12:]
        if pole.charger:
            answer = pole.answer(pdu)
            port.write(head[:4] + struct.pack('>H', len(answer) + 1) + head[6:7] + answer)
    while not port.server and len(port.data) >= 8:
        frame, port.data = port.data[:8], port.data[8:]
        if crc16(frame, 0xFFFF):
            port.data = b''
        elif pole.charger:
            answer = frame[:1] + pole.answer(frame[1:6])
            port.write(answer + struct.pack('<H', crc16(answer, 0xFFFF)))


def main():
    folder = sys.argv[1]
    pole = Pole(folder)
    p1, charger = Port(sys.argv[2]), Port(sys.argv[3])
    os.mkfifo(folder + '/tell')
    tell = os.open(folder + '/tell', os.O_RDWR | os.O_NONBLOCK)
    commands = b''
    due = time.monotonic()
    ports = (p1, charger)
    while True:
        fds = [tell] + [p.fd for p in ports if p.fd is not None]
        fds += [p.server for p in ports if p.server]
        ready, _, _ = select.select(fds, [], [], max(0, due - time.monotonic()))
        for port in ports:
            if port.server in ready:
                port.accept()
            elif port.fd in ready:
                port.read()
        serve_modbus(charger, pole)
        if tell in ready:
            commands += os.read(tell, 65536)
            *lines, commands = commands.split(b'\n')
            for line in lines:
                pole.obey(line.decode())
        if pole.extra:
            p1.write(pole.extra)
            pole.extra = b''
        if time.monotonic() >= due:
            due = max(due + pole.period, time.monotonic())
            if pole.meter:
                p1.write(pole.telegram())


if __name__ == '__main__':
    main()
