"""What happens to jobs on a cluster: each test fails where a training does not resume from its saved state."""

import os
import re
import signal
import socket

import pytest
from running_trainings import pids_of_trainings
from sweep_on_slurm import ONE_NETWORK, Driver, slurm_command, wait_for

NODE = socket.gethostname().split(".")[0]


def running_training(driver: Driver) -> str:
    """Number of the job, as soon as the training has saved what it can resume from."""
    wait_for(driver.has_state, "a saved state")
    return wait_for(driver.training_job, "the training's job")


def has_resumed(driver: Driver) -> bool:
    """Whether the last attempt of the training began after an epoch that an earlier one had trained."""
    found = re.search(r"resumes after epoch (\d+) of", driver.training_log())
    return found is not None and int(found[1]) > 0


def assert_ended_as_if_undisturbed(driver: Driver, undisturbed: dict[str, bytes]) -> None:
    made = driver.tables()
    assert ONE_NETWORK in made
    assert {name: undisturbed[name] for name in made} == made
    assert not driver.has_state()


def test_a_cancelled_training_waits_for_a_drained_node_and_goes_on(driver, undisturbed):
    process = driver.start_on_slurm()
    job = running_training(driver)
    slurm_command("scontrol", "update", f"NodeName={NODE}", "State=DRAIN", "Reason=test")
    try:
        slurm_command("scancel", job)
        wait_for(lambda: "Trying to restart job" in driver.log(), "the training to be submitted again")
        wait_for(lambda: "PENDING" in slurm_command("squeue", "--format=%T"), "a job that waits for the node")
        assert process.poll() is None
    finally:
        slurm_command("scontrol", "update", f"NodeName={NODE}", "State=RESUME")
    driver.finish(process)
    assert has_resumed(driver)
    assert_ended_as_if_undisturbed(driver, undisturbed)


def test_a_training_that_is_preempted_and_then_runs_out_of_time_goes_on_twice(driver, undisturbed):
    process = driver.start_on_slurm("--set-resources", "train:slurm_partition=spot", "train:runtime=1")
    job = running_training(driver)
    slurm_command("sbatch", "--partition=gpu", "--cpus-per-task=16", "--output=/dev/null", "--wrap=sleep 1")
    wait_for(lambda: driver.training_job() is None, "the preemption")
    assert wait_for(driver.training_job, "the requeued job") == job
    wait_for(lambda: has_resumed(driver), "the requeued training to resume")
    assert "Trying to restart job" not in driver.log()
    (pid,) = pids_of_trainings(driver.folder)
    os.kill(pid, signal.SIGSTOP)  # it would end before its minute is over
    wait_for(lambda: driver.training_job() not in (None, job), "the next attempt")
    driver.finish(process)
    assert has_resumed(driver)
    assert_ended_as_if_undisturbed(driver, undisturbed)


def test_a_sweep_whose_driver_was_killed_is_started_again_beside_its_training(driver, undisturbed):
    process = driver.start_on_slurm()
    job = running_training(driver)
    (pid,) = pids_of_trainings(driver.folder)
    os.kill(pid, signal.SIGSTOP)  # it would end before the next driver has submitted its training
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert driver.training_job() == job
    driver.finish(driver.start("--unlock", "--cores", "1"))
    again = driver.start_on_slurm()
    wait_for(lambda: "this one waits for it" in driver.training_log(), "the second training")
    os.kill(pid, signal.SIGCONT)
    driver.finish(again)
    assert "another training writes here; this one waits for it" in driver.training_log()
    assert "this training has ended already" in driver.training_log()
    assert_ended_as_if_undisturbed(driver, undisturbed)


@pytest.mark.parametrize("small_disk", ["64m"], indirect=True)
def test_a_full_scratch_disk_stops_the_sweep_with_a_sentence_and_it_goes_on_later(slurm, small_disk, undisturbed):
    driver = Driver(small_disk / "sweep", ONE_NETWORK)
    process = driver.start_on_slurm("--retries", "0")
    running_training(driver)
    filling = small_disk / "filling"
    with pytest.raises(OSError, match="No space left"):
        filling.write_bytes(bytes(100_000_000))
    assert process.wait(timeout=600) == 1
    assert "cannot be written (No space left on device); free some space and start again" in driver.training_log()
    filling.unlink()
    driver.finish(driver.start_on_slurm())
    assert has_resumed(driver)
    assert_ended_as_if_undisturbed(driver, undisturbed)
