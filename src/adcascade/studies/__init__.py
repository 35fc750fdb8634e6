"""Studies: one file a published method; each proves, or fails to prove, what the paper claims.

    adcascade reproduce --list
    adcascade reproduce nann --seeds 0,1,2

STUDIES names them all. A study is `study(seeds, scale, data) -> Result` (contract.py); its file imports torch and the
market, so it is looked up only when it runs.
"""

from adcascade.studies.entry import Entry

STUDIES: dict[str, Entry] = {
    "nann": Entry(
        title="Retrieval by a neural score on a graph walk",
        paper="arXiv 2202.10226",
        room="retrieval",
        where="adcascade.studies.nann:study",
    ),
    "copr": Entry(
        title="COPR: pre-ranking that learns the ranker's order",
        paper="arXiv 2306.03516",
        room="preranking",
        where="adcascade.studies.copr:study",
    ),
    "kfatt": Entry(
        title="Kalman filtering attention: a prior per query, and a cap on repetition",
        paper="arXiv 2010.00985",
        room="ranking",
        where="adcascade.studies.kfatt:study",
        seeds=(0, 1, 2, 3, 4),
    ),
    "adasparse": Entry(
        title="AdaSparse: a sparse sub-network of one ranker for each scenario",
        paper="arXiv 2206.13108",
        room="ranking",
        where="adcascade.studies.adasparse:study",
        seeds=(0, 1, 2, 3, 4),
    ),
    "exfm": Entry(
        title="One large teacher for many small rankers: an auxiliary head, and a store of what it said",
        paper="arXiv 2502.17494",
        room="learning",
        where="adcascade.studies.exfm:study",
    ),
    "picasso": Entry(
        title="PICASSO: packing, interleaving and caching to train models of many fields",
        paper="arXiv 2204.04903",
        room="learning",
        where="adcascade.studies.picasso:study",
    ),
    "defuse": Entry(
        title="Delayed conversions: labels corrected by type of record",
        paper="arXiv 2202.06472",
        room="conversion",
        where="adcascade.studies.defuse:study",
        seeds=(0, 1, 2, 3, 4),
    ),
    "mbct": Entry(
        title="MBCT: calibration trees over features",
        paper="arXiv 2202.04348",
        room="calibration",
        where="adcascade.studies.mbct:study",
        seeds=(0, 1, 2, 3, 4),
    ),
    "maab": Entry(
        title="Cooperative-competitive multi-agent auto-bidding with soft credit and bar agents",
        paper="arXiv 2106.06224",
        room="bidding",
        where="adcascade.studies.maab:study",
    ),
    "vcg-blending": Entry(
        title="Blending ads with organic items by virtual bids and VCG",
        paper="arXiv 2105.13556",
        room="auction",
        where="adcascade.studies.vcg_blending:study",
    ),
    "delayed-bandit": Entry(
        title="Delayed-feedback Thompson sampling with EM for the delay law",
        paper="arXiv 2202.00846",
        room="experiments",
        where="adcascade.studies.delayed_bandit:study",
        seeds=tuple(range(100)),
    ),
}
