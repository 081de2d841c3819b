"""Features of images as points of a plane, by principal components and by t-SNE."""

import numpy as np
from jaxtyping import Float

PERPLEXITY = 30.0


def principal_plane(features: Float[np.ndarray, "n d"]) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "2"]]:
    """The two principal components (Pearson 1901), and the share of the variance along each.

    The largest weight of each component is positive, so that no run shows the mirror image of another.
    """
    from sklearn.decomposition import PCA  # takes seconds, which a command has at its end rather than its start

    wide = np.asarray(features, np.float64)
    wide = np.pad(wide, ((0, 0), (0, max(0, 2 - wide.shape[1]))))
    pca = PCA(2, svd_solver="full").fit(wide)
    largest = np.abs(pca.components_).argmax(axis=1)
    signs = np.sign(pca.components_[[0, 1], largest])
    return pca.transform(wide) * signs, np.nan_to_num(pca.explained_variance_ratio_)


def neighbour_plane(features: Float[np.ndarray, "n d"], seed: int = 0) -> Float[np.ndarray, "n 2"]:
    """A plane in which neighbours stay neighbours, by t-SNE (van der Maaten and Hinton 2008).

    It begins at the principal plane. Distances between groups of points mean little in it.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    start, _ = principal_plane(features)
    start = 1e-4 * start / max(start[:, 0].std(), np.finfo(float).tiny)  # as scikit-learn's own start by PCA
    tsne = TSNE(2, perplexity=perplexity, init=start.astype(np.float32), random_state=seed)
    with threadpool_limits(1):  # of few points, threads that wait for each other on busy cores are slower than one
        return tsne.fit_transform(np.asarray(features, np.float32))
