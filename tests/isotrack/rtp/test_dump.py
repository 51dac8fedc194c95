import json
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.rtp import rtcp
from isotrack.rtp.dump import (
    MAX_PACKET,
    MAX_RECORDS,
    DumpError,
    read_dump,
    read_dumps,
    write_dump,
)
from isotrack.rtp.records import Records, joined, read_headers
from tests.packets import START_US

DATA = Path(__file__).parents[2] / "data" / "rtp"
LINE = b"#!rtpplay1.0 127.0.0.1/0\n"
FILE_HEADER = struct.pack(">IIIHH", 1_700_000_000, 250_000, 0, 0, 0)

packet = st.tuples(st.binary(min_size=1, max_size=200), st.booleans())
arrivals = st.integers(0, 3_600_000_000).map(lambda offset: START_US + offset)


def write(
    packets: list[tuple[bytes, bool]], arrival_us: list[int], *, reverse: bool = False
) -> bytes:
    """A chunk of packets that lie in the source buffer one after the other, or back to front."""
    length = np.array([len(payload) for payload, _ in packets], np.int64)
    order = slice(None, None, -1 if reverse else 1)
    source = b"".join(payload for payload, _ in packets[order])
    offset = (np.cumsum(length[order]) - length[order])[order]
    is_rtcp = np.array([flag for _, flag in packets], np.bool_)
    return bytes(write_dump(source, offset, length, np.array(arrival_us, np.int64), is_rtcp))


def contents(records: Records) -> list[tuple[bytes, bool]]:
    rows = zip(records.offset, records.length, records.is_rtcp, strict=True)
    return [(records.buffer[at : at + size].tobytes(), bool(flag)) for at, size, flag in rows]


def plain_records(dump: bytes) -> list[tuple[int, int, bytes]]:
    """Offset in milliseconds, stated packet length and packet of each record, as rtptools do."""
    at = dump.index(b"\n") + 1 + 16
    found = []
    while at < len(dump):
        size, packet_length, offset_ms = struct.unpack_from(">HHI", dump, at)
        assert size > 8
        found.append((offset_ms, packet_length, dump[at + 8 : at + size]))
        at += size
    assert at == len(dump)
    return found


def sample() -> tuple[list[tuple[bytes, bool]], list[int]]:
    packets = [(bytes([0x80 + i]) * (20 + i), i == 3) for i in range(6)]
    return packets, [START_US + 1_234 * i * i for i in range(6)]


@given(st.lists(st.tuples(packet, arrivals), max_size=40), st.booleans())
def test_what_is_written_is_read_back_exactly(
    rows: list[tuple[tuple[bytes, bool], int]], reverse: bool
) -> None:
    packets, arrival_us = [row[0] for row in rows], [row[1] for row in rows]
    records = read_dump(write(packets, arrival_us, reverse=reverse))
    assert contents(records) == packets
    assert records.arrival_us.tolist() == arrival_us
    assert records.intact


def test_a_full_chunk_is_read_back_exactly() -> None:
    packets = [(i.to_bytes(2, "big"), i % 7 == 0) for i in range(MAX_RECORDS)]
    arrival_us = [START_US + 997 * i for i in range(MAX_RECORDS)]
    records = read_dump(write(packets, arrival_us))
    assert contents(records) == packets
    assert records.arrival_us.tolist() == arrival_us
    assert records.intact


def test_the_longest_packet_is_read_back_exactly() -> None:
    packets = [(b"\x80" * MAX_PACKET, False)]
    assert contents(read_dump(write(packets, [START_US]))) == packets


