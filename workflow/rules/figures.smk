rule plot:
    input:
        tables=lambda wildcards: figure_tables(wildcards.figure, wildcards.dataset, wildcards.noise),
    output:
        png=report(
            "results/figures/{dataset}/{noise}/{figure}.png",
            caption="../report/plot.rst",
            category="{dataset}",
            subcategory="{noise} noise",
            labels=figure_labels,
        ),
        pdf="results/figures/{dataset}/{noise}/{figure}.pdf",
        csv="results/figures/{dataset}/{noise}/{figure}.csv",
        txt="results/figures/{dataset}/{noise}/{figure}.txt",
    log:
        "logs/figures/{dataset}/{noise}/{figure}.log",
    benchmark:
        "results/benchmarks/figures/{dataset}/{noise}/{figure}.jsonl"
    wildcard_constraints:
        figure="|".join(name for name in FIGURES if name != "noise"),
    localrule: True  # light
    conda:
        "../../envs/compute.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        published=PUBLISHED,
        caption=lambda wildcards: f"{workflow.basedir}/workflow/report/{wildcards.figure}.rst",
        selection=lambda wildcards: selection(FIGURES[wildcards.figure][1]),
    message:
        "Figure {wildcards.figure} of {wildcards.dataset}, {wildcards.noise} noise"
    shell:
        "python -m vae_geometry plot {wildcards.figure} --dataset {wildcards.dataset} --noise {wildcards.noise}"
        " {params.selection} --published {params.published:q} --output $(dirname {output.csv})/{wildcards.figure}"
        " > {log} 2>&1"


rule plot_noise:
    input:
        tables=lambda wildcards: figure_tables("noise", wildcards.dataset, NOISES),
    output:
        png=report(
            "results/figures/{dataset}/noise.png",
            caption="../report/noise.rst",
            category="{dataset}",
            subcategory="kinds of noise",
            labels=figure_labels,
        ),
        pdf="results/figures/{dataset}/noise.pdf",
        csv="results/figures/{dataset}/noise.csv",
        txt="results/figures/{dataset}/noise.txt",
    log:
        "logs/figures/{dataset}/noise.log",
    benchmark:
        "results/benchmarks/figures/{dataset}/noise.jsonl"
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
        "Fresh beside repeated noise of {wildcards.dataset}"
    shell:
        "python -m vae_geometry plot noise --dataset {wildcards.dataset} --noise {params.noises} {params.selection}"
        " --output $(dirname {output.csv})/noise > {log} 2>&1"
