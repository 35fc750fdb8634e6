"""The page models that the study of blending learns, from logs of simulated pages."""

import numpy as np
from numpy.typing import NDArray

from adcascade.auction.page_learn import PageTraining, SeenPages, fit_pages, page_logits
from adcascade.auction.page_model import PageConfig
from adcascade.auction.page_tokens import Items, Kind, Layout, PageTokens, slate_places
from adcascade.auction.slates import exhaustive
from adcascade.market.arrays import sigmoid
from adcascade.market.pages import BlendedPages
from adcascade.studies.vcg_blending_rules import Bench, Clicks, gsp

PATTERN = (1, 3, 5)


def page_tokens(pages: BlendedPages, slates: NDArray[np.int64]) -> PageTokens:
    """Slates [S, K] of all requests, or [R, S, K] of each its own, as R * S pages of tokens."""
    config, r = pages.config, len(pages)
    m, o = config.ads, config.organic
    own = np.broadcast_to(slates, (r, *slates.shape[-2:]))
    layout = Layout(slots=own.shape[2], organic=o, pattern=PATTERN)
    item, place = slate_places(own.reshape(-1, own.shape[2]), m, o, layout)  # [R S, T]
    request = np.repeat(np.arange(r), own.shape[1])[:, None]
    width, nothing = config.width, r * (m + o)
    numbers, base = np.zeros((nothing + 1, width), np.float32), np.zeros(nothing + 1, np.float32)
    numbers[:-1] = np.concatenate((pages.ad_look, pages.organic_look), axis=1).reshape(-1, width)
    base[:-1] = np.concatenate((pages.ad_pull, pages.organic_pull), axis=1).ravel()
    kind = np.append(np.tile(np.repeat([Kind.AD, Kind.ORGANIC], [m, o]), r), Kind.NOTHING)
    items = Items(numbers=numbers, base=base, kind=kind.astype(np.int64))
    return PageTokens(items=items, item=np.where(item == m + o, nothing, item + request * (m + o)), place=place)


def logged(pages: BlendedPages, random: np.random.Generator, *, chance: bool) -> SeenPages:
    """One page a request as a log holds it: a full slate drawn by chance, or the one that GSP shows."""
    slates = exhaustive(pages.config.ads, len(pages.config.slope))
    slates = slates[(slates >= 0).all(axis=1)]
    if chance:
        shown = random.integers(0, len(slates), len(pages))
    else:
        shown = gsp(Bench(pages=pages, slates=slates, truth=Clicks(np.empty(0), np.empty(0)))).slate
    own = slates[shown][:, None, :]  # [R, 1, K]
    p = np.concatenate([part[:, 0] for part in pages.clicks(own)], axis=1)  # [R, T]
    click = (random.random(p.shape) < p).astype(np.float32)
    tokens = page_tokens(pages, own)
    weight = (tokens.items.kind[tokens.item] != Kind.NOTHING).astype(np.float32)
    return SeenPages(tokens=tokens, click=click, weight=weight, separable=tokens.items.base[tokens.item])


def learned_clicks(seen: SeenPages, bench: Bench, training: PageTraining, *, neighbours: bool = True) -> Clicks:
    """What a page model that learned from `seen` says of all slates of the bench."""
    config = PageConfig(
        numbers=bench.pages.config.width,
        places=len(bench.pages.config.slope) + bench.pages.config.organic,
        neighbours=neighbours,
    )
    model = fit_pages(config, seen, np.arange(len(seen)), training)
    logit = page_logits(model, page_tokens(bench.pages, bench.slates))
    p = sigmoid(logit).reshape(len(bench.pages), len(bench.slates), -1)  # [R, S, T]
    k = bench.slates.shape[1]
    return Clicks(np.where(bench.slates >= 0, p[:, :, :k], 0.0), p[:, :, k:])