@pytest.mark.parametrize("copies", [1, 520, MAX_RECORDS // 6])
def test_any_rtpdump_tool_finds_the_packets_and_their_times(copies: int) -> None:
    packets, arrival_us = sample()
    packets, arrival_us = packets * copies, arrival_us * copies
    found = plain_records(write(packets, arrival_us))
    plain, trailer = found[: len(packets)], found[len(packets) :]
    assert [body for _, _, body in plain] == [body for body, _ in packets]
    assert [length for _, length, _ in plain] == [0 if flag else len(b) for b, flag in packets]
    assert [offset for offset, _, _ in plain] == [(us - START_US) // 1000 for us in arrival_us]
    assert [length for _, length, _ in trailer] == [0] * len(trailer)
    assert {body[8:12] for *_, body in trailer} == {b"ISOT"}


def test_the_file_header_names_the_first_arrival_and_the_address() -> None:
    none = np.zeros(0, np.int64)
    one = np.array([0], np.int64)
    dump = write_dump(b"\x80", one, one + 1, one + 5_000_007, one != 0, host="192.0.2.7", port=5004)
    assert dump.startswith(b"#!rtpplay1.0 192.0.2.7/5004\n")
    fields = struct.unpack_from(">IIIHH", dump, dump.index(b"\n") + 1)
    assert fields == (5, 7, 0xC0000207, 5004, 0)
    assert read_dump(write_dump(b"", none, none, none, none != 0)).intact


@given(st.lists(st.tuples(packet, arrivals), max_size=40))
def test_headers_are_the_same_from_the_trailer_and_from_the_packets(
    rows: list[tuple[tuple[bytes, bool], int]],
) -> None:
    dump = write([row[0] for row in rows], [row[1] for row in rows])
    sealed = read_dump(dump)
    walked = read_dump(dump[: -int.from_bytes(dump[-4:], "big")])
    told = read_headers(sealed.buffer, sealed.offset, sealed.length, sealed.is_rtcp)
    assert [column.tolist() for column in sealed.headers] == [column.tolist() for column in told]
    plain = ~walked.is_rtcp & ~sealed.is_rtcp  # what is walked may look like RTCP
    for ours, theirs in zip(sealed.headers, walked.headers, strict=True):
        assert ours[plain].tolist() == theirs[plain].tolist()


def test_the_trailer_is_one_app_packet_that_rtcp_readers_step_over() -> None:
    *_, (_, _, app) = plain_records(write(*sample()))
    assert app[1] == 204
    assert app[8:12] == b"ISOT"
    assert int.from_bytes(app[-4:], "big") == len(app) + 8
    goodbye = rtcp.Bye((1,))
    assert rtcp.read_compound(app + rtcp.bye([1])) == [goodbye]


def test_packets_that_arrive_out_of_order_keep_their_arrivals() -> None:
    packets = [(b"\x80a", False), (b"\x80b", False), (b"\x80c", False)]
    arrival_us = [START_US + 2_000_001, START_US, START_US + 999]
    assert read_dump(write(packets, arrival_us)).arrival_us.tolist() == arrival_us


def test_what_cannot_be_written_to_is_copied() -> None:
    dump = write(*sample())
    before = bytes(bytearray(dump))
    records = read_dump(memoryview(dump))
    records.buffer[records.offset] = 0xFF
    assert [body[0] for body, _ in contents(records)] == [0xFF] * 6
    assert dump == before


@pytest.mark.parametrize("make", [bytearray, lambda data: np.frombuffer(bytearray(data), np.uint8)])
def test_what_can_be_written_to_becomes_the_buffer(
    make: Callable[[bytes], bytearray | np.ndarray],
) -> None:
    dump = make(write(*sample()))
    records = read_dump(dump)
    records.buffer[records.offset[0]] = 0x99
    assert bytes(dump)[int(records.offset[0])] == 0x99


@pytest.mark.parametrize("room", [1, 40, 1 << 18])
@pytest.mark.parametrize("sealed", [True, False])
def test_a_file_may_begin_anywhere_in_its_buffer(room: int, sealed: bool) -> None:
    packets, arrival_us = sample()
    dump = write(packets, arrival_us)
    whole = dump if sealed else dump[: -int.from_bytes(dump[-4:], "big")]
    records = read_dump(bytearray(b"\xaa" * room + whole), room)
    assert contents(records) == packets
    assert records.intact
    assert bytes(records.buffer[:room]) == b"\xaa" * room


def test_a_file_whose_head_is_damaged_is_read_as_its_trailer_tells() -> None:
    packets, arrival_us = sample()
    dump = write(packets, arrival_us)
    head = dump.index(b"\n") + 1 + 16
    for damaged in (b"\xff" * head + dump[head:], dump[1:], dump[head:]):
        records = read_dump(b"\xaa" * 9 + damaged, 9)
        assert contents(records) == packets
        assert records.arrival_us.tolist() == arrival_us
        assert records.intact


def test_a_file_without_head_whose_trailer_tells_of_more_than_is_there_is_refused() -> None:
    dump = write(*sample())
    head = dump.index(b"\n") + 1 + 16
    with pytest.raises(DumpError):
        read_dump(dump[head + 1 :])
    with pytest.raises(DumpError):
        read_dump(b"\xaa" * 9 + dump[head:], 10)


def test_a_file_torn_at_any_byte_keeps_the_records_before() -> None:
    packets, arrival_us = sample()
    dump = write(packets, arrival_us)
    body = dump.index(b"\n") + 1 + 16
    ends = body + np.cumsum([8 + len(payload) for payload, _ in packets])
    for size in range(body, len(dump)):
        records = read_dump(dump[:size])
        complete = int((ends <= size).sum())
        assert contents(records) == packets[:complete]
        assert (
            records.arrival_us.tolist()
            == [us - (us - START_US) % 1000 for us in arrival_us][:complete]
        )
        assert records.intact == (size == body or size in ends)


def test_a_file_torn_inside_its_header_is_refused() -> None:
    dump = write(*sample())
    for size in range(dump.index(b"\n") + 1 + 16):
        with pytest.raises(DumpError):
            read_dump(dump[:size])


@pytest.mark.parametrize("start", [b"", b"RIFF....", b"#!rtpplay\n", b"#!rtpplay1.0 " + b"x" * 999])
def test_what_is_no_rtpdump_is_refused(start: bytes) -> None:
    with pytest.raises(DumpError, match="does not begin"):
        read_dump(start)


@given(st.integers(0), st.integers(0, 255))
def test_a_trailer_that_was_changed_is_not_believed(position: int, value: int) -> None:
    packets, arrival_us = sample()
    dump = bytearray(write(packets, arrival_us))
    size = int.from_bytes(dump[-4:], "big")
    at = len(dump) - size + 8 + 12 + position % (size - 8 - 12)
    changed = dump[at] != value
    dump[at] = value
    records = read_dump(dump)
    assert contents(records) == packets
    assert records.intact is not changed


@pytest.mark.parametrize("place", [9, 70_000])
def test_a_long_trailer_that_was_changed_is_stepped_over(place: int) -> None:
    packets = [(bytes([0x80, 96]) + n.to_bytes(2, "big"), False) for n in range(5000)]
    dump = bytearray(write(packets, [START_US + n for n in range(5000)]))
    dump[-place] ^= 1
    records = read_dump(dump)
    assert contents(records) == packets
    assert not records.intact


def test_a_trailer_that_lies_about_its_size_is_stepped_over() -> None:
    packets, arrival_us = sample()
    dump = bytearray(write(packets, arrival_us))
    dump[-1] ^= 4
    records = read_dump(dump)
    assert contents(records) == packets
    assert not records.intact


@pytest.mark.parametrize("field", [1, 3])
@pytest.mark.parametrize("record", [0, 3])
def test_a_record_header_is_not_needed_where_the_trailer_tells(record: int, field: int) -> None:
    packets, arrival_us = sample()
    dump = bytearray(write(packets, arrival_us))
    first = dump.index(b"\n") + 1 + 16
    at = first + sum(8 + len(payload) for payload, _ in packets[:record])
    dump[at + field] += 1
    records = read_dump(dump)
    assert contents(records) == packets
    assert records.arrival_us.tolist() == arrival_us


def test_a_trailer_of_other_records_is_not_believed() -> None:
    packets, arrival_us = sample()
    whole, rest = write(packets, arrival_us), write(packets[1:], arrival_us[1:])
    size = int.from_bytes(rest[-4:], "big")
    records = read_dump(whole[: -int.from_bytes(whole[-4:], "big")] + rest[-size:])
    assert contents(records) == packets
    assert not records.intact


def test_more_records_behind_a_trailer_are_read_too() -> None:
    packets, arrival_us = sample()
    dump = write(packets, arrival_us) + struct.pack(">HHI", 10, 2, 7) + b"\x80z"
    records = read_dump(dump)
    assert contents(records) == [*packets, (b"\x80z", False)]
    assert not records.intact


@given(st.binary(max_size=400))
def test_hostile_records_never_raise(body: bytes) -> None:
    records = read_dump(LINE + FILE_HEADER + body)
    assert (records.offset + records.length <= records.buffer.size).all()


def test_a_packet_cut_when_captured_is_left_out() -> None:
    cut = struct.pack(">HHI", 8 + 4, 1200, 0) + b"\x80cut"
    whole = struct.pack(">HHI", 8 + 5, 5, 20) + b"\x80full"
    records = read_dump(LINE + FILE_HEADER + cut + whole)
    assert contents(records) == [(b"\x80full", False)]
    assert records.arrival_us.tolist() == [1_700_000_000_270_000]
    assert not records.intact


def test_bytes_behind_a_packet_in_its_record_are_not_part_of_it() -> None:
    record = struct.pack(">HHI", 8 + 8, 5, 0) + b"\x80fullpad"
    records = read_dump(LINE + FILE_HEADER + record)
    assert contents(records) == [(b"\x80full", False)]
    assert records.intact


@pytest.mark.parametrize("line", [b"#!RTPencode1.0 \n", b"#!rtpplay1.0 \n"])
def test_dumps_of_other_tools_are_read(line: bytes) -> None:
    record = struct.pack(">HHI", 8 + 5, 5, 1) + b"\x80full"
    assert contents(read_dump(line + FILE_HEADER + record)) == [(b"\x80full", False)]


def test_records_in_little_endian_are_read() -> None:
    record = struct.pack("<HHI", 8 + 5, 5, 1) + b"\x80full"
    records = read_dump(LINE + FILE_HEADER + 3 * record)
    assert contents(records) == 3 * [(b"\x80full", False)]
    assert records.arrival_us.tolist() == 3 * [1_700_000_000_251_000]


def test_a_dump_of_webrtc_has_its_media_and_its_sender_reports() -> None:
    golden = json.loads((DATA / "webrtc_vp9.json").read_text())["summary"]
    records = read_dump((DATA / "vp9.rtpdump").read_bytes())
    assert records.intact
    assert int((~records.is_rtcp).sum()) == golden["packets"]
    reports = [rtcp.read_compound(body)[0] for body, is_rtcp in contents(records) if is_rtcp]
    assert [
        f"{report.ntp:016x}" for report in reports if isinstance(report, rtcp.SenderReport)
    ] == [sr["ntp"] for sr in golden["sr"]]
    seconds = records.arrival_us[records.is_rtcp] - records.arrival_us[0]
    assert seconds.tolist() == [round(sr["t"] * 1_000_000) for sr in golden["sr"]]


@pytest.mark.parametrize(
    ("offset", "length", "arrival_us", "message"),
    [
        ([0], [0], [0], "1 to"),
        ([0], [MAX_PACKET + 1], [0], "1 to"),
        ([60_000], [60_000], [0], "outside"),
        ([-1], [4], [0], "outside"),
        ([0], [4], [-1], "do not fit"),
        ([0, 0], [4, 4], [0, 1 << 52], "do not fit"),
        ([0] * 8193, [4] * 8193, [0] * 8193, "at most 8192"),
    ],
)
def test_what_rtpdump_cannot_hold_is_refused(
    offset: list[int], length: list[int], arrival_us: list[int], message: str
) -> None:
    columns = (np.array(column, np.int64) for column in (offset, length, arrival_us))
    with pytest.raises(ValueError, match=message):
        write_dump(bytes(100_000), *columns, np.zeros(len(offset), np.bool_))


Dump = st.lists(st.tuples(packet, arrivals), max_size=12)


def in_one_buffer(dumps: list[bytes]) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Dumps behind a few bytes of room, and where each of them is."""
    ends = np.cumsum([9, *map(len, dumps)]).tolist()
    buffer = np.frombuffer(bytearray(b"\xaa" * 9 + b"".join(dumps)), np.uint8)
    return buffer, list(pairwise(ends))


def columns_of(records: Records) -> list[object]:
    plain = (records.offset, records.length, records.arrival_us, records.is_rtcp)
    return [(column.dtype, column.tolist()) for column in (*plain, *records.headers)]


def sealed(packets: list[tuple[tuple[bytes, bool], int]]) -> bytes:
    return write([each for each, _ in packets], [at for _, at in packets])


@given(st.lists(Dump.map(sealed), min_size=1, max_size=5))
def test_several_dumps_are_read_at_once_as_one_by_one(dumps: list[bytes]) -> None:
    buffer, ranges = in_one_buffer(dumps)

    at_once = read_dumps(buffer, ranges)

    one_by_one = joined(buffer, [read_dump(buffer[:end], begin) for begin, end in ranges])
    assert at_once is not None
    assert at_once.buffer is buffer
    assert at_once.intact
    assert columns_of(at_once) == columns_of(one_by_one)


@given(st.lists(Dump.map(sealed), min_size=1, max_size=4), st.data())
def test_damage_to_one_of_several_dumps_is_seen_or_makes_no_difference(
    dumps: list[bytes], data: st.DataObject
) -> None:
    buffer, ranges = in_one_buffer(dumps)
    at = data.draw(st.integers(9, buffer.size - 1))
    buffer[at] ^= data.draw(st.integers(1, 255))

    at_once = read_dumps(buffer, ranges)

    if at_once is not None:
        one_by_one = joined(buffer, [read_dump(buffer[:end], begin) for begin, end in ranges])
        assert columns_of(at_once) == columns_of(one_by_one)
        assert one_by_one.intact


def test_of_dumps_one_that_is_torn_or_none_leaves_all_to_be_looked_at() -> None:
    whole = write(*sample())
    for bad in (whole[:-1], whole[:30], b"", b"no dump", LINE + FILE_HEADER):
        buffer, ranges = in_one_buffer([whole, bad, whole])
        assert read_dumps(buffer, ranges) is None


def test_records_that_are_too_long_are_not_made_up_for_by_the_next_dump() -> None:
    """Trailers that are believed alone must not point into each other's files."""
    whole = write(*sample())
    body, trailer = whole[: -len_of_trailer(whole)], whole[-len_of_trailer(whole) :]
    first, second = body[:-4] + trailer, body + bytes(4) + trailer
    for dumps in ([first, second], [second, first], [first], [second]):
        assert read_dumps(*in_one_buffer(dumps)) is None


def len_of_trailer(dump: bytes) -> int:
    return int.from_bytes(dump[-4:], "big")
