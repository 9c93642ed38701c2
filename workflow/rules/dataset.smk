rule prepare_dataset:
    output:
        train=layout.RESOURCES["train"],
        test=layout.RESOURCES["test"],
    log:
        "logs/{dataset}/prepare_dataset.log",
    benchmark:
        "results/benchmarks/{dataset}/prepare_dataset.jsonl"
    localrule: True  # data sets need the network, which a cluster's nodes may lack
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        source=lambda wildcards: config["datasets"][wildcards.dataset]["source"],
        preparation=preparation,
        contents=contents,  # not the files as input: 60,000 cost seconds at every start, and Snakemake goes by their times
    message:
        "Data set {wildcards.dataset}"
    shell:
        "vae-geometry prepare-dataset {params.source} --output $(dirname {output.train})"
        " {params.preparation:q} > {log} 2>&1"
