"""What the console says besides Snakemake: impossible targets, errors of jobs, answers, and what a report lacks."""

import functools
import re
import time

from snakemake.io import is_flagged

START = time.time()
NAMES = {
    "dataset": ("data set", list(config["datasets"])),
    "noise": ("kind of noise", NOISES),
    "bottleneck": ("K", config["bottlenecks"]),
    "seed": ("seed", config["seeds"]),
    "epoch": ("checkpoint", CHECKPOINTS),
}


def check_targets():
    """Stop on a result that this sweep does not have, and say what it has; Snakemake only says that no rule makes it.

    Snakemake does not tell the workflow which targets are requested, hence the command line.
    """
    for target in sys.argv[1:]:
        for name, template in layout.RESULTS.items():
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(f"results/{template}"))
            match = re.fullmatch(pattern + (r"\.(png|pdf|csv|txt)" if "figure" in name else ""), target)
            for field, value in match.groupdict().items() if match else ():
                word, values = NAMES.get(field) or figures_of(name)
                if value not in map(str, values):
                    listed = ", ".join(map(str, values)) or "none"
                    sys.exit(f"{target}: {value} is not a {word} of this sweep, which has {listed}")


def figures_of(result):
    kinds = {
        "figure": "of one kind of noise",
        "figure_of_all_noises": "of all kinds of noise",
        "figure_of_all_datasets": "of all data sets",
    }
    drawn = {Path(path).stem for path in all_figures()}
    drawn |= {figure.name for figure in FIGURES.values() if figure.needs == "scales"}  # which names its own key
    return f"figure {kinds[result]}", sorted(name for name in drawn if FIGURES[name].result == result)


def print_answers():
    """The claims and the advice of every data set, where they are newer than the run's start."""
    for dataset in config["datasets"]:
        log, page = Path(f"logs/{dataset}/check_claims.log"), Path(layout.result("page").format(dataset=dataset))
        if log.exists() and log.stat().st_mtime >= START:
            print(f"\n{log.read_text(encoding='utf-8').strip()}")
        if page.exists() and page.stat().st_mtime >= START:
            print(f"\nThe page of {dataset}: {page.resolve()}")


def print_errors():
    """The sentences of the jobs that failed in this run; Snakemake's own log has none of them where it is quiet."""
    for log in sorted(Path("logs").rglob("*.log")):
        last = log.read_text(encoding="utf-8", errors="replace").rstrip().rpartition("\n")[2]
        if log.stat().st_mtime >= START and last.startswith("vae-geometry "):
            print(f"\n{last} ({log})", file=sys.stderr)


@functools.cache
def warn_of_old_figures():
    """Say once, when a report is made, which of its parts are older than what they are made of, or absent."""
    old = [file for job in workflow.dag.needrun_jobs() for file in job.output if is_flagged(file, "report")]
    if old:
        print(
            f"The report shows {len(old)} parts that are not up to date: {', '.join(sorted(old))}; "
            "run the sweep again without --report, then make the report again",
            file=sys.stderr,
        )


check_targets()
