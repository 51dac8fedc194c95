from pathlib import Path

import pytest

from isotrack.rtp.datagrams import CaptureError
from isotrack.rtp.header import write_header
from isotrack.rtp.mjr import MjrReader
from tests.captures import mjr, read

DATA = Path(__file__).parents[2] / "data" / "rtp" / "mjr"
CREATED, FIRST = 1_795_339_100_207_421, 1_795_339_100_253_588
OPUS = {"t": "a", "c": "opus", "s": CREATED, "u": FIRST}


def rtp(sequence: int, payload: bytes = b"sound") -> bytes:
    return write_header(111, sequence, 960 * sequence, 3, False) + payload


@pytest.mark.parametrize("piece", [1, 13, 1 << 20])
def test_packets_come_when_their_records_say(piece: int) -> None:
    capture = mjr([(0, rtp(1)), (19, rtp(2)), (43, rtp(3))], OPUS)
    reader, rows = read(capture, piece)
    assert reader.form == "mjr"
    assert not reader.arrivals_made
    assert rows == [(FIRST + ms * 1000, "", rtp(n)) for n, ms in ((1, 0), (2, 19), (3, 43))]


def test_milliseconds_that_wrap_go_on() -> None:
    capture = mjr([(0xFFFFFFFE, rtp(1)), (3, rtp(2))], OPUS)
    times = [row[0] for row in read(capture)[1]]
    assert times[1] - times[0] == 5000


def test_the_header_says_what_the_track_is() -> None:
    said = OPUS | {"t": "v", "c": "H264", "d": "camera", "f": "packetization-mode=1", "e": True}
    capture = mjr([], said | {"x": {"13": "urn:3gpp:video-orientation", "0": "urn:x", "y": 3}})
    reader = read(capture)[0]
    assert isinstance(reader, MjrReader)
    header = reader.header
    assert header is not None
    assert (header.kind, header.codec, header.description) == ("video", "h264", "camera")
    assert header.fmtp == "packetization-mode=1"
    assert header.extensions == {"urn:3gpp:video-orientation": 13}
    assert header.encrypted
    assert (header.created_us, header.first_frame_us) == (CREATED, FIRST)


@pytest.mark.parametrize(("version", "header"), [(1, OPUS), (0, b"audio")])
def test_records_of_the_older_forms_are_timed_by_rtp(
    version: int, header: dict[str, object] | bytes
) -> None:
    reader, rows = read(mjr([(0, rtp(n)) for n in (1, 2, 4)], header, version), 10)
    assert reader.arrivals_made
    assert [row[2] for row in rows] == [rtp(1), rtp(2), rtp(4)]
    assert [row[0] - rows[0][0] for row in rows] == [0, 20_000, 60_000]
    assert rows[0][0] == (FIRST if version else 1_000_000_000_000_000)


def test_a_real_recording_of_janus_is_read() -> None:
    reader, rows = read(DATA / "av1_opus-alice-audio-0.mjr", 999)
    assert len(rows) == 707
    assert rows[0][0] == FIRST
    assert [row[0] - FIRST for row in rows[1:4]] == [19_000, 43_000, 59_000]
    assert isinstance(reader, MjrReader)
    assert reader.header is not None
    assert (reader.header.codec, reader.header.description) == ("opus", "alice-audio")


def test_a_torn_recording_gives_what_stands_before_the_tear() -> None:
    whole = mjr([(0, rtp(1)), (20, rtp(2))], OPUS)
    reader, rows = read(whole[:-3])
    assert [row[2] for row in rows] == [rtp(1)]
    assert reader.skipped["torn"] == 1
    spoilt = whole.replace(b"MEET", b"BEET", 3).replace(b"BEET", b"MEET", 1)
    assert read(spoilt)[0].skipped["torn"] == 1


def test_a_recording_of_a_data_channel_has_no_media() -> None:
    reader, rows = read(mjr([(0, b"text of a chat")], OPUS | {"t": "d", "c": "text"}))
    assert rows == []
    assert reader.skipped["data_channel"] == 1


@pytest.mark.parametrize(
    ("capture", "message"),
    [
        (b"MJR00009\0\x02{}", "begins with"),
        (mjr([], b"{"), "not JSON"),
        (mjr([], b"[]"), "type of media"),
        (mjr([], b"[" * 60_000), "not JSON"),
        (mjr([], b"smell", 0), "neither audio nor video"),
        (b"MJR00002\0\xff{", "inside its header"),
    ],
)
def test_a_header_that_cannot_be_read_says_so(capture: bytes, message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        read(capture)
