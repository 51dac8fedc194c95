from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.rtp.rtcp import (
    Bye,
    SenderReport,
    bye,
    cnames,
    is_picture_loss_indication,
    ntp_from_unix_us,
    picture_loss_indication,
    read_compound,
    sender_report,
    unix_us_from_ntp,
)

DATA = Path(__file__).parents[2] / "data" / "rtp"
REPORT = SenderReport(0xDEADBEEF, 0xE0312345_9DBA6EFC, 3_021_047_083, 15, 15_745)


def aiortc(name: str) -> bytes:
    return (DATA / "aiortc" / name).read_bytes()


def test_a_sender_report_is_read_from_a_packet_with_a_report_block() -> None:
    assert read_compound(aiortc("rtcp_sr.bin")) == [
        SenderReport(1831097322, 16016567581311369308, 1722342718, 269, 13557)
    ]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("rtcp_bye.bin", [Bye((2924645187,))]),
        ("rtcp_bye_no_sources.bin", [Bye(())]),
        ("rtcp_bye_padding.bin", [Bye(())]),
        ("rtcp_bye_invalid.bin", []),
        ("rtcp_sr_invalid.bin", []),
        ("rtcp_rr.bin", []),
        ("rtcp_sdes.bin", []),
        ("rtcp_sdes_source_truncated.bin", []),
        ("rtcp_psfb_pli.bin", []),
    ],
)
def test_packets_of_other_stacks_are_read_or_passed_over(
    name: str, found: list[SenderReport | Bye]
) -> None:
    assert read_compound(aiortc(name)) == found


def test_all_packets_of_a_compound_are_read_whatever_comes_first() -> None:
    """Edge case 197."""
    extended_report = b"\x80\xcf\0\1" + bytes(4)
    compound = (
        extended_report
        + sender_report(REPORT, "alice")
        + sender_report(REPORT._replace(ssrc=7), "alice")
        + aiortc("rtcp_rr.bin")
        + bye([1, 2])
    )
    assert read_compound(memoryview(compound)) == [REPORT, REPORT._replace(ssrc=7), Bye((1, 2))]


@pytest.mark.parametrize("rest", [b"\x80", b"\x80\xc8\0\x06" + bytes(20), b"\0\xc8\0\0", bytes(64)])
def test_only_the_unsound_rest_of_a_compound_is_ignored(rest: bytes) -> None:
    """Edge case 198."""
    assert read_compound(bye([9]) + rest) == [Bye((9,))]


def test_a_sender_report_with_fewer_blocks_than_it_says_still_tells_the_time() -> None:
    packet = bytearray(sender_report(REPORT, "alice"))
    packet[0] |= 31
    assert read_compound(bytes(packet)) == [REPORT]


@given(st.text(max_size=60))
def test_a_sender_report_goes_with_its_name(cname: str) -> None:
    packet = sender_report(REPORT, cname)
    assert read_compound(packet) == [REPORT]
    description = packet[28:]
    assert description[:2] == b"\x81\xca"
    assert 4 + 4 * int.from_bytes(description[2:4], "big") == len(description)
    name = cname.encode()
    assert description[4:8] == packet[4:8]
    assert description[8:10] == bytes((1, len(name)))
    assert description[10 : 10 + len(name)] == name
    assert 1 <= len(description) - 10 - len(name) <= 4
    assert not any(description[10 + len(name) :])


def test_what_rtcp_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match="CNAME of 256 bytes"):
        sender_report(REPORT, "x" * 256)
    with pytest.raises(ValueError, match="at most 31"):
        bye(range(32))


def test_a_keyframe_request_is_told_from_other_feedback() -> None:
    request = picture_loss_indication(0x54506265, 0x23013FB9)
    assert request == aiortc("rtcp_psfb_pli.bin")
    assert is_picture_loss_indication(request)
    assert is_picture_loss_indication(aiortc("rtcp_rr.bin") + request)
    for name in ("rtcp_psfb_invalid.bin", "rtcp_rtpfb.bin", "rtcp_sr.bin"):
        assert not is_picture_loss_indication(aiortc(name))
    assert not is_picture_loss_indication(b"\x84" + request[1:])


def test_ntp_time_begins_in_1900() -> None:
    assert ntp_from_unix_us(0) == 2_208_988_800 << 32
    assert ntp_from_unix_us(500_000) == (2_208_988_800 << 32) + (1 << 31)
    assert unix_us_from_ntp(0xE0312345_80000000) == 1_552_327_877_500_000


@given(st.integers(-61_505_152 * 10**6, 4_233_462_144 * 10**6 - 1))
def test_ntp_keeps_microseconds_over_the_end_of_its_era(us: int) -> None:
    assert unix_us_from_ntp(ntp_from_unix_us(us)) == us
    assert 0 <= ntp_from_unix_us(us) < 1 << 64


@given(st.binary(max_size=120))
def test_hostile_packets_never_raise(packet: bytes) -> None:
    read_compound(packet)
    is_picture_loss_indication(packet)


@pytest.mark.parametrize("path", sorted((DATA / "rtcp-corpus").iterdir()), ids=lambda p: p.name)
def test_what_fuzzers_found_is_passed_over(path: Path) -> None:
    packet = path.read_bytes()
    found = read_compound(packet)
    assert all(entry.ssrc == 0x12345678 for entry in found if isinstance(entry, SenderReport))
    assert is_picture_loss_indication(packet) == (packet[:2] == b"\x81\xce" and len(packet) >= 12)


def test_names_of_sources_are_read() -> None:
    """Edge case 198: a source description that is truncated keeps what stood before."""
    packet = sender_report(SenderReport(1, 2, 3, 4, 5), "alice")
    assert cnames(packet) == {1: "alice"}
    chunks = (
        b"\0\0\0\x01\x07\x02hi\x01\x01a\0" + b"\0\0\0\x02\x01\x01b\0" + b"\0\0\0\x03\x01\xffc\0"
    )
    whole = b"\x83\xca\0\x07" + chunks
    assert len(chunks) == 28
    assert cnames(whole) == {1: "a", 2: "b"}
    for size in range(len(whole)):
        assert cnames(whole[:size]) == {}
