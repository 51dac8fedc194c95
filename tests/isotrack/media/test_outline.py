from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from isotrack.media.outline import MAX_EARLY_REPORTS, StreamOutline, TrackOutliner
from isotrack.rtp import absolute_capture_time
from isotrack.rtp.packet import read_packets
from tests.sessions import (
    OPUS,
    START_US,
    VP8,
    Datagram,
    Sender,
    chunked,
    delayed,
    dump,
    headers,
    opus_call,
    outline_track,
    read_track,
    report,
    rtp,
    vp8_call,
)

SECOND = 1_000_000
CLOCKLESS_US = -2_208_988_800_000_000
"""NTP time 0."""


def heard(stream: StreamOutline) -> list[tuple[int, int]]:
    """RTP timestamp and NTP time of each report of a stream."""
    reports = stream.clock.reports()
    return list(zip(reports.timestamp.tolist(), reports.ntp_us.tolist(), strict=True))


def restarted(seconds: int = 3) -> Sender:
    """A call whose sender restarted in the middle of it."""
    sender = Sender(payload_type=111, ssrc=5678)
    opus_call(seconds, sender=sender)
    sender.sequence = 20_000
    start_us = START_US + seconds * SECOND
    opus_call(seconds, sender=sender, start_us=start_us, timestamp=10**9)
    return sender


def test_a_stream_is_outlined_without_its_media() -> None:
    outliner = outline_track(VP8, vp8_call(30), size=100)

    (stream,) = outliner.streams
    assert stream.ssrc == 1234
    assert (stream.first_chunk, stream.last_chunk) == (0, 26)
    assert stream.has_media
    assert stream.last_timestamp == 2**33 - 900 + 3000 * 899
    assert len(stream.clock.delays().timestamp) >= 30
    assert stream.activity.first_us == START_US + 2000
    # 60 bytes and a header of 3 or 10, in three packets of a descriptor of one byte each.
    assert stream.activity.by_second().size.sum() == 900 * (60 + 3 + 3) + 30 * 7


