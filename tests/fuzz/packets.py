"""Fuzz targets: what RTP and RTCP packets hold besides media, and what repairs them."""

from __future__ import annotations

import numpy as np

from isotrack.codecs.dependency_descriptor import DependencyDescriptors
from isotrack.codecs.dependency_structure import Structure, parse_descriptor
from isotrack.media.repair import FecFormat, Repairer, RepairFormat
from isotrack.rtp.absolute_capture_time import AbsoluteCaptureTimes
from isotrack.rtp.audio_level import read_audio_levels
from isotrack.rtp.extensions import element
from isotrack.rtp.packet import Packets, read_packets
from isotrack.rtp.red import MAX_COPIES
from isotrack.rtp.rtcp import cnames, is_picture_loss_indication, read_compound
from isotrack.rtp.rtx_pairing import MID, REPAIRED_RID, RID, RtxFormat
from isotrack.rtp.video_orientation import read_rotations
from tests.fuzz.captures import check_records
from tests.fuzz.choices import Choices
from tests.fuzz.soundness import inside, sound_layering, sound_packets
from tests.fuzz.wire import packets_of, read_wire, records_of
from tests.sessions import START_US, Datagram

MEDIA, RTX, RED, FEC = 96, 97, 98, 99
_NAMES = {MID: 1, RID: 2, REPAIRED_RID: 3}


def rtp(data: bytes) -> None:
    """A datagram that says anything of itself is read within its bytes; so are its extensions."""
    records = records_of([Datagram(START_US, data)] if data else [])
    check_records(records)


def header_extensions(data: bytes) -> None:
    """Elements of header extensions lie in their packets, and so does what is read from them."""
    packets = packets_of(data)
    for identifier in (1, 2, 14, 15, 16, 255):
        offset, length = element(packets, identifier)
        has = offset >= 0
        assert not length[~has].any()
        inside(packets.buffer, offset[has], length[has])
        assert (offset[has] >= packets.packet_offset[has] + 16).all()
        assert (offset[has] + length[has] <= packets.payload_offset[has]).all()
        rows, _ = AbsoluteCaptureTimes().read(packets.buffer, offset, length)
        assert set(rows.tolist()) <= set(np.flatnonzero(has).tolist())
        levels = read_audio_levels(packets.buffer, offset, length)
        assert levels.level.size == levels.voice.size == packets.count
        assert set(read_rotations(packets.buffer, offset, length).tolist()) <= {-1, 0, 90, 180, 270}
        descriptors = DependencyDescriptors().read(packets.buffer, offset, length)
        sound_layering(descriptors.layering, packets.count)


def rtcp(data: bytes) -> None:
    """A compound packet is read as far as it goes."""
    found = read_compound(data)
    assert len(found) <= len(data) // 4
    assert sum(len(name) for name in cnames(data).values()) <= len(data)
    is_picture_loss_indication(data)


def dependency_descriptor(data: bytes) -> None:
    """Descriptors one after the other: each is read, or refused with a reason."""
    choices = Choices(data)
    structure: Structure | None = None
    elements = []
    while not choices.is_over:
        elements.append(choices.take(choices.number(1)))
        try:
            structure = parse_descriptor(elements[-1], structure).structure
        except ValueError:
            continue
    length = np.array([len(each) for each in elements], np.int64)
    buffer = np.frombuffer(b"".join(elements), np.uint8)
    offset = np.where(length > 0, np.cumsum(length) - length, -1)
    found = DependencyDescriptors().read(buffer, offset, length)
    sound_layering(found.layering, len(elements))


def repair(data: bytes) -> None:
    """Retransmissions, redundancy and parity give packets that are sound, and not too many."""
    choices = Choices(data)
    mode = choices.number(1)
    least = 1 + choices.number(1)
    form = RepairFormat(
        media_payload_types=(MEDIA,),
        media_ssrcs=(1234,) if mode & 1 else (),
        rtx=(RtxFormat(RTX, MEDIA, media_ssrc=1234 if mode & 2 else None),) if mode & 4 else (),
        red_payload_type=RED if mode & 8 else None,
        fec=FecFormat("ulpfec" if mode & 16 else "flexfec-03", FEC, 1235 if mode & 32 else None)
        if mode & 64
        else None,
        extensions=_NAMES,
    )
    repairer = Repairer(form)
    datagrams = read_wire(choices.rest())
    size = max(least, len(datagrams) // 16)
    for at in range(0, len(datagrams), size):
        part = datagrams[at : at + size]
        _check_repaired(repairer.push(_packets(part)), part)
    assert min(repairer.counts()) >= 0


def _packets(datagrams: list[Datagram]) -> Packets:
    return read_packets(records_of(datagrams))[0]


def _check_repaired(packets: Packets, came: list[Datagram]) -> None:
    sound_packets(packets)
    # Each packet brings so many copies at most, each packet of parity one more.
    assert packets.count <= (MAX_COPIES + 3) * len(came) + 128
    assert (packets.payload_length[packets.restored] <= 0xFFFF).all()
