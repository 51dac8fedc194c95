from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest

from isotrack.codecs.audio import AudioCodec, audio_codec
from isotrack.media.observations import ticks_to_us
from isotrack.media.ordering import Ordered, OrderingBuffer
from isotrack.media.placed import Placed, place_whole
from isotrack.media.silence import MIN_HOLE_US, Hole, SilenceFiller, silence
from isotrack.media.streams import StreamSplitter
from isotrack.media.stretches import LISTED
from isotrack.rtp.header import write_header
from tests.packets import packets_of
from tests.sound import decode_sound

START_US = 1_760_000_000_000_000
OPUS = audio_codec("opus", 48_000, 2, {})
PCMU = audio_codec("pcmu", 8000, 1, {})
PCMA = audio_codec("pcma", 8000, 2, {})
G722 = audio_codec("g722", 8000, 1, {})
SHORTEST_US = {OPUS: 2500, PCMU: 125, PCMA: 125, G722: 125}
every_codec = pytest.mark.parametrize("codec", SHORTEST_US, ids=["opus", "pcmu", "pcma", "g722"])


def sound(*times_ms: float, lost: Sequence[int] = (), duration_us: int = 20_000) -> Placed:
    count = len(times_ms)
    return place_whole(
        time_us=START_US + np.array([int(t * 1000) for t in times_ms], np.int64),
        duration_us=np.full(count, duration_us),
        keyframe=np.ones(count, np.bool_),
        after_loss=np.isin(np.arange(count), list(lost)),
        rotation=np.zeros(count, np.int16),
        size=np.full(count, 2),
        body=b"".join(bytes([0xFC, i & 255]) for i in range(count)),
    )


def bodies(placed: Placed) -> list[bytes]:
    """The bytes of each frame."""
    return [placed.frame(row) for row in range(placed.count)]


def filled(filler: SilenceFiller, *pieces: Placed) -> list[tuple[int, int, bytes]]:
    """Time and duration in us from the start, and bytes, of each frame."""
    found = []
    for given in pieces:
        for piece in filler.fill(given):
            placed = silence(piece, filler.codec) if isinstance(piece, Hole) else piece
            times = (placed.time_us - START_US).tolist()
            found += zip(times, placed.duration_us.tolist(), bodies(placed), strict=True)
    return found


def opus_filler() -> SilenceFiller:
    return SilenceFiller(START_US, OPUS)


def test_sound_without_a_hole_is_left_as_it_is() -> None:
    placed = sound(0, 20, 40, 60)
    filler = opus_filler()

    assert filler.fill(placed) == [placed]
    assert filler.holes == []


@pytest.mark.parametrize("jitter_ms", [-9, -1, 1, 9.9])
def test_the_jitter_of_clocks_is_not_filled(jitter_ms: float) -> None:
    filler = opus_filler()

    found = filled(filler, sound(0, 20, 40 + jitter_ms), sound(60, 80 + jitter_ms))

    assert len(found) == 5
    assert filler.holes == []


def test_a_hole_is_filled_with_valid_silent_frames() -> None:
    filler = opus_filler()

    found = filled(filler, sound(0, 20, 100))

    assert found == [
        (0, 20_000, b"\xfc\x00"),
        (20_000, 20_000, b"\xfc\x01"),
        (40_000, 20_000, b"\xfc\xff\xfe"),
        (60_000, 20_000, b"\xfc\xff\xfe"),
        (80_000, 20_000, b"\xfc\xff\xfe"),
        (100_000, 20_000, b"\xfc\x02"),
    ]
    assert filler.holes == [Hole(START_US + 40_000, START_US + 100_000, False)]


@every_codec
@pytest.mark.parametrize("hole_us", [10_000, 12_499, 17_500, 39_999, 60_001, 9_999_999, 65_432_101])
def test_every_hole_is_filled_up_to_the_shortest_frame(codec: AudioCodec, hole_us: int) -> None:
    placed = silence(Hole(START_US, START_US + hole_us, False), codec)

    ends = placed.time_us + placed.duration_us
    assert 0 <= START_US + hole_us - ends[-1] <= SHORTEST_US[codec]
    assert placed.time_us[0] == START_US
    assert np.abs(np.diff(placed.time_us) - placed.duration_us[:-1]).max(initial=0) <= 1


