import pytest

from village_process import Village


@pytest.fixture(scope="module")
def village():
    with Village() as running:
        yield running
