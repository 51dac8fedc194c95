"""Which codec a source of packets carries, found by trying them all.

A video codec is right when a keyframe of it can be read; as long as there is none, when its payload
descriptors make sense from packet to packet. Opus is right when its packets last as long as their
timestamps say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isotrack.codecs import opus
from isotrack.media.track_format import VIDEO_CODECS
from isotrack.media.video_codecs import video_codec
from isotrack.rtp import ulpfec
from isotrack.rtp.dump import MAX_RECORDS
from isotrack.rtp.packet import Packets, read_packets
from isotrack.rtp.records import FIXED_HEADER, Records, read_headers
from isotrack.rtp.sequence import Unwrapper

_HEADROOM = 32
_SURE, _LIKELY = 1.5, 0.8
_FEWEST = 8
"""Packets without a keyframe among them that are too few to tell anything."""
_PCMU_SILENCE, _PCMA_SILENCE = (0xFF, 0x7F, 0xFE, 0x7E), (0xD5, 0x55, 0xD4, 0x54)


class Recognized(NamedTuple):
    """A codec and how sure it is."""

    mime_type: str
    score: float
    """Above 1.5: sure; above 0.8: likely."""
    clock_rate: int
    channels: int = 1
    keyframes: int = 0
    size: tuple[int, int] | None = None
    """Width and height of the picture, the largest."""
    inner_payload_type: int | None = None
    """Of the codec, where it comes wrapped in RED (RFC 2198)."""
    fec_payload_type: int | None = None
    """Of ULPFEC, where that comes in RED as well."""

    @property
    def certainty(self) -> str:
        """`sure`, `likely` or `none`."""
        return "sure" if self.score > _SURE else "likely" if self.score > _LIKELY else "none"


def copy_packets(datagrams: Sequence[bytes]) -> Packets:
    """RTP packets over a buffer of their own, with room before each to work in."""
    room = bytes(_HEADROOM)
    length = np.array([len(one) for one in datagrams], np.int64)
    buffer = np.frombuffer(bytearray(b"".join(room + one for one in datagrams)), np.uint8)
    offset = np.cumsum(length + _HEADROOM) - length
    rtp = np.zeros(length.size, np.bool_)
    headers = read_headers(buffer, offset, length, rtp)
    packets, _ = read_packets(Records(buffer, offset, length, length * 0, rtp, headers, True))
    return packets


def recognize(datagrams: Sequence[bytes], measured_hz: float | None) -> Recognized | None:
    """What packets of one payload type of one SSRC carry; None if nothing fits.

    Args:
        datagrams: whole RTP packets, as they came; at most `MAX_RECORDS`.
        measured_hz: clock rate as arrivals show it, if they do.
    """
    datagrams = datagrams[:MAX_RECORDS]
    packets = _in_order(copy_packets(datagrams))
    if not packets.count:
        return None
    found = [_try_opus(packets), _try_pcm(packets, measured_hz)]
    found += [_try_video(name, datagrams) for name in sorted(VIDEO_CODECS)]
    plain = _best(found, measured_hz)
    if plain is None or plain.score <= _SURE:
        wrapped = _try_red(packets, measured_hz)
        if wrapped and (plain is None or wrapped.score > plain.score):
            return wrapped
    return plain


def _best(found: Sequence[Recognized | None], measured_hz: float | None) -> Recognized | None:
    """The one that fits best, none where two fit alike; the clock measured has a say."""
    scored = []
    for one in found:
        if one is not None:
            off = measured_hz and abs(measured_hz / one.clock_rate - 1) > 0.15
            scored.append((one.score * (0.5 if off else 1.0), one))
    scored.sort(key=lambda pair: -pair[0])
    if not scored or scored[0][0] <= _LIKELY:
        return None
    close = len(scored) > 1 and scored[0][0] - scored[1][0] < 0.05
    return None if close else scored[0][1]._replace(score=scored[0][0])


def _in_order(packets: Packets) -> Packets:
    """The packets that have a payload, each once, in the order they were sent."""
    packets = packets.take(packets.payload_length > 0)
    _, index = np.unique(Unwrapper(16)(packets.sequence_number), return_index=True)
    return packets.take(index)


def _steps(values: NDArray[np.unsignedinteger]) -> NDArray[np.int64]:
    signed = np.dtype(f"i{values.dtype.itemsize}")
    return np.diff(values).view(signed).astype(np.int64)


def _try_opus(packets: Packets) -> Recognized | None:
    samples = opus.durations(packets.buffer, packets.payload_offset, packets.payload_length)
    valid = float((samples > 0).mean())
    if valid < 0.98:
        return None
    channels = 2  # RFC 7587 section 7: SDP says so whatever is in the packets
    follows = _steps(packets.sequence_number) == 1
    ticks = _steps(packets.timestamp)[follows]
    # Discontinuous transmission leaves steps longer than the packet before them.
    agrees = float((ticks == samples[:-1][follows]).mean()) if ticks.size else 0.0
    longer = float((ticks >= samples[:-1][follows]).mean()) if ticks.size else 0.0
    spoken = agrees >= 0.3 and longer >= 0.9
    return Recognized("audio/opus", 2.0 if spoken else 0.5 * valid, opus.CLOCK_RATE, channels)


def _try_pcm(packets: Packets, measured_hz: float | None) -> Recognized | None:
    """G.711 on a dynamic payload type: as many bytes as ticks, a byte for each channel."""
    follows = _steps(packets.sequence_number) == 1
    ticks = _steps(packets.timestamp)[follows]
    length = packets.payload_length[:-1][follows]
    if not ticks.size or (ticks <= 0).any() or not measured_hz or measured_hz > 20_000:
        return None
    channels, counts = np.unique(length / ticks, return_counts=True)
    most = float(channels[counts.argmax()])
    if most not in (1.0, 2.0) or counts.max() < 0.9 * ticks.size:
        return None
    whole = np.concatenate(
        [
            packets.buffer[at : at + size]
            for at, size in zip(packets.payload_offset, packets.payload_length, strict=True)
        ]
    )
    mu, a = (int(np.isin(whole, values).sum()) for values in (_PCMU_SILENCE, _PCMA_SILENCE))
    rate = 16_000 if measured_hz > 12_000 else 8000
    return Recognized("audio/pcma" if a > mu else "audio/pcmu", 1.0, rate, int(most))


def _try_video(name: str, datagrams: Sequence[bytes]) -> Recognized | None:
    try:
        codec = video_codec(name, {})
    except KeyError:  # announced, but not written
        return None
    packets = _in_order(copy_packets(datagrams))  # depacketizers work in the buffer
    media = codec.depacketize(packets)
    sequence = Unwrapper(16)(packets.sequence_number)
    first = np.append(True, _steps(packets.timestamp) != 0)
    broken = float(media.broken.mean())
    headed = float(media.head[first].mean())
    gives = np.bincount(media.slice_packet, minlength=packets.count) > 0
    score = (1 - broken) * headed * float(gives.mean())
    starts = np.flatnonzero(first)
    ends = np.append(starts[1:], packets.count)
    keyframes = 0
    slice_at = np.searchsorted(media.slice_packet, np.append(starts, packets.count))
    for unit in np.flatnonzero(np.logical_or.reduceat(media.keyframe, starts)).tolist():
        start, end = int(starts[unit]), int(ends[unit])
        if sequence[end - 1] - sequence[start] != end - 1 - start or media.broken[start:end].any():
            continue
        run = range(slice_at[unit], slice_at[unit + 1])
        frame = b"".join(
            media.buffer[at : at + size].tobytes()
            for at, size in ((int(media.slice_offset[i]), int(media.slice_length[i])) for i in run)
        )
        keyframes += codec.keyframes.read(frame, unit, after_loss=False)
    sizes = [(s.width, s.height) for s in codec.keyframes.sizes if 2 <= s.width <= 16_384]
    size = max(sizes, key=lambda s: s[0] * s[1], default=None)
    if keyframes and size:
        score += 1
    elif packets.count < _FEWEST:
        return None
    return Recognized(f"video/{name}", score, 90_000, 1, keyframes, size)


def _try_red(packets: Packets, measured_hz: float | None) -> Recognized | None:
    """RED with a codec in it: its own block is the last one (RFC 2198 section 3)."""
    inner: dict[int, list[bytes]] = {}
    for row in range(packets.count):
        at = int(packets.payload_offset[row])
        payload = packets.buffer[at : at + int(packets.payload_length[row])].tobytes()
        begin = int(packets.packet_offset[row])
        block = _primary(payload)
        if block is not None:
            header = packets.buffer[begin : begin + FIXED_HEADER].tobytes()
            inner.setdefault(block[0], []).append(_plain(header + block[1]))
    count = sum(map(len, inner.values()))
    if count < 0.95 * packets.count or not 0 < len(inner) <= 2:
        return None
    payload_type, kept = max(inner.items(), key=lambda item: len(item[1]))
    if len(kept) < 0.6 * count:
        return None
    found = [_try_opus(_in_order(copy_packets(kept)))]
    found += [_try_video(name, kept) for name in sorted(VIDEO_CODECS)]
    best = _best(found, measured_hz)
    if best is None or best.score <= _SURE:
        return None
    fec = [other for other, blocks in inner.items() if other != payload_type and _is_fec(blocks)]
    return best._replace(inner_payload_type=payload_type, fec_payload_type=fec[0] if fec else None)


def _is_fec(datagrams: Sequence[bytes]) -> bool:
    return all(
        ulpfec.is_likely(datagram[FIXED_HEADER:], int.from_bytes(datagram[2:4], "big"))
        for datagram in datagrams
    )


def _plain(datagram: bytes) -> bytes:
    """The packet with nothing announced that was cut: extension, CSRCs, padding."""
    return b"\x80" + datagram[1:]


def _primary(payload: bytes) -> tuple[int, bytes] | None:
    """Payload type and bytes of the last block; None if the headers do not fit the payload."""
    at = redundant = 0
    while at < len(payload) and payload[at] & 0x80:
        if at + 4 > len(payload):
            return None
        redundant += (payload[at + 2] & 3) << 8 | payload[at + 3]
        at += 4
    if at + 1 + redundant >= len(payload):
        return None
    return payload[at] & 127, payload[at + 1 + redundant :]
