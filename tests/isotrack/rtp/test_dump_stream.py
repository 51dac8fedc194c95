import pytest

from isotrack.rtp import dump_stream
from isotrack.rtp.header import write_header
from tests.captures import read
from tests.packets import START_US, write_records

PACKETS = [write_header(96, n, 0, 3, False) + bytes(n % 50) for n in range(400)]


def test_our_own_chunk_is_read_with_its_exact_arrivals() -> None:
    arrivals = [START_US + 1001 * n for n in range(len(PACKETS))]
    reader, rows = read(bytes(write_records(PACKETS, arrival_us=arrivals)), 500)
    assert reader.form == "rtpdump"
    assert [(at, packet) for at, _, packet in rows] == list(zip(arrivals, PACKETS, strict=True))


@pytest.mark.parametrize("piece", [300, 5000])
def test_a_long_file_is_read_in_runs_of_records(
    piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dump_stream, "READ_WHOLE", 2000)
    _, rows = read(bytes(write_records(PACKETS)), piece)
    assert [packet for _, _, packet in rows] == PACKETS
    assert rows[-1][0] - rows[0][0] == 1000 * (len(PACKETS) - 1)
