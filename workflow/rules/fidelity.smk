rule prepare_features:
    input:
        images="resources/datasets/{dataset}/test.npz",
    output:
        features="resources/features/{dataset}/{extractor}.npz",
    log:
        "logs/{dataset}/prepare_features_{extractor}.log",
    benchmark:
        "results/benchmarks/{dataset}/prepare_features_{extractor}.jsonl"
    conda:
        "../../envs/compute.yaml"
    threads: THREADS
    resources:
        mem_mb=growing(3000),
        runtime=growing(120),
        gpu=GPU,
        device=config["device"],
        torch_threads=THREADS,
        weights=WEIGHTS,
    params:
        points=config["fidelity"]["points"],
    message:
        "Features ({wildcards.extractor}) of the test images of {wildcards.dataset}"
    shell:
        "python -m vae_geometry prepare-features {input.images} --extractor {wildcards.extractor}"
        " --points {params.points} --output {output.features} --weights {resources.weights:q}"
        " --threads {resources.torch_threads} --device {resources.device} > {log} 2>&1"


rule measure_fidelity:
    input:
        activations=rules.dump_activations.output.activations,
        features=FEATURES,
    output:
        fidelity=f"results/{CHECKPOINT}/fidelity.parquet",
    log:
        f"logs/{CHECKPOINT}/measure_fidelity.log",
    benchmark:
        f"results/benchmarks/{CHECKPOINT}/measure_fidelity.jsonl"
    priority: 10  # a dump of more than a gigabyte waits for it
    conda:
        "../../envs/compute.yaml"
    threads: THREADS  # as many as the dump's own rule, else dumps pile up
    resources:
        mem_mb=growing(3000),
        runtime=growing(120),
        gpu=GPU if FEATURES else 0,
        device=config["device"],
        torch_threads=THREADS,
        weights=WEIGHTS,
    params:
        points=config["fidelity"]["points"],
        beta=config["model"]["beta"],
        features="--features" if FEATURES else "",
    message:
        "ELBO and Frechet distance of {wildcards.dataset}, {wildcards.noise} noise, K = {wildcards.bottleneck}, seed {wildcards.seed}, epoch {wildcards.epoch}"
    shell:
        "python -m vae_geometry measure-fidelity {input.activations} --output {output.fidelity}"
        " --points {params.points} --beta {params.beta} {params.features} {input.features} --weights {resources.weights:q}"
        " --threads {resources.torch_threads} --device {resources.device} > {log} 2>&1"
