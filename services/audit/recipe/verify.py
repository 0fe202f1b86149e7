#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check an export of the audit trail, in the folder of this file or in the one given.

Needs Python 3 and, for the signatures, openssl 3. Exit status: 0 all is true, 1 it is not.
README.txt tells what is checked, and how to do it by hand.
"""
import datetime
import glob
import hashlib
import json
import os
import re
import subprocess
import sys

folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
STAND = re.compile(r"shard (\d+) events (\d+) to (\d+) hash ([0-9a-f]{64}) to ([0-9a-f]{64})")
faults = 0


def fault(text):
    global faults
    faults += 1
    print("FALSE:", text)


def path(*names):
    return os.path.join(folder, *names)


def sized(text):
    return b"%d " % len(text.encode()) + text.encode()


def content_of(line):
    """The digest of what an event says. Data counts as it is written, so it is not parsed."""
    event = json.loads(line)
    data = line[line.index(',"data":') + len(',"data":'):].rstrip("\n")[:-1]
    passed = datetime.datetime.fromisoformat(event["at"].replace("Z", "+00:00")) - EPOCH
    us = (passed.days * 86400 + passed.seconds) * 1000000 + passed.microseconds
    at = "%s%d.%06d" % ("-" if us < 0 else "", abs(us) // 1000000, abs(us) % 1000000)
    text = b"%d %s " % (event["id"], at.encode())
    text += sized(event["program"]) + sized(event["kind"]) + sized(event["subject"]) + data.encode()
    return event, hashlib.sha256(text).digest()


def read_events():
    """Digests by shard and sequence."""
    events = {}
    with open(path("events.ndjson"), encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            try:
                event, content = content_of(line)
                place = event["shard"], event["sequence"]
                if place in events:
                    fault(f"events.ndjson:{number}: an event for the second time")
                events[place] = content
            except (ValueError, KeyError, TypeError) as error:
                fault(f"events.ndjson:{number}: {error}")
    return events


def check_files(count):
    """Against damage, and against a line left out where the digests were left as they were."""
    with open(path("SHA256SUMS"), encoding="ascii") as lines:
        for line in lines:
            wanted, name = line.rstrip("\n").split("  ", 1)
            digest = hashlib.sha256()
            with open(path(name), "rb") as file:
                for block in iter(lambda: file.read(1 << 20), b""):
                    digest.update(block)
            if digest.hexdigest() != wanted:
                fault(f"{name}: is not the file that was exported")
    with open(path("export.json"), encoding="utf-8") as file:
        if json.load(file)["events"] != count:
            fault("export.json: tells of another number of events")


def is_signed(text, signature):
    for key in sorted(glob.glob(path("public-*.pem"))):
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in", text,
                   "-sigfile", signature]
        if subprocess.run(command, capture_output=True).returncode == 0:
            return True
    return False


def read_heads():
    """Signed hashes by shard and sequence."""
    stands = {}
    for text in sorted(glob.glob(path("heads", "*.txt"))):
        if not is_signed(text, text[:-4] + ".sig"):
            fault(f"{os.path.basename(text)}: not signed by a key of public-*.pem")
            continue
        with open(text, encoding="ascii") as lines:
            for line in lines:
                stand = STAND.match(line)
                if stand:
                    stands[int(stand[1]), int(stand[3])] = stand[5]
    return stands


def follow_chain(events, stands):
    """Events and heads that the chain has are taken out; returns how far each shard is signed."""
    before, signed, ends = {}, {}, {}
    with open(path("chain.ndjson"), encoding="ascii") as lines:
        for number, line in enumerate(lines, 1):
            link = json.loads(line)
            shard, sequence = link["shard"], link["sequence"]
            if "content" not in link:  # the one before the first
                before[shard] = sequence, bytes.fromhex(link["hash"])
                continue
            content = bytes.fromhex(link["content"])
            last, last_hash = before.get(shard, (None, b""))
            text = last_hash + content + b"%d %d" % (shard, sequence)
            if last is None or sequence != last + 1:
                fault(f"shard {shard} sequence {sequence}: does not follow {last}")
            elif hashlib.sha256(text).hexdigest() != link["hash"]:
                fault(f"shard {shard} sequence {sequence}: its hash is not that of its content"
                      " behind the one before")
            if events.pop((shard, sequence), content) != content:
                fault(f"shard {shard} sequence {sequence}: the event was changed")
            if stands.get((shard, sequence), link["hash"]) != link["hash"]:
                fault(f"shard {shard} sequence {sequence}: a signed head has another hash")
            elif (shard, sequence) in stands:
                signed[shard] = sequence
            before[shard] = sequence, bytes.fromhex(link["hash"])
            ends[shard] = sequence
    return signed, ends


def main():
    events = read_events()
    count = len(events)
    check_files(count)
    stands = read_heads()
    signed, ends = follow_chain(events, stands)
    for shard, sequence in sorted(events):
        fault(f"shard {shard} sequence {sequence}: an event that the chain does not have")
    for shard, end in sorted(ends.items()):
        if signed.get(shard, 0) < end:
            print(f"note: shard {shard}: what stands behind sequence {signed.get(shard, 0)}"
                  " is not signed")
    print(f"{'FALSE' if faults else 'true'}: {count} events, {len(ends)} shards, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
