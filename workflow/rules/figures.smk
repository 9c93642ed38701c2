rule plot:
    input:
        tables=lambda wildcards: figure_tables(wildcards.figure, wildcards.dataset, wildcards.noise),
    output:
        png=report(
            f"{layout.result('figure')}.png",
            caption="../report/figure.rst",
            category="{dataset}",
            subcategory="{noise} noise",
            labels=report_labels,
        ),
        pdf=f"{layout.result('figure')}.pdf",
        csv=f"{layout.result('figure')}.csv",
        txt=f"{layout.result('figure')}.txt",
    log:
        f"logs/{layout.RESULTS['figure']}.log",
    benchmark:
        f"results/benchmarks/{layout.RESULTS['figure']}.jsonl"
    wildcard_constraints:
        figure="|".join(name for name, figure in FIGURES.items() if figure.result == "figure"),
    localrule: True  # light
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        published=lambda wildcards: PUBLISHED,  # functions: a path may hold braces
        gaussians=lambda wildcards: GAUSSIANS,
        steps=steps_of_an_epoch,
        selection=lambda wildcards: selection(FIGURES[wildcards.figure].at(CHECKPOINTS)),
    message:
        "Figure {wildcards.figure} of {wildcards.dataset}, {wildcards.noise} noise"
    shell:
        "vae-geometry plot {wildcards.figure} --dataset {wildcards.dataset} --noise {wildcards.noise}"
        " {params.selection} --published {params.published:q} --gaussians {params.gaussians:q} {params.steps}"
        " --output $(dirname {output.csv})/{wildcards.figure} > {log} 2>&1"


rule plot_noises:
    input:
        tables=lambda wildcards: figure_tables(wildcards.figure, wildcards.dataset, NOISES),
    output:
        png=report(
            f"{layout.result('figure_of_all_noises')}.png",
            caption="../report/figure.rst",
            category="{dataset}",
            subcategory="kinds of noise",
            labels=report_labels,
        ),
        pdf=f"{layout.result('figure_of_all_noises')}.pdf",
        csv=f"{layout.result('figure_of_all_noises')}.csv",
        txt=f"{layout.result('figure_of_all_noises')}.txt",
    log:
        f"logs/{layout.RESULTS['figure_of_all_noises']}.log",
    benchmark:
        f"results/benchmarks/{layout.RESULTS['figure_of_all_noises']}.jsonl"
    wildcard_constraints:
        figure="|".join(name for name, figure in FIGURES.items() if figure.result == "figure_of_all_noises"),
    localrule: True  # light
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        noises=NOISES,
        selection=lambda wildcards: selection(FIGURES[wildcards.figure].at(CHECKPOINTS)),
    message:
        "Figure {wildcards.figure} of {wildcards.dataset}, noise: {params.noises}"
    shell:
        "vae-geometry plot {wildcards.figure} --dataset {wildcards.dataset} --noise {params.noises} {params.selection}"
        " --output $(dirname {output.csv})/{wildcards.figure} > {log} 2>&1"


rule plot_datasets:
    input:
        tables=lambda wildcards: figure_tables(wildcards.figure, list(config["datasets"]), NOISES),
    output:
        png=report(
            f"{layout.result('figure_of_all_datasets')}.png",
            caption="../report/figure.rst",
            category="all data sets",
            labels=report_labels,
        ),
        pdf=f"{layout.result('figure_of_all_datasets')}.pdf",
        csv=f"{layout.result('figure_of_all_datasets')}.csv",
        txt=f"{layout.result('figure_of_all_datasets')}.txt",
    log:
        f"logs/{layout.RESULTS['figure_of_all_datasets']}.log",
    benchmark:
        f"results/benchmarks/{layout.RESULTS['figure_of_all_datasets']}.jsonl"
    wildcard_constraints:
        figure="|".join(name for name, figure in FIGURES.items() if figure.result == "figure_of_all_datasets"),
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
        selection=lambda wildcards: selection(FIGURES[wildcards.figure].at(CHECKPOINTS)),
    message:
        "Figure {wildcards.figure} of {params.datasets}, noise: {params.noises}"
    shell:
        "vae-geometry plot {wildcards.figure} --dataset {params.datasets} --noise {params.noises} {params.selection}"
        " --output $(dirname {output.csv})/{wildcards.figure} > {log} 2>&1"
