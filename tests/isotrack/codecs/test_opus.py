import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.codecs import opus


def durations(packets: list[bytes]) -> list[int]:
    length = np.array([len(packet) for packet in packets], np.int64)
    buffer = np.frombuffer(b"".join(packets) + b"\0", np.uint8)
    return opus.durations(buffer, np.cumsum(length) - length, length).tolist()


def toc(config: int, code: int = 0, *, stereo: bool = False) -> int:
    return config << 3 | stereo << 2 | code


# RFC 6716 table 2, in milliseconds.
FRAME_MS = [10, 20, 40, 60] * 3 + [10, 20] * 2 + [2.5, 5, 10, 20] * 4


@pytest.mark.parametrize("stereo", [False, True])
def test_the_config_tells_how_long_a_frame_lasts(stereo: bool) -> None:
    packets = [bytes((toc(config, stereo=stereo), 0xAA)) for config in range(32)]
    assert durations(packets) == [int(48 * ms) for ms in FRAME_MS]


def test_two_frames_last_twice_as_long() -> None:
    assert durations([bytes((toc(31, 1), 1, 2)), bytes((toc(31, 2), 1, 2, 3))]) == [1920, 1920]


@pytest.mark.parametrize("frames", [1, 2, 3, 6])
def test_code_3_says_how_many_frames_there_are(frames: int) -> None:
    assert durations([bytes((toc(31, 3), frames)) + bytes(frames)]) == [960 * frames]


def test_a_packet_of_120_ms_is_the_longest() -> None:
    """Edge case 142."""
    assert durations([bytes((toc(31, 3), 6)) + bytes(6)]) == [5760]
    assert durations([bytes((toc(31, 3), 7)) + bytes(7)]) == [0]
    assert durations([bytes((toc(28, 3), 48)) + bytes(48)]) == [5760]
    assert durations([bytes((toc(3, 1), 1, 1))]) == [5760]
    assert durations([bytes((toc(3, 3), 3, 1, 1, 1))]) == [0]


def test_packets_of_all_lengths_stand_side_by_side() -> None:
    """Edge case 141: 20 to 120 ms in one call, and 2.5 ms too."""
    packets = [bytes((toc(31, 3), n)) + bytes(n) for n in (1, 2, 3, 4, 5, 6)]
    assert durations([*packets, bytes((toc(28), 0))]) == [960, 1920, 2880, 3840, 4800, 5760, 120]


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (b"", "no TOC"),
        (bytes((toc(31, 3),)), "no frame count"),
        (bytes((toc(31, 3), 0)), "no frames"),
        (bytes((toc(31, 1), 1, 2, 3)), "two frames of unlike size said to be alike"),
        (bytes((toc(31, 2),)), "no length of the first frame"),
        (bytes((toc(31, 2), 5, 1, 2)), "first frame past the end"),
        (bytes((toc(31, 2), 252)), "half a length"),
        (bytes((toc(31, 3), 2, 1, 2, 3)), "frames of unlike size said to be alike"),
        (bytes((toc(31),)) + bytes(1276), "a frame over 1275 bytes"),
        (bytes((toc(31, 1),)) + bytes(2552), "two frames over 1275 bytes"),
        (bytes((toc(31, 2), 1)) + bytes(1 + 1276), "a second frame over 1275 bytes"),
    ],
)
def test_a_packet_no_decoder_takes_lasts_nothing(packet: bytes, why: str) -> None:
    """Edge case 142 among others."""
    assert durations([bytes((toc(31), 1)), packet, bytes((toc(28), 1))]) == [960, 0, 120], why


def test_a_packet_of_toc_alone_is_discontinuous_transmission() -> None:
    """Edge case 144: one or two bytes, 20 ms; what comes 400 ms later is another packet."""
    assert durations([bytes((toc(31),)), bytes((toc(15), 0xFF))]) == [960, 960]


def test_a_long_first_frame_has_its_length_in_two_bytes() -> None:
    packet = bytes((toc(31, 2), 252, 12)) + bytes(300) + bytes(10)
    assert durations([packet, packet[:302]]) == [1920, 0]


@given(
    st.lists(st.binary(max_size=6) | st.binary(min_size=1, max_size=4).map(lambda b: b * 500)),
    st.integers(0, 31),
)
def test_a_packet_lasts_as_long_among_others_as_alone(packets: list[bytes], config: int) -> None:
    usual = bytes((toc(config), 1, 2))
    among = [each for packet in packets for each in (usual, packet)]
    assert durations(among) == [durations([each])[0] for each in among]


def test_many_packets_are_read_where_they_lie() -> None:
    buffer = np.frombuffer(bytes((9, 9, toc(31), 1, 9, toc(28), 1)), np.uint8)
    found = opus.durations(buffer, np.array([5, 2]), np.array([2, 2]))
    assert found.tolist() == [120, 960]
    none = np.zeros(0, np.int64)
    assert opus.durations(np.zeros(0, np.uint8), none, none).size == 0


