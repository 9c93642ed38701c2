"""How long a network remembers an eps: training images decoded with the eps that they had in earlier epochs.

    python docs/analyses/earlier_eps.py run/checkpoints/epoch20.safetensors --data train.npz --epochs 20 19 10

Takes a checkpoint and the data set that it was trained on. See docs/explanation/noise.md.
"""

import argparse
from pathlib import Path

import torch

from vae_geometry.data.prepared import load_inputs
from vae_geometry.fidelity.memory import decoded_losses, parts
from vae_geometry.networks.checkpoints import load_checkpoint

N_IMAGES = 5000
CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="train.npz of its data set")
    parser.add_argument("--epochs", type=int, nargs="+", required=True, help="epochs whose eps are taken")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    inputs, (model, config) = load_inputs(options.data), load_checkpoint(options.checkpoint)
    print("| eps of epoch | memory, nats |\n|---|---|")
    for epoch in options.epochs:
        at_epoch = {**config, "epoch": epoch}
        train = parts(options.checkpoint, at_epoch, options.data, inputs, N_IMAGES)["train"]
        trained_eps, new_eps, _ = decoded_losses(model, train, CPU)
        memory = new_eps - trained_eps
        print(f"| {epoch} | {memory.mean():.2f} ± {memory.std(ddof=1) / len(memory) ** 0.5:.2f} |")


if __name__ == "__main__":
    main()
