import struct
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from capture_agent.clock import Clock
from capture_agent.sealing import CHUNKS_PER_SEGMENT, DraftedTake, draft_chunks
from capture_agent.spool import Segment
from capture_agent.state import SessionRecording, Take
from isotrack.recording.agents import DesiredEgress
from isotrack.recording.tracks import Call, ParticipantSession, Track
from isotrack.rtp.dump import MAX_RECORDS, read_dump

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
START_NS = 1_795_341_600_000_000_000
CALL = Call(call_type="default", call_id="c1")
RECORDING = SessionRecording(
    call=CALL,
    call_session_id="cs",
    egress=DesiredEgress(
        call=CALL, call_session_id="cs", egress_id="e", started_at=AT, output_types=()
    ),
    participant=ParticipantSession(user_id="u", user_session_id="s", joined_at=AT),
)


def take(number: int = 1, first_segment: int = 1, **changes: Any) -> Take:
    described = {
        "track_id": f"t{number}",
        "track_type": "video",
        "mime_type": "video/vp8",
        "payload_type": 96,
        "clock_rate": 90000,
        "announced_at": AT,
    }
    return Take(number=number, track=Track(**described | changes), first_segment=first_segment)


def rtp(sequence: int, *, ssrc: int = 7, payload_type: int = 96, size: int = 0) -> bytes:
    return struct.pack(">BBHII", 0x80, payload_type, sequence, 0, ssrc) + bytes(size)


SENDER_REPORT = struct.pack(">BBHIIIIII", 0x80, 200, 6, 7, 1, 2, 3, 4, 5)


def segment(*records: tuple[int, int, bytes], drops: int = 0) -> Segment:
    """A segment of (arrival in microseconds, take, datagram)."""
    lengths = np.array([len(record[2]) for record in records], np.int64)
    return Segment(
        np.frombuffer(b"".join(record[2] for record in records), np.uint8),
        np.array([START_NS + record[0] * 1000 for record in records], np.uint64),
        np.array([record[1] for record in records], np.uint32),
        np.full(len(records), drops, np.uint32),
        np.cumsum(lengths) - lengths,
        lengths,
        torn_bytes=0,
    )


def draft(of: Segment, *takes: Take, number: int = 1) -> list[DraftedTake]:
    known = {one.number: (RECORDING, one) for one in takes}
    return list(draft_chunks(of, number, known, Clock(START_NS)))


def packets(body: bytes) -> list[bytes]:
    records = read_dump(body)
    assert records.intact
    ends = zip(records.offset, records.length, strict=True)
    return [records.buffer[at : at + length].tobytes() for at, length in ends]


