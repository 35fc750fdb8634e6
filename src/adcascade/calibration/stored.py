"""calibration.json: the maps of ctr and cvr, one for all traffic and one for each scenario with enough of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from adcascade.calibration.maps import Calibrator, Floats, Identity, Stored, decoded
from adcascade.errors import BundleError

FILE = "calibration.json"


class StoredTarget(msgspec.Struct, frozen=True, kw_only=True):
    """The maps of one probability."""

    everywhere: Stored = Stored(method="none")
    scenarios: dict[str, Stored] = {}
    rows: int = 0  # that it was fitted on


class StoredCalibration(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    format: int = 1
    ctr: StoredTarget = StoredTarget()
    cvr: StoredTarget = StoredTarget()


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetMaps:
    """The maps of one probability, ready to be applied."""

    everywhere: Calibrator = field(default_factory=Identity)
    scenarios: Mapping[str, Calibrator] = field(default_factory=dict)

    @classmethod
    def of(cls, stored: StoredTarget) -> Self:
        """ValueError where a map is none."""
        return cls(
            everywhere=decoded(stored.everywhere),
            scenarios={name: decoded(one) for name, one in stored.scenarios.items()},
        )

    def for_scenario(self, scenario: str) -> Calibrator:
        """The scenario's own map, or that of all traffic."""
        return self.scenarios.get(scenario, self.everywhere)

    def each(self, scenario: NDArray[np.str_], p: Floats) -> Floats:
        """Calibrated [n] of predictions [n], each by the map of its own scenario [n]."""
        out = np.empty(len(p))
        for name in np.unique(scenario):
            mine = scenario == name
            out[mine] = self.for_scenario(str(name))(p[mine])
        return out


def write_calibration(folder: Path, stored: StoredCalibration) -> None:
    """Write calibration.json into `folder`."""
    (folder / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(stored)))


def read_calibration(folder: Path) -> tuple[TargetMaps, TargetMaps]:
    """The maps of (ctr, cvr); BundleError where the file is absent or holds no maps."""
    path = folder / FILE
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=StoredCalibration)
        return TargetMaps.of(stored.ctr), TargetMaps.of(stored.cvr)
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise BundleError(f"{path} holds no calibration ({error}); build the bundle again") from error
