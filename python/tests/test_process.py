"""Real workers behind a real forkserver: calls, faults, limits."""

import json
import os
import signal

import pytest

from host import Host
from krait_worker import limits
from krait_worker.envelope import CALL, HEADER, Codec, Kind, envelope, read_envelopes
from krait_worker.process import start_ticks
from krait_worker.values import Gathered, decode, encode


@pytest.mark.parametrize("mode", ["fork", "exec"])
def test_a_worker_says_who_it_is_and_what_it_offers(host: Host, mode: str) -> None:
    loaded = host.load(mode=mode)
    assert loaded["mode"] == mode
    assert loaded["resident_bytes"] > 0
    worker = host.begin(slots=3)
    header, body = host.take(worker.name, Kind.HELLO)
    hello = json.loads(body)
    assert header.codec == Codec.JSON
    assert hello["versions"] == [1]
    assert hello["name"] == "general/1.1"
    assert hello["pid"] == worker.pid
    assert hello["started"] == start_ticks(worker.pid)
    worker.say_hello()
    ready = json.loads(host.take(worker.name, Kind.READY)[1])
    kinds = {one["name"]: one["kind"] for one in ready["operations"]}
    assert kinds["echo"] == "inline"
    assert kinds["sleep"] == "sync"
    assert kinds["asleep"] == "async"
    assert ready["slots"] == 3
    assert ready["resident_bytes"] > 0
    with open(f"/proc/{worker.pid}/comm") as file:
        assert file.read().startswith("krait:general/1"[:15])


@pytest.mark.parametrize("codec", [Codec.JSON, Codec.MSGPACK])
def test_values_come_back_with_their_types(host: Host, codec: Codec) -> None:
    host.load()
    worker = host.start()
    flat = {"i": 1, "f": 1.0, "b": True, "n": None, "t": "é", "big": 2**64 - 1, "low": -(2**63)}
    nested = {"list": [flat, []], "map": {}, "bytes": b"\x00\xff", "one": {"$x": 1}}
    for value in (flat, nested, {"inf": [float("inf")]}):
        found = worker.reply("echo", value, codec=codec)
        assert found == value
        assert repr(found) == repr(value)


def test_each_call_is_answered_in_its_own_codec(host: Host) -> None:
    host.load()
    worker = host.start()
    both = [
        worker.call(1, "echo", {"a": 1.5}, codec=codec) for codec in (Codec.JSON, Codec.MSGPACK)
    ]
    worker.send(both[0])
    worker.send(both[1])
    codecs = [host.take(worker.name, Kind.REPLY)[0].codec for _ in both]
    assert codecs == [Codec.JSON, Codec.MSGPACK]


def test_inline_calls_of_one_message_are_answered_by_one_message(host: Host) -> None:
    host.load()
    worker = host.start(heartbeat_ms=100_000)
    host.received(worker.name)
    worker.send(b"".join(worker.call(n, "echo", {"n": n}) for n in range(1, 17)))
    assert host.router.poll(10_000)
    sender, message = host.router.recv_multipart()
    while sender.endswith(b"!"):
        sender, message = host.router.recv_multipart()
    answers = read_envelopes(message)
    assert [header.call_id for header, _ in answers] == list(range(1, 17))
    assert [decode(body, Codec.MSGPACK)["n"] for _, body in answers] == list(range(1, 17))


def test_a_sender_s_limit_of_32_envelopes_is_kept(host: Host) -> None:
    host.load()
    worker = host.start(heartbeat_ms=100_000)
    worker.send(b"".join(worker.call(n, "echo", {"n": n}) for n in range(1, 101)))
    sizes = []
    while sum(sizes) < 100:
        sender, message = host.router.recv_multipart()
        if not sender.endswith(b"!"):
            sizes.append(len(read_envelopes(message)))
    assert sum(sizes) == 100
    assert max(sizes) <= limits.ENVELOPES_PER_MESSAGE


def test_faults_say_what_was_raised(host: Host) -> None:
    host.load()
    worker = host.start()
    fault = worker.fault("fail", {"message": "broken"})
    assert fault["code"] == "raised"
    assert fault["type"] == "builtins.ValueError"
    assert fault["message"] == "broken"
    assert "raise ValueError(message)" in fault["traceback"]
    long = worker.fault("fail", {"message": "é" * 10_000})
    assert len(long["message"].encode()) <= limits.MESSAGE_TEXT_BYTES
    assert len(long["traceback"].encode()) <= limits.TRACEBACK_BYTES


