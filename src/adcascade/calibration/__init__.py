"""calibration: probabilities that money can trust. What learns (and imports scikit-learn) is in `calibration.learn`."""

from adcascade.calibration.live import LiveCalibration
from adcascade.calibration.maps import Beta, Calibrator, Identity, Isotonic, Platt, Steps, logit
from adcascade.calibration.mbct import Trees
from adcascade.calibration.mbct_stored import FeatureTrees, read_trees, write_trees
from adcascade.calibration.slots import read_slot_factors, slot_factors, write_slot_factors
from adcascade.calibration.stage import CalibrationStage, ServedTrees
from adcascade.calibration.stored import (
    StoredCalibration,
    StoredTarget,
    TargetMaps,
    read_calibration,
    write_calibration,
)
from adcascade.metrics.logistic import sigmoid

__all__ = [
    "Beta",
    "CalibrationStage",
    "Calibrator",
    "FeatureTrees",
    "Identity",
    "Isotonic",
    "LiveCalibration",
    "Platt",
    "ServedTrees",
    "Steps",
    "StoredCalibration",
    "StoredTarget",
    "TargetMaps",
    "Trees",
    "logit",
    "read_calibration",
    "read_slot_factors",
    "read_trees",
    "sigmoid",
    "slot_factors",
    "write_calibration",
    "write_slot_factors",
    "write_trees",
]
