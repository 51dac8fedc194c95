import random
import socket

import pytest

from capture_agent.sockets import MediaPorts, open_media_socket
from isotrack.recording.errors import Transient


@pytest.fixture
def ports() -> range:
    first = random.randrange(20000, 31000, 2)
    return range(first, first + 6)


def names(*opened: socket.socket | None) -> list[int]:
    return [s.getsockname()[1] for s in opened if s is not None]


def close(*opened: socket.socket | None) -> None:
    for s in opened:
        if s is not None:
            s.close()


def test_rtp_has_the_even_port_and_rtcp_the_odd_one_above(ports: range):
    media = MediaPorts("127.0.0.1", range(ports.start - 1, ports.stop))
    pair = media.open_pair(rtcp_mux=False)
    assert names(*pair) == [ports.start, ports.start + 1]
    assert media.row(ports.start) == 1
    close(*pair)


def test_multiplexed_rtcp_takes_no_port_of_its_own(ports: range):
    rtp, rtcp = MediaPorts("127.0.0.1", ports).open_pair(rtcp_mux=True)
    assert rtcp is None
    close(rtp)


def test_a_freed_pair_rests_until_its_turn_comes_again(ports: range):
    media = MediaPorts("127.0.0.1", ports)
    taken = []
    for _ in range(4):
        pair = media.open_pair(rtcp_mux=False)
        taken.append(names(*pair)[0] - ports.start)
        close(*pair)
    assert taken == [0, 2, 4, 0]


def test_ports_that_others_have_are_passed_over(ports: range):
    other = open_media_socket("127.0.0.1", ports.start + 1)
    pair = MediaPorts("127.0.0.1", ports).open_pair(rtcp_mux=False)
    assert names(*pair) == [ports.start + 2, ports.start + 3]
    close(*pair, other)


def test_a_range_with_no_free_port_is_transient_and_says_which(ports: range):
    media = MediaPorts("127.0.0.1", ports)
    pairs = [media.open_pair(rtcp_mux=False) for _ in range(3)]
    with pytest.raises(Transient, match=f"{ports.start}-{ports.stop - 1}"):
        media.open_pair(rtcp_mux=False)
    for pair in pairs:
        close(*pair)


def test_an_address_of_another_machine_is_an_error(ports: range):
    with pytest.raises(OSError, match="Cannot assign"):
        MediaPorts("192.0.2.1", ports).open_pair(rtcp_mux=False)
