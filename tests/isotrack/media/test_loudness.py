from __future__ import annotations

import pickle
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.codecs.audio import audio_codec
from isotrack.media.assembly import AudioAssembler
from isotrack.media.loudness import BLIP_MS, PAUSE_MS, LoudnessMeter
from isotrack.media.ordering import Ordered
from isotrack.rtp.audio_level import ABSENT, SILENCE, AudioLevels
from isotrack.rtp.dump import read_dump
from isotrack.rtp.packet import read_packets
from tests.packets import write_records

RATE, FRAME = 48_000, 960
START = 90_000 * RATE  # behind the wrap of the counter


class Packet(NamedTuple):
    at_ms: int
    level: int
    voice: bool = False
    """As the packet says."""


def spoken(start_ms: int, end_ms: int, level: int = 30) -> list[Packet]:
    return [Packet(ms, level, True) for ms in range(start_ms, end_ms, 20)]


def quiet(start_ms: int, end_ms: int, level: int = 90) -> list[Packet]:
    return [Packet(ms, level) for ms in range(start_ms, end_ms, 20)]


def measured(packets: list[Packet], size: int = 10_000) -> LoudnessMeter:
    """What a meter says of packets that come in pieces of so many."""
    meter = LoudnessMeter(RATE)
    for begin in range(0, len(packets), size):
        at_ms, level, voice = zip(*packets[begin : begin + size], strict=True)
        timestamp = START + np.array(at_ms, np.int64) * RATE // 1000
        levels = AudioLevels(np.array(level, np.int8), np.array(voice, np.bool_))
        meter.add(timestamp, np.full(len(timestamp), FRAME), levels)
    return meter


