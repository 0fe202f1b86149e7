# SPDX-License-Identifier: Apache-2.0
"""What openapi.yaml describes, read by its indents: Debian's Python has no YAML.

Operation.path, .method, .role, .statuses, .query (names of parameters in the query)
"""
import dataclasses
import re


@dataclasses.dataclass
class Operation:
    path: str
    method: str
    role: str = "?"
    statuses: list = dataclasses.field(default_factory=list)
    query: list = dataclasses.field(default_factory=list)


SHARED_PATH = ("id", "uuid", "ean", "number")  # of components/parameters, those that stand in the path


def read(file):
    operations, path, section, name = [], None, "", None
    for line in open(file, encoding="utf-8"):
        indent = len(line) - len(line.lstrip())
        word = line.strip()
        if indent == 0:
            section = word
        if section != "paths:":
            continue
        if indent == 2:
            path = word.rstrip(":")
        elif indent == 4 and word in ("get:", "post:", "put:", "delete:"):
            operations.append(Operation(path, word[:-1]))
        elif indent == 6 and word.startswith("x-role:"):
            operations[-1].role = word.split()[1]
        elif indent == 8 and re.match(r'"\d{3}":', word):
            operations[-1].statuses.append(int(word[1:4]))
        elif indent == 8 and word.startswith("- $ref: '#/components/parameters/"):
            shared = word.rsplit("/", 1)[1].rstrip("'")
            if shared not in SHARED_PATH:
                operations[-1].query.append(shared)
        elif indent == 8 and word.startswith("- name:"):
            name = word.split()[2]
        elif indent == 10 and word == "in: query":
            operations[-1].query.append(name)
    return operations


STORY = {"transformers": "T1", "feeders": "F1", "chargers": "C01", "limits": "1",
         "rounds": "019bbd80-0000-7000-8000-000000000001", "profiles": "019bbd80-0001-7000-8000-000000000001"}
UNKNOWN = {"transformers": "T9", "feeders": "F9", "chargers": "C99", "limits": "999",
           "rounds": "019bbd80-0000-7000-8000-000000000099", "profiles": "019bbd80-0001-7000-8000-000000000099"}


def fill(path, things=None):
    """The path with things of the story (or, UNKNOWN, things that there are not) in its braces."""
    kind = path.split("/")[2] if path.count("/") > 1 else ""
    unknown = things is UNKNOWN
    path = path.replace("{ean}", "871687120000000099" if unknown else "871687120000000011")
    path = path.replace("{file}", "none.js" if unknown else "app.js")
    return path.replace("{id}", (things or STORY).get(kind, "T1"))
