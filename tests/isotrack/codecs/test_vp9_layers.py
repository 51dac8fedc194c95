from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isotrack.codecs import vp9
from isotrack.codecs.keyframes import PictureSize
from isotrack.codecs.vp9_frames import Vp9Keyframes, split_superframe
from isotrack.codecs.vp9_header import HeaderBits, read_header
from isotrack.codecs.vp9_layers import SpatialLayers
from isotrack.rtp.header import write_header
from tests.isotrack.codecs.svc import (
    KEYFRAMES,
    SIZES,
    Packet,
    decode,
    layer_packets,
    push,
    read_ivf,
)
from tests.packets import packets_of

SENT = {
    "l3t3": layer_packets("svc_l3t3.ivf", inter_layer="always"),
    "l3t3_key": layer_packets("svc_l3t3_key.ivf", inter_layer="key"),
    "s3t3": layer_packets("svc_s3t3.ivf", inter_layer="never"),
    "flexible": layer_packets("svc_l3t3.ivf", inter_layer="always", flexible=True),
}
FULL = SENT["l3t3"]
SMALL, MIDDLE, LARGE = (width for width, _ in SIZES)


def of(sent: Sequence[Packet], picture: int, *layers: int) -> list[int]:
    """The packets of a picture's layers, of all of them unless told which."""
    wanted = layers or (0, 1, 2)
    return [n for n, each in enumerate(sent) if each.picture == picture and each.layer in wanted]


def without(sent: Sequence[Packet], gone: Sequence[int]) -> list[Packet]:
    """What is left when an SFU takes packets out, and closes the gaps in the numbering."""
    return [each for n, each in enumerate(sent) if n not in gone]


@cache
def originals(mode: str) -> dict[tuple[int, int], np.ndarray]:
    """What each layer of each picture decodes to when nothing is lost, by picture and width."""
    name = {"flexible": "l3t3"}.get(mode, mode)
    superframes = [split_superframe(frame) for frame in read_ivf(f"svc_{name}.ivf")]
    found = {}
    if mode == "s3t3":
        for layer, (width, _) in enumerate(SIZES):
            for number, image in decode([bytes(layers[layer]) for layers in superframes]):
                found[number, width] = image
    else:
        for number, image in decode(read_ivf(f"svc_{name}.ivf")):
            found[number, image.shape[1]] = image
    return found


@pytest.mark.parametrize("mode", ["l3t3", "l3t3_key", "flexible"])
def test_layers_of_a_picture_are_one_superframe_of_which_the_highest_is_shown(mode: str) -> None:
    """Edge case 92."""
    made = push(SpatialLayers([]), SENT[mode])
    assert made.widths == dict.fromkeys(range(24), LARGE)
    assert made.pictures.keyframe.nonzero()[0].tolist() == list(KEYFRAMES)
    frames = list(made.frames.values())
    for frame in frames:
        bits = [HeaderBits(layer) for layer in split_superframe(frame)]
        headers = [read_header(each, [(1, 1)] * 8) for each in bits]
        assert [header.shown for header in headers] == [False, False, True]
    expected = list(decode(read_ivf(f"svc_{mode.replace('flexible', 'l3t3')}.ivf"), "libvpx-vp9"))
    for decoder in ("vp9", "libvpx-vp9"):
        shown = list(decode(frames, decoder))
        assert [number for number, _ in shown] == list(range(24))
        assert all((a == b).all() for (_, a), (_, b) in zip(shown, expected, strict=True))


def test_the_superframes_of_encoders_show_every_layer_in_ffmpeg() -> None:
    shown = [image.shape[1] for _, image in decode(read_ivf("svc_l3t3.ivf")[:2], "vp9")]
    assert shown == [SMALL, MIDDLE, LARGE] * 2


def test_of_layers_that_do_without_each_other_the_highest_is_kept() -> None:
    made = push(SpatialLayers([]), SENT["s3t3"])
    assert made.widths == dict.fromkeys(range(24), LARGE)
    shown = [image for _, image in decode(list(made.frames.values()))]
    assert len(shown) == 24
    assert all((image == originals("s3t3")[n, LARGE]).all() for n, image in enumerate(shown))


