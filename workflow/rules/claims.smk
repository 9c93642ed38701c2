rule check_claims:
    input:
        tables=lambda wildcards: results(layout.OF_CLAIMS, wildcards.dataset, NOISES, CHECKPOINTS),
        verification=lambda wildcards: verification(wildcards.dataset),
    output:
        table=layout.result("claims"),
        page=layout.result("claims").replace(".parquet", ".md"),
        html=report(
            layout.result("claims").replace(".parquet", ".html"),
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
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        noises=NOISES,
        selection=selection(CHECKPOINTS),
        verification=lambda wildcards: "--verification" if verification(wildcards.dataset) else "",
    message:
        "Claims of the paper on {wildcards.dataset}"
    shell:
        "vae-geometry check-claims --dataset {wildcards.dataset} --noise {params.noises} {params.selection}"
        " {params.verification} {input.verification:q} --output $(dirname {output.table})/claims > {log} 2>&1"


rule summarise:
    input:
        tables=lambda wildcards: results(layout.OF_CLAIMS, wildcards.dataset, NOISES, CHECKPOINTS),
        verification=lambda wildcards: verification(wildcards.dataset),
        figures=lambda wildcards: pictures_of(wildcards.dataset),
        captions=lambda wildcards: [f"{file[:-4]}.txt" for file in pictures_of(wildcards.dataset)],
    output:
        page=layout.result("page"),
        config=layout.result("config"),
    log:
        "logs/{dataset}/summarise.log",
    benchmark:
        "results/benchmarks/{dataset}/summarise.jsonl"
    localrule: True  # light
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        noises=NOISES,
        selection=selection(CHECKPOINTS),
        verification=lambda wildcards: "--verification" if verification(wildcards.dataset) else "",
        config=config_of,
    message:
        "The page of {wildcards.dataset}"
    shell:
        "printf %s {params.config:q} > {output.config};"
        " vae-geometry summarise --dataset {wildcards.dataset} --noise {params.noises} {params.selection}"
        " {params.verification} {input.verification:q} --figures {input.figures:q} --output {output.page} > {log} 2>&1"
