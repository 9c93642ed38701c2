"""Networks of the user's own: what they must do, and which of their code is run when."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from vae_geometry.cli import main
from vae_geometry.networks.checkpoints import load_checkpoint, read_config

pytestmark = pytest.mark.usefixtures("one_thread")
SHAPE = (3, 5, 7)
PAGE = Path(__file__).parents[3] / "docs/how-to/own-network.md"
SOURCE = PAGE.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "train.npz"
    rng = np.random.default_rng(0)
    np.savez(path, inputs=rng.integers(0, 256, (30, *SHAPE), np.uint8), labels=np.zeros(30, np.int64))
    return path


def initialise(tmp_path, source=SOURCE, architecture=None, options=None):
    """Exit status of ``initialise`` with a network of the user's own."""
    (tmp_path / "my_vae.py").write_text(source)
    words = ["initialise", "--data", tmp_path / "train.npz", "--output", tmp_path / "epoch0.safetensors"]
    words += ["--bottleneck", 2, "--architecture", architecture or f"{tmp_path}/my_vae.py:build"]
    return main([*map(str, words), "--options", json.dumps(options or {})])


def refused(capsys):
    """The one sentence on stderr."""
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


def changed(old, new):
    assert old in SOURCE
    return SOURCE.replace(old, new)


ENCODE = "return self.moments(self.encoder(x)).chunk(2, dim=1)"
LAYERS = "    def decode(self, z):\n"


def with_layers(layers, more=""):
    return changed(LAYERS, f"    @property\n    def layers(self):\n        return {layers}\n\n{more}{LAYERS}")


