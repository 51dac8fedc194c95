"""The end of a chunk tells what the whole of it would."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import pytest

from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.memory import MemoryStore
from isotrack.media.outline import Headers, TrackOutliner
from isotrack.media.track_format import TrackFormat
from isotrack.pipeline.chunks import BATCH, ChunkReader
from isotrack.pipeline.outlining import is_one_stream
from isotrack.recording.manifest import CapturedTrack
from isotrack.recording.tracks import TrackType
from isotrack.rtp.header import write_header
from isotrack.rtp.packet import Packets
from tests.packets import packets_of
from tests.sessions import START_US, Datagram, Sender, Session, opus_call, report, vp8_call

TRAILER_CRC = -5  # a byte of it, from the end of the chunk


class Watching(MemoryStore):
    """Notes how much is read: of ends, and of whole objects."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        super().__init__()
        self.objects = objects
        self.ends = 0
        self.wholes: list[str] = []

    def tail_into(self, key: str, buffer: memoryview) -> int:
        found = super().tail_into(key, buffer)
        self.ends += found
        return found

    def read_into(self, key: str, buffer: memoryview) -> int:
        self.wholes.append(key)
        return super().read_into(key, buffer)


def captured() -> tuple[Session, CapturedTrack]:
    """Video with sender reports, and packets of padding and of no RTP among it.

    It is in five chunks, each so large that it is worked on alone.
    """
    datagrams = vp8_call(10, size=10_000)
    for second in range(10):
        at = START_US + second * 1_000_000
        datagrams.append(report(at, 2**32 - 900 + 90_000 * second, arrival_us=at + 5000))
        datagrams.append(Datagram(at + 6000, b"\xa0\x60" + bytes(9) + b"\x07" + b"\0\0\0\4"))
        datagrams.append(Datagram(at + 7000, b"no RTP at all"))
    session = Session()
    track = session.capture(TrackType.VIDEO, sorted(datagrams), chunk_us=2_000_000)
    return session, track


def outlined(
    session: Session, track: CapturedTrack, *, whole: bool = False, batch: int = 1
) -> tuple[list[Headers], ChunkReader, Watching]:
    store = Watching(session.store.objects)
    reader = ChunkReader(store, crc32c_of, batch)
    return list(reader.outlines(track.chunks, whole=whole)), reader, store


def said(headers: Headers) -> list[Any]:
    """All that headers say but where in a buffer the packets are."""
    packets = headers.packets
    columns = [
        packets.sequence_number, packets.timestamp, packets.marker, packets.payload_type,
        packets.ssrc, packets.arrival_us, packets.payload_length, packets.restored,
    ]  # fmt: skip
    rtcp = [bytes(each) for each in headers.rtcp]
    return [headers.chunk, [c.tolist() for c in columns], rtcp, list(headers.rtcp_arrival_us)]


def without_trailer(body: bytes) -> bytes:
    """The same chunk as another program would have written it: times are milliseconds in it."""
    return body[: -int.from_bytes(body[-4:], "big")]


def test_the_end_of_a_chunk_says_what_the_whole_of_it_says() -> None:
    session, track = captured()

    ends, reader, store = outlined(session, track)
    wholes, _, _ = outlined(session, track, whole=True)

    assert len(ends) == len(track.chunks) == 5
    assert [said(each) for each in ends] == [said(each) for each in wholes]
    assert sum(len(each.rtcp) for each in ends) == 10
    assert store.wholes == []
    assert store.ends < sum(chunk.size_bytes for chunk in track.chunks) / 5
    assert reader.missing == {}


def test_a_chunk_of_another_program_is_read_whole() -> None:
    session, track = captured()
    chunk = track.chunks[2]
    body = without_trailer(session.store.objects[chunk.key])
    session.store.put(chunk.key, body)
    sealed = replace(chunk, size_bytes=len(body), crc32c=crc32c_of(body))
    track = track.model_copy(update={"chunks": (*track.chunks[:2], sealed, *track.chunks[3:])})

    ends, reader, store = outlined(session, track)

    assert store.wholes == [chunk.key]
    assert reader.missing == {}
    (packets,) = {each.packets.count for each in ends[:-1]}
    arrival_us = ends[2].packets.arrival_us
    assert (ends[2].packets.count, ends[2].chunk) == (packets, 2)
    assert abs(arrival_us[0] - chunk.first_arrival_us) < 1000
    assert len(ends[2].rtcp) == 2


def test_a_damaged_trailer_is_not_believed_and_the_chunk_read_whole() -> None:
    session, track = captured()
    intact = [said(each) for each in outlined(session, track)[0]]
    key = track.chunks[1].key
    body = bytearray(session.store.objects[key])
    body[TRAILER_CRC] ^= 1
    session.store.put(key, bytes(body))

    ends, reader, store = outlined(session, track)

    assert store.wholes == [key]
    assert [missing.problem for missing in reader.missing.values()] == ["corrupt"]
    assert [said(each)[:1] for each in ends] == [each[:1] for each in intact]
    again = said(ends[1])
    again[1][5] = intact[1][1][5]  # times of arrival are milliseconds in the records
    again[3] = intact[1][3]
    assert again == intact[1]


@pytest.mark.parametrize("kept", [0, 20, 90_000, -1])
def test_a_torn_chunk_says_what_is_left_of_it(kept: int) -> None:
    session, track = captured()
    intact = [said(each) for each in outlined(session, track)[0]]
    key = track.chunks[1].key
    session.store.put(key, session.store.objects[key][:kept])

    ends, reader, store = outlined(session, track)

    assert store.wholes == [key]
    assert [missing.problem for missing in reader.missing.values()] == ["torn"]
    found = {each.chunk: said(each) for each in ends}
    _, columns, *_ = found.pop(1, [1, [[]]])
    assert columns[0] == intact[1][1][0][: len(columns[0])]
    assert [*found.values()] == [each for each in intact if each[0] != 1]


