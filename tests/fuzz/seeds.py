"""What mutations begin with: the vectors of the tests, and real media of every codec."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path

from isotrack.codecs import av1, av1_obu, h264, h265, nal, vp8, vp9_packetizer
from isotrack.media.video_codecs import video_codec
from isotrack.rtp.red import Copy, write_red
from isotrack.rtp.rtcp import bye
from tests import captures as formats
from tests.captures import picture_packets, sound_packets
from tests.frames import encode_video, join_frames
from tests.fuzz import damage, folders
from tests.fuzz.wire import packets_of, write_payloads, write_wire
from tests.sessions import START_US, Datagram, Sender, dump, opus_call, report, vp8_call

DATA = Path(__file__).parent.parent / "data"
FOUND = DATA / "fuzz"
"""What was once found: a folder for each target."""

_SEED_BYTES = 40_000


def _files(*patterns: str) -> list[bytes]:
    found = sorted(path for pattern in patterns for path in DATA.glob(pattern))
    return [path.read_bytes()[:_SEED_BYTES] for path in found]


def captures() -> list[bytes]:
    """Files of all formats, the byte before each saying how they are cut in pieces."""
    return [b"\x40" + each for each in capture_files()]


def capture_files() -> list[bytes]:
    """Files of all formats."""
    pictures, sounds = picture_packets(seconds=0.3), sound_packets(seconds=0.3)
    packets = [packet for _, packet in (*pictures, *sounds)]
    frames = [(START_US + us, formats.udp(packet)) for us, packet in (*pictures, *sounds)]
    v6 = [(us, formats.udp(p[20:], ("2001:db8::1", 4), ("2001:db8::2", 5))) for us, p in frames]
    ethernets = [(us, formats.ethernet(packet, (0x8100,))) for us, packet in frames]
    made = [
        formats.pcap(frames),
        formats.pcap(v6, order=">", nanoseconds=False),
        formats.pcap(ethernets, formats.ETHERNET, snaplen=100),
        formats.section()
        + formats.interface(formats.ETHERNET)
        + b"".join(formats.enhanced(us, packet) for us, packet in ethernets),
        formats.mjr([(us // 1000, p) for us, p in pictures], {"t": "v", "c": "vp8", "s": START_US}),
        formats.mjr([(us // 1000, p) for us, p in sounds], {"t": "a", "c": "opus"}, 1),
        formats.mjr([(0, p) for _, p in sounds], b"audio", 0),
        formats.framed(packets),
        _fragments(packets[0] * 3),
    ]
    recorded = _files("*/*.pcap", "*/*.mjr", "*/*.rtpdump", "*/*.rtp", "rtp/rtp-corpus/*")
    return [*made, *recorded, *dumps()]


def _fragments(body: bytes) -> bytes:
    parts = [body[at : at + 512] for at in range(0, len(body), 512)]
    return formats.pcap(
        (
            START_US + i,
            formats.ip(part, "10.0.0.1", "10.0.0.9", 17, identifier=7, fragment=64 * i | more),
        )
        for i, part in enumerate(parts)
        for more in [0x2000 if i + 1 < len(parts) else 0]
    )


def dumps() -> list[bytes]:
    """Chunks and foreign dumps."""
    own = [*vp8_call(0.4), report(START_US, 0, arrival_us=START_US + 400_000)]
    return [dump(own), dump(opus_call(0.3)), dump([]), *_files("*/*.rtpdump", "*/*.rtp")]


def sealed() -> list[bytes]:
    """Chunks with trailers, behind the byte that says what of them is made right."""
    return [b"\0" + each for each in dumps()[:3]]


def datagrams() -> list[bytes]:
    """RTP packets."""
    return [*_files("rtp/rtp-corpus/*", "rtp/aiortc/rtp*.bin"), picture_packets()[0][1]]


def rtcp() -> list[bytes]:
    """RTCP packets."""
    return [*_files("rtp/rtcp-corpus/*", "rtp/aiortc/rtcp*.bin"), bye([1, 2])]


def header_extensions() -> list[bytes]:
    """Packets with header extensions of both forms."""
    values = {1: b"a", 2: bytes(8), 14: b"\x80\x00\x01", 15: bytes(16)}
    one = picture_packets(seconds=0.1, extensions={k: v for k, v in values.items() if k < 15})
    two = picture_packets(seconds=0.1, extensions={**values, 255: b"", 16: bytes(40)})
    return [wire(sent) for sent in (one, two)]


def wire(sent: Iterable[tuple[int, bytes]]) -> bytes:
    """Packets as `tests.captures` makes them, in the form of `wire`."""
    return write_wire([Datagram(START_US + us, packet) for us, packet in sent])


def descriptors() -> list[bytes]:
    """Dependency descriptors, each behind its length."""
    raw = _files("av1/dependency-descriptor-corpus/*")
    (listed,) = _files("av1/descriptors.json")
    raw += [bytes.fromhex(text) for text in _strings(json.loads(listed)) if _is_hex(text)]
    return [bytes([min(len(each), 255)]) + each[:255] for each in raw]


def _strings(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for each in node.values() if isinstance(node, dict) else node:
            yield from _strings(each)


def _is_hex(text: str) -> bool:
    return len(text) % 2 == 0 and set(text) <= set("0123456789abcdefABCDEF")


def repairs() -> list[bytes]:
    """RTX, RED and FEC, behind the bytes that say what was announced."""
    pictures = picture_packets(1234, seconds=0.3)
    again = formats.rtx_of(pictures[::3], 1235)
    red = Sender(payload_type=98)
    for i in range(20):
        copies = [Copy(96, 960, bytes([i]) * 20)] * (i % 4)
        red.send(960 * i, write_red(96, bytes([i]) * 30, copies))
    (flexfec,) = _files("repair/*.pcap")
    parity = formats.read(flexfec)[1]
    rows = write_wire([Datagram(us, packet) for us, _, packet in parity if packet[1] < 200])
    return [
        b"\x07\x02" + wire(sorted((*pictures, *again))),
        b"\x08\x02" + write_wire(red.sent),
        b"\x6e\x02" + write_wire(red.sent),
        b"\x40\x02" + rows,
        b"\x50\x02" + rows,
    ]


@cache
def encoded(codec: str) -> tuple[tuple[bytes, ...], ...]:
    """Frames of a codec as an encoder gives them, each as the payloads of its packets."""
    return tuple(tuple(payloads) for payloads in _PACKETIZED[codec]())


def _frames(name: str, **options: str) -> Iterator[bytes]:
    # SVT-AV1 makes no smaller ones.
    width, height = (128, 96) if name == "libsvtav1" else (64, 48)
    return encode_video(name, 24, width=width, height=height, options={"g": "8", **options})


def _vp8() -> Iterator[list[bytes]]:
    for i, frame in enumerate(_frames("libvpx", **_REALTIME)):
        yield vp8.packetize(frame, i, 600)


def _vp9() -> Iterator[list[bytes]]:
    for i, frame in enumerate(_frames("libvpx-vp9", **_REALTIME)):
        yield vp9_packetizer.packetize(frame, i, 600)


def _h264() -> Iterator[list[bytes]]:
    for frame in _frames("libx264", **_ULTRAFAST):
        yield h264.packetize(nal.split_annexb(frame), 600)


def _h265() -> Iterator[list[bytes]]:
    quiet = {"x265-params": "log-level=none:repeat-headers=1:keyint=8:min-keyint=8:scenecut=0"}
    for frame in _frames("libx265", **_ULTRAFAST, **quiet):
        yield h265.packetize(nal.split_annexb(frame), 600)


def _av1() -> Iterator[list[bytes]]:
    for unit in _frames(
        "libsvtav1", preset="11", **{"svtav1-params": "rc=2:pred-struct=1:rtc=1:lp=1"}
    ):
        yield av1.packetize(unit, 600)


_REALTIME = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
_ULTRAFAST = {"preset": "ultrafast", "tune": "zerolatency"}
_PACKETIZED: dict[str, Callable[[], Iterator[list[bytes]]]] = {
    "vp8": _vp8,
    "vp9": _vp9,
    "h264": _h264,
    "h265": _h265,
    "av1": _av1,
}
VIDEO = tuple(_PACKETIZED)


def payloads(codec: str) -> list[bytes]:
    """Real packets of a video codec."""
    recorded = {
        "vp9": ["vp9/*.ivf"],
        "h264": ["codecs/h264-corpus/*", "codecs/aiortc/h264*"],
        "av1": ["av1/assemble-frame-corpus/*"],
    }
    alone = [write_payloads([[each]]) for each in _files(*recorded.get(codec, ()))]
    return [write_payloads(encoded(codec)[:9]), *alone]


def h265_payloads() -> list[bytes]:
    """Those of H.265, behind the byte that says if they have DONL."""
    return [flag + each for each in payloads("h265") for flag in (b"\0", b"\1")]


def sounds() -> list[bytes]:
    """Packets of sound."""
    frames = [
        [b"\xfc\xff\xfe"],
        [b"\x7b\x02" + bytes(40)],
        [b"\xff" * 160],
        [b"\x03\x86" + bytes(9)],
    ]
    return [write_payloads(frames)]


def keyframes() -> list[bytes]:
    """Keyframes of all codecs as they go into a file, each behind the byte of its reader."""
    made = []
    for number, codec in enumerate(VIDEO):
        for frame in joined(codec)[:1]:
            made.append(bytes([number]) + len(frame).to_bytes(2, "big") + frame)
    return made


def joined(codec: str) -> list[bytes]:
    """The frames of a codec as they go into a file."""
    depacketize = video_codec(codec, {}).depacketize
    packets = packets_of(write_payloads(encoded(codec)))
    return join_frames(packets, depacketize(packets))


def tracks() -> list[bytes]:
    """Tracks of each codec, behind the bytes that say which and what was announced."""
    made = [
        bytes([number, options, 100]) + write_payloads(encoded(codec))
        for number, codec in enumerate(VIDEO)
        for options in (0, 16)
    ]
    pictures = picture_packets(1234, seconds=1)
    again = formats.rtx_of(pictures[::3], 1235)
    lost = [sent for i, sent in enumerate(pictures) if i % 7]
    made.append(bytes([0, 2, 50]) + wire(sorted((*lost, *again))))
    voice = sound_packets(1234, seconds=1, payload_type=96)
    made += [bytes([5, options, 20]) + wire(voice) for options in (0, 1, 8)]
    restarted = [(us + 1_500_000, p) for us, p in sound_packets(9, seconds=0.5, payload_type=96)]
    made.append(bytes([5, 0, 20]) + wire((*voice, *restarted)))
    return made


def sessions() -> list[bytes]:
    """Calls of each codec with one damage of each kind, and with leaps of all counters."""
    made = []
    for kind in range(len(damage.NAMES)):
        edit = b"\1" + damage.EDIT.pack(kind, 40, kind, 100_003, kind)
        made.append(bytes([kind, 1]) + edit + edit + b"\0")
    for kind in range(len(folders.NAMES)):
        edit = b"\1" + folders.EDIT.pack(kind, kind, 1000 + kind, 1 << 30, kind)
        made.append(bytes([kind, kind % 2, 0, 0]) + edit)
    leaps = [
        (name, at, 1, number, choice)
        for name in ("renumber", "retime", "rename", "delay")
        for at in (0, 30)
        for number, choice in ((2**31 - 1, 3), (-(2**31), 7), (50 * 48_000, 2))
    ]
    for name, at, count, number, choice in leaps:
        edit = damage.EDIT.pack(damage.NAMES.index(name), at, count - 1, number, choice)
        made += [bytes([at, 1, 1]) + edit + b"\0\0", bytes([at, 1, 0, 1]) + edit + b"\0"]
    return made


def bitstreams() -> list[bytes]:
    """Parameter sets and headers alone."""
    made = [bytes(unit) for codec in ("h264", "h265") for unit in nal.nal_units(joined(codec)[0])]
    made += [bytes(obu.payload) for obu in av1_obu.split_unit(joined("av1")[0])]
    return [*made, joined("av1")[0], joined("vp9")[0], joined("vp8")[0]]


SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "capture": captures,
    "dump": dumps,
    "sealed": sealed,
    "rtp": datagrams,
    "header_extensions": header_extensions,
    "rtcp": rtcp,
    "dependency_descriptor": descriptors,
    "repair": repairs,
    **{f"{codec}_payloads": partial(payloads, codec) for codec in VIDEO if codec != "h265"},
    "h265_payloads": h265_payloads,
    "sound_payloads": sounds,
    "keyframes": keyframes,
    "bitstreams": bitstreams,
    "track": tracks,
    "session": sessions,
}
"""By target."""
