PUBLISHED = f"{workflow.basedir}/resources/published"
GEOMETRY = ["intrinsic_dimension.parquet", "information_imbalance.parquet"]
IMBALANCE = ["information_imbalance.parquet"]
FIGURES = {  # figure -> the files of a checkpoint that it reads, and the checkpoints
    "figure1": (GEOMETRY, [LAST]),
    "figure2": (["information_imbalance.parquet", "fidelity.parquet"], CHECKPOINTS),
    "figure3": (["intrinsic_dimension.parquet"], CHECKPOINTS),
    "figureA1": ([*GEOMETRY, "fidelity.parquet"], [LAST]),
    "figureA2": (GEOMETRY, [0]),
    "losses": ([], [LAST]),
    "ii_to_output": (IMBALANCE, [LAST]),
    "reconstructions": (["reconstructions.npz"], [LAST]),
    "ii_matrix": (IMBALANCE, [LAST]),
    "ii_plane": (IMBALANCE, [LAST]),
    "published": (GEOMETRY, [LAST]),
    "noise": ([*GEOMETRY, "fidelity.parquet"], CHECKPOINTS),
}


def figure_tables(figure, dataset, noise):
    """Files that a figure draws from: only the kinds and checkpoints that it shows."""
    files, epochs = FIGURES[figure]
    tables = runs("epoch{epoch}/{file}", dataset=dataset, noise=noise, epoch=epochs, file=files)
    if figure == "losses":
        tables += runs("training.parquet", dataset=dataset, noise=noise)
    if figure == "figureA1":
        tables += expand(
            f"results/{dataset}/{noise}/seed{{seed}}/epoch{LAST}/cross_bottleneck.parquet", seed=config["seeds"]
        )
    if figure == "published":
        tables += expand(f"{PUBLISHED}/cifar10_{{kind}}.csv", kind=["intrinsic_dimension", "information_imbalance"])
    return tables


def all_figures():
    """The figures of every data set and kind of noise, and those that compare the two kinds."""
    drawn = []
    for dataset, entry in config["datasets"].items():
        figures = set(FIGURES) - {"noise"} - ({"published"} if entry["source"] != "cifar10" else set())
        for noise in NOISES:
            drawn += [f"{dataset}/{noise}/{figure}" for figure in sorted(figures)]
        if len(NOISES) == 2:
            drawn.append(f"{dataset}/noise")
    return expand("results/figures/{figure}.{suffix}", figure=drawn, suffix=["png", "pdf", "csv"])


rule plot:
    input:
        tables=lambda wildcards: figure_tables(wildcards.figure, wildcards.dataset, wildcards.noise),
    output:
        png=report(
            "results/figures/{dataset}/{noise}/{figure}.png",
            caption="../report/{figure}.rst",
            category="{dataset}",
            subcategory="{noise}",
            labels={"figure": "{figure}"},
        ),
        pdf="results/figures/{dataset}/{noise}/{figure}.pdf",
        csv="results/figures/{dataset}/{noise}/{figure}.csv",
    wildcard_constraints:
        figure="|".join(name for name in FIGURES if name != "noise"),
    log:
        "logs/figures/{dataset}/{noise}/{figure}.log",
    benchmark:
        "results/benchmarks/figures/{dataset}/{noise}/{figure}.jsonl"
    message:
        "Figure {wildcards.figure} of {wildcards.dataset}, {wildcards.noise} noise"
    conda:
        "../../envs/compute.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        published=PUBLISHED,
        selection=lambda wildcards: selection(FIGURES[wildcards.figure][1]),
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
            labels={"figure": "noise"},
        ),
        pdf="results/figures/{dataset}/noise.pdf",
        csv="results/figures/{dataset}/noise.csv",
    log:
        "logs/figures/{dataset}/noise.log",
    benchmark:
        "results/benchmarks/figures/{dataset}/noise.jsonl"
    message:
        "Fresh beside repeated noise of {wildcards.dataset}"
    conda:
        "../../envs/compute.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        noises=NOISES,
        selection=selection(CHECKPOINTS),
    shell:
        "python -m vae_geometry plot noise --dataset {wildcards.dataset} --noise {params.noises} {params.selection}"
        " --output $(dirname {output.csv})/noise > {log} 2>&1"
