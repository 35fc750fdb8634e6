"""Real delays for the study `delayed-bandit`: clicks and installs of TalkingData AdTracking.

Of a log of conversions the card's recipe takes the click times and the delays as they are, thins conversions to each
arm's rate, and stretches the delays of the slower arms. The law is heavy-tailed, so that an exponential one is plainly
wrong: half of the installs come within four minutes of the click, the mean is eighty.
"""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adcascade.studies.data import data_set
from adcascade.studies.delayed_bandit_world import Case, empirical, in_a_row, thinned

SET = "talkingdata_clicks"
SOURCE = "https://www.kaggle.com/c/talkingdata-adtracking-fraud-detection"
THETA, STRETCH = (0.1, 0.05, 0.03), (2.0, 1.5, 1.0)
DAY_S = 86_400.0


def real_cases(data: Path) -> tuple[Case, Case]:
    """In seconds, the best arm's delays doubled: clicks drawn from the log's 65 hours, and some 7 hours in a row."""
    table = pq.read_table(data_set(data, SET, SOURCE), columns=["click_time", "attributed_time", "is_attributed"])
    installs = table.filter(pc.equal(table["is_attributed"], 1))
    delays = [
        (datetime.fromisoformat(install) - click).total_seconds()
        for click, install in zip(
            installs["click_time"].to_pylist(), installs["attributed_time"].to_pylist(), strict=True
        )
    ]
    times = table["click_time"].to_numpy().astype("datetime64[us]").astype(np.int64) / 1e6
    waits, law = empirical(np.array(delays))
    spread = Case(name="real", theta=THETA, scale=STRETCH, waits=waits, law=law, window=DAY_S, arrivals=thinned(times))
    return spread, replace(spread, name="real dense", arrivals=in_a_row(times))
