#!/usr/bin/env python3
"""The northbound side against a real Mosquitto on loopback: northbound_peer stands in for the bank.

usage: mqtt_northbound.py NORTHBOUND_PEER
"""
import json
import os
import pathlib
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import validate

PEER = "build/tests/system/northbound_peer"
ROOT = "rebank/v1/peer"
PATIENCE_S = 20
SCHEMAS = validate.Schemas()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def now_ms():
    return int(time.time() * 1000)


class Broker:
    def __init__(self, directory, port, access="allow_anonymous true\n"):
        self.port = port
        self.file = directory / "mosquitto.conf"
        # Started as root, mosquitto would drop to a user who may not read the test's files.
        self.file.write_text(f"listener {port} 127.0.0.1\n{access}user root\n"
                             "set_tcp_nodelay true\npersistence false\n")
        self.start()

    def start(self):
        self.process = subprocess.Popen(["mosquitto", "-c", str(self.file)],
                                        stderr=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("mosquitto did not start")

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Proxy:
    """Between the bank and its broker: an outage for the bank alone."""

    def __init__(self, port):
        self.broker = port
        self.port = free_port()
        self.sockets = []
        self.restore()

    def restore(self):
        self.server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, args=(self.server,), daemon=True).start()

    def accept(self, server):
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            broker = socket.create_connection(("127.0.0.1", self.broker))
            self.sockets += [client, broker]
            for source, sink in ((client, broker), (broker, client)):
                threading.Thread(target=self.pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        for end in [self.server, *self.sockets]:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
        self.sockets = []


class Listener:
    """Everything below rebank/v1, as (topic, document, retained), each validated."""

    def __init__(self, port, topic="rebank/v1/#", form="%r %q %t %p", login=()):
        self.messages = queue.Queue()
        self.form = form
        self.process = subprocess.Popen(
            ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-V", "mqttv5", "-q", "1", "-t",
             topic, "--retain-as-published", "-F", form, *login], stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.messages.put(line.rstrip("\n").split(" ", 3))

    def wait(self, topic, accept=lambda document: True):
        """The next document on `topic` that `accept` takes; every other one is validated too."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                retained, qos, seen, payload = self.messages.get(
                    timeout=max(0.01, until - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"nothing acceptable on {topic}") from None
            if self.form.startswith("%r %q"):
                problems = validate.check(SCHEMAS, seen, payload, int(qos), retained == "1")
                assert not problems, (seen, payload, problems)
                if problems is None:
                    continue
            if seen == topic and accept(json.loads(payload)):
                return json.loads(payload)

    def stop(self):
        # mosquitto_sub misses a SIGTERM that comes while it handles a message; nothing of it is
        # under test, so it need not go in order.
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Peer:
    def __init__(self, port, run_dir, *options):
        self.run_dir = run_dir
        self.process = subprocess.Popen([PEER, str(port), str(run_dir), *options],
                                        text=True)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(PATIENCE_S)
        return self.process.returncode

    def local(self):
        until = time.monotonic() + PATIENCE_S
        while True:
            client = socket.socket(socket.AF_UNIX)
            try:
                client.connect(str(self.run_dir / "peer.sock"))
                client.settimeout(PATIENCE_S)
                return client, client.makefile("rw")
            except OSError:
                client.close()
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)


class Case(unittest.TestCase):
    options = ()

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        path = pathlib.Path(self.directory.name)
        self.broker = Broker(path, free_port())
        self.listener = Listener(self.broker.port)
        self.peer = Peer(self.broker.port, path, *self.options)
        self.seq = 0
        self.listener.wait(ROOT + "/telemetry")

    def tearDown(self):
        if self.peer.process.poll() is None:
            self.peer.stop()
        self.listener.stop()
        self.broker.stop()
        self.directory.cleanup()

    def publish(self, topic, payload, *options):
        subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.broker.port), "-q", "1",
                        "-t", topic, "-m", payload, *options], check=True)

    def setpoint(self, **keys):
        self.seq += 1
        document = {"v": 1, "id": f"t{self.seq}", "seq": self.seq, "ts": now_ms(), "p_w": 1000,
                    "valid_s": 60}
        document.update(keys)
        return document

    def send(self, source="utility", options=(), **keys):
        document = self.setpoint(**keys)
        assert not SCHEMAS.errors("setpoint", document)
        self.publish(f"{ROOT}/setpoint/{source}/set", json.dumps(document), *options)
        return document["id"]

    def wait_ack(self, command, status, source="utility"):
        return self.listener.wait(f"{ROOT}/setpoint/{source}/ack",
                                  lambda d: d["id"] == command and d["status"] == status)

    def wait_event(self, code):
        return self.listener.wait(ROOT + "/event", lambda d: d["code"] == code)


class Commands(Case):
    def test_setpoint_is_acked_and_shows_in_active(self):
        command = self.send(p_w=5000)
        ack = self.wait_ack(command, "accepted")
        self.assertEqual((ack["src"], ack["p_set_w"], ack["reason"]), ("utility", 5000, "ok"))
        active = self.listener.wait(ROOT + "/active", lambda d: d["id"] == command)
        self.assertEqual(active["source"], "utility")
        later = self.send(p_w=-2000)
        self.wait_ack(command, "superseded")
        self.wait_ack(later, "started")
        release = self.send(p_w=None)
        self.wait_ack(release, "completed")

    def test_bad_setpoints_are_refused_with_a_reason(self):
        good = self.setpoint()
        for change, reason in (({"valid_s": -1}, "schema"), ({"vaild_s": 5}, "schema"),
                               ({"v": 2}, "version"), ({"p_w": "5 kW"}, "schema"),
                               ({"p_w": float("nan")}, "not_finite"),
                               ({"valid_s": 4000}, "valid_too_long")):
            with self.subTest(change):
                self.publish(f"{ROOT}/setpoint/utility/set", json.dumps({**good, **change}))
                self.assertEqual(self.wait_ack(good["id"], "rejected")["reason"], reason)
        self.publish(f"{ROOT}/setpoint/utility/set", "{" + " " * 5000)
        self.assertIn("4096", self.wait_event("malformed")["text"])
        self.publish(f"{ROOT}/setpoint/utility/set", json.dumps(good)[:-1])
        self.assertIn("utility", self.wait_event("malformed")["text"])

    def test_a_huge_message_never_reaches_the_bank(self):
        def peak_kib():
            status = pathlib.Path(f"/proc/{self.peer.process.pid}/status").read_text()
            return int(status.split("VmHWM:")[1].split()[0])

        self.wait_ack(self.send(), "accepted")
        before = peak_kib()
        huge = pathlib.Path(self.directory.name) / "huge"
        huge.write_bytes(b"{" + b" " * (1 << 20))
        for options in ((), ("-r",)):
            subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.broker.port),
                            "-q", "1", "-t", f"{ROOT}/setpoint/utility/set", "-f", str(huge),
                            *options], check=True)
        self.wait_ack(self.send(), "accepted")
        self.assertLess(peak_kib() - before, 512)

    def test_sources_come_from_the_topic(self):
        command = self.send(source="nobody")
        self.assertEqual(self.wait_ack(command, "rejected", "nobody")["reason"], "unknown_source")
        time.sleep(1)
        command = self.send(source="local")
        self.assertEqual(self.wait_ack(command, "rejected", "local")["reason"], "unknown_source")

    def test_retained_commands_move_nothing(self):
        self.publish(f"{ROOT}/setpoint/utility/set", json.dumps(self.setpoint()), "-r")
        self.wait_event("retained")
        self.peer.stop()
        self.peer = Peer(self.broker.port, self.peer.run_dir)
        self.listener.wait(ROOT + "/telemetry", lambda d: d["n"] == 2 and d["p_w"] == 0)

    def test_commands_other_than_power(self):
        self.seq += 1
        document = {"v": 1, "id": "c1", "seq": 1, "ts": now_ms(), "do": "disable",
                    "pack": "pack-3"}
        self.assertEqual(SCHEMAS.errors("cmd", document), [])
        self.publish(f"{ROOT}/cmd/utility/set", json.dumps(document))
        self.wait_ack("c1", "accepted")
        self.assertEqual(self.wait_event("disabled")["pack"], "pack-3")
        del document["pack"]
        self.assertNotEqual(SCHEMAS.errors("cmd", document), [])
        self.publish(f"{ROOT}/cmd/utility/set", json.dumps(document))
        self.assertEqual(self.wait_ack("c1", "rejected")["reason"], "schema")

    def test_response_topic_below_the_own_inbox_gets_a_copy(self):
        inbox = Listener(self.broker.port, "rebank/v1/inbox/#", "%r %D %t %p")
        time.sleep(0.5)

        def properties(topic):
            return ("-V", "mqttv5", "-D", "publish", "response-topic", topic, "-D", "publish",
                    "correlation-data", "k1")
        foreign = self.send(options=properties("rebank/v1/inbox/home/x"))
        self.wait_ack(foreign, "started")
        own = self.send(options=properties("rebank/v1/inbox/utility/x"))
        self.assertEqual(inbox.wait("rebank/v1/inbox/utility/x")["id"], own)
        self.wait_ack(own, "started")
        inbox.stop()


class RateLimit(Case):
    options = ("5",)

    def test_newest_is_kept_and_zero_always_passes(self):
        lines = [json.dumps(self.setpoint(p_w=i + 1)) for i in range(60)]
        lines.append(json.dumps(self.setpoint(p_w=0, id="zero")))
        lines += [json.dumps(self.setpoint(p_w=100 + i)) for i in range(5)]
        lines.append(json.dumps(self.setpoint(p_w=777, id="newest")))
        subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.broker.port), "-q", "1",
                        "-t", f"{ROOT}/setpoint/utility/set", "-l"], input="\n".join(lines),
                       text=True, check=True)
        seen, statuses = set(), []
        while "newest" not in seen:
            ack = self.listener.wait(f"{ROOT}/setpoint/utility/ack")
            statuses.append(ack["reason"])
            if ack["status"] == "accepted":
                seen.add(ack["id"])
        self.assertIn("zero", seen)
        self.assertIn("rate_limited", statuses)
        self.assertLess(len(seen), 40)


class Unsynced(Case):
    options = ("0", "unsynced")

    def test_commands_must_echo_the_telemetry_counter(self):
        command = self.send()
        self.assertEqual(self.wait_ack(command, "rejected")["reason"], "clock_unsynced")
        n = self.listener.wait(ROOT + "/telemetry")["n"]
        self.wait_ack(self.send(n=n), "accepted")
        self.assertEqual(self.wait_ack(self.send(n=n + 1000), "rejected")["reason"],
                         "clock_unsynced")


class Connection(Case):
    def test_orderly_stop_says_so_and_a_crash_leaves_the_will(self):
        self.assertEqual(self.peer.stop(), 0)
        self.listener.wait(ROOT + "/status", lambda d: d["reason"] == "stop" and not d["online"])
        self.peer = Peer(self.broker.port, self.peer.run_dir)
        birth = self.listener.wait(ROOT + "/status", lambda d: d["online"])
        self.peer.stop(signal.SIGKILL)
        will = self.listener.wait(ROOT + "/status", lambda d: not d["online"])
        self.assertEqual((will["reason"], will["boot"], will["conn"]), ("lost", birth["boot"], 1))

    def test_own_status_is_republished_when_overwritten(self):
        old = {"v": 1, "online": False, "boot": "old", "conn": 1, "ts": now_ms(),
               "clock_synced": True, "sw": "0", "reason": "lost"}
        time.sleep(1.1)
        self.publish(ROOT + "/status", json.dumps(old), "-r")
        self.listener.wait(ROOT + "/status", lambda d: d["boot"] == "old")
        self.listener.wait(ROOT + "/status", lambda d: d["online"] and d["boot"] != "old")

    def test_events_survive_an_outage_of_the_broker(self):
        self.peer.stop()
        proxy = Proxy(self.broker.port)
        self.peer = Peer(proxy.port, self.peer.run_dir)
        self.listener.wait(ROOT + "/status", lambda d: d["online"] and d["conn"] == 1)
        self.listener.wait(ROOT + "/telemetry")
        proxy.cut()
        self.listener.wait(ROOT + "/status", lambda d: d["reason"] == "lost")
        self.peer.process.send_signal(signal.SIGUSR1)
        client, stream = self.peer.local()
        stream.write('{"do":"watch"}\n')
        stream.flush()
        while validate.parse(stream.readline())["connected"]:
            pass
        client.close()
        proxy.restore()
        status = self.listener.wait(ROOT + "/status", lambda d: d["online"] and d["conn"] == 2)
        self.assertEqual(status["reason"], "reconnect")
        seqs = set()
        while len(seqs) < 100:
            seqs.add(self.wait_event("temp_warn")["seq"])
        self.assertEqual(seqs, set(range(1, 101)))
        self.assertEqual(self.listener.wait(ROOT + "/telemetry")["dropped"], 0)
        self.wait_ack(self.send(), "accepted")
        self.peer.stop()
        proxy.cut()

    def test_old_protocol_is_spoken_where_the_new_one_is_refused(self):
        self.peer.stop()
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(PATIENCE_S)
            self.peer = Peer(server.getsockname()[1], self.peer.run_dir)
            levels = []
            for answer in (b"\x20\x02\x00\x01", b"\x20\x02\x00\x00"):
                client, _ = server.accept()
                client.settimeout(PATIENCE_S)
                connect = client.recv(4096)
                levels.append(connect[connect.index(b"MQTT") + 4])
                client.sendall(answer)
                if answer[3] == 0:
                    received = b""
                    while b"setpoint/+/set" not in received:
                        received += client.recv(4096)
                    birth = received.index(b'"online":true')
                    self.assertLess(birth, received.index(b"setpoint/+/set"))
                client.close()
        self.assertEqual(levels, [5, 4])


class Access(Case):
    """The access rules that docs/mqtt.md recommends."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        path = pathlib.Path(self.directory.name)
        rules = (validate.SCHEMAS.parent / "mqtt.md").read_text()
        rules = rules.split("# acl_file\n", 1)[1].split("```", 1)[0].replace("north", "peer")
        (path / "acl").write_text(rules)
        (path / "passwd").touch(0o600)
        for user in ("bank-peer", "utility"):
            subprocess.run(["mosquitto_passwd", "-b", path / "passwd", user, "pw-" + user],
                           check=True)
        (path / "secret").write_text("pw-bank-peer\n")
        for name in ("acl", "passwd"):
            os.chmod(path / name, 0o600)
        self.broker = Broker(path, free_port(), "allow_anonymous false\n"
                             f"password_file {path}/passwd\nacl_file {path}/acl\n")
        self.login = ("-u", "utility", "-P", "pw-utility")
        self.listener = Listener(self.broker.port, login=self.login)
        self.peer = Peer(self.broker.port, path, "0", "synced", "bank-peer", str(path / "secret"))
        self.seq = 0
        self.listener.wait(ROOT + "/telemetry")

    def test_a_source_commands_only_as_itself(self):
        foreign = self.send(source="home", options=self.login)
        own = self.send(options=(*self.login, "-V", "mqttv5", "-D", "publish", "response-topic",
                                 "rebank/v1/inbox/utility/x"))
        self.listener.wait("rebank/v1/inbox/utility/x", lambda d: d["id"] == own)
        self.wait_ack(own, "started")
        self.listener.wait(ROOT + "/active", lambda d: d["id"] == own and d["id"] != foreign)
        self.assertEqual(self.peer.stop(), 0)
        self.listener.wait(ROOT + "/status", lambda d: d["reason"] == "stop")


class Local(Case):
    def ask(self, stream, request):
        assert SCHEMAS.errors("local-request", request) == [], request
        stream.write(json.dumps(request) + "\n")
        stream.flush()
        return self.line(stream)

    def line(self, stream):
        document = validate.parse(stream.readline())
        self.assertEqual(SCHEMAS.errors("local", document), [])
        return document

    def test_status_commands_and_errors(self):
        client, stream = self.peer.local()
        status = self.ask(stream, {"do": "status"})
        self.assertEqual((status["connected"], len(status["packs"])), (True, 8))
        first = self.ask(stream, {"do": "setpoint", "p_w": 3000, "valid_s": 1})
        self.assertEqual((first["ack"]["status"], first["final"]), ("accepted", False))
        self.assertEqual(self.line(stream)["ack"]["status"], "started")
        last = self.line(stream)
        self.assertEqual((last["ack"]["status"], last["final"]), ("expired", True))
        self.assertTrue(self.ask(stream, {"do": "release"})["final"])
        self.assertTrue(self.ask(stream, {"do": "disable", "pack": "pack-1"})["final"])
        self.assertEqual(self.ask(stream, {"do": "record"})["type"], "ok")
        stream.write('{"do":"fly"}\n')
        stream.flush()
        self.assertEqual(self.line(stream)["reason"], "schema")
        stream.write("x" * 5000 + "\n")
        stream.flush()
        self.assertEqual(self.line(stream)["reason"], "malformed")
        client.close()

    def test_watch_streams_status_and_events(self):
        client, stream = self.peer.local()
        self.assertEqual(self.ask(stream, {"do": "watch"})["type"], "status")
        self.peer.process.send_signal(signal.SIGUSR1)
        seen = [self.line(stream)["type"] for _ in range(102)]
        self.assertEqual(seen.count("event"), 100)
        client.close()

    def test_works_without_a_broker(self):
        self.broker.stop()
        client, stream = self.peer.local()
        until = time.monotonic() + PATIENCE_S
        while self.ask(stream, {"do": "status"})["connected"]:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.1)
        self.assertEqual(self.ask(stream, {"do": "setpoint", "p_w": 1, "valid_s": 9})["type"],
                         "ack")
        client.close()
        self.broker.start()

    def test_socket_is_for_owner_and_group_only(self):
        self.assertEqual(os.stat(self.peer.run_dir / "peer.sock").st_mode & 0o777, 0o660)