def test_a_missing_chunk_leaves_the_numbers_of_the_others() -> None:
    session, track = captured()
    del session.store.objects[track.chunks[1].key]

    ends, reader, _ = outlined(session, track)

    assert [each.chunk for each in ends] == [0, 2, 3, 4]
    assert [missing.problem for missing in reader.missing.values()] == ["missing"]


def test_a_manifest_that_lies_about_the_packets_still_finds_the_trailer() -> None:
    session, track = captured()
    intact = [said(each) for each in outlined(session, track)[0]]
    for packets in (1, 1 << 40):
        lying = [replace(chunk, packets=packets) for chunk in track.chunks]
        told = track.model_copy(update={"chunks": tuple(lying)})

        assert [said(each) for each in outlined(session, told)[0]] == intact


def test_small_chunks_say_together_what_they_say_one_by_one() -> None:
    session = Session()
    datagrams = vp8_call(10)
    for second in range(10):
        at = START_US + second * 1_000_000
        datagrams.append(report(at, 2**32 - 900 + 90_000 * second, arrival_us=at + 5000))
    track = session.capture(TrackType.VIDEO, sorted(datagrams), chunk_us=1_000_000)
    one_by_one = [
        said(each)
        for chunk in track.chunks
        for each in ChunkReader(session.store, crc32c_of, batch=1).outlines([chunk])
    ]
    key = track.chunks[4].key
    session.store.put(key, session.store.objects[key][:-1])  # is read whole, the others are not

    (together,), reader, store = outlined(session, track, batch=BATCH)

    number, columns, rtcp, rtcp_arrival_us = said(together)
    assert number == len(track.chunks) - 1
    one = zip(*(columns for _, columns, *_ in one_by_one), strict=True)
    assert columns[:5] == [list(chain(*parts)) for parts in one][:5]
    assert rtcp == list(chain(*(each for *_, each, _ in one_by_one)))
    assert len(rtcp_arrival_us) == 10
    assert store.wholes == [key]
    assert list(reader.missing) == [key]


def layers(seconds: int) -> list[Datagram]:
    """Two SSRCs on one track, as simulcast sends them; the second one ends halfway."""
    first = opus_call(seconds, size=900)
    other = Sender(payload_type=111, ssrc=99, sequence=7)
    return sorted([*first, *opus_call(seconds / 2, sender=other, size=900)])


@pytest.mark.parametrize(
    ("datagrams", "numbers"),
    [
        (opus_call(40, size=900), [7, 9]),
        (opus_call(40, size=900)[:700] + opus_call(40, size=900)[703:], [7, 9]),
        (layers(40), [1, 3, 5, 8, 9]),
    ],
    ids=["one stream", "one stream with loss", "two streams"],
)
def test_batches_are_outlined_at_once_where_they_are_of_one_stream(
    datagrams: list[Datagram], numbers: list[int]
) -> None:
    session = Session()
    track = session.capture(TrackType.AUDIO, datagrams, chunk_us=4_000_000)
    assert len(track.chunks) == 10
    batch = 2 * max(chunk.size_bytes for chunk in track.chunks)

    ends, _, store = outlined(session, track, batch=batch)
    singly, _, _ = outlined(session, track)

    assert [each.chunk for each in ends] == numbers
    assert store.wholes == []
    for together in zip(*(said(each)[1] for each in ends), strict=True):
        assert list(chain(*together)) in [
            list(chain(*apart)) for apart in zip(*(said(each)[1] for each in singly), strict=True)
        ]


def test_a_stream_that_ends_is_told_to_end_in_the_batch_that_has_its_last_packet() -> None:
    session = Session()
    track = session.capture(TrackType.AUDIO, layers(40), chunk_us=4_000_000)
    batch = 2 * max(chunk.size_bytes for chunk in track.chunks)
    outliner = TrackOutliner(TrackFormat("opus", (111,), 48_000, 2))

    for headers in outlined(session, track, batch=batch)[0]:
        outliner.push(headers)

    assert {stream.ssrc: stream.last_chunk for stream in outliner.streams} == {5678: 9, 99: 5}


def numbered(*numbers: int, ssrcs: tuple[int, ...] = (7,)) -> Packets:
    made = zip(numbers, ssrcs * len(numbers), strict=False)
    return packets_of([write_header(96, n & 0xFFFF, 0, ssrc, False) for n, ssrc in made])


def test_one_stream_is_one_ssrc_whose_numbers_go_on() -> None:
    for goes_on in ((), (5,), (65_534, 65_535, 0, 1), (5, 7, 6, 6, 8), (5, 100, 190), (5, -90)):
        assert is_one_stream(numbered(*goes_on))
    for jumps in ((5, 5000), (5, 5000, 6), (5, -5000), (5, 32_773)):
        assert not is_one_stream(numbered(*jumps))
    assert not is_one_stream(numbered(5, 6, 7, ssrcs=(7, 7, 8)))


def test_sound_takes_a_few_bytes_for_each_packet() -> None:
    session = Session()
    track = session.capture(TrackType.AUDIO, opus_call(30, size=900))

    ends, _, store = outlined(session, track)

    packets = sum(each.packets.count for each in ends)
    assert packets == 1500
    assert store.ends <= packets * 21 + len(track.chunks) * 4200
    assert np.concatenate([each.packets.arrival_us for each in ends]).tolist() == [
        START_US + 20_000 * i + 12_000 for i in range(1500)
    ]
