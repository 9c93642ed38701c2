"""The sweep through the shipped profile: the same tables as a local run, in few jobs."""

import re

from sweep_on_slurm import CONFIG, TABLES, Driver

ROLES = ("rule_train", "rule_measure_memory", "rule_prepare_features", "group_checkpoint", "rule_compare_bottlenecks")


def test_the_sweep_on_slurm_gives_the_tables_of_a_local_run_with_one_job_a_checkpoint(slurm, tmp_path, undisturbed):
    driver = Driver(tmp_path / "sweep", TABLES)
    driver.finish(driver.start_on_slurm("--slurm-keep-successful-logs"))
    assert driver.tables() == undisturbed
    n_networks, n_epochs = len(CONFIG["bottlenecks"]), len(CONFIG["training"]["checkpoints"])
    jobs = re.findall(r"has been submitted with SLURM jobid \d+ \(log: \S+/logs/slurm/(\w+)/", driver.log())
    counted = {role: sum(job.startswith(role) for job in jobs) for role in ROLES}
    assert counted == dict(zip(ROLES, (n_networks, n_networks, 1, n_networks * n_epochs, 1), strict=True))
    assert len(jobs) == sum(counted.values())