class Documents(Case):
    def test_schemas_refuse_what_is_wrong(self):
        bad = {"v": 1, "online": True}
        self.assertNotEqual(SCHEMAS.errors("status", bad), [])
        self.assertNotEqual(validate.check(SCHEMAS, ROOT + "/telemetry", '{"v":NaN}'), [])
        self.assertNotEqual(validate.check(SCHEMAS, ROOT + "/unheard-of", "{}"), [])

    def test_every_kind_of_document_is_published_and_valid(self):
        self.peer.process.send_signal(signal.SIGUSR1)
        self.wait_event("temp_warn")
        for topic in ("info", "limits", "active", "pack/pack-8/state", "pack/pack-8/telemetry",
                      "telemetry"):
            with self.subTest(topic):
                other = Listener(self.broker.port)
                other.wait(f"{ROOT}/{topic}")
                other.stop()

    def test_documentation_lists_every_reason_and_key(self):
        text = (validate.SCHEMAS.parent / "mqtt.md").read_text()
        table = (validate.SCHEMAS.parents[1] / "daemon/core/reason.h").read_text()
        listed = ("ok clamped_discharge_limit clamped_charge_limit clamped_ramp malformed schema "
                  "version stale_boot unknown_source retained duplicate replay stale future "
                  "clock_unsynced valid_too_long out_of_range not_finite lower_priority local_lock "
                  "fault not_ready soc_low soc_high temperature disabled rate_limited "
                  "shutting_down internal").split()
        for word in listed:
            self.assertIn(f'"{word}"', table)
            self.assertIn(f"| `{word}` |", text)
        for schema in SCHEMAS.store.values():
            if "local" in schema["$id"]:
                continue
            for key in schema["properties"]:
                self.assertIn(f"`{key}`", text, schema["$id"])


if __name__ == "__main__":
    if len(sys.argv) > 1 and os.access(sys.argv[1], os.X_OK) and os.path.isfile(sys.argv[1]):
        PEER = sys.argv.pop(1)
    unittest.main(verbosity=2)
