"""The category tree."""

import numpy as np

from adcascade.market.categories import category_tree


def test_sisters_lie_nearer_than_strangers() -> None:
    """The mean cosine of leaves of one department is well above that of leaves of different ones."""
    tree = category_tree(1)
    cosine = tree.centre @ tree.centre.T
    same = tree.department[:, None] == tree.department[None, :]
    other_leaf = ~np.eye(len(tree), dtype=bool)
    assert cosine[same & other_leaf].mean() > cosine[~same].mean() + 0.2
    assert np.allclose(np.diag(cosine), 1, atol=1e-5)


def test_the_page_without_category_matches_nothing() -> None:
    """Row -1 of the match table is zero; a leaf matches itself fully and most."""
    tree = category_tree(1)
    assert not tree.match[-1].any()
    assert (np.diag(tree.match) == 1).all()
    assert (tree.match[:-1].argmax(axis=1) == np.arange(len(tree))).all()


def test_words_point_to_one_leaf() -> None:
    """Every word belongs to one leaf, so that a query tells what it is about; fillers belong to none."""
    tree = category_tree(1)
    assert len(set(tree.words)) == len(tree.words)
    assert len(np.unique(tree.own_words)) == tree.own_words.size
    assert not set(tree.fillers) & set(tree.own_words.ravel())
    assert abs(tree.popularity.sum() - 1) < 1e-12