BROKEN = {
    "no encode": (changed("def encode", "def forwards"), "MyVAE has no method encode; write one"),
    "no decode": (changed("def decode", "def backwards"), "MyVAE has no method decode; write one"),
    "mean alone": (changed(ENCODE, "return self.encoder(x)"), "encode gives a tensor (2, 128), not the pair ("),
    "wrong K": (
        changed("2 * bottleneck)", "2 * 3)"),
        "encode: mean is a tensor (2, 3), not a tensor (2, 2); correct it",
    ),
    "wrong log variance": (
        changed(ENCODE, "h = self.moments(self.encoder(x)); return h[:, :2], h[:, :1]"),
        "encode: log_variance is a tensor (2, 1), not a tensor (2, 2); correct it",
    ),
    "wrong output": (
        changed("return self.decoder(z)", "return self.decoder(z).flatten(1)"),
        "decode is a tensor (2, 105), not a tensor (2, 3, 5, 7); correct it",
    ),
    "NaN": (
        changed("return self.decoder(z)", "return self.decoder(z) + float('nan')"),
        "decode holds NaN or infinity in the untrained network; correct its weights",
    ),
    "probabilities": (
        changed("return self.decoder(z)", "return self.decoder(z).sigmoid()"),
        "decode gives values between 0 and 1 only, even far from the origin; return the logits, as the likelihood",
    ),
    "infinite variance": (
        changed(
            ENCODE, "mean, log_variance = self.moments(self.encoder(x)).chunk(2, 1); return mean, log_variance / 0"
        ),
        "encode: log_variance holds NaN or infinity in the untrained network; correct its weights",
    ),
    "encode fails": (changed(ENCODE, "return self.moments(x)"), "encode fails on (2, 3, 5, 7) (RuntimeError: mat1 and"),
    "a tuple from a layer": (
        with_layers(
            "{'first': self.encoder, 'recurrent': self.recurrent}",
            "    def encode(self, x):\n        self.recurrent(x.flatten(2))\n        " + ENCODE + "\n\n",
        )
        .replace("self.moments = ", "self.recurrent = nn.LSTM(35, 4)\n        self.moments = ")
        .replace("    def encode(self, x):\n        " + ENCODE + "\n\n    @property", "    @property"),
        "layer recurrent gives a tuple of 2, not a tensor with a row for each input; take it out of layers",
    ),
    "the same module twice": (
        with_layers("{'a': self.encoder, 'b': self.encoder}"),
        "layers a and b are the same module; name it once",
    ),
    "a reserved name": (
        with_layers("{'input': self.encoder}"),
        "a layer is called 'input', which is reserved; rename it",
    ),
    "a layer that does not run": (
        with_layers("{'a': self.encoder, 'b': self.unused}").replace(
            "self.moments =", "self.unused = nn.ReLU()\n        self.moments ="
        ),
        "layer b does not run in encode or decode; take it out of layers",
    ),
    "a list of layers": (with_layers("[self.encoder]"), "layers is a list of 1, not a dict of names and modules"),
    "no layers": (with_layers("{}"), "has no layers to measure; give it encoder and decoder, or a dict layers"),
    "not a module": (
        changed("return MyVAE(shape, bottleneck, width)", "return lambda x: x"),
        "gives a function, not a torch.nn.Module; return the network",
    ),
    "build fails": (
        changed("return MyVAE(shape, bottleneck, width)", "raise ValueError('no\\nway')"),
        "build((3, 5, 7), 2) fails (ValueError: no",
    ),
    "build exits": (
        changed("return MyVAE(shape, bottleneck, width)", "raise SystemExit('enough')"),
        "build((3, 5, 7), 2) fails (SystemExit: enough); fix it",
    ),
    "the file exits": ("import sys\nsys.exit(3)\n" + SOURCE, "my_vae.py: cannot be imported (SystemExit: 3); fix it"),
    "a syntax error": (changed("def build(", "def build("[:-1]), "my_vae.py cannot be read as Python ("),
    "an import that is not there": (
        "import no_such_package\n" + SOURCE,
        "my_vae.py: cannot be imported (ModuleNotFoundError: No module named 'no_such_package'); fix it",
    ),
    "no function": (
        changed("def build(", "def make("),
        "my_vae.py defines no build; write def build(shape, bottleneck)",
    ),
    "too few arguments": (
        changed("def build(shape, bottleneck, width=128)", "def build(shape)"),
        "build takes fewer than two arguments; write def build(shape, bottleneck)",
    ),
    "an option without a value": (
        changed("def build(shape, bottleneck, width=128)", "def build(shape, bottleneck, width)"),
        "needs the option width; give it",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_network_that_breaks_the_contract_is_refused_in_one_sentence(tmp_path, data, capsys, case):
    source, sentence = BROKEN[case]
    assert initialise(tmp_path, source) == 1
    line = refused(capsys)
    assert sentence in line
    assert "my_vae.py" in line
    assert not (tmp_path / "epoch0.safetensors").exists()


def test_a_file_that_is_not_there_and_an_option_that_is_not_taken_are_named(tmp_path, data, capsys):
    assert initialise(tmp_path, architecture=f"{tmp_path}/other.py:build") == 1
    assert f"there is no file {tmp_path}/other.py; correct the path" in refused(capsys)
    assert initialise(tmp_path, architecture="no_such_package.networks:build") == 1
    assert "No module named 'no_such_package'; correct the name, or install its package" in refused(capsys)
    assert initialise(tmp_path, options={"depth": 3}) == 1
    assert "my_vae.py:build takes no option depth; it takes width" in refused(capsys)


def test_the_layers_are_the_children_of_encoder_and_decoder_but_the_output(tmp_path, data):
    assert initialise(tmp_path) == 0
    model, config = load_checkpoint(tmp_path / "epoch0.safetensors", architecture=f"{tmp_path}/my_vae.py:build")
    assert list(model.layers) == ["encoder.1", "encoder.2", "decoder.0", "decoder.1"]
    assert config["architecture"] == "my_vae.py:build"
    assert config["shape"] == [*SHAPE]


def test_layers_of_its_own_are_measured_where_it_names_some(tmp_path, data):
    assert initialise(tmp_path, with_layers("{'features': self.encoder[1], 'hidden': self.decoder[0]}")) == 0
    model, _ = load_checkpoint(tmp_path / "epoch0.safetensors", architecture=f"{tmp_path}/my_vae.py:build")
    assert list(model.layers) == ["features", "hidden"]


def test_options_reach_the_function_and_the_checkpoint(tmp_path, data):
    assert initialise(tmp_path, options={"width": 9}) == 0
    model, config = load_checkpoint(tmp_path / "epoch0.safetensors", architecture=f"{tmp_path}/my_vae.py:build")
    assert config["options"] == {"width": 9}
    assert model.module.moments.weight.shape == (4, 9)


def test_a_function_of_an_installed_package_builds_a_network_too(tmp_path, data, monkeypatch):
    (tmp_path / "somebodys_networks.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    assert initialise(tmp_path, architecture="somebodys_networks:MyVAE") == 0
    checkpoint = tmp_path / "epoch0.safetensors"
    assert read_config(checkpoint)["architecture"] == "somebodys_networks:MyVAE"
    model, _ = load_checkpoint(checkpoint, architecture="somebodys_networks:MyVAE")
    assert list(model.layers) == ["encoder.1", "encoder.2", "decoder.0", "decoder.1"]


def train(tmp_path, *more):
    words = ["train", "--data", tmp_path / "train.npz", "--initial", tmp_path / "epoch0.safetensors"]
    words += ["--output", tmp_path / "run", "--epochs", 1, "--batch-size", 8, "--threads", 1, "--device", "cpu"]
    return main([*map(str, words), *more])


def test_a_network_is_trained_by_the_code_that_made_it_wherever_the_file_lies(tmp_path, data, capsys):
    assert initialise(tmp_path) == 0
    (tmp_path / "elsewhere").mkdir()
    moved = (tmp_path / "my_vae.py").rename(tmp_path / "elsewhere/my_vae.py")
    assert train(tmp_path, "--architecture", f"{moved}:build") == 0
    before, after = (
        load_checkpoint(path, architecture=f"{moved}:build")[0].state_dict()
        for path in (tmp_path / "epoch0.safetensors", tmp_path / "run/checkpoints/epoch1.safetensors")
    )
    assert before.keys() == after.keys()
    assert not torch.equal(before["module.moments.weight"], after["module.moments.weight"])


def test_a_file_that_has_changed_is_refused_for_a_checkpoint_of_the_old_one(tmp_path, data, capsys):
    assert initialise(tmp_path) == 0
    (tmp_path / "my_vae.py").write_text(SOURCE + f"\nopen({str(tmp_path / 'ran')!r}, 'w')\n")
    assert train(tmp_path, "--architecture", f"{tmp_path}/my_vae.py:build") == 1
    line = refused(capsys)
    assert "my_vae.py:build has changed since this network was made; train it again, or undo the change" in line
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "run/training.parquet").exists()


@pytest.mark.parametrize("named", [[], ["--architecture", "residual"], ["--architecture", "OTHER"]])
def test_a_checkpoint_runs_no_code_that_is_not_named(tmp_path, data, capsys, monkeypatch, named):
    source = SOURCE + f"\nopen({str(tmp_path / 'ran')!r}, 'w')\n"
    assert initialise(tmp_path, source) == 0
    (tmp_path / "ran").unlink()  # it runs when it is named
    (tmp_path / "other.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    assert train(tmp_path, *[word.replace("OTHER", f"{tmp_path}/other.py:build") for word in named]) == 1
    assert "is a network of my_vae.py:build; pass --architecture my_vae.py:build to allow its code to run" in refused(
        capsys
    )
    assert not (tmp_path / "ran").exists()
