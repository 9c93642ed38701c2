rule collect_tables:
    input:
        tables=results(TABLES, config["datasets"], NOISES, CHECKPOINTS),
    output:
        tables=expand(f"{layout.result('tables')}/{{kind}}.parquet", kind=TABLES),
        versions=report(
            f"{layout.result('tables')}/versions.csv",
            caption="../report/versions.rst",
            category="Software",
            labels={"figure": "versions", "noise": "", "data set": ""},
        ),
    log:
        "logs/collect_tables.log",
    benchmark:
        "results/benchmarks/collect_tables.jsonl"
    localrule: True  # light
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        datasets=list(config["datasets"]),
        noises=NOISES,
        selection=selection(CHECKPOINTS),
        id_scaling="--id-scaling" if SCALES else "",
    message:
        "Tables of the sweep"
    shell:
        "vae-geometry collect-tables --dataset {params.datasets} --noise {params.noises} {params.selection}"
        " {params.id_scaling} --output $(dirname {output.versions}) > {log} 2>&1"
