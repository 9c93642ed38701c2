rule check_claims:
    input:
        checkpoints=lambda wildcards: runs(
            "epoch{epoch}/{file}",
            dataset=wildcards.dataset,
            noise=NOISES,
            epoch=CHECKPOINTS,
            file=[*GEOMETRY, "fidelity.parquet"],
        ),
        training=lambda wildcards: runs("training.parquet", dataset=wildcards.dataset, noise=NOISES),
    output:
        table="results/{dataset}/claims.parquet",
        page="results/{dataset}/claims.md",
        html=report(
            "results/{dataset}/claims.html",
            caption="../report/claims.rst",
            category="{dataset}",
            subcategory="claims",
            labels={"figure": "claims: of the paper", "noise": ", ".join(NOISES), "data set": "{dataset}"},
        ),
    log:
        "logs/{dataset}/check_claims.log",
    benchmark:
        "results/benchmarks/{dataset}/check_claims.jsonl"
    localrule: True  # light
    conda:
        "../../envs/compute.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        noises=NOISES,
        selection=selection(CHECKPOINTS),
    message:
        "Claims of the paper on {wildcards.dataset}"
    shell:
        "python -m vae_geometry check-claims --dataset {wildcards.dataset} --noise {params.noises} {params.selection}"
        " --output $(dirname {output.table})/claims > {log} 2>&1"
