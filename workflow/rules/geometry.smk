rule measure_geometry:
    input:
        activations=rules.dump_activations.output.activations,
    output:
        intrinsic_dimension=layout.result("intrinsic_dimension"),
        information_imbalance=layout.result("information_imbalance"),
        id_scaling=layout.result("id_scaling") if SCALES else [],
        latents=layout.result("latents"),
    log:
        f"logs/{CHECKPOINT}/measure_geometry.log",
    benchmark:
        f"results/benchmarks/{CHECKPOINT}/measure_geometry.jsonl"
    priority: 10  # a dump of more than a gigabyte waits for it
    conda:
        ENVIRONMENT
    threads: THREADS  # as many as the dump's own rule, else dumps pile up
    resources:
        mem_mb=geometry_memory_mb,
        runtime=geometry_minutes(),
        device=config["device"],  # unused, as weights: in a group all jobs must say the same
        weights=WEIGHTS,
    params:
        options=options("measure-geometry"),
    message:
        "ID and II of {wildcards.dataset}, {wildcards.noise} noise, K = {wildcards.bottleneck}, seed {wildcards.seed}, epoch {wildcards.epoch}"
    shell:
        "vae-geometry measure-geometry {input.activations} --output $(dirname {output.intrinsic_dimension})"
        " {params.options} --threads {threads} --memory-mb {resources.mem_mb} > {log} 2>&1"


rule verify_geometry:
    input:
        activations=rules.dump_activations.output.activations,
    output:
        verification=layout.result("verification"),
    log:
        f"logs/{CHECKPOINT}/verify_geometry.log",
    benchmark:
        f"results/benchmarks/{CHECKPOINT}/verify_geometry.jsonl"
    priority: 10  # a dump of more than a gigabyte waits for it
    conda:
        ENVIRONMENT
    threads: THREADS  # as many as the dump's own rule, else dumps pile up
    resources:
        mem_mb=verification_memory_mb,
        runtime=lambda wildcards, attempt: 5 * geometry_minutes()(wildcards, attempt),  # what DADApy takes of ours
        device=config["device"],  # unused, as weights: in a group all jobs must say the same
        weights=WEIGHTS,
    params:
        options=options("verify-geometry"),
    message:
        "DADApy on {wildcards.dataset}, {wildcards.noise} noise, K = {wildcards.bottleneck}, seed {wildcards.seed}, epoch {wildcards.epoch}"
    shell:
        "vae-geometry verify-geometry {input.activations} --output {output.verification}"
        " {params.options} --threads {threads} --memory-mb {resources.mem_mb} > {log} 2>&1"


rule compare_bottlenecks:
    input:
        checkpoints=expand(
            layout.result("weights"),
            bottleneck=config["bottlenecks"],
            allow_missing=True,
        ),
        data=layout.RESOURCES["test"],
    output:
        cross_bottleneck=layout.result("cross_bottleneck"),
    log:
        f"logs/{layout.ALL_BOTTLENECKS}/compare_bottlenecks.log",
    benchmark:
        f"results/benchmarks/{layout.ALL_BOTTLENECKS}/compare_bottlenecks.jsonl"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        mem_mb=growing(8000),
        runtime=geometry_minutes(len(config["bottlenecks"])),
        gpu=GPU,
        device=config["device"],
        torch_threads=THREADS,
    params:
        options=options("compare-bottlenecks"),
    message:
        "II between all bottlenecks of {wildcards.dataset}, seed {wildcards.seed}, epoch {wildcards.epoch}"
    shell:
        "vae-geometry compare-bottlenecks {input.checkpoints} --data {input.data} {params.options}"
        " --output {output.cross_bottleneck}"
        " --threads {resources.torch_threads} --memory-mb {resources.mem_mb} --device {resources.device} > {log} 2>&1"
