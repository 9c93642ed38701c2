"""What each subcommand does with its options; each imports what it needs when it runs, as torch alone takes seconds."""

import argparse
from pathlib import Path

from vae_geometry import VaeGeometryError


def prepare_dataset(options: argparse.Namespace) -> None:
    from vae_geometry.data.images import prepare_dataset

    prepare_dataset(options.source, options.output, options.root, options.downloads)


def prepare_features(options: argparse.Namespace) -> None:
    from vae_geometry.fidelity.frechet import prepare_features
    from vae_geometry.training.devices import select_device

    device = select_device(options.device, options.threads)
    prepare_features(options.images, options.output, options.extractor, options.points, options.weights, device)


def initialise(options: argparse.Namespace) -> None:
    from vae_geometry.data.images import load_images
    from vae_geometry.training.initialise import initialise

    config = {
        "dataset": options.dataset,
        "noise": options.noise,
        "bottleneck": options.bottleneck,
        "architecture": "convolutional",
        "shape": list(load_images(options.images).shape[1:]),
        "options": {"channels": options.channels},
    }
    initialise(options.output, config, options.seed)


def train(options: argparse.Namespace) -> None:
    import torch

    from vae_geometry.data.images import load_images
    from vae_geometry.training.devices import select_device
    from vae_geometry.training.loop import Training, train

    training = Training(
        epochs=options.epochs,
        checkpoints=tuple(sorted(set(options.checkpoints or [options.epochs]) - {0})),  # epoch 0 is there already
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        beta=options.beta,
        noise=options.noise,
        validation_fraction=options.validation_fraction,
        images=options.n_images,
        precision=options.precision,
        compile=options.compile,
    )
    device = select_device(options.device, options.threads, options.deterministic, tf32=True)
    images = torch.from_numpy(load_images(options.images))
    train(images, options.initial, options.output, training, device, options.resume_minutes)


def describe(options: argparse.Namespace) -> None:
    from vae_geometry.networks.checkpoints import load_checkpoint
    from vae_geometry.training.resume import flat

    model, config = load_checkpoint(options.checkpoint)
    lines = [f"{name}: {value}" for name, value in flat(config).items()]
    lines.append(f"parameters: {sum(parameter.numel() for parameter in model.parameters()):,}")
    lines += [f"  {name}: {tuple(tensor.shape)}" for name, tensor in model.state_dict().items()]
    print("\n".join(lines))


def _first_images(options: argparse.Namespace):
    from vae_geometry.data.images import load_images

    images = load_images(options.images)
    if len(images) < options.points:
        raise VaeGeometryError(f"{options.images}: holds {len(images)} images, {options.points} points are asked for")
    return images[: options.points]


def dump_activations(options: argparse.Namespace) -> None:
    from vae_geometry.networks.activations import write_reconstructions
    from vae_geometry.training.devices import select_device
    from vae_geometry.training.random_streams import generator

    device = select_device(options.device, options.threads)
    model, config = _dump(options.checkpoint, _first_images(options), options.output, options.latent, device)
    if options.reconstructions:
        prior = generator(config, "samples")
        write_reconstructions(model, config, options.output, prior, device, options.reconstructions)


def _dump(checkpoint: Path, images, output: Path, latent: str, device):
    from vae_geometry.networks.activations import dump_activations
    from vae_geometry.networks.checkpoints import check_shape, load_checkpoint
    from vae_geometry.training.random_streams import generator

    model, config = load_checkpoint(checkpoint, device)
    check_shape(checkpoint, config, images.shape[1:])
    dump_activations(model, config, images, output, latent, generator(config, "measurement"), device)
    return model, config


def measure_geometry(options: argparse.Namespace) -> None:
    from vae_geometry.geometry.measure import measure_geometry

    device = options.device
    if device != "cpu":
        from vae_geometry.training.devices import select_device  # brings in torch, which the CPU does without

        device = str(select_device(device, options.threads))
    threads, memory_mb = options.threads, options.memory_mb
    measure_geometry(options.activations, options.output, threads, memory_mb, device, options.scales)


def measure_fidelity(options: argparse.Namespace) -> None:
    from vae_geometry.fidelity.measure import measure_fidelity
    from vae_geometry.training.devices import select_device

    device = select_device(options.device, options.threads)
    points, beta = options.points, options.beta
    measure_fidelity(options.activations, options.output, points, beta, options.features, options.weights, device)


def compare_bottlenecks(options: argparse.Namespace) -> None:
    from tempfile import TemporaryDirectory

    from vae_geometry.geometry.cross_bottleneck import compare_bottlenecks
    from vae_geometry.training.devices import select_device

    device = select_device(options.device, options.threads)
    images = _first_images(options)
    with TemporaryDirectory() as temporary:
        dumps = [Path(temporary, str(number)) for number in range(len(options.checkpoints))]
        for checkpoint, dump in zip(options.checkpoints, dumps, strict=True):
            _dump(checkpoint, images, dump, options.latent, device)
        compare_bottlenecks(dumps, options.output, options.threads, options.memory_mb, str(device))


def collect_tables(options: argparse.Namespace) -> None:
    from vae_geometry.tables import collect

    collect(_selection(options), options.output, options.id_scaling)


def plot(options: argparse.Namespace) -> None:
    from vae_geometry.figures.plot import plot

    plot(options.figure, _selection(options), options.output, options.published)


def check_claims(options: argparse.Namespace) -> None:
    from vae_geometry.claims.check import check_claims, check_published

    if options.published:
        needless = ("dataset", "noise", "seed", "epoch", "output")
        if given := [name for name in needless if getattr(options, name)]:
            raise VaeGeometryError(f"--{given[0]} does not go with --published, only --bottleneck does; leave it out")
        print(check_published(options.published, options.bottleneck))
        return
    needed = ("dataset", "noise", "bottleneck", "seed", "epoch", "output")
    if absent := [name for name in needed if not getattr(options, name)]:
        raise VaeGeometryError(f"--{absent[0]} is missing; name the sweep, or check the published values: --published")
    print(check_claims(_selection(options), options.output))


def _selection(options: argparse.Namespace):
    from vae_geometry.tables import Selection

    return Selection(options.results, options.dataset, options.noise, options.bottleneck, options.seed, options.epoch)