def test_a_chunk_holds_one_track_rtp_and_rtcp_in_order_of_arrival():
    of = segment((5, 1, rtp(2)), (7, 2, rtp(9)), (6, 1, SENDER_REPORT), (3, 1, rtp(1)))
    first, second = draft(of, take(1), take(2))
    (chunk,) = first.drafts
    assert packets(chunk.body()) == [rtp(1), rtp(2), SENDER_REPORT]
    records = read_dump(chunk.body())
    assert records.is_rtcp.tolist() == [False, False, True]
    assert (records.arrival_us - START_NS // 1000).tolist() == [3, 5, 6]
    assert packets(second.drafts[0].body()) == [rtp(9)]


def test_a_chunk_is_listed_with_its_packets_and_first_and_last_arrival():
    (drafted,) = draft(segment((5, 1, rtp(1)), (9, 1, rtp(2))), take())
    chunk = drafted.drafts[0].sealed("k", 10, 20)
    assert (chunk.key, chunk.size_bytes, chunk.crc32c, chunk.packets) == ("k", 10, 20, 2)
    assert chunk.first_arrival_us == START_NS // 1000 + 5
    assert chunk.last_arrival_us == START_NS // 1000 + 9


def test_datagrams_that_are_not_of_the_track_are_dropped_and_counted():
    of = segment(
        (1, 1, b"garbage that is no RTP"),
        (2, 1, b""),
        (3, 1, rtp(1, ssrc=8)),
        (4, 1, rtp(1, ssrc=9, payload_type=97)),
        (5, 1, b"\x80\x60"),
        (6, 1, rtp(1)),
        (7, 1, SENDER_REPORT),
        drops=2,
    )
    (drafted,) = draft(of, take(ssrc=7))
    assert packets(drafted.drafts[0].body()) == [rtp(1), SENDER_REPORT]
    assert drafted.dropped_datagrams == 5
    assert drafted.kernel_drops == 14


def test_a_track_announced_without_an_ssrc_keeps_media_of_any():
    (drafted,) = draft(segment((1, 1, rtp(1, ssrc=8)), (2, 1, rtp(2, ssrc=9))), take())
    assert drafted.drafts[0].rows.size == 2


def test_other_payload_types_of_a_tracks_ssrc_are_kept_for_their_sequence_numbers():
    """Edge case 15: DTMF shares the numbering of the audio, and would be loss if it was dropped."""
    of = segment((1, 1, rtp(1)), (2, 1, rtp(2, payload_type=101)), (3, 1, rtp(3)))
    for announced in (take(ssrc=7), take()):
        (drafted,) = draft(of, announced)
        assert drafted.drafts[0].rows.size == 3


def test_retransmissions_fec_and_layers_of_a_track_are_kept():
    rtx = rtp(1, ssrc=17, payload_type=97)
    fec = rtp(1, ssrc=27, payload_type=49)
    low, low_rtx = rtp(1, ssrc=8), rtp(1, ssrc=18, payload_type=97)
    foreign = rtp(1, ssrc=99)
    of = segment(*[(n, 1, p) for n, p in enumerate([rtp(1), rtx, fec, low, low_rtx, foreign])])
    (drafted,) = draft(
        of,
        take(
            rtx={"payload_type": 97},
            fec={"mechanism": "flexfec-03", "payload_type": 49, "ssrc": 27},
            layers=[{"ssrc": 7, "rtx_ssrc": 17}, {"ssrc": 8, "rtx_ssrc": 18}],
        ),
    )
    assert packets(drafted.drafts[0].body()) == [rtp(1), rtx, fec, low, low_rtx]


def test_retransmissions_of_an_unknown_ssrc_are_known_by_their_payload_type():
    rtx = rtp(1, ssrc=17, payload_type=97)
    (drafted,) = draft(
        segment((1, 1, rtp(1)), (2, 1, rtx), (3, 1, rtp(1, ssrc=8))),
        take(ssrc=7, rtx={"payload_type": 97}),
    )
    assert packets(drafted.drafts[0].body()) == [rtp(1), rtx]


def test_layers_known_by_rid_alone_are_known_by_the_payload_type():
    of = segment((1, 1, rtp(1, ssrc=8)), (2, 1, rtp(1, ssrc=9)))
    (drafted,) = draft(of, take(layers=[{"rid": "h"}, {"rid": "l"}]))
    assert drafted.drafts[0].rows.size == 2


def test_a_take_of_which_nothing_belongs_gives_no_chunk():
    (drafted,) = draft(segment((1, 1, b"?")), take())
    assert drafted.drafts == []
    assert drafted.dropped_datagrams == 1


@pytest.mark.parametrize(
    ("size", "count", "parts"),
    [
        (0, MAX_RECORDS, [MAX_RECORDS]),
        (0, MAX_RECORDS + 1, [MAX_RECORDS, 1]),
        (1004, 4097, [4096, 1]),  # records of 1024 bytes: 4096 of them are 4 MiB
    ],
)
def test_a_chunk_ends_at_its_most_records_or_bytes(size: int, count: int, parts: list[int]):
    of = segment(*[(n, 1, rtp(n & 0xFFFF, size=size)) for n in range(count)])
    (drafted,) = draft(of, take())
    assert [part.rows.size for part in drafted.drafts] == parts
    assert np.concatenate([part.rows for part in drafted.drafts]).tolist() == list(range(count))


def test_chunks_are_numbered_from_the_segment_a_take_began_in():
    of = segment(*[(n, 1, rtp(n & 0xFFFF)) for n in range(MAX_RECORDS + 1)])
    (drafted,) = draft(of, take(first_segment=40), number=42)
    assert [part.sequence for part in drafted.drafts] == [
        2 * CHUNKS_PER_SEGMENT,
        2 * CHUNKS_PER_SEGMENT + 1,
    ]
    assert drafted.drafts[1].key(2001) == "raw/default/c1/e/s/t1/00002001.rtpdump"


def test_sealing_a_segment_again_gives_the_same_keys_and_bytes():
    of = segment((1, 2, rtp(1)), (1, 1, rtp(2)), (1, 1, SENDER_REPORT), (1, 1, rtp(3)))
    once, again = (
        [(part.sequence, part.body()) for one in draft(of, take(1), take(2)) for part in one.drafts]
        for _ in range(2)
    )
    assert once == again
    assert len(once) == 2


def test_a_segment_can_hold_nothing():
    assert draft(segment()) == []
