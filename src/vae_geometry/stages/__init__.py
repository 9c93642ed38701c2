"""The stages: what each subcommand takes and does. Each imports what it needs when it runs, as torch takes seconds."""

from vae_geometry.stages import measuring, results, training
from vae_geometry.stages.stage import STAGES, Stage

__all__ = ["STAGES", "Stage", "measuring", "results", "training"]
