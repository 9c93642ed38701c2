rule dump_activations:
    input:
        checkpoint=layout.result("weights"),
        data=layout.RESOURCES["test"],
    output:
        activations=kept(directory(layout.result("activations"))),
        reconstructions=layout.result("reconstructions"),
    log:
        f"logs/{CHECKPOINT}/dump_activations.log",
    benchmark:
        f"results/benchmarks/{CHECKPOINT}/dump_activations.jsonl"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
        gpu=GPU,
        device=config["device"],
        torch_threads=THREADS,
        weights=WEIGHTS,  # unused: in a group all jobs must say the same
    params:
        options=options("dump-activations"),
    message:
        "Activations of {wildcards.dataset}, {wildcards.noise} noise, K = {wildcards.bottleneck}, seed {wildcards.seed}, epoch {wildcards.epoch}"
    shell:
        "vae-geometry dump-activations {input.checkpoint} --data {input.data} {params.options}"
        " --output {output.activations} --reconstructions {output.reconstructions}"
        " --threads {resources.torch_threads} --device {resources.device} > {log} 2>&1"
