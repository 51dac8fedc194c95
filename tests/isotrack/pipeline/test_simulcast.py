from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.memory import MemoryStore
from isotrack.pipeline.chunks import ChunkReader
from isotrack.pipeline.merging import LaneMerger
from isotrack.pipeline.remux import remux
from isotrack.pipeline.showing import ShownLayer, shown_layers
from isotrack.pipeline.survey import survey
from isotrack.recording.files import RecordingFile
from isotrack.recording.options import RemuxOptions
from isotrack.recording.outputs import OutputType
from isotrack.recording.sidecar import Sidecar
from isotrack.recording.tracks import TrackType
from isotrack.rtp.header import write_header
from isotrack.rtp.rtx_pairing import REPAIRED_RID, RID
from tests.ebml_reader import read_matroska
from tests.layers import (
    FPS,
    PAYLOAD_TYPES,
    SIZES,
    SSRCS,
    Codec,
    Shown,
    layer,
    reports,
    shown,
    together,
    turns,
)
from tests.sessions import START_US, Datagram, Session, opus_call

LAYERS = [{"rid": rid, "ssrc": SSRCS[rid]} for rid in "hlm"]
every_codec = pytest.mark.parametrize("codec", ["vp8", "h264"])


def session(
    datagrams: Sequence[Datagram],
    *,
    codec: Codec = "vp8",
    chunk_us: int = 5_000_000,
    sound: float = 0,
    **about: object,
) -> Session:
    made = Session(output_types=(OutputType.VIDEO_ONLY,))
    mime = {"vp8": "video/VP8", "h264": "video/H264"}[codec]
    about = {"layers": LAYERS, "payload_type": PAYLOAD_TYPES[codec], **about}
    made.capture(TrackType.VIDEO, datagrams, mime_type=mime, chunk_us=chunk_us, **about)
    if sound:
        made.capture(TrackType.AUDIO, opus_call(sound))
        made.output_types = (OutputType.AUDIO_VIDEO,)
    made.seal()
    return made


def made(session: Session, **options: str) -> tuple[RecordingFile, bytes]:
    """The only file, and its bytes."""
    store = MemoryStore()
    (file,) = remux(
        session.job(),
        raw=session.store,
        recordings=store,
        checksum=crc32c_of,
        options=RemuxOptions.model_validate(options),
    ).files
    return file, store.objects[file.key]


def played(datagrams: Sequence[Datagram], **about: object) -> list[Shown]:
    """What the file shows; its only video track is never out of order."""
    _, body = made(session(datagrams, **about))
    assert len(read_matroska(body).tracks) == 1
    pictures = shown(body)
    assert all(a.ms < b.ms for a, b in pairwise(pictures))
    assert all(a.number < b.number for a, b in pairwise(pictures))
    return pictures


def assert_on_time(pictures: Sequence[Shown], *, within_ms: int = 2) -> None:
    """Every picture is where it was taken, whichever layer it is of."""
    for picture in pictures:
        due_ms = (picture.number - pictures[0].number) * 1000 / FPS
        assert abs(picture.ms - pictures[0].ms - due_ms) <= within_ms, picture


def span(start_s: float, end_s: float) -> range:
    return range(round(start_s * FPS), round(end_s * FPS))


@every_codec
def test_three_layers_are_one_track_of_the_highest(codec: Codec) -> None:
    """Edge case 207: packets of two SSRCs are never interleaved in one track."""
    call = together(*(layer(name, span(0, 6), codec=codec) for name in "lmh"))

    file, body = made(session(call, codec=codec))

    assert len(read_matroska(body).tracks) == 1
    pictures = shown(body)
    assert turns(pictures) == [("h", 0, 6 * FPS - 1)]
    assert_on_time(pictures)
    assert [(r.width, r.height) for r in file.resolutions] == [SIZES["h"]]


@every_codec
@pytest.mark.parametrize("announced", [True, False], ids=["announced", "unannounced"])
def test_a_layer_that_stops_is_followed_by_a_lower_ones_next_keyframe(
    codec: Codec, announced: bool
) -> None:
    """Edge case 208: frozen until then, and back up with the first keyframe of the higher one."""
    keys = [0, 20, 67, 110]  # 67: 4.47 s, half a second after the high layer stopped
    high = [*span(0, 4), *span(8, 14)]
    call = together(
        layer("l", span(0, 14), [0, 75], codec=codec),
        layer("m", span(0, 14), keys, codec=codec),
        layer("h", high, [0, 120], codec=codec),
    )

    pictures = played(call, codec=codec, layers=LAYERS if announced else ())

    assert turns(pictures) == [("h", 0, 59), ("m", 67, 119), ("h", 120, 14 * FPS - 1)]
    assert_on_time(pictures)
    assert [p.number for p in pictures] == [*range(60), *range(67, 14 * FPS)]
    starts = {p.number: p.keyframe for p in pictures}
    assert starts[67]
    assert starts[120]


