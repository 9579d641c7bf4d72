"""The mathematics: rates, spectra, overlap, sparsity, nulls, error bars; on NumPy and torch alike.

>>> import numpy as np
>>> Z = np.eye(4)
>>> round(rate_reduction(Z, [0, 0, 1, 1], eps=0.5).delta_R, 3)
1.022
"""

from subspacelens_tui.geometry.delete_one_ranks import delete_one_ranks
from subspacelens_tui.geometry.designs import DESIGNS, Design, permuted_labels
from subspacelens_tui.geometry.determinants import (
    class_rate_from_gram,
    coding_rate_and_rounding,
    coding_rate_from_gram,
)
from subspacelens_tui.geometry.errors import Cancelled, GeometryError, RoundingWarning
from subspacelens_tui.geometry.gram import VIEWS, View, feature_view, gram
from subspacelens_tui.geometry.iso_rate import iso_rate_eps
from subspacelens_tui.geometry.jackknife import (
    Estimate,
    RateEstimates,
    group_jackknife,
    jackknife,
    jackknife_error,
    jackknife_of_features,
)
from subspacelens_tui.geometry.normality import (
    ProjectionNormality,
    jarque_bera,
    jarque_bera_critical_value,
    projection_normality,
)
from subspacelens_tui.geometry.null_jackknife import null_rates_left_out
from subspacelens_tui.geometry.nulls import (
    NullSummary,
    null_class_centred_rate,
    null_class_rate,
    null_overlap,
    null_spectra,
    summarize_null,
)
from subspacelens_tui.geometry.overlap import (
    ClassSubspaces,
    class_subspaces,
    mean_off_diagonal,
    overlap_from_gram,
    split_half_overlap,
    subspace_overlap,
    variance_explained_from_gram,
)
from subspacelens_tui.geometry.permuted_classes import PermutedClasses, permuted_classes
from subspacelens_tui.geometry.rates import (
    RateReduction,
    class_rate_from_spectra,
    class_spectra,
    coding_rate,
    coding_rate_from_spectrum,
    feature_spectrum,
    gram_spectrum,
    rate_reduction,
)
from subspacelens_tui.geometry.rounding import gram_resolution
from subspacelens_tui.geometry.sparsity import (
    hoyer_from_norms,
    hoyer_gaussian,
    hoyer_laplace,
    hoyer_of_images,
    hoyer_sparsity,
)
from subspacelens_tui.geometry.spectra import (
    effective_rank,
    effective_rank_from_spectrum,
    eigenvalue_rank_from_spectrum,
    participation_ratio_from_spectrum,
    stable_rank_from_spectrum,
    unbiased_centred_participation_ratio,
    unbiased_participation_ratio,
)

__all__ = [
    "DESIGNS",
    "VIEWS",
    "Cancelled",
    "ClassSubspaces",
    "Design",
    "Estimate",
    "GeometryError",
    "NullSummary",
    "PermutedClasses",
    "ProjectionNormality",
    "RateEstimates",
    "RateReduction",
    "RoundingWarning",
    "View",
    "class_rate_from_gram",
    "class_rate_from_spectra",
    "class_spectra",
    "class_subspaces",
    "coding_rate",
    "coding_rate_and_rounding",
    "coding_rate_from_gram",
    "coding_rate_from_spectrum",
    "delete_one_ranks",
    "effective_rank",
    "effective_rank_from_spectrum",
    "eigenvalue_rank_from_spectrum",
    "feature_spectrum",
    "feature_view",
    "gram",
    "gram_resolution",
    "gram_spectrum",
    "group_jackknife",
    "hoyer_from_norms",
    "hoyer_gaussian",
    "hoyer_laplace",
    "hoyer_of_images",
    "hoyer_sparsity",
    "iso_rate_eps",
    "jackknife",
    "jackknife_error",
    "jackknife_of_features",
    "jarque_bera",
    "jarque_bera_critical_value",
    "mean_off_diagonal",
    "null_class_centred_rate",
    "null_class_rate",
    "null_overlap",
    "null_rates_left_out",
    "null_spectra",
    "overlap_from_gram",
    "participation_ratio_from_spectrum",
    "permuted_classes",
    "permuted_labels",
    "projection_normality",
    "rate_reduction",
    "split_half_overlap",
    "stable_rank_from_spectrum",
    "subspace_overlap",
    "summarize_null",
    "unbiased_centred_participation_ratio",
    "unbiased_participation_ratio",
    "variance_explained_from_gram",
]