@every_codec
def test_silent_frames_are_as_long_as_is_said_of_them(codec: AudioCodec) -> None:
    placed = silence(Hole(START_US, START_US + 1_234_567, False), codec)

    assert [len(frame) for frame in bodies(placed)] == placed.size.tolist()
    assert min(placed.size.tolist()) > 0


def test_a_lane_that_comes_in_later_is_led_in() -> None:
    found = filled(opus_filler(), sound(1000))

    assert found[0] == (0, 20_000, b"\xfc\xff\xfe")
    assert len(found) == 51


def test_a_hole_over_the_end_of_a_batch_is_one_hole() -> None:
    filler = opus_filler()

    found = filled(filler, sound(0), sound(500, lost=[0]))

    assert len(found) == 1 + 24 + 1
    assert filler.holes == [Hole(START_US + 20_000, START_US + 500_000, True)]


def test_comfort_noise_between_holes_makes_one_entry() -> None:
    filler = opus_filler()

    filled(filler, sound(0, 400, 800, 1200))

    assert filler.holes == [Hole(START_US + 20_000, START_US + 1_200_000, False)]


def test_loss_is_not_taken_together_with_silence() -> None:
    filler = opus_filler()

    filled(filler, sound(0, 400, 800, lost=[2]))

    assert [hole.lost for hole in filler.holes] == [False, True]


def test_longer_frames_cover_what_comes_before_they_end() -> None:
    filler = opus_filler()

    assert len(filled(filler, sound(0, duration_us=60_000), sound(60))) == 2


def test_sound_that_is_placed_before_what_was_there_opens_no_hole_behind_it() -> None:
    filler = opus_filler()

    filled(filler, sound(0, 20, 5, 40))

    assert filler.holes == []


@every_codec
@pytest.mark.parametrize("seconds", [0.5, 10, 25.5])
def test_a_hole_is_cut_into_pieces_that_give_the_same_silence(
    codec: AudioCodec, seconds: float
) -> None:
    hole = Hole(START_US, START_US + int(seconds * 1e6) + 17_300, False)
    pieces, rest = [], hole
    while rest.start_us < rest.end_us:
        first, rest = rest.split()
        pieces.append(silence(first, codec))

    whole = silence(hole, codec)
    assert [body for piece in pieces for body in bodies(piece)] == bodies(whole)
    assert np.array_equal(np.concatenate([p.time_us for p in pieces]), whole.time_us)
    assert max(p.count for p in pieces) <= 504


@every_codec
def test_ten_hours_are_filled_a_little_at_a_time(codec: AudioCodec) -> None:
    rest, end_us, largest = Hole(START_US, START_US + 36_000_000_000, False), START_US, 0
    while rest.start_us < rest.end_us:
        first, rest = rest.split()
        placed = silence(first, codec)
        assert placed.time_us[0] == end_us
        end_us = int(placed.time_us[-1] + placed.duration_us[-1])
        largest = max(largest, int(placed.slices.length.sum()))

    assert end_us == START_US + 36_000_000_000
    assert largest < 200_000


@pytest.mark.parametrize(
    ("name", "codec", "layout", "rate", "peak"),
    [
        ("opus", OPUS, "stereo", 48_000, 0),
        ("pcmu", PCMU, "mono", 8000, 0),
        ("pcma", PCMA, "stereo", 8000, 8),
        ("g722", G722, "mono", 16_000, 32),
    ],
)
def test_silence_decodes_to_as_much_silence(
    name: str, codec: AudioCodec, layout: str, rate: int, peak: int
) -> None:
    placed = silence(Hole(START_US, START_US + 537_500, False), codec)

    pcm = decode_sound(name, bodies(placed), rate, layout)
    assert len(pcm) == (2 if layout == "stereo" else 1) * rate * 0.5375
    assert np.abs(pcm).max() <= peak


def test_a_hole_too_short_for_a_frame_stays() -> None:
    placed = silence(Hole(START_US, START_US + 2400, False), OPUS)

    assert placed.count == 0
    assert bodies(placed) == []


