"""What headless Chromium sent through real SFUs: all of it is in the files, and in sync."""

from __future__ import annotations

import io
import json
from typing import Any

import av
import numpy as np
import pytest

from isotrack.adapters.captures import captures_of
from isotrack.pipeline.guessing import guess_tracks
from isotrack.pipeline.inspecting import inspect
from isotrack.recording.sidecar import Sidecar
from tests.ebml_reader import read_matroska
from tests.golden import Folder
from tests.pcap import read_pcap
from tests.vectors import VECTORS, WHY_NOT

pytestmark = pytest.mark.skipif(VECTORS is None, reason=WHY_NOT)

LIP_SYNC_MS = 10
"""How well arrival alone has to tell sound and picture how they belong together."""


def _janus(name: str) -> tuple[dict[str, Any], dict[str, Any], Folder]:
    """What was noted of a capture of Chromium through Janus, its truth, and its import."""
    assert VECTORS is not None
    folder = VECTORS / "chromium"
    noted, truth = (
        json.loads((folder / f"{name}{end}.json").read_text()) for end in ("", ".truth")
    )
    captures = [folder / f"{name}.pcap"]
    guessed = guess_tracks(inspect(captures_of(captures)))["tracks"]
    assert {track["ssrc"] for track in guessed} == {each["ssrc"] for each in truth["tracks"]}
    return noted, truth, Folder(captures, guessed)


@pytest.mark.parametrize("name", ["opus_dtx_vp8", "vp8_resize", "av1_opus_pli"])
def test_what_chromium_published_through_janus_is_all_there_and_in_sync(name: str) -> None:
    noted, truth, folder = _janus(name)
    _, sidecar, body = folder.remux()

    for track in truth["tracks"]:
        (packets,) = [n for (_, i), n in folder.imported.packets.items() if track["kind"] in i]
        assert packets == track["packets"]
    assert (sidecar.completeness.lost_packets, sidecar.completeness.frames_left_out) == (0, 0)
    (sent,) = [
        said["framesSent"] for said in noted["chrome_stats"]["stats"] if "framesSent" in said
    ]
    matroska = read_matroska(body)
    shown = sum(block.track == 1 for block in matroska.blocks)
    assert sent <= shown <= sent + 1  # the browser was asked before the capture ended
    with av.open(io.BytesIO(body)) as container:
        container.streams.video[0].codec_context.options = {"err_detect": "explode"}
        assert sum(1 for _ in container.decode(video=0)) == shown

    late_ms = {
        kind: np.median(
            [at_ms - said["ntp"] * 1000 for at_ms, said in _placed(sidecar, truth, kind)]
        )
        for kind in ("audio", "video")
    }
    assert abs(late_ms["audio"] - late_ms["video"]) <= LIP_SYNC_MS


def _placed(
    sidecar: Sidecar, truth: dict[str, Any], kind: str
) -> list[tuple[float, dict[str, Any]]]:
    """The sender reports that Janus kept for itself, each with where the file has its moment."""
    (about,) = [track for track in truth["tracks"] if track["kind"] == kind]
    (stream,) = next(track for track in sidecar.tracks if track.kind == kind).streams
    mapped = stream.clock.mapping
    ticks = [point.rtp_timestamp for point in mapped]
    placed = []
    for said in truth["sender_reports"][str(about["ssrc"])]:
        captured = said["rtp"] - about["ts_shift"]
        behind = (captured - ticks[0] + 2**31) % 2**32 - 2**31
        at_ms = np.interp(ticks[0] + behind, ticks, [point.at_ms for point in mapped])
        if ticks[0] <= ticks[0] + behind <= ticks[-1]:
            placed.append((float(at_ms), said))
    assert placed
    return placed


def test_chromium_changing_its_size_ten_times_is_followed() -> None:
    _, _, folder = _janus("vp8_resize")
    file, _, body = folder.remux()
    with av.open(io.BytesIO(body)) as container:
        sizes = [(picture.width, picture.height) for picture in container.decode(video=0)]
    changes = [size for size, before in zip(sizes, [None, *sizes], strict=False) if size != before]
    assert [(r.width, r.height) for r in file.resolutions] == changes
    assert len(set(changes)) == 10
    assert any(height > width for width, height in changes)


def test_what_chromium_published_through_mediasoup_is_all_there_on_the_clock_of_arrivals() -> None:
    assert VECTORS is not None
    capture = VECTORS / "chromium" / "ms_h264.pcap"
    noted = json.loads(capture.with_suffix(".json").read_text())
    folder = Folder([capture], guess_tracks(inspect(captures_of([capture])))["tracks"])
    received = {each["kind"]: noted["rx_counts"][str(each["rtp_port"])] for each in noted["tracks"]}
    assert {
        name[1].rpartition("-")[2]: n for name, n in folder.imported.packets.items()
    } == received

    file, sidecar, body = folder.remux()

    assert sidecar.completeness.complete
    clocks = [stream.clock for track in sidecar.tracks for stream in track.streams]
    assert [clock.reports_ignored for clock in clocks] == [  # mediasoup makes its own
        {"made_from_arrival": noted["rx_counts"][str(each["rtcp_port"])]}
        for kind in ("video", "audio")
        for each in noted["tracks"]
        if each["kind"] == kind
    ]
    sent = {
        int.from_bytes(datagram[4:8], "big")
        for _, port, datagram in read_pcap(capture)
        if port == next(each["rtp_port"] for each in noted["tracks"] if each["kind"] == "video")
    }
    assert sum(block.track == 1 for block in read_matroska(body).blocks) == len(sent)
    assert [(r.width, r.height) for r in file.resolutions] == [(640, 360)]


def test_what_janus_recorded_itself_decodes_to_the_last_frame() -> None:
    assert VECTORS is not None
    recorded = sorted((VECTORS / "chromium" / "mjr").iterdir())
    folder = Folder(recorded, guess_tracks(inspect(captures_of(recorded)))["tracks"])
    _, sidecar, body = folder.remux()
    assert sidecar.completeness.complete
    assert [track.codec for track in sidecar.tracks] == ["av1", "opus"]
    blocks = read_matroska(body).blocks
    with av.open(io.BytesIO(body)) as container:
        container.streams.video[0].codec_context.options = {"err_detect": "explode"}
        pictures = [(picture.width, picture.height) for picture in container.decode(video=0)]
    assert pictures == [(640, 360)] * sum(block.track == 1 for block in blocks)
    assert (
        sum(block.track == 2 for block in blocks)
        == folder.imported.packets["participant-1", "participant-1-audio"]
    )