def test_a_keyframe_only_on_the_low_layer_at_the_start_is_begun_with() -> None:
    """Edge case 209: up with the first keyframe of a higher layer."""
    high = layer("h", span(0, 8), [60])
    # Its first keyframe was sent before the capture began.
    captured = [each for each in high if each.arrival_us >= START_US + 200_000]

    pictures = played(together(layer("l", span(0, 8)), captured))

    assert turns(pictures) == [("l", 0, 59), ("h", 60, 8 * FPS - 1)]
    assert_on_time(pictures)


@pytest.mark.parametrize("told", [True, False], ids=["sender reports", "arrival"])
def test_layers_have_clocks_of_their_own(told: bool) -> None:
    """Edge case 210: aligned by sender reports; without any by when packets come."""
    late = {"l": 20_000, "m": 23_000, "h": 60_000 if told else 26_000}
    high = [*span(0, 4), *span(7, 12)]
    media = [
        layer("l", span(0, 12), [0, 66], delay_us=late["l"]),
        layer("m", span(0, 5), [0, 66], delay_us=late["m"]),
        layer("h", high, [0, 7 * FPS], delay_us=late["h"]),
    ]
    said = [reports(name, 12) for name in "lmh"] if told else []

    pictures = played(together(*media, *said))

    assert turns(pictures) == [("h", 0, 59), ("m", 66, 74), ("h", 105, 179)]
    assert_on_time(pictures, within_ms=2 if told else 7)


def test_sound_stays_with_the_picture_over_changes_of_layers() -> None:
    """Edge case 210: all layers and the sound lie on one clock."""
    call = together(
        layer("l", span(0, 10), [0, 50], delay_us=2000),
        layer("h", [*span(0, 3), *span(6, 10)], [0, 90], delay_us=2000),
    )
    _, body = made(session(call, sound=10))

    pictures = shown(body)
    assert turns(pictures) == [("h", 0, 44), ("l", 50, 89), ("h", 90, 149)]
    assert all(abs(p.ms - p.number * 1000 / FPS) <= 12 for p in pictures)


def test_only_the_layer_asked_for_is_in_the_file() -> None:
    call = together(*(layer(name, span(0, 5)) for name in "lmh"))

    for rid in "lmh":
        _, body = made(session(call), layer=rid)
        assert turns(shown(body)) == [(rid, 0, 5 * FPS - 1)]
    _, body = made(session(call), layer="none of these")
    assert turns(shown(body)) == [("h", 0, 5 * FPS - 1)]


def test_a_rid_on_the_first_packets_names_the_layer_for_good() -> None:
    """Edge case 18: SSRCs are not announced; later packets have no header extension."""
    call = together(
        *(layer(name, span(0, 5), extensions={4: name.encode()}, named=8) for name in "lmh")
    )
    about = {"layers": [{"rid": rid} for rid in "hml"], "header_extensions": {RID: 4}}

    for rid in "lmh":
        _, body = made(session(call, **about), layer=rid)
        assert turns(shown(body)) == [(rid, 0, 5 * FPS - 1)]


def resent(lost: Datagram, rid: str, *, payload_type: int = 97) -> Datagram:
    """A packet sent again 80 ms later, in an SSRC that only its repaired-rid names."""
    packet = lost.data
    header = write_header(
        payload_type,
        9,
        int.from_bytes(packet[4:8], "big"),
        4711 + ord(rid),
        bool(packet[1] >> 7),
        {5: rid.encode()},
    )
    return Datagram(lost.arrival_us + 80_000, header + packet[2:4] + packet[12:])


def test_what_is_sent_again_is_paired_with_its_layer_by_the_repaired_rid() -> None:
    """Edge case 213: no SSRC is announced, neither of layers nor of retransmissions."""
    parts = {
        name: layer(name, span(0, 5), extensions={4: name.encode()}, named=8) for name in "lmh"
    }
    lost = parts["h"].pop(40)
    call = together(*parts.values(), [resent(lost, "h")])
    about = {
        "layers": [{"rid": rid} for rid in "hml"],
        "header_extensions": {RID: 4, REPAIRED_RID: 5},
        "rtx": {"payload_type": 97},
    }

    assert [p.number for p in played(call, **about)] == list(span(0, 5))
    cut = together(*parts.values())
    assert [p.number for p in played(cut, **about)] != list(span(0, 5))


def test_a_publisher_that_restarts_in_another_ssrc_is_not_simulcast() -> None:
    before = layer("h", span(0, 5))
    after = layer("h", span(4.8, 9), ssrc=34)

    pictures = played(together(before, after), layers=())

    assert [p.number for p in pictures] == list(span(0, 9))
    assert pictures[72].keyframe
    assert_on_time(pictures)


def test_a_shared_screen_that_stands_still_stays_with_its_layer() -> None:
    """All layers pause together, and go on with another one first: nothing has stopped."""
    pauses = [*span(0, 2), *span(7, 9)]
    call = together(
        layer("l", pauses, [0, 7 * FPS], delay_us=20_000),
        layer("h", pauses, [0], delay_us=45_000),
    )

    pictures = played(call)

    assert turns(pictures) == [("h", 0, 9 * FPS - 1)]


