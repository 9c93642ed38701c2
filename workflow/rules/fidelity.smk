rule measure_fidelity:
    input:
        activations=rules.dump_activations.output.activations,
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
        mem_mb=2000,
        runtime=30,
    params:
        points=config["fidelity"]["points"],
        beta=config["model"]["beta"],
    message:
        "Test ELBO of {wildcards.dataset}, {wildcards.noise} noise, K = {wildcards.bottleneck}, seed {wildcards.seed}, epoch {wildcards.epoch}"
    shell:
        "python -m vae_geometry measure-fidelity {input.activations} --output {output.fidelity}"
        " --points {params.points} --beta {params.beta} > {log} 2>&1"
