#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The gateway drives one charger of each shipped type, all at once, at so many times real time
that a charger's time-out takes a second.

  drivers.py BIN TREE WORK PART PARTS

Each PARTS-th driver file, from the PART-th on, is played by a peer-charger and driven by a
gateway that reads the limit from a telegram. Expected words are reckoned here from the file, by
nothing that the gateway uses.
"""
import configparser
import glob
import os
import random
import re
import socket
import struct
import subprocess
import sys
import threading
import time

PHASES, VOLT, CONTRACT_W, SAFE_W, MOST_MA, FALLBACK_A, TIMEOUT_S = 3, 230, 11040, 4200, 16000, 6, 60
START = 1768392000  # 2026-01-14T12:00:00Z
EQUIPMENT = 'E0051000000000001'
GRID = ('{"transformers": [{"id": "T1"}], "feeders": [{"id": "F1", "transformer": "T1"}],'
        '"connections": [{"ean": "871687120000000011", "feeder": "F1", "phases": "123",'
        '"contract_w": 11040}], "meters": [], "chargers": [{"id": "C01",'
        '"connection": "871687120000000011", "kind": "compleo-station", "max_a": 16}]}')
SESSIONS = ('charger,arrival,departure,energy_wh,phases,max_a\n'
            'C01,2026-01-14T11:00:00Z,2026-01-16T12:00:00Z,900000,123,16\n')
WIDTHS = {'u16': 1, 'i16': 1, 'u32': 2, 'i32': 2, 'f32': 2, 'u64': 4, 'f64': 4}


def crc_table():
    for octet in range(256):
        for _ in range(8):
            octet = octet >> 1 ^ (0xA001 if octet & 1 else 0)
        yield octet


CRC = list(crc_table())


def crc16(octets):
    value = 0
    for octet in octets:
        value = value >> 8 ^ CRC[(value ^ octet) & 0xFF]
    return value


def free_port():
    """Below those that the kernel hands out."""
    while True:
        port = random.randrange(20000, 32000)
        try:
            socket.create_server(('127.0.0.1', port)).close()
            return port
        except OSError:
            pass


class Driver:
    """A driver file, and the words that stand for a limit."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)[:-4]
        self.file = configparser.ConfigParser(inline_comment_prefixes=(';',))
        self.file.read(path)

    def get(self, section, name, otherwise):
        return self.file.get(section, name, fallback=otherwise)

    def number(self, section, name, otherwise):
        return int(self.get(section, name, otherwise))

    def micro(self):
        return round(float(self.get('limit', 'step', '1')) * 1e6)

    def raw(self, watts):
        """The number for a limit, and whether it pauses."""
        unit = self.get('limit', 'unit', None)
        micro = {'A': watts * 10**9 // (PHASES * VOLT * 1000), 'W': watts * 10**6,
                 'percent': watts * 100 * 10**6 // CONTRACT_W}[unit]
        raw = min(micro // self.micro(), self.number('limit', 'most', 0))
        least = self.number('limit', 'least', 0)
        if raw >= least:
            return raw, False
        return (least if self.has_switch() else self.number('limit', 'pause', 0)), True

    def has_switch(self):
        return self.number('pause', 'register', -1) >= 0

    def words(self, raw):
        kind = self.get('limit', 'type', None)
        if kind == 'f32':
            octets = struct.pack('>f', raw * self.micro() / 1e6)
        else:
            octets = raw.to_bytes(2 * WIDTHS[kind], 'big', signed=kind[0] == 'i')
        if self.get('limit', 'order', 'high') == 'low':
            octets = b''.join(octets[i:i + 2] for i in range(len(octets) - 2, -2, -2))
        return octets * (3 if self.get('limit', 'per_phase', 'no') == 'yes' else 1)

    def write(self, watts):
        """The request that writes a limit, as hex."""
        words, address = self.words(self.raw(watts)[0]), self.number('limit', 'register', 0)
        if self.number('limit', 'function', 6) == 6:
            return struct.pack('>BH', 6, address).hex() + words.hex()
        return struct.pack('>BHHB', 16, address, len(words) // 2, len(words)).hex() + words.hex()

    def switch(self, watts):
        """The request that pauses or releases where that is a switch; else None."""
        if not self.has_switch():
            return None
        value = self.number('pause', 'pause' if self.raw(watts)[1] else 'value', 0)
        address, function = self.number('pause', 'register', 0), self.number('pause', 'function', 6)
        if function == 5:
            value *= 0xFF00
        if function == 16:
            return struct.pack('>BHHBH', 16, address, 1, 2, value).hex()
        return struct.pack('>BHH', function, address, value).hex()

    def may_write(self):
        """Where a gateway at work writes; all else is for commissioning."""
        places = {(section, name): self.number(section, name, -1) for section, name in (
            ('limit', 'register'), ('pause', 'register'), ('enable', 'register'),
            ('keepalive', 'register'))}
        return {address for address in places.values() if address >= 0}

    def timeout_s(self):
        """Fixed, or what the peer is set to."""
        if self.number('watchdog', 'register', -1) >= 0:
            return TIMEOUT_S
        return self.number('watchdog', 'seconds', 0) or TIMEOUT_S


class Street:
    """A meter, a charger of one type, and the gateway between them."""

    def __init__(self, binaries, driver, folder):
        self.driver, self.folder = driver, folder
        self.rate = driver.timeout_s()
        self.real = time.time()
        self.text = b''
        self.ends = False
        self.pauses, self.met = None, 0
        self.children = {}
        os.mkdir(folder)
        self.meter = socket.create_server(('127.0.0.1', 0))
        threading.Thread(target=self.send_telegrams, daemon=True).start()
        self.write_settings(binaries)

    # ---- the meter

    def now(self):
        return START + (time.time() - self.real) * self.rate

    @staticmethod
    def stamp(seconds):
        return time.strftime('%y%m%d%H%M%SW', time.gmtime(seconds + 3600))

    def tell(self, watts):
        start, end = self.stamp(START - 3600), self.stamp(START + 86400)
        self.text = ('{"Header":{"Action":"EBGDirectControl","ValidFrom":"%s","ValidTo":"%s"},'
                     '"Body":{"Period":[{"Start":"%s","MxPwr":%d}]}}'
                     % (start, end, start, watts)).encode()

    def telegram(self):
        body = '\r\n'.join(['/ISK5\\2M550T-1012', '', '1-3:0.2.8(50)',
                            '0-0:1.0.0(%s)' % self.stamp(self.now()),
                            '0-0:96.1.1(%s)' % EQUIPMENT.encode().hex().upper(),
                            '0-0:96.13.0(%s)' % self.text.hex().upper(), '!']).encode()
        return body + b'%04X\r\n' % crc16(body)

    def send_telegrams(self):
        while not self.ends:
            link, _ = self.meter.accept()
            try:
                while not self.ends:
                    link.sendall(self.telegram())
                    time.sleep(0.1)
            except OSError:
                link.close()

    # ---- processes

    def file(self, name):
        return os.path.join(self.folder, name)

    def write_settings(self, binaries):
        driver = self.driver
        port = free_port()
        by_tcp = 'tcp' in driver.get('type', 'transport', 'tcp')
        for name, text in (('sessions.csv', SESSIONS), ('grid.json', GRID)):
            with open(self.file(name), 'w') as out:
                out.write(text)
        hands = 'hands = %s %.9f %d' % ('2026-01-14T12:00:00Z', self.real, self.rate)
        with open(self.file('peer.ini'), 'w') as out:
            out.write('\n'.join([
                '[street]', 'grid = ' + self.file('grid.json'),
                'sessions = ' + self.file('sessions.csv'),
                '[modbus]', 'port = %d' % port, 'line_folder = ' + self.folder,
                'lines = ' + ('' if by_tcp else 'C01'), 'trace = ' + self.file('trace'),
                '[charger]', 'type = ' + driver.path, 'timeout_s = %d' % TIMEOUT_S,
                'fallback_a = %d' % FALLBACK_A, 'dark_s = %d' % self.rate,
                '[faults]', 'control = ' + self.file('control'), '[clock]', hands, '']))
        with open(self.file('gateway.ini'), 'w') as out:
            out.write('\n'.join([
                '[meter]', 'equipment_id = ' + EQUIPMENT,
                '[p1]', 'port = tcp://127.0.0.1:%d' % self.meter.getsockname()[1],
                '[time]', 'rule = meter', 'bound_s = 3600',
                '[limit]', 'contract_w = %d' % CONTRACT_W, 'safe_w = %d' % SAFE_W,
                'hold_s = 3600', 'confirm_s = 60',
                '[charger]', 'type = ' + driver.path,
                'address = ' + ('tcp://127.0.0.1:%d' % port if by_tcp else self.file('C01')),
                # Where each request is sent twice, the first waits for an answer in vain.
                'timeout_ms = %d' % (150 if driver.get('pacing', 'twice', 'no') == 'yes' else 1000),
                'unit = %d' % max(1, driver.number('type', 'unit', 1)),
                '[state]', 'file = ' + self.file('state'), '[clock]', hands, '']))
        self.peer = [binaries + '/peer-charger', '--verbose', '--config', self.file('peer.ini')]
        self.gateway = [binaries + '/socmod-gateway', '--config', self.file('gateway.ini')]

    def run(self, name, command):
        with open(self.file(name + '.log'), 'ab') as log:
            self.children[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def stop(self, name):
        child = self.children.pop(name, None)
        if child:
            child.kill()
            child.wait()

    def close(self):
        self.ends = True
        for name in list(self.children):
            self.stop(name)

    def order(self, text):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.sendto(text.encode(), self.file('control'))

    # ---- what is seen

    def read(self, name):
        try:
            with open(self.file(name)) as text:
                return text.read()
        except FileNotFoundError:
            return ''

    def wait(self, what, is_so, seconds=45):
        until = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > until:
                raise AssertionError('waited in vain: ' + what)
            time.sleep(0.05)

    def requests(self):
        """Each request that was not refused, and all that were."""
        rows = [line.split() for line in self.read('trace').splitlines()]
        rows = [row for row in rows if len(row) == 3]
        return [row[1] for row in rows if row[2][0] not in '89'], rows

    def limit_ma(self):
        found = re.findall(r'event=charger.draws charger=C01 limit_ma=(\d+)', self.read('peer.log'))
        return int(found[-1]) if found else MOST_MA

    def expect_limit(self, watts):
        """The charger is told, confirms, and holds it."""
        before, log = len(self.requests()[0]), len(self.read('gateway.log'))
        self.tell(watts)
        self.expect_written(watts, before)
        self.expect_confirmed(watts, log)
        self.expect_held(watts)

    def expect_confirmed(self, watts, log):
        self.wait('%d W confirmed' % watts, lambda: re.search(
            'event=charger.confirmed limit_w=%d ' % watts, self.read('gateway.log')[log:]))

    def expect_written(self, watts, before):
        wanted, pauses = self.driver.write(watts), self.driver.raw(watts)[1]
        self.wait('request ' + wanted, lambda: wanted in self.requests()[0][before:])
        switch = self.driver.switch(watts)
        if switch and pauses != self.pauses:
            self.wait('request ' + switch, lambda: switch in self.requests()[0][before:])
        self.pauses = pauses

    def expect_held(self, watts):
        pauses = self.driver.raw(watts)[1]
        most = watts * 1000 // (PHASES * VOLT)
        self.wait('%d W held' % watts, lambda: self.limit_ma() == 0 if pauses
                  else most * 0.85 <= self.limit_ma() <= most)

    # ---- the test

    def test(self):
        self.tell(8000)
        self.run('peer', self.peer)
        self.wait('peer', lambda: 'peer.ready' in self.read('peer.log'))
        self.run('gateway', self.gateway)
        self.expect_written(SAFE_W, 0)
        self.expect_written(8000, 0)
        self.expect_confirmed(8000, 0)
        self.expect_held(8000)
        self.met = len(self.read('peer.log'))
        limit = self.driver.write(0)[:6]
        first = next(r for r in self.requests()[0] if r.startswith(limit))
        if first != self.driver.write(SAFE_W):
            raise AssertionError('first written was ' + first)
        self.expect_limit(3000)
        self.expect_limit(9000)
        self.expect_awake()
        self.expect_recovery()
        self.expect_silence()
        self.expect_manners()

    def expect_awake(self):
        time.sleep(10 * self.driver.timeout_s() / self.rate)
        if 'charger.fell_back' in self.read('peer.log')[self.met:]:
            raise AssertionError('was left in silence')
        self.expect_held(9000)

    def expect_recovery(self):
        before = len(self.requests()[0])
        self.order('reboot C01')
        self.wait('a dark charger', lambda: self.limit_ma() == 0)
        self.pauses = None
        self.expect_written(9000, before)
        self.expect_held(9000)

    def expect_silence(self):
        self.stop('gateway')
        timeout_s = self.driver.timeout_s() / self.rate
        behaviour = self.driver.get('silence', 'behaviour', None)
        if behaviour == 'keep':
            time.sleep(3 * timeout_s)
            self.expect_held(9000)
        elif behaviour == 'open-up':
            self.wait('opens up', lambda: self.limit_ma() == MOST_MA, 10 + 3 * timeout_s)
        else:
            least, most = 5000, FALLBACK_A * 1000 + 200
            self.wait('restricts itself', lambda: least < self.limit_ma() < most,
                      10 + 3 * timeout_s)

    def expect_manners(self):
        """Nothing was refused, and nothing written that is for commissioning."""
        accepted, rows = self.requests()
        refused = [row for row in rows if row[2][0] in '89']
        if refused:
            raise AssertionError('refused: %s' % refused[0])
        places = {int(r[2:6], 16) for r in accepted if r[:2] in ('05', '06', '10')}
        if not places <= self.driver.may_write():
            raise AssertionError('wrote to %s' % sorted(places - self.driver.may_write()))


def main(binaries, tree, work, part, parts):
    paths = sorted(glob.glob(tree + '/gateway/drivers/*.ini'))[int(part) - 1::int(parts)]
    streets = [Street(binaries, Driver(path), os.path.join(work, os.path.basename(path)[:-4]))
               for path in paths]
    failed = []

    def test(street):
        try:
            street.test()
        except Exception as error:  # whatever it is, it is told with the type that it is about
            failed.append(street)
            print('%s: %s' % (street.driver.name, error), file=sys.stderr)
            print(street.read('gateway.log')[-1500:], street.read('peer.log')[-800:],
                  street.read('trace')[-600:], file=sys.stderr)
        finally:
            street.close()

    threads = [threading.Thread(target=test, args=(street,)) for street in streets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print('%d of %d types: %s' % (len(streets) - len(failed), len(streets),
                                  ' '.join(s.driver.name for s in streets)))
    sys.exit(1 if failed or not streets else 0)


main(*sys.argv[1:])
