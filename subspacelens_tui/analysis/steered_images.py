"""The measures of the images in one session of a steering run."""

from dataclasses import dataclass

from subspacelens_tui.steering.share_interval import Share

OFF_MANIFOLD = 1.4
# Of images: judges that differ on more are not to be trusted there.
DISAGREE = 0.1
TARGET, UNSTEERED = "target", "s0"


@dataclass(frozen=True)
class SteeredImages:
    """One session of a run.

    Attributes:
        session: its name.
        key: what follows the `~`.
        control: which it is; None of the method, and of natural images.
        layers: where they were steered; none of natural images.
        strength: times the change; 0 of natural images.
        images, seeds: how many.
        target, source, clean: shares of images that the judge takes for class B, for class A, and for class B
            and whose picture is within the radius of 95 % of its natural ones; None without pictures.
        toward, other: of a control that steers to another class, this class and its share; else None.
        by_latents: share of class B by the second judge; None without latents.
        disagreement: share of images on which these two differ.
        by_classifier: share of class B by the classifier of the bundled models' drawings; None of other models.
        classifier_disagreement: share of images on which the judge and this classifier differ.
        latent_ratio: distance of the latents to the nearest natural ones, in units of those between natural
            ones: the mean over images.
        image_ratio: the same of the pixels.
        last_ratio: the same of the last block's token means. A method may set these itself: typical ones do
            not show that an image is.
        energy, angle, norm: ‖sΔ‖/‖x‖, the angle in radians and the ratio of norms, means over images, layers
            and steps.
        judged, classified: the class of each image by the judge, and by the classifier, where it can tell.
        latent_ratios: `latent_ratio` of each image.
    """

    session: str
    key: str
    control: str | None
    layers: tuple[int, ...]
    strength: float
    images: int
    seeds: int
    target: Share
    source: Share
    clean: Share | None
    toward: str | None
    other: Share | None
    by_latents: Share | None
    disagreement: float | None
    by_classifier: Share | None
    classifier_disagreement: float | None
    latent_ratio: float | None
    image_ratio: float | None
    last_ratio: float
    energy: float | None
    angle: float | None
    norm: float | None
    judged: tuple[str, ...]
    classified: tuple[str, ...]
    latent_ratios: tuple[float, ...]

    @property
    def off_manifold(self) -> bool:
        """Whether its images are further from natural ones than images that are."""
        return self.latent_ratio is not None and self.latent_ratio > OFF_MANIFOLD

    @property
    def disputed(self) -> bool:
        """Whether the judges differ on more images than they should."""
        return self.most_disagreement > DISAGREE

    @property
    def most_disagreement(self) -> float:
        """The larger of both disagreements."""
        return max(self.disagreement or 0.0, self.classifier_disagreement or 0.0)


def percent(share: float) -> str:
    """A share from 0 to 1 as "63 %"."""
    return f"{100 * share:.0f} %"
