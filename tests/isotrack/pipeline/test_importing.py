from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.memory import MemoryStore
from isotrack.pipeline.importing import Imported, import_captures
from isotrack.pipeline.matching import MID_URI
from isotrack.recording.announced import read_announced
from isotrack.recording.errors import Conflict, CorruptInput, NothingPlayable
from isotrack.recording.manifest import Manifest
from isotrack.recording.tracks import Layer
from isotrack.rtp.dump import MAX_RECORDS, read_dump
from isotrack.rtp.header import write_header
from isotrack.rtp.rtcp import bye
from tests.captures import (
    ALICE,
    SFU,
    START_US,
    CaptureBytes,
    Sent,
    bundle,
    bundles,
    framed,
    mjr,
    picture_packets,
    reports_of,
    rtx_of,
    sound_packets,
)

VIDEO = {"user_id": "alice", "mime": "vp8", "payload_type": 96}
AUDIO = {"user_id": "alice", "mime": "opus", "payload_type": 111}
BOB = ("10.0.0.2", 4000)


class Folder:
    """What an import has written."""

    def __init__(self, tracks: Any, *captures: bytes, names: tuple[str, ...] = ()) -> None:
        self.store = MemoryStore()
        named = names or tuple(f"{n}.pcap" for n in range(len(captures)))
        self.captures = [CaptureBytes(*pair) for pair in zip(named, captures, strict=True)]
        self.announced = read_announced(json.dumps(tracks), "tracks.json")
        self.imported = self.run()

    def run(self) -> Imported:
        return import_captures(self.captures, self.announced, store=self.store, checksum=crc32c_of)

    def manifest(self, user: str = "alice") -> Manifest:
        key = f"raw/default/import/import/{user}/manifest.json"
        return Manifest.model_validate_json(self.store.get(key))

    def packets(self, track: str, user: str = "alice") -> list[Sent]:
        """Arrival after the start and bytes of each record of a track."""
        captured = next(t for t in self.manifest(user).tracks if t.track.track_id == track)
        found = []
        for chunk in captured.chunks:
            body = self.store.get(chunk.key)
            assert (len(body), crc32c_of(body)) == (chunk.size_bytes, chunk.crc32c)
            records = read_dump(body)
            assert records.intact
            assert records.offset.size == chunk.packets
            rows = zip(records.arrival_us, records.offset, records.length, strict=True)
            found += [
                (int(us) - START_US, records.buffer[at : at + size].tobytes())
                for us, at, size in rows
            ]
        return found


def test_a_bundle_becomes_the_tracks_announced_with_their_exact_arrivals() -> None:
    """Edge case 11: two payload types of two SSRCs on one flow are two tracks."""
    folder = Folder([VIDEO, AUDIO], bundle(picture_packets(), sound_packets()))
    assert folder.packets("alice-video") == picture_packets()
    assert folder.packets("alice-audio") == sound_packets()
    manifest = folder.manifest()
    assert [t.track.track_id for t in manifest.tracks] == ["alice-video", "alice-audio"]
    assert manifest.participant.user_id == "alice"
    assert manifest.recording_started_at.timestamp() * 1e6 == START_US
    keys = list(folder.store.objects)
    assert keys[-1].endswith("/manifest.json")
    assert "raw/default/import/import/alice/alice-video/track.json" in keys
    assert "raw/default/import/import/alice/alice-video/00000000.rtpdump" in keys


def test_the_same_captures_give_the_same_bytes() -> None:
    capture = bundle(picture_packets(), sound_packets())
    first, second = (Folder([VIDEO, AUDIO], capture).store.objects for _ in range(2))
    assert first == second


def test_participants_have_folders_of_their_own_and_are_told_apart_by_flow() -> None:
    capture = bundles((ALICE, SFU, sound_packets(2)), (BOB, SFU, sound_packets(2, seconds=1)))
    alice = AUDIO | {"flow": {"src": "10.0.0.1"}}
    bob = AUDIO | {"user_id": "bob", "flow": {"src": "10.0.0.2:4000"}}
    folder = Folder([alice, bob], capture)
    assert len(folder.packets("alice-audio")) == 150
    assert len(folder.packets("bob-audio", "bob")) == 50
    assert len(folder.imported.manifests) == 2