@pytest.mark.parametrize("mode", SENT)
@settings(max_examples=25)
@given(st.data())
def test_what_is_shown_after_losses_is_what_was_sent(mode: str, data: st.DataObject) -> None:
    """Edge case 58, edge case 59: lost pictures are known by their numbers."""
    sent = SENT[mode]
    lost = data.draw(st.sets(st.integers(1, len(sent) - 1), max_size=8))
    for picture in data.draw(st.sets(st.integers(1, 23), max_size=2)):
        lost.update(of(sent, picture))
    made = push(SpatialLayers([]), sent, lost)
    whole = list(made.frames)
    for decoder in ("vp9", "libvpx-vp9"):
        shown = list(decode(list(made.frames.values()), decoder))
        assert [whole[n] for n, _ in shown] == whole
        for n, image in shown:
            assert image.shape[1] == made.widths[whole[n]]
            assert (image == originals(mode)[whole[n], image.shape[1]]).all()


@pytest.mark.parametrize("mode", ["l3t3", "flexible"])
def test_a_lost_picture_takes_those_along_that_need_it(mode: str) -> None:
    """Of TID 2, nothing that U does not mend or P_DIFF does not name; of TID 0, all."""
    sent = SENT[mode]
    made = push(SpatialLayers([]), sent, of(sent, 5))
    # Without P_DIFF, a picture of TID 1 or 2 may need the lost one, of which nothing is known.
    needing = () if mode == "flexible" else (6, 7)
    assert [n for n in range(24) if n not in made.frames] == [5, *needing]
    made = push(SpatialLayers([]), sent, of(sent, 8))
    assert [n for n in range(24) if n not in made.frames] == [8, 9, 10, 11]
    made = push(SpatialLayers([]), sent, of(sent, 4) + of(sent, 5) + of(sent, 6) + of(sent, 7))
    assert [n for n in range(24) if n not in made.frames] == list(range(4, 12))
    assert set(made.widths.values()) == {LARGE}


def test_a_lost_layer_is_left_out_with_those_above_it_until_a_keyframe() -> None:
    made = push(SpatialLayers([]), FULL, of(FULL, 4, 1)[:1])
    assert made.pictures.whole.all()
    expected = dict.fromkeys(range(24), LARGE) | dict.fromkeys(range(4, 12), SMALL)
    assert made.widths == expected
    left_out = made.pictures.left_out.tolist()
    assert left_out == [0] * 4 + [1] + [2] * 7 + [0] * 12  # of picture 4's SID 1 nothing came
    made = push(SpatialLayers([]), FULL, of(FULL, 4, 2)[-1:])
    assert made.widths == dict.fromkeys(range(24), LARGE) | dict.fromkeys(range(4, 12), MIDDLE)


def test_layers_lost_without_a_trace_are_missed_too() -> None:
    for lost in (of(FULL, 4, 2), of(FULL, 4, 2) + of(FULL, 5, 0)[:1]):
        made = push(SpatialLayers([]), FULL, lost)
        assert [made.widths.get(n) for n in (3, 4, 8, 11, 12)] == [
            LARGE,
            MIDDLE,
            MIDDLE,
            MIDDLE,
            LARGE,
        ]


def test_a_loss_in_a_high_temporal_layer_ends_with_the_next_switching_up_point() -> None:
    made = push(SpatialLayers([]), FULL, of(FULL, 5, 2))
    widths = [made.widths[n] for n in range(4, 10)]
    assert widths == [LARGE, MIDDLE, LARGE, MIDDLE, LARGE, LARGE]


def test_flexible_mode_tells_exactly_which_pictures_need_a_lost_layer() -> None:
    sent = SENT["flexible"]
    made = push(SpatialLayers([]), sent, of(sent, 5, 2))
    assert [n for n, width in made.widths.items() if width != LARGE] == [5]
    made = push(SpatialLayers([]), sent, of(sent, 6, 2))
    assert [n for n, width in made.widths.items() if width != LARGE] == [6, 7]