def test_a_slow_layer_is_not_dead() -> None:
    """A frame each second of the high layer, fifteen of the low one."""
    call = together(layer("l", span(0, 8), range(0, 120, 10)), layer("h", range(0, 120, FPS), [0]))

    assert turns(played(call)) == [("h", 0, 105)]


@pytest.mark.parametrize("chunk_us", [400_000, 2_000_000, 30_000_000])
def test_how_a_call_is_chunked_leaves_the_file_as_it_is(chunk_us: int) -> None:
    call = together(
        layer("l", span(0, 16), [0, 33, 80]),
        layer("m", span(0, 16), [0, 70, 150]),
        layer("h", [*span(0, 4), *span(9, 16)], [0, 135]),
    )

    _, body = made(session(call, chunk_us=chunk_us))

    _, expected = made(session(call, chunk_us=5_000_000))
    assert body == expected
    assert turns(shown(body)) == [("h", 0, 59), ("m", 70, 134), ("h", 135, 239)]


def test_an_sfu_that_switches_layers_in_one_ssrc_changes_sizes_and_leaves_no_hole() -> None:
    """Edge case 211: sequence numbers go on, the timestamp is corrected by a frame at the switch.

    Edge case 212: the SFU fills the numbers of what it dropped with empty packets.
    """
    low, high = layer("l", span(0, 3)), layer("h", span(3, 6))
    sent, sequence = [], 100
    for part, offset, step in ((low, 0, 0), (high, 0, 1)):
        for each in part:
            number = round((each.arrival_us - START_US - 20_000) * FPS / 1_000_000 - 0.1)
            timestamp = 777 + (number + step) * 6000
            header = write_header(96, sequence, timestamp, 5, bool(each.data[1] >> 7))
            sent.append(Datagram(each.arrival_us + offset, header + each.data[12:]))
            sequence += 1
        for _ in range(3 if part is low else 0):
            header = bytearray(write_header(96, sequence, 777 + 44 * 6000, 5, False))
            header[0] |= 0x20
            sent.append(Datagram(sent[-1].arrival_us, bytes(header) + bytes(9) + b"\x0a"))
            sequence += 1

    file, body = made(session(sent, layers=(), ssrc=5))

    pictures = shown(body)
    assert [p.number for p in pictures] == list(span(0, 6))
    assert [(r.width, r.height) for r in file.resolutions] == [SIZES["l"], SIZES["h"]]
    steps = [b.ms - a.ms for a, b in pairwise(pictures)]
    assert max(steps) <= 135


def test_the_sidecar_says_which_layer_is_in_the_file_when() -> None:
    call = together(
        layer("l", span(0, 10), [0, 66]), layer("h", [*span(0, 4), *span(8, 10)], [0, 120])
    )
    told, store = session(call), MemoryStore()
    (file,) = remux(told.job(), raw=told.store, recordings=store, checksum=crc32c_of).files

    (track,) = Sidecar.model_validate_json(store.objects[file.sidecar_key]).tracks

    assert [(each.rid, each.ssrc, each.width, each.height) for each in track.layers] == [
        (name, SSRCS[name], *SIZES[name]) for name in "hlh"
    ]
    assert [(each.start_ms, each.end_ms) for each in track.layers] == [
        (0, 4400),
        (4400, 8000),
        (8000, 9933),
    ]
    assert [(r.width, r.height) for r in track.resolutions] == [SIZES[name] for name in "hlh"]
    # The low layer had no keyframe for 467 ms after the high one's last picture.
    assert [(each.start_ms, each.end_ms) for each in track.frozen] == [(3933, 4400)]


def test_which_layer_is_seen_when_is_known() -> None:
    call = together(
        layer("l", span(0, 10), [0, 66]), layer("h", [*span(0, 4), *span(8, 10)], [0, 120])
    )
    told = session(call)
    chunks = ChunkReader(told.store, crc32c_of)
    found = survey(told.tracks, chunks)
    merger = LaneMerger(found, chunks, found.lanes[0].start_us)
    list(merger.windows())

    layers = shown_layers(found.lanes[0], found, merger)

    zero_us = layers[0].start_us
    ms = [
        (each.rid, round((each.start_us - zero_us) / 1000), round((each.end_us - zero_us) / 1000))
        for each in layers
    ]
    assert ms == [("h", 0, 4400), ("l", 4400, 8000), ("h", 8000, 9933)]
    assert all(isinstance(each, ShownLayer) for each in layers)
    assert [(each.ssrc, each.width, each.height) for each in layers] == [
        (SSRCS[name], *SIZES[name]) for name in "hlh"
    ]
    alone = session(layer("h", span(0, 2)))
    chunks = ChunkReader(alone.store, crc32c_of)
    found = survey(alone.tracks, chunks)
    merger = LaneMerger(found, chunks, found.lanes[0].start_us)
    list(merger.windows())
    assert shown_layers(found.lanes[0], found, merger) == []