def test_sender_reports_and_goodbyes_go_with_the_track_they_speak_of() -> None:
    """Edge case 199: what comes after a goodbye belongs to the source; so does an early report."""
    early = [(-100, reports_of(2, "alice", 48_000, 777, 1)[0][1])]
    left = [(2_500_000, bye([1]))]
    foreign = [(5, bye([99])), (6, bye([98]))]
    reports = reports_of(1, "alice", 90_000, 4_294_000_000)
    folder = Folder(
        [VIDEO, AUDIO],
        bundle(early, picture_packets(), sound_packets(), reports, left, foreign),
    )
    assert [p for p in folder.packets("alice-video") if 192 <= p[1][1] <= 223] == [
        *reports[:3],
        *left,
    ]
    assert [p for p in folder.packets("alice-audio") if 192 <= p[1][1] <= 223] == early
    assert folder.imported.dropped["rtcp"] == 2


def test_a_track_with_reports_only_is_no_track() -> None:
    """Edge case 56 and edge case 200."""
    reports = reports_of(7, "alice", 48_000, 0)
    tracks = [VIDEO, AUDIO | {"ssrc": 7}]
    folder = Folder(tracks, bundle(picture_packets(), reports))
    assert [t.track.track_id for t in folder.manifest().tracks] == ["alice-video"]
    assert folder.imported.packets["alice", "alice-audio"] == 0


def test_layers_retransmissions_and_the_rest_of_an_ssrc_stay_with_their_track() -> None:
    """Edge case 15: telephone events share the numbering of the audio, so they are kept with it."""
    high, low = picture_packets(1), picture_packets(3, size=(160, 90))
    again = rtx_of(high[:5], 11)
    events = [(60_000, write_header(101, 999, 0, 2, False) + bytes(4))]
    video = VIDEO | {"layers": [{"ssrc": 1, "rtx_ssrc": 11}, {"ssrc": 3}], "rtx": 97}
    folder = Folder([video, AUDIO], bundle(high, low, again, sound_packets(), events))
    assert len(folder.packets("alice-video")) == len(high) + len(low) + len(again)
    assert events[0] in folder.packets("alice-audio")
    track = folder.manifest().tracks[0].track
    assert track.layers == (Layer(ssrc=1, rtx_ssrc=11), Layer(ssrc=3))
    assert track.ssrc is None


def test_several_ssrcs_become_layers() -> None:
    folder = Folder([VIDEO | {"ssrc": [1, 3]}], bundle(picture_packets(1), picture_packets(3)))
    assert folder.manifest().tracks[0].track.layers == (Layer(ssrc=1), Layer(ssrc=3))


def test_the_mid_of_the_first_packets_binds_the_ssrc() -> None:
    """Edge case 18; and edge case 20: what only the payload type tells may be ambiguous."""
    camera, screen = picture_packets(1), picture_packets(3)
    marked = picture_packets(1, extensions={4: b"0"})[:8] + camera[8:]
    extensions = {"header_extensions": {MID_URI: 4}}
    tracks = [
        VIDEO | extensions | {"mid": "0"},
        VIDEO | extensions | {"mid": "1", "track_type": "screenshare_video"},
    ]
    folder = Folder(tracks, bundle(marked, screen))
    assert folder.packets("alice-video") == marked
    assert folder.imported.dropped["ambiguous"] == len(screen)


def test_a_new_mid_on_a_known_ssrc_is_followed() -> None:
    """Edge case 19."""
    first = picture_packets(1, extensions={4: b"0"})[:60]
    later = [(at, p) for at, p in picture_packets(1, extensions={4: b"1"})[60:]]
    extensions = {"header_extensions": {MID_URI: 4}}
    tracks = [
        VIDEO | extensions | {"mid": "0"},
        VIDEO | extensions | {"mid": "1", "track_type": "screenshare_video"},
    ]
    folder = Folder(tracks, bundle(first, later))
    assert folder.packets("alice-video") == first
    assert folder.packets("alice-screenshare_video") == later


def test_an_ssrc_that_takes_the_place_of_another_under_its_mid_goes_on_as_the_track() -> None:
    """Edge case 21: then the manifest names no SSRC, since any of the payload type is the track."""
    first = picture_packets(1, seconds=1, extensions={4: b"0"})
    later = [(at + 1_000_000, p) for at, p in picture_packets(5, seconds=1, extensions={4: b"0"})]
    track = VIDEO | {"header_extensions": {MID_URI: 4}, "mid": "0", "ssrc": 1}
    folder = Folder([track], bundle(first, later))
    assert folder.packets("alice-video") == first + later
    assert folder.manifest().tracks[0].track.ssrc is None