@pytest.mark.parametrize(
    ("operation", "arguments", "options", "code", "part"),
    [
        ("ecko", {}, None, "unknown_operation", "did you mean 'echo'?"),
        ("sleep", {}, None, "invalid_input", "needs the argument seconds"),
        ("sleep", {"secnds": 1, "seconds": 1}, None, "invalid_input", "did you mean 'seconds'?"),
        ("echo", [1], None, "malformed", "arguments are a map"),
        ("echo", {}, {"sesion": "x"}, "invalid_input", "did you mean 'session'?"),
        ("echo", {}, {"session": 1}, "invalid_input", "session is text"),
        ("echo", {}, {"lm": {}}, "invalid_input", "has no LM"),
        ("echo", {}, ["x"], "malformed", "options are a map"),
    ],
)
def test_what_does_not_fit_is_refused(
    host: Host, operation: str, arguments: object, options: object, code: str, part: str
) -> None:
    host.load()
    worker = host.start()
    fault = worker.fault(operation, arguments, options=options)
    assert fault["code"] == code
    assert part in fault["message"]
    assert worker.reply("echo", {"still": "there"}, options={"session": "s"}) == {"still": "there"}


def test_malformed_envelopes_are_refused_and_the_worker_goes_on(host: Host) -> None:
    host.load()
    worker = host.start()
    good = worker.call(77, "echo", {"a": 1})
    for broken, call_id in (
        (b"KR", 0),
        (b"XX" + good[2:], 0),
        (good[:2] + b"\x09" + good[3:], 0),
        (good[:3] + b"\x06" + good[4:], 77),
        (good[:5] + b"\x80" + good[6:], 77),
        (good[:-1], 77),
        (HEADER.pack(CALL, 2, 5, limits.BODY_BYTES + 1, 0), 5),
        (HEADER.pack(CALL, 2, 5, 3, 0) + b"\xc1\xc1\xc1", 5),
        (HEADER.pack(CALL, 0, 5, 0, 0), 5),
        (envelope(Kind.REPLY, 5), 5),
        (HEADER.pack(CALL, 2, 5, 4, 0) + b"\x92\xa1e\x81", 5),
        (HEADER.pack(CALL, 2, 5, 8, 0) + b"\x92\xa4echo\x82\xa1", 5),
    ):
        worker.send(broken)
        header, body = host.take(worker.name, Kind.FAULT)
        assert header.call_id == call_id, broken
        assert decode(body, Codec.MSGPACK)["code"] == "malformed"
    assert worker.reply("echo", {"a": 1}) == {"a": 1}


def test_a_duplicate_key_is_refused_also_on_the_quick_way(host: Host) -> None:
    host.load()
    worker = host.start()
    body = b"\x92\xa4echo\x82\xa1a\x01\xa1a\x02"
    worker.send(HEADER.pack(CALL, 2, 5, len(body), 0) + body)
    kind, fault = worker.answer(5)
    assert kind == Kind.FAULT
    assert fault["code"] == "malformed"
    assert "arguments.a: the key is there twice" in fault["message"]


@pytest.mark.parametrize("codec", [Codec.MSGPACK, Codec.JSON])
def test_large_bytes_come_and_go_beside_the_body(host: Host, codec: Codec) -> None:
    host.load()
    worker = host.start()
    large = [bytes([number]) * (100_000 + number) for number in range(3)]
    gathered: Gathered = []
    body = encode(["echo", {"a": large, "b": 1}], codec, gathered=gathered)
    head = HEADER.pack(CALL, codec | 3 << 16, 9, len(body), 0)
    plain = worker.call(10, "echo", {"c": 2})
    # The frames of two envelopes in one message, in their order.
    small = encode(["echo", {"d": large[0]}], codec, gathered=[])
    other = HEADER.pack(CALL, codec | 1 << 16, 11, len(small), 0)
    worker.send(head + body + plain + other + small, *large, large[0])
    assert worker.reply("echo", {"x": 3}) == {"x": 3}
    found = {
        header.call_id: (header, body)
        for header, body in host.received(worker.name)
        if header.kind == Kind.REPLY
    }
    frames = list(host.frames)
    for call_id, expected in [(9, {"a": large, "b": 1}), (10, {"c": 2}), (11, {"d": large[0]})]:
        header, body = found[call_id]
        taken, frames = frames[: header.attachments], frames[header.attachments :]
        assert decode(body, header.codec or codec, taken) == expected


