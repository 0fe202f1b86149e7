#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every text that a program writes for a reader of the page has words on it: the formats of reasons, as
they stand in the C sources, fit a phrase of reasons.js; names that are stored have a row in text.js.

words.py TREE           what lacks words; nothing where all have them
words.py TREE --texts   the reasons of the planner in full, every bound with every action, one a line
"""
import re
import sys
from pathlib import Path

TREE = Path(sys.argv[1])
PAGE = TREE / "services/audit/page"
LITERAL = r'"((?:[^"\\]|\\.)*)"'
CONVERSION = re.compile(r"%[-0-9.*]*(?:ll|[ljz])?([dsux])")
CALL = re.compile(r"snprintf\((?:" + LITERAL + r"|[^;\"])*?;", flags=re.S)
EXPLAINS = "services/planner/planning_explain.c"
# (file, functions or tables; none: all that is more than one word)
REASONS = [
    (EXPLAINS, ""),
    ("gateway/setpoint.c", ""),
    ("gateway/pilot.c", "offer judge_text judge_code"),
    ("gateway/trust.c", "words"),
    ("gateway/seal_gate.c", ""),
    ("gateway/meter_clock.c", ""),
    ("gateway/charger.c", ""),
    ("gateway/modbus_link.c", "exception_name modbus_link_explain"),
    ("common/wire/long_message.c", "text_fault read_time read_value read_period read_periods read_ours read_json read_text"
     " long_message_kind_name"),
    ("common/wire/profile.c", "start_fault check_period profile_check"),
    ("services/p3/head_end.c", ""),
    ("services/p3/dlms_route.c", "dlms_route_answer"),
    ("services/ingest/arrival.c", "is_beyond_rating is_contradicting arrival_judge arrival_refusal"),
    ("services/ingest/inbox.c", "take_quarter take_report refuse_unknown_meters"),
    ("services/ingest/gateway_report.c", "check_text check_watts take read_keys report_read"),
    ("common/wire/measurement.c", "read_topic read_number read_phases read_quarter read_object measurement_from_json"),
    ("services/audit/chain.c", "fault_texts chain_finding_text"),
    ("services/audit/verify.c", "explain check_end tell_shard"),
    ("services/audit/head_check.c", "about check_hash check_stand is_in_database check_document head_check"),
]
# Whose single words are names of members.
SENTENCES = {"services/ingest/inbox.c", "services/ingest/gateway_report.c", "common/wire/measurement.c"}
# Where a %s is one of two words of the program, each is tried in its place.
CHOSEN = {
    "%s %s after writing %d": ["read back %s after writing %d", "holds %s after writing %d"],
    "%s sequence %d": ["it was sealed as sequence %d", "here belongs the event that is now sequence %d"],
}
# What is told to somebody else: a log, the metrics; or only compared.
ELSEWHERE = re.compile(r"\b(?:log_\w+|F|assert|METRIC_\w+|json_unpack\w*|json_pack|strcmp)\((?:" + LITERAL + r"|[^;\"])*?[;)]")
# A message's own names are the same in every language.
MEMBER = re.compile(r"(?:\.?(?:Header|Body|Action|Start|Periods?|ValidFrom|ValidTo|valid_from|valid_to|periods|start|some)(?:\[7\])?)+")


def source(name):
    """As the compiler has it: without comments and lines of the preprocessor, macros within texts filled in."""
    text = (TREE / name).read_text()
    text = re.sub(r"^\s*#.*?$|'\\?.'", "", text, flags=re.M)
    text = re.sub(r'("(?:[^"\\\n]|\\.)*")|//.*', lambda m: m.group(1) or "", text)
    for macro, filled in {"PRId64": "d", "ACTION": "EBGDirectControl"}.items():
        text = re.sub(rf'" {macro}\b(\s*")?', lambda m: filled + ("" if m.group(1) else '"'), text)
    return ELSEWHERE.sub(";", text)


def body(text, name):
    found = re.search(r"^[^\s#][^;{}]*\b" + name + r"\b[^;{}]*\{.*?^\}", text, flags=re.S | re.M)
    if not found:
        sys.exit(f"there is no {name} any more: bring tests/page/words.py in line")
    return found.group(0)


def literals(text):
    joined = re.sub(r'(?<!\\)"\s*"', "", text)
    return [re.sub(r"\\(.)", r"\1", found) for found in re.findall(LITERAL, joined)]


def formats(name, parts):
    text = source(name)
    found = [one for part in parts.split() for one in literals(body(text, part))] if parts else literals(text)
    return [one for one in found if " " in one.strip() or parts and name not in SENTENCES]


def plain(text):
    """The format with %d and %s only; what is put behind a text where there is any, behind a colon."""
    return CONVERSION.sub(lambda m: "%s" if m.group(1) == "s" else "%d", text.replace("%s%.100s", ": %s"))


def pieces(text):
    """What the page looks for, filled in."""
    every = [text.replace(key, word) for key, words in CHOSEN.items() if key in text for word in words]
    for piece in (piece for one in every or [text] for piece in re.split("; |: ", one)):
        piece = re.sub("^, |[:; ]+$", "", piece).replace("%d", "7").replace("%s", "some").strip()
        is_part = any(piece in word for words in CHOSEN.values() for word in words)
        if re.search(r"[a-z]{3}", piece.replace("some", "")) and not is_part and not MEMBER.fullmatch(piece):
            yield piece


def known_phrases():
    rows = re.findall(r"^  \[" + LITERAL + r", " + LITERAL + r"\],$", (PAGE / "reasons.js").read_text(), flags=re.M)
    for english, dutch in rows:
        english = english.replace('\\"', '"')
        slots, shown = re.findall("%[ds]", english), re.findall("%[dswt]", dutch)
        if len(slots) != len(shown) or any((a == "%d") != (b in "%d%w") for a, b in zip(slots, shown)):
            print(f"reasons.js: {dutch} does not take what {english} has")
        yield re.compile(re.escape(english).replace("%d", "-?[0-9]+").replace("%s", ".*?"))


def reasons_without_words():
    phrases = list(known_phrases())
    words = names()
    for name, parts in REASONS:
        found = formats(name, parts)
        if not found:
            print(f"{name}: no texts found: bring tests/page/words.py in line")
        for one in found:
            for piece in pieces(plain(one)):
                is_name = "cause_" + piece in words or "bound_" + piece in words
                if not is_name and not any(phrase.fullmatch(piece) for phrase in phrases):
                    print(f"{name}: no Dutch for \"{piece}\" of \"{one}\"")


def names():
    return set(re.findall(r'^  "?([\w. -]+)"?: \["', (PAGE / "text.js").read_text(), flags=re.M))


def causes():
    text = "\n".join(source(f"services/p3/{name}.c") for name in (
        "session", "dlms_route", "dlms_call", "key_table", "head_end", "outbox", "claim_table", "counter_table", "delivery_table"))
    found = re.findall(r'(?:fail|refuse|suspect_counter|session_abandon|recall_trip)\([\w>-]+, "([a-z-]+)"', text)
    found += re.findall(r'(?:SESSION|ROUTE)_\w+, "([a-z-]+)"', text)
    found += re.findall(r'return "([a-z]+(?:-[a-z]+)+)"', text)
    found += re.findall(r'\{"([a-z-]+)", \d+, \d+, \d+, OUTBOX', text)
    return found + re.findall(r"(?:cause = |'cause', |then |else )'([a-z]+(?:-[a-z]+)+|overwritten|abandoned)'", text)


def arguments(text):
    """Of the call that text begins behind the bracket of, as they stand."""
    found, depth = [""], 0
    for one in re.findall(r"'[^']*'|.", text, flags=re.S):
        depth += (one == "(") - (one == ")")
        if depth < 0:
            return found
        if one == "," and not depth:
            found.append("")
        else:
            found[-1] += one
    return []


def fields():
    """What events say, by the names of their members."""
    found = []
    for path in sorted([*TREE.glob("services/*/*.c"), *TREE.glob("sql/*.sql")]):
        text = re.sub(r'" PRI[du]64 ?"|(?<!\\)"\s*\\?\s*"', "", path.read_text())
        for event in re.split("insert into audit.event", text)[1:]:
            for call in re.split(r"jsonb_build_object\(", event.split(";")[0])[1:]:
                found += [one.strip().strip("'") for one in arguments(call)[::2]]
        if "event_table_add(" in text or path.name == "reads.c":
            for call in re.findall(r"json_pack\((.*?);", text, flags=re.S):
                found += re.sub(".*,data,", "", ",".join(literals(call)[1:])).split(",")
            found += re.findall(r'\\"([a-z_]+)\\":', text)
    return [re.sub("_[ws]$", "", name) for name in found if re.fullmatch("[a-z_]+", name)]


def names_without_words():
    rounds, words = source("services/planner/round.c"), names()
    wanted = {
        "cause_": causes(),
        "field_": fields(),
        "bound_": re.findall(r'"([a-z][a-z ]+)"', body(source(EXPLAINS), "name_bound")),
        "about_": [re.sub("(?<![aeiou])y$", "ie", name) + "s" for name in re.findall(
            r'ACCESS_AUDIT, "(\w+)"', source("services/audit/routes.c"))],
        "sight_": literals(body(rounds, "round_sight_name")),
        "decision_": literals(body(rounds, "round_decision_name")),
        "quality_": literals(body(source("services/ingest/arrival.c"), "quality_name")),
        "access_": literals(body(source("services/audit/access.c"), "access_answer_name")),
    }
    for prefix, found in wanted.items():
        if len(found) < 3:
            print(f"{prefix}: only {found} found: bring tests/page/words.py in line")
        for name in sorted(set(found)):
            if prefix + name not in words:
                print(f"text.js: no words for {prefix}{name}")


def planner_texts():
    text, samples = source(EXPLAINS), iter(range(2001, 9000, 7))

    def filled(call):
        """Once for each word that the call may choose; a place or a time where it has none."""
        first, *choices = literals(call)
        form = plain(first)
        for choice in choices or ["2026-01-14T18:00:00Z" if form.endswith("until %s") else "feeder F1 L2"]:
            one = form.replace("%s", "transformer T1 L3", form.count("%s") - 1).replace("%s", choice)
            yield re.sub("%d", lambda m: str(next(samples)), one)

    def said(function):
        return [one for call in CALL.finditer(body(text, function)) for one in filled(call.group(0))]

    actions = [one for one in said("explain") if not one.startswith("transformer")]
    return [f"{bound}; {action}" for bound in said("explain_cap") + said("explain_bound") for action in actions]


if sys.argv[2:] == ["--texts"]:
    print("\n".join(planner_texts()))
else:
    reasons_without_words()
    names_without_words()
