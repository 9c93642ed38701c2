def root_option(wildcards):
    root = config["datasets"][wildcards.dataset].get("root")
    return ["--root", root] if root else []


rule prepare_dataset:
    output:
        train="resources/datasets/{dataset}/train.npz",
        test="resources/datasets/{dataset}/test.npz",
    log:
        "logs/{dataset}/prepare_dataset.log",
    benchmark:
        "results/benchmarks/{dataset}/prepare_dataset.jsonl"
    message:
        "Images of {wildcards.dataset}"
    conda:
        "../../envs/compute.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        source=lambda wildcards: config["datasets"][wildcards.dataset]["source"],
        root=root_option,
    shell:
        "python -m vae_geometry prepare-dataset {params.source} --output $(dirname {output.train})"
        " {params.root:q} > {log} 2>&1"