def test_probes_before_the_media_and_unknown_payload_types_are_of_no_track() -> None:
    """Edge case 14: a payload type nobody announced; and edge case 17: SSRC 0, empty."""
    probes = [(n, write_header(96, n, 0, 0, False)) for n in range(3)]
    unknown = [(9, write_header(35, 1, 0, 77, False) + b"?")]
    folder = Folder([VIDEO], bundle(probes, unknown, picture_packets()))
    assert folder.packets("alice-video") == picture_packets()
    assert folder.imported.dropped["unannounced"] == 4


def test_both_sides_of_a_relay_are_one_track() -> None:
    """Edge case 24: copies are left to the remux, which takes each packet once."""
    capture = bundles((ALICE, SFU, sound_packets()), (SFU, BOB, sound_packets()))
    assert len(Folder([AUDIO], capture).packets("alice-audio")) == 300
    once = Folder([AUDIO | {"flow": {"src": "10.0.0.1"}}], capture)
    assert len(once.packets("alice-audio")) == 150


def test_chunks_are_as_long_as_those_of_the_agent() -> None:
    folder = Folder([VIDEO, AUDIO], bundle(picture_packets(seconds=25), sound_packets(seconds=70)))
    video, audio = folder.manifest().tracks
    assert [chunk.packets for chunk in video.chunks] == [600, 600, 300]
    assert [chunk.packets for chunk in audio.chunks] == [1500, 1500, 500]
    assert folder.packets("alice-video") == picture_packets(seconds=25)


def test_a_chunk_ends_at_its_most_records_or_bytes() -> None:
    many = [(n, write_header(111, n & 0xFFFF, n, 2, False) + b"x") for n in range(MAX_RECORDS + 1)]
    big = [(n, write_header(96, n & 0xFFFF, n, 1, False) + bytes(60_000)) for n in range(100)]
    video, audio = Folder([VIDEO, AUDIO], bundle(many, big)).manifest().tracks
    assert [chunk.packets for chunk in audio.chunks] == [MAX_RECORDS, 1]
    assert [chunk.packets for chunk in video.chunks] == [69, 31]


def test_files_are_taken_in_the_order_of_their_packets() -> None:
    sound = sound_packets()
    folder = Folder([AUDIO], bundle(sound[100:]), bundle(sound[:100]))
    assert folder.packets("alice-audio") == sound


def test_a_track_is_looked_for_in_its_file_only() -> None:
    said = {"t": "a", "c": "opus", "u": START_US}
    records = [(at // 1000, packet) for at, packet in sound_packets()]
    captures = mjr(records, said), mjr(records[:10], said)
    tracks = [AUDIO | {"file": "b.mjr"}]
    folder = Folder(tracks, *captures, names=("in/a.mjr", "in/b.mjr"))
    assert len(folder.packets("alice-audio")) == 10
    assert folder.imported.dropped["unannounced"] == 150


def test_framed_packets_are_timed_by_the_clock_rate_announced() -> None:
    capture = framed([packet for _, packet in sound_packets()])
    folder = Folder([AUDIO], capture)
    assert folder.packets("alice-audio") == sound_packets()


def test_the_payload_type_of_a_known_ssrc_need_not_be_known() -> None:
    tracks = [{"user_id": "alice", "mime": "vp8", "ssrc": 1}]
    assert Folder(tracks, bundle(picture_packets())).manifest().tracks[0].track.payload_type == 96


def test_a_session_that_is_there_already_is_not_written_over() -> None:
    folder = Folder([VIDEO], bundle(picture_packets()))
    before = dict(folder.store.objects)
    with pytest.raises(Conflict, match="another folder"):
        folder.run()
    assert folder.store.objects == before


def test_captures_without_any_announced_packet_are_refused() -> None:
    with pytest.raises(NothingPlayable, match="no packet of any announced track"):
        Folder([AUDIO], bundle(picture_packets()))


def test_a_file_that_is_no_capture_is_named() -> None:
    with pytest.raises(CorruptInput, match=r"0\.pcap: the file is not pcap"):
        Folder([AUDIO], b"nonsense")


def test_malformed_packets_are_counted_and_left_out() -> None:
    """Edge case 2, edge case 3 and edge case 4: what is said of the header does not fit."""
    sound = sound_packets(seconds=1)
    good = sound[0][1]
    bad = [
        b"\x8f" + good[1:14],
        b"\x90" + good[1:12] + b"\xbe\xde\xff\xff",
        b"\xa0" + good[1:] + b"\xff",
    ]
    folder = Folder([AUDIO], bundle(sound, [(n, packet) for n, packet in enumerate(bad)]))
    assert folder.packets("alice-audio") == sound
    assert folder.imported.dropped["malformed"] == 3
    assert np.all([p[1][0] == 0x80 for p in folder.packets("alice-audio")])