@pytest.mark.parametrize("size", [1, 2, 3, 50, 149, 150, 151, 8192])
def test_the_outline_and_the_media_tell_the_same_streams(size: int) -> None:
    """A single packet that is far from all others waits over the end of a chunk in both."""
    calls = [
        restarted().sent,
        sorted([*opus_call(2), *opus_call(2, sender=Sender(payload_type=111, ssrc=99))]),
        [*opus_call(30)[:99], *opus_call(30)[799:]],
    ]
    for sent in calls:
        outliner = outline_track(OPUS, sent, size=size)
        reading = read_track(OPUS, sent, size=size)

        assert len(outliner.streams) == len(reading.reader.streams)
        for ordinal, stream in enumerate(outliner.streams):
            times = [frame.timestamp for frame in reading.frames if frame.stream == ordinal]
            assert stream.last_timestamp == max(times)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_stream_is_over_with_the_last_chunk_that_has_packets_of_it(size: int) -> None:
    sent = restarted().sent

    old, new = outline_track(OPUS, sent, size=size).streams

    assert (old.first_chunk, old.last_chunk) == (0, 149 // size)
    assert new.last_chunk == 299 // size
    assert new.first_chunk == (151 if size == 1 else 150) // size  # one packet alone is no stream


def test_late_packets_make_a_stream_last_longer() -> None:
    sent = restarted().sent
    sent[140:150] = [delayed(each, 300_000) for each in sent[140:150]]

    old, new = outline_track(OPUS, sorted(sent), size=10).streams

    assert old.last_chunk > new.first_chunk


@pytest.mark.parametrize("size", [1, 2, 8192])
def test_a_sender_report_that_comes_before_its_first_packet_is_used(size: int) -> None:
    """Edge case 189."""
    early = report(START_US - 500_000, 2**32 - 4800 - 24_000, arrival_us=START_US, ssrc=5678)
    stray = report(START_US, 0, arrival_us=START_US, ssrc=4)

    (stream,) = outline_track(OPUS, [early, stray, *opus_call(2)], size=size).streams

    assert heard(stream) == [(2**33 - 4800 - 24_000, START_US - 500_000)]


def test_a_report_behind_the_last_packet_is_used() -> None:
    """Edge case 189."""
    call = opus_call(2)
    at_us = START_US + 2 * SECOND
    late = report(at_us, 2**32 - 4800 + 96_000, arrival_us=at_us + SECOND, ssrc=5678)

    (stream,) = outline_track(OPUS, [*call, late], size=len(call)).streams

    assert heard(stream) == [(2**33 - 4800 + 96_000, at_us)]
    assert stream.last_chunk == 0


def test_reports_of_ssrcs_without_media_make_no_stream_and_no_memory() -> None:
    """Edge case 200 and edge case 56: RTX, FEC, a muted track, and somebody who makes up SSRCs."""
    strays = [report(START_US, 0, arrival_us=START_US, ssrc=100 + n) for n in range(500)]

    outliner = outline_track(OPUS, strays, size=50)

    assert outliner.streams == []
    assert len(outliner._early_reports) == MAX_EARLY_REPORTS


def test_a_report_of_before_a_restart_belongs_to_what_was_sent_before_it() -> None:
    before = report(START_US + SECOND, 2**32 - 4800 + 48_000, arrival_us=START_US, ssrc=5678)
    after = report(START_US + 4 * SECOND, 10**9 + 48_000, arrival_us=START_US, ssrc=5678)

    old, new = outline_track(OPUS, [before, *restarted().sent, after]).streams

    assert heard(old) == [(2**33 - 4800 + 48_000, START_US + SECOND)]
    assert heard(new) == [(2**32 + 10**9 + 48_000, START_US + 4 * SECOND)]


def test_a_sender_report_without_a_clock_is_none() -> None:
    """Edge case 184."""
    clockless = report(CLOCKLESS_US, 0, arrival_us=START_US, ssrc=5678)

    (stream,) = outline_track(OPUS, [*opus_call(1), clockless]).streams

    assert heard(stream) == []
    assert stream.clock.without_clock == 1


def test_damaged_rtcp_is_passed_over() -> None:
    """Edge case 198."""
    good = report(START_US, 2**32 - 4800, arrival_us=START_US, ssrc=5678)
    damaged = [Datagram(START_US, good.data[:size], True) for size in (1, 4, 11, 27)]

    (stream,) = outline_track(OPUS, [*opus_call(1), *damaged, good]).streams

    assert heard(stream) == [(2**33 - 4800, START_US)]


def test_padding_alone_is_no_media() -> None:
    sent = [rtp(n, 0, b"", arrival_us=START_US + n, payload_type=111) for n in range(9)]

    (stream,) = outline_track(OPUS, sent).streams

    assert not stream.has_media
    assert stream.activity.by_second().size.tolist() == []


def test_a_track_without_packets_has_no_streams() -> None:
    """Edge case 56."""
    assert outline_track(OPUS, []).streams == []


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_track_of_one_packet_has_an_outline(size: int) -> None:
    """Edge case 55."""
    sent = [report(START_US, 900, arrival_us=START_US, ssrc=1234), *vp8_call(0.04, packets=1)]

    (stream,) = outline_track(VP8, sent, size=size).streams

    assert stream.has_media
    assert stream.activity.by_second().size.tolist() == [71]
    assert stream.clock.delays().timestamp.tolist() == [stream.last_timestamp]


def test_headers_that_were_read_from_packets_tell_the_same() -> None:
    call = vp8_call(20)
    by_trailer = outline_track(VP8, call, size=77).streams[0]

    outliner = TrackOutliner(VP8)
    for chunk, records in enumerate(chunked(call, 77)):
        outliner.push(headers(chunk, dump([]))._replace(packets=read_packets(records)[0]))

    (stream,) = outliner.streams
    assert stream.last_timestamp == by_trailer.last_timestamp
    told, walked = by_trailer.clock.delays(), stream.clock.delays()
    assert all(np.array_equal(a, b) for a, b in zip(told, walked, strict=True))


def with_capture_time(datagrams: Sequence[Datagram], every: int) -> list[Datagram]:
    """Some of these packets say when they were captured: as they arrived, less 30 ms."""
    made = []
    for n, each in enumerate(datagrams):
        if n % every:
            made.append(each)
            continue
        ntp = ((each.arrival_us - 30_000) * 2**32 // SECOND) + (2_208_988_800 << 32)
        element = bytes([9 << 4 | 7]) + ntp.to_bytes(8, "big") + bytes(3)
        block = b"\xbe\xde\x00\x03" + element
        fixed = bytes([each.data[0] | 0x10]) + each.data[1:12]
        made.append(each._replace(data=fixed + block + each.data[12:]))
    return made


def test_capture_times_are_read_where_packets_are() -> None:
    """Edge case 206."""
    form = OPUS._replace(header_extensions={absolute_capture_time.URI: 9})
    call = with_capture_time(opus_call(10), 10)
    outliner = TrackOutliner(form)
    for chunk, records in enumerate(chunked(call, 100)):
        outliner.push(headers(chunk, dump([]))._replace(packets=read_packets(records)[0]))

    captured = outliner.streams[0].clock.capture_times()

    assert len(captured.timestamp) >= 10
    first_us = call[0].arrival_us - 30_000
    assert abs(int(captured.capture_us[0]) - first_us) <= 1


def test_capture_times_need_the_packets() -> None:
    form = OPUS._replace(header_extensions={absolute_capture_time.URI: 9})

    (stream,) = outline_track(form, with_capture_time(opus_call(10), 10)).streams

    assert len(stream.clock.capture_times().timestamp) == 0
