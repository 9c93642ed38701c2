rule prepare_features:
    input:
        data=layout.RESOURCES["test"],
    output:
        features=layout.RESOURCES["features"],
    log:
        "logs/{dataset}/prepare_features_{extractor}.log",
    benchmark:
        "results/benchmarks/{dataset}/prepare_features_{extractor}.jsonl"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        mem_mb=growing(3000),
        runtime=growing(120),
        gpu=GPU,
        device=config["device"],
        torch_threads=THREADS,
        weights=WEIGHTS,
    params:
        options=options("prepare-features"),
    message:
        "Features ({wildcards.extractor}) of the test images of {wildcards.dataset}"
    shell:
        "vae-geometry prepare-features {input.data} --extractor {wildcards.extractor}"
        " {params.options} --output {output.features} --weights {resources.weights:q}"
        " --threads {resources.torch_threads} --device {resources.device} > {log} 2>&1"


rule measure_fidelity:
    input:
        activations=rules.dump_activations.output.activations,
        features=features,
    output:
        fidelity=layout.result("fidelity"),
    log:
        f"logs/{CHECKPOINT}/measure_fidelity.log",
    benchmark:
        f"results/benchmarks/{CHECKPOINT}/measure_fidelity.jsonl"
    priority: 10  # a dump of more than a gigabyte waits for it
    conda:
        ENVIRONMENT
    threads: THREADS  # as many as the dump's own rule, else dumps pile up
    resources:
        mem_mb=growing(3000),
        runtime=growing(120),
        gpu=GPU if EXTRACTOR != "none" else 0,
        device=config["device"],
        torch_threads=THREADS,
        weights=WEIGHTS,
    params:
        options=options("measure-fidelity"),
        features=lambda wildcards: "--features" if features(wildcards) else "",
    message:
        "ELBO and Frechet distance of {wildcards.dataset}, {wildcards.noise} noise, K = {wildcards.bottleneck}, seed {wildcards.seed}, epoch {wildcards.epoch}"
    shell:
        "vae-geometry measure-fidelity {input.activations} --output {output.fidelity}"
        " {params.options} {params.features} {input.features} --weights {resources.weights:q}"
        " --threads {resources.torch_threads} --device {resources.device} > {log} 2>&1"


rule measure_memory:
    input:
        checkpoints=expand(layout.result("weights"), epoch=CHECKPOINTS, allow_missing=True),
        data=layout.RESOURCES["train"],
    output:
        memory=layout.result("memory"),
    log:
        f"logs/{RUN}/measure_memory.log",
    benchmark:
        f"results/benchmarks/{RUN}/measure_memory.jsonl"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
        gpu=GPU,
        device=config["device"],
        torch_threads=THREADS,
    params:
        options=options("measure-memory"),
    message:
        "Memory of eps of {wildcards.dataset}, {wildcards.noise} noise, K = {wildcards.bottleneck}, seed {wildcards.seed}"
    shell:
        "vae-geometry measure-memory {input.checkpoints} --data {input.data} {params.options}"
        " --output {output.memory}"
        " --threads {resources.torch_threads} --device {resources.device} > {log} 2>&1"
