from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotrack.codecs.keyframes import PictureSize
from isotrack.codecs.vp9_frames import (
    Vp9Keyframes,
    hide,
    is_keyframe,
    refresh,
    split_superframe,
    superframe_index,
)
from isotrack.codecs.vp9_header import SLOTS, FrameHeader, HeaderBits, Size, read_header, skip_rest
from tests.isotrack.codecs.svc import KEYFRAMES, SIZES, decode, read_ivf
from tests.isotrack.codecs.vp9_encoder import encode, encoded

SHOW_EXISTING = b"\x88"


def hide_all(frames: list[bytes]) -> list[bytes]:
    """The same frames, none of them shown."""
    slots: list[Size | None] = [None] * SLOTS
    written = []
    for frame in frames:
        bits = HeaderBits(frame)
        header = read_header(bits, slots)
        refresh(slots, header)
        hidden = hide(frame, bits, header)
        written.append(hidden.start + frame[hidden.replaced :])
    return written


def headers_of(frames: list[bytes]) -> list[FrameHeader]:
    slots: list[Size | None] = [None] * SLOTS
    headers = []
    for frame in frames:
        headers.append(read_header(HeaderBits(frame), slots))
        refresh(slots, headers[-1])
    return headers


@pytest.mark.parametrize("profile", range(4))
def test_headers_of_every_profile_are_read(profile: int) -> None:
    headers = headers_of(encoded(profile))
    assert [header.keyframe for header in headers] == [True, False, False] * 2
    assert {header.profile for header in headers} == {profile}
    assert {header.size for header in headers} == {(160, 96)}
    assert [header.refreshes == 0xFF for header in headers] == [True, False, False] * 2
    assert [len(header.references) for header in headers] == [0, 3, 3] * 2
    assert all(header.shown and header.resilient for header in headers)


def test_odd_sizes_are_exact() -> None:
    """Edge case 79."""
    keyframes = Vp9Keyframes()
    assert keyframes.read(encode(1, {}, width=494, height=371)[0], 0, after_loss=False)
    assert keyframes.sizes == [PictureSize(0, 494, 371)]


@pytest.mark.parametrize(
    ("width", "height", "options"),
    [
        (160, 96, {}),
        (160, 96, {"error-resilient": "1"}),
        (320, 192, {"aq-mode": "3", "b": "200k"}),
        (1280, 64, {"tile-columns": "2", "tile-rows": "1", "row-mt": "1"}),
        (512, 64, {"aq-mode": "2", "tile-columns": "1", "frame-parallel": "1"}),
        (448, 64, {"lossless": "1"}),
    ],
    ids=["plain", "resilient", "segments", "tiles", "two tiles", "lossless"],
)
def test_headers_end_where_the_compressed_header_begins(
    width: int, height: int, options: dict[str, str]
) -> None:
    """A hidden frame decodes to what the shown one does: the whole header has been understood."""
    frames = encode(6, options | {"g": "3"}, width=width, height=height)
    expected = [image for _, image in decode(frames)]
    hidden = hide_all(frames)
    assert not any(header.shown for header in headers_of(hidden))
    assert list(decode(hidden)) == []
    # A frame that shows what is in a slot brings the hidden ones to light, here the keyframe.
    shows = [hidden[0] + SHOW_EXISTING + superframe_index([len(hidden[0]), 1])]
    for decoder in ("vp9", "libvpx-vp9"):
        ((_, image),) = decode(shows, decoder)
        assert (image == expected[0]).all()


@pytest.mark.parametrize("profile", range(4))
def test_frames_that_follow_hidden_ones_decode_as_before(profile: int) -> None:
    frames = encoded(profile)
    expected = list(decode(frames))[-1][1]
    parts = [*hide_all(frames)[:-1], frames[-1]]
    superframe = b"".join((*parts, superframe_index([len(part) for part in parts])))
    for decoder in ("vp9", "libvpx-vp9")[: 1 if profile > 1 else 2]:  # PyAV's has eight bits
        ((_, image),) = decode([superframe], decoder)
        assert (image == expected).all()


def test_hiding_changes_show_frame_and_nothing_else() -> None:
    for frame, header in zip(
        frames := encode(4, {"error-resilient": "1"}), headers_of(frames), strict=True
    ):
        bits = HeaderBits(frame)
        hidden = hide(frame, bits, read_header(bits, [header.size] * SLOTS))
        assert frame[hidden.replaced :]
        again = HeaderBits(hidden.start)
        reread = read_header(again, [header.size] * SLOTS)
        assert reread == header._replace(shown=False)
        skip_rest(again, reread)
        assert again.length == bits.length + (not header.keyframe)


@given(st.lists(st.integers(1, 70_000), min_size=1, max_size=8))
def test_superframes_are_split_where_they_were_joined(sizes: list[int]) -> None:
    frames = [bytes((0x80,)) * size for size in sizes]
    superframe = b"".join(frames) + superframe_index(sizes)
    assert split_superframe(superframe) == frames