def speech_ms(meter: LoudnessMeter) -> list[tuple[int, int]]:
    found = meter.speech()
    return [
        ((start - START) * 1000 // RATE, (end - START) * 1000 // RATE)
        for start, end in zip(found.start.tolist(), found.end.tolist(), strict=True)
    ]


def seconds(meter: LoudnessMeter) -> list[tuple[int, int, int]]:
    """Second, peak and mean, from the start."""
    found = meter.loudness()
    columns = (found.second - START // RATE, found.peak_dbov, found.mean_dbov)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_each_second_has_its_loudest_packet_and_its_mean_power() -> None:
    packets = [*quiet(0, 1000, 40), Packet(1000, 10), *quiet(1020, 2000, 70), Packet(2000, 0)]

    # One packet of 50 at -10 dBov and nothing else to speak of: 17 dB less on the average.
    assert seconds(measured(packets)) == [(0, -40, -40), (1, -10, -27), (2, 0, 0)]


def test_the_mean_is_one_of_power() -> None:
    assert seconds(measured([Packet(0, 20), Packet(20, 30)])) == [(0, -20, -23)]


def test_digital_silence_is_the_lowest_level() -> None:
    """Edge case 34: 0xFF, a voice at level 127, is silence."""
    meter = measured([Packet(ms, SILENCE, True) for ms in range(0, 3000, 20)])

    assert seconds(meter) == [(second, -127, -127) for second in range(3)]
    assert speech_ms(meter) == []


def test_seconds_in_which_nothing_came_have_no_row() -> None:
    assert [row[0] for row in seconds(measured([*quiet(0, 500), *quiet(7200, 7300)]))] == [0, 7]


def test_packets_that_say_nothing_count_for_nothing() -> None:
    """Edge case 33."""
    without = [Packet(ms, ABSENT, True) for ms in range(0, 5000, 20)]

    meter = measured(without)
    assert seconds(meter) == []
    assert speech_ms(meter) == []
    mixed = sorted([*without, *quiet(1010, 1100, 50)])
    assert seconds(measured(mixed)) == [(1, -50, -50)]


def test_speech_lasts_from_its_first_to_the_end_of_its_last_packet() -> None:
    packets = [*quiet(0, 1000), *spoken(1000, 2500), *quiet(2500, 5000), *spoken(5000, 5600)]

    assert speech_ms(measured(packets)) == [(1000, 2500), (5000, 5600)]


def test_speech_goes_on_over_short_pauses() -> None:
    first, second = spoken(0, 600), spoken(600 + PAUSE_MS, 1500)

    assert speech_ms(measured([*first, *quiet(600, 600 + PAUSE_MS), *second])) == [(0, 1500)]
    later = [packet._replace(at_ms=packet.at_ms + 20) for packet in second]
    assert speech_ms(measured([*first, *later])) == [(0, 600), (620 + PAUSE_MS, 1520)]


def test_a_blip_is_no_speech() -> None:
    assert speech_ms(measured(spoken(0, BLIP_MS - 20))) == []
    assert speech_ms(measured(spoken(0, BLIP_MS))) == [(0, BLIP_MS)]
    packets = [*spoken(0, 100), *quiet(100, 3000), *spoken(3000, 4000), *spoken(6000, 6060)]
    assert speech_ms(measured(packets)) == [(3000, 4000)]


def test_a_voice_too_far_away_is_not_taken_for_one() -> None:
    assert speech_ms(measured(spoken(0, 2000, level=56))) == []
    assert speech_ms(measured(spoken(0, 2000, level=55))) == [(0, 2000)]


def test_noise_is_no_speech_to_a_sender_that_tells_them_apart() -> None:
    packets = [*spoken(0, 1000), *quiet(2000, 6000, level=20), *spoken(8000, 9000)]

    assert speech_ms(measured(packets)) == [(0, 1000), (8000, 9000)]


def test_a_sender_that_never_tells_is_judged_by_its_level() -> None:
    packets = [*quiet(0, 1000, 60), *quiet(1000, 2000, 35), *quiet(2000, 3000, 41)]

    assert speech_ms(measured(packets)) == [(1000, 2000)]


def talk() -> list[Packet]:
    random = np.random.default_rng(6464)
    at_ms = np.cumsum(random.choice([*[20] * 20, 60, 400, 1200], 800))
    level = random.integers(0, 128, 800)
    return [
        Packet(int(ms), int(dbov), bool(voice))
        for ms, dbov, voice in zip(at_ms, level, random.random(800) < 0.5, strict=True)
    ]


@pytest.mark.parametrize("size", [1, 2, 7, 50, 799])
def test_it_is_the_same_however_the_packets_are_chunked(size: int) -> None:
    whole, pieces = measured(talk()), measured(talk(), size)

    assert seconds(pieces) == seconds(whole)
    assert speech_ms(pieces) == speech_ms(whole) != []


def test_it_can_be_asked_while_it_goes_on() -> None:
    meter = measured(spoken(0, 1500))
    before = seconds(meter), speech_ms(meter)

    assert before == ([(0, -30, -30), (1, -30, -30)], [(0, 1500)])
    assert (seconds(meter), speech_ms(meter)) == before


def test_a_timestamp_that_falls_back_counts_where_the_newest_is() -> None:
    packets = [*spoken(5000, 6000), Packet(-40_000, 5, True), *spoken(6000, 6500)]

    meter = measured(packets)
    assert speech_ms(meter) == [(5000, 6500)]
    assert [row[:2] for row in seconds(meter)] == [(5, -5), (6, -30)]


def test_a_day_of_speech_takes_few_bytes() -> None:
    meter = LoudnessMeter(RATE)
    one_minute = np.arange(0, 60 * RATE, FRAME)
    levels = AudioLevels(np.full(3000, 30, np.int8), np.arange(3000) % 100 < 50)
    for minute in range(24 * 60):
        meter.add(START + one_minute + minute * 60 * RATE, np.full(3000, FRAME), levels)

    assert len(meter.loudness().second) == 24 * 3600
    assert len(meter.speech().start) == 30 * 60 * 24
    assert len(pickle.dumps(meter)) < 20 * 24 * 3600


@given(
    st.lists(
        st.tuples(st.integers(-(2**40), 2**40), st.integers(0, 5760), st.integers(-1, 127)),
        min_size=1,
        max_size=60,
    )
)
def test_hostile_packets_give_ordered_seconds_and_speech_apart(
    packets: list[tuple[int, int, int]],
) -> None:
    timestamp, duration, level = (np.array(c, np.int64) for c in zip(*packets, strict=True))
    meter = LoudnessMeter(RATE)
    for rows in np.array_split(np.arange(len(packets)), 3):
        levels = AudioLevels(level[rows].astype(np.int8), np.ones(len(rows), np.bool_))
        meter.add(timestamp[rows], duration[rows], levels)

    loudness, speech = meter.loudness(), meter.speech()
    assert (np.diff(loudness.second) > 0).all()
    assert (loudness.mean_dbov <= loudness.peak_dbov).all()
    assert (speech.end > speech.start).all()
    assert (speech.start[1:] - speech.end[:-1] > PAUSE_MS * RATE // 1000).all()


@pytest.mark.parametrize("restored", [False, True])
def test_a_copy_does_not_count_with_the_level_of_the_packet_that_brought_it(
    restored: bool,
) -> None:
    extension = bytes([0xBE, 0xDE, 0, 1, 0x10, 0x80 | 20, 0, 0])
    sent = bytes([0x90, 111]) + bytes(10) + extension + b"\xfc\x00"
    packets, _ = read_packets(read_dump(write_records([sent])))
    packets = packets._replace(restored=np.array([restored]))
    one = np.zeros(1, np.int64)
    assembler = AudioAssembler(audio_codec("opus", RATE, 2, {}), level_id=1)

    assembler.push(Ordered(packets, one, one, np.zeros(2, np.int64)))

    assert assembler.loudness.told != restored
    assert assembler.loudness.loudness().peak_dbov.tolist() == ([] if restored else [-20])