def test_a_layer_that_needs_no_lower_one_is_kept_without_it() -> None:
    """Edge case 97: between keyframes, layers of the K-SVC modes stand alone."""
    sent = SENT["l3t3_key"]
    made = push(SpatialLayers([]), sent, of(sent, 5, 0, 1))
    assert made.widths == dict.fromkeys(range(24), LARGE)
    assert len(split_superframe(made.frames[5])) == 1
    forwarded = [each for each in sent if each.layer == 2 or each.picture in KEYFRAMES]
    made = push(SpatialLayers([]), forwarded)
    assert made.widths == dict.fromkeys(range(24), LARGE)
    shown = list(decode(list(made.frames.values())))
    assert all((image == originals("l3t3_key")[n, LARGE]).all() for n, image in shown)


@pytest.mark.parametrize("marker", [True, False])
def test_a_top_layer_that_an_sfu_takes_out_is_no_loss(marker: bool) -> None:
    """Edge case 96: with a marker on the last layer there is, and without."""
    gone = [n for picture in (5, 7, 9, 11) for n in of(FULL, picture, 2)]
    sent = without(FULL, gone)
    if marker:
        sent = [
            each._replace(marker=each.picture != following.picture)
            for each, following in zip(sent, [*sent[1:], sent[0]], strict=True)
        ]
    made = push(SpatialLayers([]), sent)
    thinned = dict.fromkeys((5, 7, 9, 11), MIDDLE)
    assert made.widths == dict.fromkeys(range(24), LARGE) | thinned
    assert not made.pictures.left_out.any()
    shown = list(decode(list(made.frames.values())))
    assert all((image == originals("l3t3")[n, image.shape[1]]).all() for n, image in shown)


def test_a_layer_that_was_not_at_the_keyframe_has_to_begin_anew() -> None:
    made = push(SpatialLayers([]), without(FULL, of(FULL, 12, 2)))
    after = dict.fromkeys(range(12, 24), MIDDLE)
    assert made.widths == dict.fromkeys(range(24), LARGE) | after


def test_a_keyframe_of_a_lower_layer_is_taken_only_when_the_higher_one_is_lost() -> None:
    """Layers that do without each other may have keyframes at different times."""
    sent = SENT["s3t3"]
    (begin, *_), (at, *more) = of(sent, 0, 0), of(sent, 6, 0)
    assert not more
    head, keyframe = sent[at].payload[:5], sent[begin].payload[5:]
    sent = [*sent[:at], sent[at]._replace(payload=head + keyframe), *sent[at + 1 :]]
    assert push(SpatialLayers([]), sent).frames == push(SpatialLayers([]), SENT["s3t3"]).frames
    made = push(SpatialLayers([]), sent, of(sent, 4, 2)[:1])
    assert [made.widths.get(n) for n in (3, 4, 5, 6, 12)] == [LARGE, None, None, SMALL, LARGE]


def test_a_layer_without_the_one_below_is_nothing_to_begin_with() -> None:
    """Edge case 98: an upper layer's refresh at the start, its lower layer not there."""
    made = push(SpatialLayers([]), without(FULL, of(FULL, 0, 0)))
    assert made.pictures.whole.tolist()[:12] == [False] * 12
    assert made.pictures.whole[12:].all()
    made = push(SpatialLayers([]), FULL, of(FULL, 0, 0)[:1])
    assert not made.pictures.keyframe[:12].any()
    assert not made.pictures.whole[:12].any()


def test_the_lowest_layer_may_claim_to_need_a_lower_one() -> None:
    """Edge case 93: Firefox 61 sends D=1 with SID 0."""
    sent = [
        each._replace(payload=each.payload[:3] + bytes((each.payload[3] | 1,)) + each.payload[4:])
        if each.layer == 0
        else each
        for each in FULL
    ]
    assert push(SpatialLayers([]), sent).frames == push(SpatialLayers([]), FULL).frames


def test_markers_on_every_layer_still_make_one_picture() -> None:
    """Edge case 71: layers sent as access units of their own, with one timestamp."""
    ends = [each._replace(marker=bool(each.payload[0] & 4)) for each in FULL]
    assert sum(each.marker for each in ends) == 72
    assert push(SpatialLayers([]), ends).frames == push(SpatialLayers([]), FULL).frames