def test_the_index_of_a_superframe_is_annex_b() -> None:
    assert superframe_index([1, 255]) == bytes.fromhex("c101ffc1")
    assert superframe_index([0x0102, 3]) == bytes.fromhex("c902010300c9")
    with pytest.raises(ValueError, match="1 to 8 frames"):
        superframe_index([1] * 9)
    with pytest.raises(ValueError, match="1 to 8 frames"):
        superframe_index([])


def test_the_superframes_of_libvpx_are_split() -> None:
    for frame in read_ivf("svc_l3t3.ivf"):
        layers = split_superframe(frame)
        assert len(layers) == 3
        assert frame.startswith(b"".join(layers))
        assert [layer[0] >> 6 for layer in layers] == [2, 2, 2]
        assert is_keyframe(frame) == is_keyframe(layers[0])


@pytest.mark.parametrize("frame", ["", "c1", "82c101ffc0", "82c101ffc1", "c1c1", "8200c10102c2"])
def test_what_has_no_sound_index_is_one_frame(frame: str) -> None:
    whole = bytes.fromhex(frame)
    assert split_superframe(whole) == [whole]


def test_empty_frames_of_a_superframe_are_passed_over() -> None:
    assert split_superframe(b"abc" + superframe_index([1, 0, 2])) == [b"a", b"bc"]


def test_every_keyframe_is_one_to_begin_with_and_states_its_size() -> None:
    """Edge case 86, edge case 87."""
    keyframes = Vp9Keyframes()
    frames = encode(3, {"g": "1"}) + encode(2, {}, width=96, height=160)
    usable = [keyframes.read(f, 3000 * n, after_loss=n == 3) for n, f in enumerate(frames)]
    assert usable == [True, True, True, True, False]
    assert keyframes.sizes == [PictureSize(0, 160, 96), PictureSize(9000, 96, 160)]
    assert keyframes.configuration == b""


def test_the_size_of_layers_is_the_largest_one() -> None:
    """Edge case 99."""
    keyframes = Vp9Keyframes()
    frames = read_ivf("svc_l3t3.ivf")
    usable = [n for n, f in enumerate(frames) if keyframes.read(f, n, after_loss=False)]
    assert usable == list(KEYFRAMES)
    assert keyframes.sizes == [PictureSize(0, *SIZES[-1])]


def test_a_keyframe_that_is_shown_later_has_its_own_size() -> None:
    keyframes = Vp9Keyframes()
    (hidden,) = hide_all(encode(1, {}))
    assert keyframes.read(hidden, 5, after_loss=False)
    shown = hidden + SHOW_EXISTING + superframe_index([len(hidden), 1])
    assert keyframes.read(shown, 6, after_loss=False)
    assert keyframes.sizes == [PictureSize(5, 160, 96)]


def test_a_frame_that_only_shows_another_is_no_keyframe() -> None:
    """Edge case 100."""
    header = read_header(HeaderBits(SHOW_EXISTING), [None] * SLOTS)
    assert header.show_existing
    assert header.shown
    assert header.refreshes == 0
    assert not is_keyframe(SHOW_EXISTING)
    assert not Vp9Keyframes().read(SHOW_EXISTING, 0, after_loss=False)


def test_an_intra_only_frame_is_no_keyframe_and_says_what_it_refreshes() -> None:
    # Not shown, error resilient, intra_only, sync code, slots 0 and 2, 64x48.
    frame = int("10000101101001001100000110100001000000101", 2) << 32 | 63 << 16 | 47
    header = read_header(HeaderBits((frame << 7).to_bytes(10)), [None] * SLOTS)
    assert not header.keyframe
    assert header.refreshes == 0b101
    assert header.references == ()
    assert header.size == (64, 48)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ("", "truncated"),
        ("82", "truncated"),
        ("02498342", "frame marker"),
        ("82498343", "sync code"),
        ("87000008", "a frame that is not known"),
    ],
)
def test_what_is_no_header_is_told(frame: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_header(HeaderBits(bytes.fromhex(frame)), [None] * SLOTS)


@given(st.binary(max_size=60), st.sampled_from([b"", b"\x82\x49\x83\x42", b"\x86", b"\xb0\x24"]))
def test_hostile_frames_are_no_more_than_useless(rest: bytes, start: bytes) -> None:
    frame = start + rest
    Vp9Keyframes().read(frame, 0, after_loss=False)
    is_keyframe(frame)
    assert b"".join(split_superframe(frame)) == frame[: sum(map(len, split_superframe(frame)))]
    bits = HeaderBits(frame)
    with suppress(ValueError):
        header = read_header(bits, [(640, 360)] * SLOTS)
        if not header.show_existing and header.shown:
            assert len(hide(frame, bits, header).start) <= len(frame) + 1
