rule dump_activations:
    input:
        checkpoint=f"results/{RUN}/checkpoints/epoch{{epoch}}.safetensors",
        images="resources/datasets/{dataset}/test.npz",
    output:
        activations=kept(directory(f"results/{CHECKPOINT}/activations")),
        reconstructions=f"results/{CHECKPOINT}/reconstructions.npz",
    log:
        f"logs/{CHECKPOINT}/dump_activations.log",
    benchmark:
        f"results/benchmarks/{CHECKPOINT}/dump_activations.jsonl"
    conda:
        "../../envs/compute.yaml"
    threads: THREADS
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
        gpu=GPU,
        device=config["device"],
        torch_threads=THREADS,
        weights=WEIGHTS,  # unused: in a group all jobs must say the same
    params:
        points=config["geometry"]["points"],
        latent=config["model"]["latent"],
    message:
        "Activations of {wildcards.dataset}, {wildcards.noise} noise, K = {wildcards.bottleneck}, seed {wildcards.seed}, epoch {wildcards.epoch}"
    shell:
        "python -m vae_geometry dump-activations {input.checkpoint} --images {input.images} --points {params.points}"
        " --latent {params.latent} --output {output.activations} --reconstructions {output.reconstructions}"
        " --threads {resources.torch_threads} --device {resources.device} > {log} 2>&1"
