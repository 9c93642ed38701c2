TABLES = ["intrinsic_dimension", "information_imbalance", "cross_bottleneck", "fidelity", "training"]


rule collect_tables:
    input:
        checkpoints=runs(
            "epoch{epoch}/{kind}.parquet",
            dataset=config["datasets"],
            noise=NOISES,
            epoch=CHECKPOINTS,
            kind=["intrinsic_dimension", "information_imbalance", "fidelity"],
        ),
        training=runs("training.parquet", dataset=config["datasets"], noise=NOISES),
        cross_bottleneck=expand(
            "results/{dataset}/{noise}/seed{seed}/epoch{epoch}/cross_bottleneck.parquet",
            dataset=config["datasets"],
            noise=NOISES,
            seed=config["seeds"],
            epoch=LAST,
        ),
    output:
        expand("results/tables/{table}.parquet", table=TABLES),
    log:
        "logs/collect_tables.log",
    benchmark:
        "results/benchmarks/collect_tables.jsonl"
    message:
        "Tables of the sweep"
    conda:
        "../../envs/compute.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        datasets=list(config["datasets"]),
        noises=NOISES,
        selection=selection(CHECKPOINTS),
    shell:
        "python -m vae_geometry collect-tables --dataset {params.datasets} --noise {params.noises} {params.selection}"
        " --output $(dirname {output[0]}) > {log} 2>&1"