def test_attachments_are_refused_and_read_away(host: Host) -> None:
    host.load()
    worker = host.start()
    data = worker.call(9, "echo", {"a": 1})
    head = HEADER.pack(CALL, 2 | 2 << 16, 9, len(data) - 24, 0)
    worker.send(head + data[24:], b"first", b"second")
    assert worker.answer(9)[1]["code"] == "malformed"
    worker.send(HEADER.pack(CALL, 2 | 1 << 8 | 1 << 16, 8, len(data) - 24, 0) + data[24:], b"x")
    kind, fault = worker.answer(8)
    assert (kind, fault["code"]) == (Kind.FAULT, "malformed")
    assert "lent" in fault["message"]
    assert worker.reply("echo", {"a": 1}) == {"a": 1}


def test_a_result_that_cannot_be_carried_names_its_path(host: Host, tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("adapters")
    (folder / "odd.py").write_text(
        "import datetime\n"
        "from krait_worker import Adapter, operation\n"
        "class Odd(Adapter):\n"
        "    @operation\n"
        "    def give(self): return {'rows': [1, {'id': object()}]}\n"
        "    @operation(inline=True)\n"
        "    def naive(self, arguments, /): return {'at': datetime.datetime(2026, 1, 1)}\n"
        "    @operation(inline=True)\n"
        "    def keys(self, arguments, /): return {1: 2}\n"
        "    @operation\n"
        "    def leave(self): raise SystemExit(3)\n"
        "    @operation\n"
        "    async def aleave(self): raise SystemExit(3)\n"
        "    @operation(inline=True)\n"
        "    def here(self, word='w'): return word\n"
        "    @operation\n"
        "    async def stubborn(self):\n"
        "        import asyncio\n"
        "        try: await asyncio.sleep(60)\n"
        "        except asyncio.CancelledError: return 'anyway'\n"
        "    @operation\n"
        "    async def session(self):\n"
        "        from krait_worker import current_call\n"
        "        return current_call().session\n"
    )
    host.load("odd:Odd", path=[str(folder)])
    worker = host.start()
    fault = worker.fault("give")
    assert fault["code"] == "unserialisable"
    assert fault["message"].startswith("result.rows[1].id: a value of type object")
    assert worker.fault("naive")["message"].startswith("result.at: the datetime has no time zone")
    assert worker.fault("keys")["code"] == "unserialisable"
    assert worker.fault("leave")["type"] == "builtins.SystemExit"
    assert worker.fault("aleave")["type"] == "builtins.SystemExit"
    assert worker.reply("here", {"word": "x"}) == "x"
    assert worker.reply("session", options={"session": "s1"}) == "s1"
    worker.send(worker.call(50, "stubborn", remaining=30))
    assert worker.answer(50) == (Kind.REPLY, "anyway")


def test_what_a_worker_prints_goes_to_its_output(host: Host) -> None:
    host.load()
    worker = host.start()
    for stream in ("stdout", "stderr"):
        worker.reply("print", {"text": "KR\x01\x03 garbage", "stream": stream})
        assert worker.printed() == "KR\x01\x03 garbage\n"
    assert worker.fault("print", {"text": "", "stream": "x"})["code"] == "invalid_input"
    assert worker.reply("echo", {}) == {}


def test_a_crash_is_reported_once_with_its_signal(host: Host) -> None:
    host.load()
    worker = host.start()
    worker.send(worker.call(1, "crash", {"signal": int(signal.SIGSEGV)}))
    exited = host.event("exited")
    assert exited == {
        "event": "exited", "name": worker.name, "pid": worker.pid, "status": -signal.SIGSEGV
    }  # fmt: skip
    again = host.start("general/1.2")
    assert again.reply("pid") == again.pid != worker.pid


def test_descriptors_are_those_of_the_protocol_and_no_others(host: Host) -> None:
    host.load()
    host.start("general/1.1")
    worker = host.begin("general/2.1")
    host.take(worker.name, Kind.HELLO)
    links = {
        int(number): os.readlink(f"/proc/{worker.pid}/fd/{number}")
        for number in os.listdir(f"/proc/{worker.pid}/fd")
    }
    assert links[0] == "/dev/null"
    assert links[1] == links[2]
    assert links[1].startswith("pipe:")
    assert links[3].startswith("pipe:")
    assert links[3] != links[1]
    # Beyond these only what ZeroMQ and the pulse have opened: no pidfd, no control channel.
    control = os.readlink(f"/proc/{host.forkserver.pid}/fd/3")
    assert control not in links.values()
    assert not any("pidfd" in link for link in links.values())
    worker.say_hello()
    host.take(worker.name, Kind.READY)


def test_workers_lead_their_own_session_and_group(host: Host) -> None:
    host.load()
    worker = host.start()
    assert os.getsid(worker.pid) == os.getpgid(worker.pid) == worker.pid
