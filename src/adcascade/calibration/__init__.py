"""calibration: probabilities that money can trust. What learns (and imports scikit-learn) is in `calibration.learn`."""

from adcascade.calibration.live import LiveCalibration
from adcascade.calibration.maps import Calibrator, Identity, Isotonic, Platt, logit, sigmoid
from adcascade.calibration.slots import read_slot_factors, slot_factors, write_slot_factors
from adcascade.calibration.stage import CalibrationStage
from adcascade.calibration.stored import (
    StoredCalibration,
    StoredTarget,
    TargetMaps,
    read_calibration,
    write_calibration,
)

__all__ = [
    "CalibrationStage",
    "Calibrator",
    "Identity",
    "Isotonic",
    "LiveCalibration",
    "Platt",
    "StoredCalibration",
    "StoredTarget",
    "TargetMaps",
    "logit",
    "read_calibration",
    "read_slot_factors",
    "sigmoid",
    "slot_factors",
    "write_calibration",
    "write_slot_factors",
]