def test_a_lane_is_filled_up_to_the_end_of_its_source() -> None:
    filler = opus_filler()
    filled(filler, sound(0))

    (hole,) = filler.pad(START_US + 100_000)
    assert hole == Hole(START_US + 20_000, START_US + 100_000, False)
    assert filler.pad(START_US + 100_000 + MIN_HOLE_US - 1) == []
    assert filler.holes == [hole]


def test_how_much_is_filled_is_told_by_why_nothing_came() -> None:
    filler = opus_filler()

    filled(filler, sound(0, 100, 200), sound(2200, 2320, lost=[1]))

    assert filler.filled_us == {False: 80_000 + 80_000 + 1_980_000, True: 100_000}
    assert filler.hole_count == len(filler.holes) == 2
    assert filler.mutes.listed().tolist() == [[START_US + 220_000, START_US + 2_200_000]]
    assert filler.end_us == START_US + 2_340_000


def test_holes_without_number_are_listed_as_fewer_in_bounded_memory() -> None:
    """Edge case 220: hours of them; how many there are and how long stays exact."""
    filler = opus_filler()
    times = (np.arange(5000)[:, None] * 400.0 + np.arange(0, 80, 20)).ravel()

    filler.fill(sound(*times))

    assert filler.hole_count == 4999
    assert filler.filled_us[False] == 4999 * 320_000
    listed = filler.holes
    assert len(listed) <= LISTED + 1
    bounds = listed[0].start_us - START_US, listed[-1].end_us - START_US
    assert bounds == (80_000, 4999 * 400_000)


def test_holes_too_short_to_fill_are_short() -> None:
    assert MIN_HOLE_US < 20_000


class Sent(NamedTuple):
    sequence: int
    timestamp: int
    payload: bytes = bytes(160)
    payload_type: int = 8
    marker: bool = False


def ordered(packets: Sequence[Sent], clock_rate: int) -> tuple[Ordered, StreamSplitter]:
    """What is left of packets of payload type 8 once they are in order."""
    splitter = StreamSplitter((8,), clock_rate)
    datagrams = [
        write_header(p.payload_type, p.sequence, p.timestamp, 1, p.marker) + p.payload
        for p in packets
    ]
    (run,) = splitter.split(packets_of(datagrams))
    buffer = OrderingBuffer()
    pieces = buffer.push(run), buffer.finish()
    assert pieces[1] is not None
    packets_left = pieces[0].packets.count
    together = pieces[1] if not packets_left else _joined(pieces[0], pieces[1])
    return together, splitter


def _joined(first: Ordered, second: Ordered) -> Ordered:
    """Both, but for the packets themselves: the timestamps and what was lost."""
    lost = np.concatenate((first.lost_before[:-1], second.lost_before))
    return Ordered(
        first.packets,
        np.concatenate((first.sequence, second.sequence)),
        np.concatenate((first.timestamp, second.timestamp)),
        lost,
    )


def holes_ms(packets: Sequence[Sent], codec: AudioCodec) -> list[tuple[float, float, bool]]:
    """The holes that a filler finds in packets of 20 ms, from the first packet on."""
    found, _ = ordered(packets, codec.clock_rate)
    ticks = found.timestamp - found.timestamp[0]
    count = len(ticks)
    filler = SilenceFiller(START_US, codec)
    filler.fill(
        sound(*[0] * count)._replace(
            time_us=START_US + ticks_to_us(ticks, codec.clock_rate),
            after_loss=found.lost_before[:-1] > 0,
        )
    )
    return [
        ((h.start_us - START_US) / 1000, (h.end_us - START_US) / 1000, h.lost) for h in filler.holes
    ]


def call(*ticks: int, step: int = 160) -> list[Sent]:
    return [Sent(100 + n, 5000 + t * step) for n, t in enumerate(ticks)]


