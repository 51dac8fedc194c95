from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from isotrack.codecs.g711 import G711, PCMA_SILENCE, PCMU_SILENCE
from tests.sound import decode_sound, durations, payloads, read_capture, silent_frames

DATA = Path("tests/data/codecs")
MONO, STEREO = G711(PCMU_SILENCE, 8000, 1), G711(PCMU_SILENCE, 8000, 2)


def test_a_payload_lasts_as_long_as_it_has_samples() -> None:
    """Edge case 159: packets of 10 to 60 ms in one stream."""
    packets = [bytes(80 * n) for n in (1, 2, 4, 6, 3, 1)]

    assert durations(MONO, packets) == [80, 160, 320, 480, 240, 80]
    assert durations(STEREO, packets) == [40, 80, 160, 240, 120, 40]


def test_any_length_is_a_frame() -> None:
    assert durations(MONO, [bytes(n) for n in (1, 7, 161, 1400)]) == [1, 7, 161, 1400]


def test_half_a_moment_of_stereo_is_not_played() -> None:
    assert durations(STEREO, [bytes(320), bytes(319), b"\xff"]) == [160, 0, 0]


def test_a_faster_clock_is_one_of_more_samples() -> None:
    wide = G711(PCMA_SILENCE, 16_000, 1)

    assert durations(wide, [bytes(320)]) == [320]
    assert wide.sampling_frequency == 16_000
    assert wide.silence(16_000).duration.tolist() == [320] * 50


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("name", "silence_byte", "peak"), [("pcmu", PCMU_SILENCE, 0), ("pcma", PCMA_SILENCE, 8)]
)
def test_silence_decodes_to_as_much_silence(
    name: str, silence_byte: int, peak: int, channels: int
) -> None:
    silence = G711(silence_byte, 8000, channels).silence(4321)

    layout = "stereo" if channels == 2 else "mono"
    pcm = decode_sound(name, silent_frames(silence), 8000, layout)
    assert silence.duration.tolist() == [160] * 27 + [1]
    assert len(pcm) == 4321 * channels
    assert np.abs(pcm).max() == peak


def test_no_code_is_quieter_than_silence() -> None:
    codes = bytes(range(256))

    for name, silence_byte in (("pcmu", PCMU_SILENCE), ("pcma", PCMA_SILENCE)):
        pcm = np.abs(decode_sound(name, [codes], 8000))
        assert pcm[silence_byte] == pcm.min()


@pytest.mark.parametrize(
    ("capture", "codec", "lost"), [("talk_voice", MONO, 0), ("stereo_pcmu_jitter", STEREO, 11)]
)
def test_a_real_call_plays_without_a_seam_but_where_packets_were_lost(
    capture: str, codec: G711, lost: int
) -> None:
    """Edge case 148 in a real capture: loss is a hole of so many packets, nothing moves up."""
    suffix = ".rtp" if lost else ".rtpdump"
    packets, golden = read_capture(DATA / f"{capture}{suffix}")
    ticks = codec.durations(packets.buffer, packets.payload_offset, packets.payload_length)
    time = packets.timestamp.astype(np.int64) - int(packets.timestamp[0])

    assert time.tolist() == [frame["ts"] for frame in golden]
    found = [hashlib.sha1(payload).hexdigest()[:16] for payload in payloads(packets)]
    assert found == [frame["sha1"] for frame in golden]
    missing = np.diff(packets.sequence_number.astype(np.int64)) - 1
    holes = np.diff(time) - ticks[:-1]
    assert missing.sum() == lost
    assert (holes == 160 * missing).all()
