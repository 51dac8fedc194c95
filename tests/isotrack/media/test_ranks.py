import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isotrack.media.ranks import distinct, median, quantile

WHOLE = st.integers(-(2**52), 2**52)


@given(st.lists(WHOLE | st.floats(-1e12, 1e12), min_size=1, max_size=30))
def test_the_median_is_that_of_numpy(values: list[float]) -> None:
    assert median(np.array(values)) == np.median(np.array(values))


@given(
    st.lists(WHOLE, min_size=1, max_size=30) | st.lists(st.floats(-1e12, 1e12), min_size=1),
    st.sampled_from([0.0, 0.1, 0.5, 0.9, 0.95, 1.0]),
)
def test_quantiles_are_those_of_numpy(values: list[float], fraction: float) -> None:
    assert quantile(np.array(values), fraction) == np.quantile(np.array(values), fraction)


@given(st.lists(WHOLE | st.integers(0, 5), max_size=30))
def test_values_are_distinct_and_in_order(values: list[int]) -> None:
    assert distinct(np.array(values, np.int64)).tolist() == sorted(set(values))


def test_a_remux_loads_no_masked_arrays() -> None:
    """They take longer to load than all else of numpy that is used."""
    code = (
        "import sys\n"
        "from isotrack.adapters.checksums import crc32c_of\n"
        "from isotrack.pipeline.remux import remux\n"
        "from isotrack.recording.tracks import TrackType\n"
        "from tests.sessions import Session, opus_call, vp8_call\n"
        "session = Session()\n"
        "session.capture(TrackType.AUDIO, opus_call(20))\n"
        "session.capture(TrackType.VIDEO, vp8_call(20))\n"
        "session.seal()\n"
        "stores = {'raw': session.store, 'recordings': session.store}\n"
        "assert len(remux(session.job(), **stores, checksum=crc32c_of).files) == 3\n"
        "assert 'numpy.ma' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
