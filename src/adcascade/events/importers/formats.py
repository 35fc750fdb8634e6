"""FORMATS: every log that adcascade reads, by its short name."""

from adcascade.events.importers.aliccp import ALICCP
from adcascade.events.importers.avazu import AVAZU
from adcascade.events.importers.base import Importer
from adcascade.events.importers.criteo import CRITEO
from adcascade.events.importers.generic import GENERIC
from adcascade.events.importers.ipinyou import IPINYOU
from adcascade.events.importers.kdd12 import KDD12
from adcascade.events.importers.movielens import MOVIELENS
from adcascade.events.importers.openbandit import OPEN_BANDIT
from adcascade.events.importers.talkingdata import TALKINGDATA
from adcascade.events.importers.taobao import TAOBAO

FORMATS: dict[str, Importer] = {
    importer.name: importer
    for importer in (
        CRITEO,
        AVAZU,
        IPINYOU,
        KDD12,
        TAOBAO,
        ALICCP,
        OPEN_BANDIT,
        TALKINGDATA,
        MOVIELENS,
        GENERIC,
    )
}