def test_comfort_noise_keeps_the_time_of_what_follows() -> None:
    """Edge case 16 and edge case 161: CN of payload type 13 is no sound, and no loss."""
    speech = call(*range(5))
    noise = [Sent(105, 5800, b"\x40", 13), Sent(106, 5800 + 8000, b"\x42", 13)]
    again = [Sent(107 + n, 5000 + 160 * (125 + n), marker=n == 0) for n in range(5)]

    assert holes_ms([*speech, *noise, *again], PCMA) == [(100, 2500, False)]


def test_a_leap_of_time_without_loss_is_silence() -> None:
    """Edge case 144 and edge case 162: nothing is missing, the marker begins a talk spurt."""
    leap = [*call(0, 1, 2), Sent(103, 5000 + 160 * 50, marker=True), Sent(104, 5000 + 160 * 51)]

    assert holes_ms(leap, PCMU) == [(60, 1000, False)]


def test_loss_is_a_hole_of_as_many_packets() -> None:
    """Edge case 148: nothing moves up, nothing is invented but silence."""
    sent = call(*range(20))

    assert holes_ms([*sent[:5], *sent[8:]], PCMA) == [(100, 160, True)]
    found, _ = ordered([*sent[:5], *sent[8:]], 8000)
    assert (found.timestamp - found.timestamp[0]).tolist() == [
        160 * n for n in range(20) if not 5 <= n < 8
    ]


def test_half_an_hour_of_discontinuous_transmission_is_half_an_hour() -> None:
    """Edge case 144: a packet each 400 ms for 30 minutes, of one or two bytes."""
    packets = [Sent(n, 19_200 * n, b"\xf8\xff"[: 1 + n % 2]) for n in range(4500)]

    (hole,) = holes_ms(packets, OPUS)
    assert hole == (20, 400 * 4499, False)


@pytest.mark.parametrize("wild", [0, 10**9 + 160 * 2**20, 2**32 - 1])
def test_a_single_wild_timestamp_does_not_move_the_time_line(wild: int) -> None:
    """Edge case 145: normal number, and the next packet is normal again."""
    sent = [packet._replace(timestamp=10**9 + packet.timestamp) for packet in call(*range(40))]
    sent[20] = sent[20]._replace(timestamp=wild)

    assert holes_ms(sent, PCMU) == [(400, 420, True)]
    assert ordered(sent, 8000)[1].wild == 1


def test_the_marker_means_nothing_to_sound() -> None:
    """Edge case 146: on the first packet, on all, or on none."""
    never = call(0, 1, 2, 9, 10)
    first = [packet._replace(marker=n == 0) for n, packet in enumerate(never)]
    always = [packet._replace(marker=True) for packet in never]

    holes = holes_ms(never, PCMU)
    assert holes == [(60, 180, False)]
    assert holes_ms(first, PCMU) == holes_ms(always, PCMU) == holes


def test_the_first_step_may_be_shorter_than_a_frame() -> None:
    """Edge case 147: 648 ticks instead of 960; time is that of RTP."""
    sent = [Sent(n, t, b"\xf8\x00") for n, t in enumerate((5000, 5648, 6608, 7568))]

    assert holes_ms(sent, OPUS) == []
    found, _ = ordered(sent, 48_000)
    assert (found.timestamp - found.timestamp[0]).tolist() == [0, 648, 1608, 2568]


def test_a_mute_is_a_hole_of_more_than_a_second_in_which_nothing_was_sent() -> None:
    filler = opus_filler()

    filler.fill(sound(0, 1020, 2041, 5000, lost=[3]))

    assert [(bounds[0] - START_US, bounds[1] - START_US) for bounds in filler.mutes.listed()] == [
        (1_040_000, 2_041_000)
    ]
    assert filler.filled_us == {False: 1_000_000 + 1_001_000, True: 5_000_000 - 2_061_000}


def test_of_holes_without_end_a_thousand_are_held_and_their_length_is_exact() -> None:
    filler = opus_filler()

    for second in range(0, 5000, 50):
        starts = [1000 * (second + i) for i in range(50)]
        filler.fill(sound(*(start + part for start in starts for part in (0, 20, 40, 60))))

    assert filler.hole_count == 4999
    assert len(filler.holes) == 1001
    assert filler.filled_us[False] == 4999 * 920_000
