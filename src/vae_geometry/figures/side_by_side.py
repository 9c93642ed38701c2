"""Entries of the figures that show several kinds of noise or data sets side by side; see ``registry``."""

from vae_geometry.figures.figure import Figure

SIDE_BY_SIDE = (
    Figure(
        name="noise",
        title="fresh beside repeated",
        module="training",
        tables=("intrinsic_dimension", "information_imbalance", "fidelity"),
        epochs="all",
        all_noises=True,
        shows=(
            "**Fresh beside repeated latent noise.** Two kinds of noise have a column each, with lines of K; three or "
            "four are the lines of each panel, with a row for each K. fresh: new batches and new latent noise at every "
            "epoch, as a VAE is usually trained; repeated: the same at every epoch, as in the authors' "
            "script; repeated_batches and repeated_eps: only one of the two repeats. First: intrinsic dimension at the "
            "last epoch, the dashed line the data's own; then KL divergence of the test set in nats per input in "
            "training; then information imbalance from output to input, logarithmic, in training. The epoch axis is "
            "linear up to 1 and logarithmic from there."
        ),
        how_to_read=(
            "What differs between the kinds is what the repeated noise does; all start from the same weights. Take "
            "advice on K from fresh noise. A gap is a value that could not be measured; the KL has no band with one "
            "seed."
        ),
    ),
    Figure(
        name="compare",
        title="data sets side by side",
        module="compare",
        tables=("intrinsic_dimension", "information_imbalance"),
        epochs="all",
        all_noises=True,
        all_datasets=True,
        shows=(
            "**Data sets side by side.** One column per data set; where several names stand for the same data, one per "
            "network. From top to bottom, by panel: intrinsic dimension of the layers at the last epoch, one row per "
            "kind of noise, the dashed line the data's own; information imbalance from output to input and from "
            "bottleneck to input at the last epoch against K, filled markers for fresh noise, hollow ones for other "
            "kinds, the dashed line K = ID of the data; II from output to input in training, "
            "one row per kind of noise. II is logarithmic; the epoch axis is linear up to 1 and logarithmic from there."
        ),
        how_to_read=(
            "What holds for every network has the same shape in every column: a hump of the ID in the decoder where K "
            "exceeds the ID of the data, a minimum of the II over K or a K from which on it stays, an II that falls, "
            "then rises in training. The panels of a row share their vertical axis; each column has the layers of its "
            "network. The lowest possible II is 2/N: columns of unlike numbers N of points have unlike floors. A gap "
            "is a value that could not be measured."
        ),
    ),
    Figure(
        name="transition",
        title="K at the transition",
        module="transition",
        tables=("intrinsic_dimension", "information_imbalance"),
        all_noises=True,
        all_datasets=True,
        shows=(
            "**The transition against the ID of the data.** One marker per data set; where several names stand for the "
            "same data, one per network. (a) Between which K the decoder's ID gets its hump, the paper's transition; "
            "(b) between which two K II(output -> input) stops falling; the larger is the smallest K that is as good "
            "as the best. One row per kind of noise. A bar is what the steps of the sweep and the errors over "
            "seeds leave open, its marker the middle on the logarithmic axis: hollow where there may be no such K in "
            "the sweep. Short lines: each seed alone. Horizontal bars: standard error of the ID. Dashed: K = ID. Data "
            "with nearly the same ID stand side by side. A cross: no such K was found, for the reason given below."
        ),
        how_to_read=(
            "The paper says that the transition lies where K reaches the ID of the data: then all bars cross the "
            "dashed line, give or take a tenth. With fresh noise the hump may be absent, as idle units raise the ID of "
            "z above that of the decoder; (b) does not depend on them. Above 10 dimensions 2NN reads low (16 as 14, 32 "
            "as 24), so a bar that lies this far above the line is no contradiction. Whether the trainings were at "
            "their end is for the advice of each data set to say."
        ),
    ),
)
