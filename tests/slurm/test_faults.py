"""What happens to jobs on a cluster: each test fails where a training does not go on from its saved state."""

import os
import re
import signal
import socket
import time

import pytest
from running_trainings import pids_of_trainings
from sweep_on_slurm import CONFIG, Driver, slurm_command, wait_for

NODE = socket.gethostname().split(".")[0]


def resumed_epoch(driver: Driver, bottleneck: int) -> int:
    """Epoch after which the last attempt of a training went on; 0 where it began anew."""
    found = re.findall(r"goes on after epoch (\d+) of", driver.training_log(bottleneck))
    return int(found[-1]) if found else 0


def running_training(driver: Driver, bottleneck: int) -> str:
    """Number of the job, as soon as the training has saved what it can go on from."""
    wait_for(lambda: driver.has_state(bottleneck), f"the state of K = {bottleneck}")
    return wait_for(lambda: driver.training_job(bottleneck), f"the job of K = {bottleneck}")


def test_a_cancelled_training_goes_on_and_the_sweep_on_a_drained_node_waits(driver, undisturbed):
    process = driver.start_on_slurm()
    job = running_training(driver, 2)
    slurm_command("scontrol", "update", f"NodeName={NODE}", "State=DRAIN", "Reason=test")
    try:
        slurm_command("scancel", job)
        wait_for(lambda: "Trying to restart job" in driver.log(), "the training to be submitted again")
        wait_for(lambda: "PENDING" in slurm_command("squeue", "--format=%T"), "jobs that wait for the node")
        assert process.poll() is None
    finally:
        slurm_command("scontrol", "update", f"NodeName={NODE}", "State=RESUME")
    driver.finish(process)
    assert resumed_epoch(driver, 2) > 0
    assert driver.tables() == undisturbed


def test_a_preempted_training_goes_on_when_it_is_requeued(driver, undisturbed, tmp_path):
    process = driver.start_on_slurm("--set-resources", "train:slurm_partition=spot")
    job = running_training(driver, 2)
    running_training(driver, 3)
    slurm_command("sbatch", "--partition=gpu", "--cpus-per-task=16", "--output=/dev/null", "--wrap=sleep 5")
    wait_for(lambda: driver.training_job(2) is None, "the preemption")
    wait_for(lambda: driver.training_job(2) == job, "the requeued job", 300)
    driver.finish(process)
    assert resumed_epoch(driver, 2) > 0
    assert resumed_epoch(driver, 3) > 0
    assert "Trying to restart job" not in driver.log()
    assert driver.tables() == undisturbed


def test_a_training_that_hits_its_time_limit_goes_on(driver, undisturbed):
    process = driver.start_on_slurm("--set-resources", "train:runtime=1")
    trainings = [running_training(driver, k) for k in CONFIG["bottlenecks"]]
    pids = pids_of_trainings(driver.folder)
    assert len(pids) == len(trainings)
    for number in (signal.SIGSTOP, signal.SIGCONT):  # it would end before the minute is over
        for pid in pids:
            os.kill(pid, number)
        time.sleep(45 if number == signal.SIGSTOP else 0)
    wait_for(lambda: driver.training_job(2) not in (None, trainings[0]), "the second attempt")
    driver.finish(process)
    assert resumed_epoch(driver, 2) > 0
    assert driver.tables() == undisturbed


def test_a_sweep_whose_driver_was_killed_is_started_again_beside_its_trainings(driver, undisturbed):
    process = driver.start_on_slurm()
    job = running_training(driver, 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert driver.training_job(2) == job
    driver.finish(driver.start("--unlock", "--cores", "1"))
    driver.finish(driver.start_on_slurm())
    log = driver.training_log(2)
    assert "another training writes here; this one waits for it" in log or resumed_epoch(driver, 2) > 0
    assert driver.tables() == undisturbed


@pytest.mark.parametrize("small_disk", ["64m"], indirect=True)
def test_a_full_scratch_disk_stops_the_sweep_with_a_sentence_and_it_goes_on_later(slurm, small_disk, undisturbed):
    driver = Driver(small_disk / "sweep")
    process = driver.start_on_slurm("--retries", "0")
    running_training(driver, 2)
    filling = small_disk / "filling"
    with pytest.raises(OSError, match="No space left"):
        filling.write_bytes(bytes(100_000_000))
    assert process.wait(timeout=300) == 1
    assert "cannot be written (No space left on device); free some space and start again" in driver.training_log(2)
    filling.unlink()
    driver.finish(driver.start_on_slurm())
    assert resumed_epoch(driver, 2) > 0
    assert driver.tables() == undisturbed
