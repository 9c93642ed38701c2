rule measure_geometry:
    input:
        activations=rules.dump_activations.output.activations,
    output:
        intrinsic_dimension=f"results/{CHECKPOINT}/intrinsic_dimension.parquet",
        information_imbalance=f"results/{CHECKPOINT}/information_imbalance.parquet",
        id_scaling=f"results/{CHECKPOINT}/id_scaling.parquet" if SCALES else [],
    log:
        f"logs/{CHECKPOINT}/measure_geometry.log",
    benchmark:
        f"results/benchmarks/{CHECKPOINT}/measure_geometry.jsonl"
    priority: 10  # a dump of more than a gigabyte waits for it
    conda:
        "../../envs/compute.yaml"
    threads: THREADS  # as many as the dump's own rule, else dumps pile up
    resources:
        mem_mb=geometry_memory_mb,
        runtime=geometry_minutes(),
        device=config["device"],  # unused, as weights: in a group all jobs must say the same
        weights=WEIGHTS,
    params:
        scales=f"--scales {SCALES}" if SCALES else "",
    message:
        "ID and II of {wildcards.dataset}, {wildcards.noise} noise, K = {wildcards.bottleneck}, seed {wildcards.seed}, epoch {wildcards.epoch}"
    shell:
        "python -m vae_geometry measure-geometry {input.activations} --output $(dirname {output.intrinsic_dimension})"
        " {params.scales} --threads {threads} --memory-mb {resources.mem_mb} > {log} 2>&1"


rule compare_bottlenecks:
    input:
        checkpoints=expand(
            f"results/{RUN}/checkpoints/epoch{{epoch}}.safetensors",
            bottleneck=config["bottlenecks"],
            allow_missing=True,
        ),
        images="resources/datasets/{dataset}/test.npz",
    output:
        cross_bottleneck="results/{dataset}/{noise}/seed{seed}/epoch{epoch}/cross_bottleneck.parquet",
    log:
        "logs/{dataset}/{noise}/seed{seed}/epoch{epoch}/compare_bottlenecks.log",
    benchmark:
        "results/benchmarks/{dataset}/{noise}/seed{seed}/epoch{epoch}/compare_bottlenecks.jsonl"
    conda:
        "../../envs/compute.yaml"
    threads: THREADS
    resources:
        mem_mb=growing(8000),
        runtime=geometry_minutes(len(config["bottlenecks"])),
        gpu=GPU,
        device=config["device"],
        torch_threads=THREADS,
    params:
        points=config["geometry"]["points"],
        latent=config["model"]["latent"],
    message:
        "II between all bottlenecks of {wildcards.dataset}, seed {wildcards.seed}, epoch {wildcards.epoch}"
    shell:
        "python -m vae_geometry compare-bottlenecks {input.checkpoints} --images {input.images}"
        " --points {params.points} --latent {params.latent} --output {output.cross_bottleneck}"
        " --threads {resources.torch_threads} --memory-mb {resources.mem_mb} --device {resources.device} > {log} 2>&1"