def test_the_size_is_that_of_the_largest_layer_received() -> None:
    """Edge case 99."""
    for layers, (width, height) in enumerate(SIZES):
        gone = [n for n, each in enumerate(FULL) if each.layer > layers]
        made = push(SpatialLayers([]), without(FULL, gone))
        assert made.pictures.size.tolist() == [[width, height]] * 24
        keyframes = Vp9Keyframes()
        assert keyframes.read(made.frames[0], 900, after_loss=False)
        assert keyframes.sizes == [PictureSize(900, width, height)]


def test_pictures_do_not_depend_on_where_pushes_end() -> None:
    lost = set(of(FULL, 5, 2) + of(FULL, 9, 1)[:1] + of(FULL, 15, 2)[-1:])
    at_once = push(SpatialLayers([]), FULL, lost)
    spatial = SpatialLayers([])
    frames: dict[int, bytes] = {}
    for picture in range(24):
        part = of(FULL, picture)
        made = push(spatial, [FULL[n] for n in part], [n - part[0] for n in lost & set(part)])
        frames |= made.frames
        assert spatial.active
    assert frames == at_once.frames


def test_higher_layers_may_come_in_between_keyframes() -> None:
    """The layers begin without one: the size of the frames there are is the last keyframe's."""
    sent = [each for each in SENT["flexible"] if each.picture >= 12]
    began = [
        each._replace(
            payload=bytes((each.payload[0] & ~0x40,)) + each.payload[1:4] + each.payload[5:]
        )
        if each.picture == 13 and each.layer
        else each
        for each in sent
    ]
    early = [each for each in began if each.picture == 12 and each.layer == 0]
    late = [each for each in began if each.picture > 12]
    keyframes = Vp9Keyframes()
    first = b"".join(each.payload[4:] for each in early)
    assert keyframes.read(first, 0, after_loss=False)
    assert push(SpatialLayers(keyframes.sizes), late).widths[13] == LARGE
    assert not push(SpatialLayers([]), late).pictures.whole[0]


def test_a_lower_layer_that_shows_an_earlier_frame_is_left_out() -> None:
    """Edge case 100, among layers: in a superframe nothing could keep it from being shown."""
    sent = list(FULL)
    (at,) = of(FULL, 3, 0)
    sent[at] = sent[at]._replace(payload=sent[at].payload[:5] + b"\x88")
    made = push(SpatialLayers([]), sent)
    assert made.widths[3] == LARGE
    assert len(split_superframe(made.frames[3])) == 2


def test_the_buffer_of_the_packets_is_not_written_to() -> None:
    packets = packets_of([write_header(98, n, 0, 7, False) + p.payload for n, p in enumerate(FULL)])
    before = packets.buffer.copy()
    media, layers = vp9.depacketize_layers(packets)
    assert layers is not None
    unit = np.array([each.picture for each in FULL])
    lost = np.zeros(len(FULL) + 1, np.int64)
    SpatialLayers([]).assemble(media, layers, unit, lost, packets.marker)
    assert (packets.buffer == before).all()


@given(
    st.lists(
        st.tuples(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=40), st.booleans()),
        max_size=30,
    )
)
def test_hostile_layers_give_slices_within_the_buffer(
    payloads: list[tuple[int, int, bytes, bool]],
) -> None:
    """Every payload says that it has layers; what follows is anything."""
    sent = [
        Packet(n // 4, 0, bytes((flags & 0x5F | 0x20, layer)) + rest, marker)
        for n, (flags, layer, rest, marker) in enumerate(payloads)
    ]
    lost = {n for n, each in enumerate(sent) if each.payload[1] == 0}
    made = push(SpatialLayers([PictureSize(0, 640, 360)]), sent, lost)
    media = made.pictures.media
    assert (media.slice_length > 0).all()
    assert (media.slice_offset + media.slice_length <= media.buffer.size).all()
    assert (np.diff(media.slice_packet) >= 0).all()
    for frame in made.frames.values():
        assert frame
