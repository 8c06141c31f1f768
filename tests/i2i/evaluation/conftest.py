"""What several tests of the output of evaluations begin with."""

import pytest
from evaluations import Photographs, blobs, evaluation_of

from i2i.evaluation.results import Evaluation

COUNT, SIDE = 5, 24


@pytest.fixture
def pictures() -> Photographs:
    return Photographs(blobs(COUNT, SIDE))


@pytest.fixture
def evaluation(pictures: Photographs) -> Evaluation:
    return evaluation_of(pictures, [f"{place:04}" for place in range(COUNT)])
