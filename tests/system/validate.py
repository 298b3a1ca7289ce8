#!/usr/bin/env python3
"""Validates every document published under a prefix against docs/schema.

usage: validate.py BROKER_PORT PREFIX SECONDS [USERNAME PASSWORD]

Listens for SECONDS, checks payload, QoS and retain flag of each document, prints what is wrong and at
the end "N passed, N failed"; exits 1 when anything failed or nothing was published.
"""
import json
import pathlib
import re
import subprocess
import sys

import jsonschema

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "schema"
ID = "[a-z0-9-]{1,32}"
# topic below <prefix>/<bank>: schema, QoS, retained; the longer ones first
TOPICS = [
    (f"pack/{ID}/telemetry", "pack-telemetry", 0, False),
    (f"pack/{ID}/state", "pack-state", 1, True),
    (f"setpoint/{ID}/ack", "ack", 1, False),
    ("status", "status", 1, True),
    ("info", "info", 1, True),
    ("telemetry", "telemetry", 0, False),
    ("limits", "limits", 1, True),
    ("active", "active", 1, True),
    ("event", "event", 1, False),
]
INCOMING = re.compile(f".*/(setpoint|cmd)/[^/]+/set$")
INBOX = re.compile(".*/inbox/[^/]+/.+")


class Schemas:
    def __init__(self):
        self.store = {}
        for path in SCHEMAS.glob("*.json"):
            schema = json.loads(path.read_text())
            jsonschema.Draft202012Validator.check_schema(schema)
            self.store[schema["$id"]] = schema

    def expand(self, part):
        """The schema with references between the files filled in: resolvers differ by version."""
        if isinstance(part, list):
            return [self.expand(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return self.expand(self.store[part["$ref"]])
        return {key: self.expand(value) for key, value in part.items() if key != "$id"}

    def errors(self, name, document):
        """Sentences about what is wrong; empty when the document is valid."""
        validator = jsonschema.Draft202012Validator(self.expand(self.store["rebank:" + name]))
        return [f"{'/'.join(map(str, e.absolute_path)) or 'document'}: {e.message}"
                for e in validator.iter_errors(document)]


def refuse_constant(text):
    raise ValueError(f"{text} is not JSON")


def parse(text):
    return json.loads(text, parse_constant=refuse_constant)


def find_topic(topic):
    for pattern, schema, qos, retained in TOPICS:
        if re.fullmatch(f".+/{ID}/{pattern}", topic):
            return schema, qos, retained
    return None


def check(schemas, topic, payload, qos=None, retained=None):
    """Sentences about what is wrong with one message; None when it is not one of the bank's."""
    if INCOMING.match(topic):
        return None
    if INBOX.match(topic):
        row = ("ack", 0, False)
    else:
        row = find_topic(topic)
    if row is None:
        return [f"{topic} is not a topic of the protocol"]
    try:
        problems = schemas.errors(row[0], parse(payload))
    except ValueError as error:
        return [f"not JSON: {error}"]
    if qos is not None and qos != row[1]:
        problems.append(f"QoS is {qos}, not {row[1]}")
    if retained is not None and retained != row[2]:
        problems.append(f"retain flag is {retained}, not {row[2]}")
    return problems


def listen(port, prefix, seconds, login=()):
    """Yields (retained, qos, topic, payload)."""
    command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-V", "mqttv5", "-q", "1",
               "-t", prefix + "/#", "--retain-as-published", "-F", "%r %q %t %p",
               "-W", str(seconds), *login]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            retained, qos, topic, payload = line.rstrip("\n").split(" ", 3)
            yield retained == "1", int(qos), topic, payload


def main(arguments):
    if len(arguments) not in (3, 5):
        print(__doc__, file=sys.stderr)
        return 2
    port, prefix, seconds = int(arguments[0]), arguments[1], int(arguments[2])
    login = ("-u", arguments[3], "-P", arguments[4]) if len(arguments) == 5 else ()
    schemas = Schemas()
    passed = failed = 0
    for retained, qos, topic, payload in listen(port, prefix, seconds, login):
        problems = check(schemas, topic, payload, qos, retained)
        if problems is None:
            continue
        passed += not problems
        failed += bool(problems)
        for problem in problems:
            print(f"{topic}: {problem}: {payload}")
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
