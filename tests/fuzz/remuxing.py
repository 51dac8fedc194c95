"""Fuzz target: a call of real media, damaged, becomes files that every player takes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import av
import numpy as np

from isotrack.recording.errors import CorruptInput
from isotrack.recording.files import RecordingFile
from isotrack.recording.tracks import TrackType
from tests.ebml_reader import Matroska
from tests.fuzz import damage, folders
from tests.fuzz.choices import Choices
from tests.fuzz.files import SLACK_MS, check_file, check_players, frames_of
from tests.fuzz.seeds import VIDEO, encoded
from tests.isotrack.pipeline.remuxing import made
from tests.sessions import START_US, Datagram, Sender, Session
from tests.sound import tone

SSRC, VOICE_SSRC = 1234, 5678
GROUP = 8
"""Pictures from keyframe to keyframe."""

CHUNK_US = 300_000
_SAMPLES = 960
_BYTES_PER_SECOND = 9000
"""The most that a second of silence takes, with the headers of its blocks (G.711)."""


class Call(NamedTuple):
    """A call as it was sent, and what its files hold when nothing happens to it."""

    video: list[Datagram]
    audio: list[Datagram]
    frame_of: list[int]
    """By packet of video: the frame it is of."""
    frames: list[bytes]
    """Of video, as they are in a file."""


def session(data: bytes) -> None:
    """A damaged call."""
    choices = Choices(data)
    codec = VIDEO[choices.number(1) % len(VIDEO)]
    options = choices.number(1)
    call = recorded(codec)
    seen = damage.damaged(call.video, choices)
    heard = damage.damaged(call.audio, choices)
    made_of = Session()
    for track_type, found, names in (
        (TrackType.AUDIO, heard, {"ssrc": VOICE_SSRC}),
        (TrackType.VIDEO, seen, {"ssrc": SSRC, "mime_type": f"video/{codec}"}),
    ):
        about = {} if options & 1 else {"ssrc": None}
        datagrams = [each.datagram for each in found.sent]
        folders.capture(made_of, datagrams, CHUNK_US, track_type=track_type, **{**names, **about})
    folder = folders.Folder(made_of)
    folders.damage(folder, choices)
    made_of.seal()
    try:
        files = made(made_of)
    except CorruptInput:
        files = []
    _check(call, (seen, heard), folder, files)


def _check(
    call: Call,
    found: tuple[damage.Damage, damage.Damage],
    folder: folders.Folder,
    files: Sequence[RecordingFile],
) -> None:
    store = folder.session.store
    came = [each.datagram for one in found for each in one.sent]
    longest_ms = _longest_ms(came, is_told=folder.is_intact)
    payload = sum(len(each.data) for each in came)
    read = []
    for file in files:
        matroska = check_file(store, file, longest_ms)
        assert (
            file.size_bytes <= 2 * payload + 20_000 + file.duration_ms * _BYTES_PER_SECOND // 1000
        )
        spoiled = any(one.spoiled or not one.is_local for one in found) or not folder.is_intact
        check_players(store.objects[file.key], is_damaged=spoiled)
        read.append((file, matroska))
    if folder.is_intact and all(one.is_local for one in found):
        _check_content(call, found, read)


def _longest_ms(came: Sequence[Datagram], *, is_told: bool) -> int:
    """What the packets justify: the time over which they came, and a minute on either side."""
    if not is_told:
        return 1 << 62  # arrivals in trailers were changed
    arrivals = [each.arrival_us for each in came]
    return (max(arrivals, default=0) - min(arrivals, default=0)) // 1000 + SLACK_MS


def _check_content(
    call: Call,
    found: tuple[damage.Damage, damage.Damage],
    files: Sequence[tuple[RecordingFile, Matroska]],
) -> None:
    """What was not touched is in the files, and in its order."""
    seen, heard = found
    spoiled = {call.frame_of[packet] // GROUP for packet in seen.spoiled}
    whole = [f for i, f in enumerate(call.frames) if i // GROUP not in spoiled]
    for frames in frames_of(files, "video") if whole else []:
        assert _in_order(whole, frames), "pictures are missing that nothing happened to"
    assert not whole or frames_of(files, "video")
    sound = [each.data[12:] for i, each in enumerate(call.audio) if i not in heard.spoiled]
    for frames in frames_of(files, "audio") if sound else []:
        assert _in_order(sound, frames), "sound is missing that nothing happened to"
    assert not sound or frames_of(files, "audio")


def _in_order(wanted: Sequence[bytes], frames: Sequence[bytes]) -> bool:
    left = iter(frames)
    return all(any(frame == each for each in left) for frame in wanted)


@cache
def recorded(codec: str) -> Call:
    """A second of pictures in three groups, and of sound."""
    sender, frame_of = Sender(ssrc=SSRC), []
    for number, payloads in enumerate(encoded(codec)):
        at_us = START_US + number * 1_000_000 // 30
        sender.send(2**32 - 9000 + 3000 * number, *payloads, arrival_us=at_us)
        frame_of += [number] * len(payloads)
    voice = Sender(payload_type=111, ssrc=VOICE_SSRC)
    for number, packet in enumerate(voice_packets()):
        at_us = START_US + number * 20_000 + 12_000
        voice.send(2**32 - 4800 + _SAMPLES * number, packet, arrival_us=at_us)
    undamaged = Session()
    folders.capture(
        undamaged, sender.sent, CHUNK_US, track_type=TrackType.VIDEO, mime_type=f"video/{codec}"
    )
    undamaged.seal()
    (file,) = made(undamaged)
    matroska = check_file(undamaged.store, file, 2000)
    frames = [block.frame for block in matroska.blocks]
    assert len(frames) == len(encoded(codec))
    return Call(sender.sent, voice.sent, frame_of, frames)


@cache
def voice_packets() -> tuple[bytes, ...]:
    """Opus of 20 ms, as an encoder gives it."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "s16"
    packets: list[bytes] = []
    pcm = np.repeat(tone(48_000, 440, 48_000), 2).reshape(1, -1)
    for at in range(0, 48_000, _SAMPLES):
        part = np.ascontiguousarray(pcm[:, 2 * at : 2 * (at + _SAMPLES)])
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48_000, at
        packets += map(bytes, encoder.encode(frame))
    return tuple(packets)
