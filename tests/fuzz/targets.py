"""Every fuzz target with the seeds it is started from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from tests.fuzz import captures, codecs, documents, packets, remuxing, seeds, tracks


class Target(NamedTuple):
    """What is fuzzed."""

    name: str
    run: Callable[[bytes], None]
    """Raises whatever is wrong."""
    seeds: Callable[[], Sequence[bytes]]


TARGETS = (
    Target("capture", captures.capture, seeds.captures),
    Target("dump", captures.dump, seeds.dumps),
    Target("sealed", captures.sealed, seeds.sealed),
    Target("rtp", packets.rtp, seeds.datagrams),
    Target("header_extensions", packets.header_extensions, seeds.header_extensions),
    Target("rtcp", packets.rtcp, seeds.rtcp),
    Target("dependency_descriptor", packets.dependency_descriptor, seeds.descriptors),
    Target("repair", packets.repair, seeds.repairs),
    Target("vp8", codecs.vp8_payloads, partial(seeds.payloads, "vp8")),
    Target("vp9", codecs.vp9_payloads, partial(seeds.payloads, "vp9")),
    Target("h264", codecs.h264_payloads, partial(seeds.payloads, "h264")),
    Target("h265", codecs.h265_payloads, seeds.h265_payloads),
    Target("av1", codecs.av1_payloads, partial(seeds.payloads, "av1")),
    Target("sound", codecs.sound_payloads, seeds.sounds),
    Target("keyframes", codecs.keyframes, seeds.keyframes),
    Target("bitstreams", codecs.bitstreams, seeds.bitstreams),
    Target("track", tracks.track, seeds.tracks),
    Target("announced", documents.announced, documents.announced_seeds),
    Target("announced_values", documents.announced_values, documents.change_seeds),
    Target("manifest", documents.manifest, documents.manifest_seeds),
    Target("manifest_values", documents.manifest_values, documents.change_seeds),
    Target("announced_track", documents.track, documents.change_seeds),
    Target("import", documents.import_file, seeds.capture_files),
    Target("session", remuxing.session, seeds.sessions),
)
