"""The figures, one entry each, as the workflow, the command line and the report read them.

A new figure is an entry here, or in ``side_by_side`` where it shows several kinds of noise or data sets, and two
functions of its ``module``: one of the figure's name, which takes a ``selection.Selection`` and gives the picture and
the numbers in it, and beside it ``describe_<name>``, which says these numbers in sentences. Only the standard library
is imported, as the workflow reads this module too.
"""

from vae_geometry.figures.figure import Figure
from vae_geometry.figures.side_by_side import SIDE_BY_SIDE

ENTRIES = (
    Figure(
        name="figure1",
        title="the layers",
        module="paper",
        tables=("intrinsic_dimension", "information_imbalance"),
        gaussians=True,
        shows=(
            "**Geometry of trained networks, layer by layer.** (a) Intrinsic dimension (2NN); the dashed line is the "
            "data's own; where z stands far above all other layers, the shaded part of the axis is compressed. (b) "
            "Information imbalance from each layer to the input, logarithmic; the input itself is left out. (c) "
            "Relative II difference between layers l and l + 1, on the whole range that it can have, -2 to 2. Lines of "
            "large K are broad and lie below those of small K."
        ),
        how_to_read=(
            "(a) An ID of about K after the bottleneck says that the network fills all K directions; how many the data "
            "have depends on the scale, so judge by (b) whether K is too narrow. An ID that rises above the "
            "dashed line in the decoder is what the paper finds where K exceeds the ID of the data. (b) Lower is "
            "better: 2/N where a layer determines the input's neighbours, about 1 where it says nothing about them. "
            "(c) Below zero a step compresses, above zero it expands. A gap is a value that could not be measured; the "
            "relative difference has no band with one seed."
        ),
    ),
    Figure(
        name="figure2",
        title="training",
        module="paper",
        tables=("information_imbalance", "fidelity", "training"),
        epochs="all",
        shows=(
            "**Training.** Against the epoch, per bottleneck size K: (a) Frechet distance between the features of the "
            "test images and those of their reconstructions, called FID where the features are Inception's; (b) KL "
            "divergence in nats per input, lines: of the validation set at every epoch, markers: of the test set; (c) "
            "information imbalance from output to input, "
            "logarithmic. Epoch 0 is the untrained network; the epoch axis is linear up to 1 and logarithmic from "
            "there."
        ),
        how_to_read=(
            "Lower is better in (a) and (c). A KL that falls again and an II that rises again late in training are "
            "the second phase that the paper describes. With fewer images than features the distance is too large, "
            "but distances of equal numbers of images can be compared. A gap is a value that could not be measured; "
            "the distance and the KL have no band with one seed."
        ),
    ),
    Figure(
        name="figure3",
        title="ID in training",
        module="paper",
        tables=("intrinsic_dimension",),
        epochs="all",
        shows=(
            "**Intrinsic dimension in training.** One panel per bottleneck size K, one line per checkpoint, from "
            "light to dark; grey is the untrained network, the dashed line the ID of the data. Each K has an axis of "
            "its own."
        ),
        how_to_read=(
            "See whether the ID of the decoder, to the right of the bottleneck z, keeps rising after that of the "
            "encoder has settled. A gap is a value that could not be measured."
        ),
    ),
    Figure(
        name="figureA1",
        title="against K",
        module="paper",
        tables=("intrinsic_dimension", "information_imbalance", "fidelity", "cross_bottleneck"),
        gaussians=True,
        shows=(
            "**Against the bottleneck size.** Trained networks. (a) Information imbalance from output to input, "
            "logarithmic; (b) Frechet distance between the features of the test images and those of their "
            "reconstructions, and squares of as many samples from the prior, called FID where the features are "
            "Inception's; the dashed line is K = ID of the data. "
            "(c, d) Relative II difference between the same layer of the networks with K and with the next K, each "
            "marker at their geometric mean, halfway between the two on the axis: (c) encoder and bottleneck, (d) "
            "decoder."
        ),
        how_to_read=(
            "Lower is better in (a) and (b); a K past which neither falls is wide enough. In (c) and (d) a positive "
            "value says that the wider network's layer says more about the narrower one's than the other way round. A "
            "gap is a value that could not be measured."
        ),
    ),
    Figure(
        name="figureA2",
        title="untrained networks",
        module="paper",
        tables=("intrinsic_dimension", "information_imbalance"),
        epochs="untrained",
        shows=(
            "**Untrained networks.** (a) Intrinsic dimension, the dashed line the data's own; (b) information "
            "imbalance from each layer to the input, logarithmic."
        ),
        how_to_read=(
            "What random weights do to the geometry: where training starts. An II near 1 says that the "
            "layer knows nothing of the input. A gap is a value that could not be measured."
        ),
    ),
    Figure(
        name="losses",
        title="training and validation",
        module="training",
        tables=("training",),
        shows=(
            "**Losses.** Reconstruction (negative log-likelihood, summed over the values of an input), KL divergence "
            "and their sum, the ELBO as a loss, with KL weighted by beta, in nats per input; solid on the training "
            "set, dashed on what is held back for validation. The epoch axis is logarithmic; every epoch is drawn but "
            "the first, which would set the scale, and a marker on some of them tells the K apart."
        ),
        how_to_read=(
            "Lower is better. A dashed line that rises while its solid one falls is overfitting. While training, the "
            "loss of an epoch is the mean over its batches, so the validation set, seen at its end, may do better at "
            "first. There is no band with one seed."
        ),
    ),
    Figure(
        name="ii_to_output",
        title="II to the output",
        module="layers",
        tables=("information_imbalance",),
        shows=(
            "**Information imbalance from each layer to the output.** Trained networks, logarithmic; the output "
            "itself is left out."
        ),
        how_to_read=(
            "Low: the layer determines the output's neighbours. From the bottleneck z on it should be low, as the "
            "decoder makes the output from z alone. A gap is a value that could not be measured."
        ),
    ),
    Figure(
        name="reconstructions",
        title="and samples",
        module="training",
        tables=("reconstructions",),
        shows=(
            "**Reconstructions and samples.** (a) The first test images and, below, what the trained networks of the "
            "first seed make of them, from a sampled latent; one row per bottleneck size K. (b) What the same "
            "networks decode from the prior; z is drawn once per K and seed, the same at every epoch. Of inputs that "
            "are not images: each value of the first test inputs, and the same reconstructed."
        ),
        how_to_read=(
            "(a) Compare each column with its top image: what a small K blurs is what it cannot keep. (b) Samples that "
            "are much worse than the reconstructions say that the latents of the data do not fill the prior."
        ),
    ),
    Figure(
        name="id_scaling",
        title="ID against scale",
        module="layers",
        tables=("id_scaling",),
        needs="scales",
        shows=(
            "**Intrinsic dimension against scale.** Trained networks, by Gride: the ID from the distances to the n-th "
            "neighbour, named on the logarithmic axis, and to the (n/2)-th; at 2 it is that of 2NN within its error. "
            "(a) Middle layer of the encoder, (b) bottleneck, (c) middle layer of the decoder, (d) output; one line "
            "per bottleneck size K, the dashed line is the data's own."
        ),
        how_to_read=(
            "A plateau suggests the dimension of the manifold. The ID that few neighbours give contains noise, that of "
            "many neighbours the curvature and the edges of the data. With one seed the band is the standard error, "
            "which takes the points as independent and is too small at many neighbours. A gap is a value that could "
            "not be measured."
        ),
    ),
    Figure(
        name="ii_matrix",
        title="II of all layers",
        module="layers",
        tables=("information_imbalance",),
        shows=(
            "**Information imbalance of all ordered pairs of layers.** Trained networks, one panel per bottleneck "
            "size K; row: from layer, column: to layer; one logarithmic colour scale for all."
        ),
        how_to_read=(
            "Dark: near points of the row's layer are near in the column's layer too. Blocks of dark show layers that "
            "hold the same information; compare a pair with its mirror image across the diagonal to see which of the "
            "two knows more. The diagonal is the lowest possible value, 2/N."
        ),
    ),
    Figure(
        name="ii_plane",
        title="II to and from the input",
        module="layers",
        tables=("information_imbalance",),
        shows=(
            "**Information plane.** II(layer → input) against II(input → layer) of trained networks, one panel per "
            "bottleneck size K, the paths of the other K in grey; bars are the spread, dotted lines the lowest "
            "possible II, 2/N; layers that lie together share a name (z-d1: z, d0, d1)."
        ),
        how_to_read=(
            "Below the dashed diagonal a layer says more about the input than the input about the layer; above it "
            "less. A layer in the lower left corner, where the dotted lines meet, is equivalent to the input."
        ),
    ),
    Figure(
        name="latents",
        title="z and its mean",
        module="latents",
        tables=("intrinsic_dimension", "latents"),
        gaussians=True,
        shows=(
            "**The latent, sampled and not.** Trained networks, against the bottleneck size: the sampled z and its "
            "mean mu, with all units and with the active ones, whose mu has a variance above 0.01 over the images. (a) "
            "Information imbalance from the latent to the input, logarithmic. (b) Intrinsic dimension; the dashed line "
            "is the data's own, the dotted one that of as many points of a K-dimensional Gaussian. (c) Number of "
            "active units; the dotted line is K."
        ),
        how_to_read=(
            "A unit that the network does not use is noise of the prior in z, and next to constant in mu. Where z "
            "rises with K and mu does not, the rise is noise: of idle units, unless the active units of z rise too. A "
            "gap is a value that could not be measured."
        ),
    ),
    Figure(
        name="published",
        title="beside the paper's values",
        module="published",
        tables=("intrinsic_dimension", "information_imbalance"),
        needs="published",
        shows=(
            "**Beside the published values.** Circles: the values published with the paper for CIFAR-10 (one run per "
            "K; that the noise was repeated is inferred from the authors' scripts), at the published epoch nearest to "
            "the measured one (99 beside 100). Coloured: measured here. The legend says how many optimisation steps "
            "each training had made, where that is known. (a) Intrinsic dimension, (b) information imbalance from each "
            "layer to the input, (c) to the output, both logarithmic; K by column."
        ),
        how_to_read=(
            "Circles inside the band agree with this run. The published values have no seeds, so their own spread is "
            "not known. The CSV file beside the figure gives the differences in units of the spread, where there are "
            "several seeds."
        ),
    ),
    *SIDE_BY_SIDE,
)
FIGURES = {figure.name: figure for figure in ENTRIES}