@given(st.lists(st.binary(max_size=12), max_size=20))
def test_hostile_packets_last_nothing_or_a_possible_time(packets: list[bytes]) -> None:
    found = durations(packets)
    assert all(0 <= samples <= 5760 and samples % 120 == 0 for samples in found)
    assert found == [durations([packet])[0] for packet in packets]


def encode(
    frame_duration: str, layout: str = "stereo", *, fec: str = "0", bit_rate: int = 96_000
) -> list[bytes]:
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, layout, "s16"
    encoder.bit_rate = bit_rate
    encoder.options = {
        "frame_duration": frame_duration,
        "application": "voip",
        "fec": fec,
        "packet_loss": "20",
    }
    encoder.open()
    channels = 2 if layout == "stereo" else 1
    tone = (8000 * np.sin(np.arange(48_000) * 0.05)).astype(np.int16).repeat(channels)
    frame = av.AudioFrame.from_ndarray(tone.reshape(1, -1), format="s16", layout=layout)
    frame.sample_rate = 48_000
    fifo = av.AudioFifo()
    fifo.write(frame)
    packets = []
    while (part := fifo.read(encoder.frame_size)) is not None:
        packets += map(bytes, encoder.encode(part))
    return packets


@pytest.mark.parametrize(
    ("frame_duration", "samples"),
    [("2.5", 120), ("5", 240), ("10", 480), ("20", 960), ("40", 1920), ("60", 2880), ("120", 5760)],
)
def test_packets_of_libopus_last_what_it_was_told(frame_duration: str, samples: int) -> None:
    """Edge case 141."""
    packets = encode(frame_duration)
    assert len(packets) >= 7
    assert set(durations(packets)) == {samples}


def decoder(channels: int = 2) -> av.AudioCodecContext:
    context = av.CodecContext.create("opus", "r")
    assert isinstance(context, av.AudioCodecContext)
    context.extradata = opus.identification_header(channels)
    return context


@pytest.mark.parametrize("samples", [120, 240, 480, 960])
def test_silence_decodes_to_silence_of_its_length(samples: int) -> None:
    packet = opus.silence(samples)
    assert durations([packet]) == [samples]
    context = decoder()
    frames = [frame for _ in range(10) for frame in context.decode(av.Packet(packet))]
    assert [frame.samples for frame in frames] == [samples] * 10
    assert all(frame.layout.name == "stereo" for frame in frames)
    assert not any(frame.to_ndarray().any() for frame in frames)


@pytest.mark.parametrize("channels", [1, 2])
def test_mono_and_stereo_packets_play_under_either_header(channels: int) -> None:
    """Edge case 143: mono in a track said to be opus/48000/2, and silence in one of mono."""
    context = decoder(channels)
    packets = [*encode("20", "mono")[:10], *encode("20")[:10], opus.silence(960)]
    sounds = [context.decode(av.Packet(packet))[0] for packet in packets]

    assert durations(packets) == [960] * 21
    assert [sound.samples for sound in sounds] == [960] * 21
    assert {sound.layout.nb_channels for sound in sounds} == {channels}
    assert all(np.abs(sound.to_ndarray()).max() > 0.1 for sound in (sounds[9], sounds[19]))


def test_forward_error_correction_inside_a_packet_changes_nothing() -> None:
    """Edge case 149: LBRR in a SILK packet is a part of its bytes, which are never touched."""
    plain, protected = (encode("20", "mono", fec=fec, bit_rate=24_000) for fec in ("0", "1"))

    assert protected != plain
    assert durations(protected) == durations(plain) == [960] * len(plain)
    buffer = np.frombuffer(b"".join(protected), np.uint8)
    before = buffer.tobytes()
    length = np.array([len(packet) for packet in protected])
    opus.Opus().durations(buffer, np.cumsum(length) - length, length)
    assert buffer.tobytes() == before


def test_silence_fades_out_what_sounded_before() -> None:
    context = decoder()
    for packet in encode("20")[:10]:
        loud = context.decode(av.Packet(packet))[0].to_ndarray()
    for _ in range(10):
        quiet = context.decode(av.Packet(opus.silence(960)))[0].to_ndarray()
    assert np.abs(loud).max() > 0.1
    assert np.abs(quiet).max() < 1e-3


@pytest.mark.parametrize("samples", [0, 100, 1920, -960])
def test_there_is_no_silence_of_other_lengths(samples: int) -> None:
    with pytest.raises(ValueError, match="Opus silence lasts"):
        opus.silence(samples)


def test_the_identification_header_says_channels_and_pre_skip() -> None:
    header = opus.identification_header(2, 312)
    assert header.hex() == "4f707573486561640102380180bb0000000000"
    assert opus.identification_header(1)[9:12] == b"\x01\0\0"


@pytest.mark.parametrize("channels", [0, 3, 6])
def test_more_channels_than_two_are_refused(channels: int) -> None:
    """Edge case 150."""
    with pytest.raises(ValueError, match="channel mapping"):
        opus.identification_header(channels)
