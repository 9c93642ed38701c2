rule initialise:
    input:
        data=layout.RESOURCES["train"],
    output:
        checkpoint=layout.result("weights").replace("{epoch}", "0"),
    log:
        f"logs/{RUN}/initialise.log",
    benchmark:
        f"results/benchmarks/{RUN}/initialise.jsonl"
    localrule: True  # light
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(10),
    params:
        options=options("initialise"),
        own=own_options,
        source=own_source,
    message:
        "Untrained network of {wildcards.dataset}, K = {wildcards.bottleneck}, seed {wildcards.seed}"
    shell:
        "vae-geometry initialise --data {input.data} --output {output.checkpoint}"
        " --dataset {wildcards.dataset} --noise {wildcards.noise} --bottleneck {wildcards.bottleneck}"
        " --seed {wildcards.seed} {params.options} --options {params.own:q} > {log} 2>&1"


rule train:
    input:
        data=layout.RESOURCES["train"],
        initial=rules.initialise.output.checkpoint,
    output:
        checkpoints=expand(
            layout.result("weights"),
            epoch=[epoch for epoch in CHECKPOINTS if epoch > 0],
            allow_missing=True,
        ),
        training=layout.result("training"),
        timing=layout.result("timing"),
    log:
        f"logs/{RUN}/train.log",
    benchmark:
        f"results/benchmarks/{RUN}/train.jsonl"
    conda:
        ENVIRONMENT
    threads: training_threads
    resources:
        mem_mb=growing(4000),
        runtime=training_minutes,
        gpu=GPU,
        device=config["device"],
        resume_minutes=resume_minutes,
    params:
        options=options("train"),
    message:
        "Training on {wildcards.dataset} with {wildcards.noise} noise, K = {wildcards.bottleneck}, seed {wildcards.seed}"
    shell:
        "vae-geometry train --data {input.data} --initial {input.initial} --output $(dirname {output.training})"
        " {params.options}"
        " --resume-minutes {resources.resume_minutes} --device {resources.device} > {log} 2>&1"
