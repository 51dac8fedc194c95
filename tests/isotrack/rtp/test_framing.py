import pytest

from isotrack.rtp.captures import open_capture
from isotrack.rtp.datagrams import CaptureError
from isotrack.rtp.header import write_header
from isotrack.rtp.rtcp import SenderReport, ntp_from_unix_us, sender_report
from tests.captures import framed, read

START = 1_000_000_000_000_000
NOON = 1_772_366_400_000_000


def video(sequence: int, frame: int) -> bytes:
    return write_header(96, sequence & 0xFFFF, 3000 * frame, 1, True) + b"picture"


def audio(sequence: int, ticks: int | None = None, payload_type: int = 111) -> bytes:
    timestamp = 960 * sequence if ticks is None else ticks
    return write_header(payload_type, sequence, timestamp & 0xFFFFFFFF, 2, False) + b"sound"


@pytest.mark.parametrize("piece", [1, 11, 1 << 20])
def test_packets_are_found_by_their_lengths(piece: int) -> None:
    packets = [video(n, n) for n in range(1, 5)]
    reader, rows = read(framed(packets), piece)
    assert reader.form == "rfc4571"
    assert reader.arrivals_made
    assert [row[2] for row in rows] == packets


def test_arrivals_are_made_from_rtp_time_at_the_clock_rate_the_steps_show() -> None:
    pictures = [video(2 * n + part, n) for n in range(5) for part in (0, 1)]
    sound = [audio(n) for n in range(1, 6)]
    _, rows = read(framed([*pictures[:4], *sound, *pictures[4:]]))
    by_type = {kind: [at for at, _, p in rows if p[1] & 127 == kind] for kind in (96, 111)}
    assert [at - START for at in by_type[96][::2]][:2] == [0, 33_333]
    # The sound begins where it stands in the file: at the picture before it.
    assert [at - START for at in by_type[111]] == [33_333 + 20_000 * n for n in range(5)]


def test_signaled_clock_rates_are_taken() -> None:
    _, rows = read(framed([audio(n) for n in range(1, 6)]), rates={111: 16_000})
    assert [row[0] - START for row in rows][:3] == [0, 60_000, 120_000]


def test_the_first_sender_report_says_what_time_it_is() -> None:
    report = sender_report(SenderReport(2, ntp_from_unix_us(NOON), 960, 1, 1), "alice")
    _, rows = read(framed([audio(1), report, audio(2), audio(3)]))
    assert [row[0] - NOON for row in rows] == [0, 0, 20_000, 40_000]


def test_sender_reports_tell_a_clock_rate_that_no_step_shows() -> None:
    def report(second: int) -> bytes:
        ntp = ntp_from_unix_us(NOON + second * 1_000_000)
        return sender_report(SenderReport(2, ntp, 8000 * second, 1, 1), "alice")

    packets = [audio(n, 488 * n, 120) for n in range(50)]
    _, rows = read(framed([packets[0], report(0), *packets[1:], report(3)]))
    assert rows[-1][0] - NOON == pytest.approx(49 * 61_000, abs=1)


def test_a_wild_timestamp_does_not_move_the_time_of_others() -> None:
    packets = [audio(n) for n in range(1, 9)]
    packets[4] = audio(5, 0x80000000)
    _, rows = read(framed(packets))
    assert [row[0] - START for row in rows][5:] == [n * 20_000 for n in (3, 4, 5)]


def test_a_new_codec_on_the_ssrc_goes_on_where_the_old_one_ended() -> None:
    """Edge case 12: PCMA at 8 kHz, then Opus at 48 kHz: no jump in time."""
    old = [audio(n, 160 * n, 8) for n in range(5)]
    new = [audio(5 + n, 4_000_000_000 + 960 * n) for n in range(5)]
    reader = open_capture(framed(old), START, {111: 48_000})
    batches = [reader.feed(framed(old)), reader.finish(), reader.feed(framed(new)), reader.finish()]
    times = [at - START for batch in batches for at in batch.arrival_us.tolist()]
    assert times == [*range(0, 100_000, 20_000), *range(80_000, 180_000, 20_000)]


def test_a_torn_end_is_counted() -> None:
    reader, rows = read(framed([audio(n) for n in range(1, 6)])[:-2])
    assert len(rows) == 4
    assert reader.skipped["torn"] == 1


def test_what_is_not_framed_media_is_refused() -> None:
    with pytest.raises(CaptureError, match="RFC 4571"):
        read(b"\0\x20" + bytes(200))


def test_a_file_of_a_single_packet_is_one() -> None:
    reader, rows = read(video(1, 1))
    assert reader.form == "packets"
    assert rows == [(START, "", video(1, 1))]
