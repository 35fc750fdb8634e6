"""On Ray: the processes of a training, launched by Ray Train in a cluster.

Ray gives each worker a CPU and makes the process group; what runs in it is the function that torchrun's processes run.
Restarts are Ray's: when a worker dies, all start again and go on from the last checkpoint of `checkpoint.py`.
"""

from collections.abc import Callable
from pathlib import Path

from adcascade.errors import ConfigurationError, WorkerError
from adcascade.learning.distributed.cluster import cluster
from adcascade.learning.distributed.launch import Team
from adcascade.learning.distributed.world import backend


def launch_on_ray(work: Callable[[str], None], argument: str, team: Team, folder: Path) -> None:
    """Run `work(argument)` in `team.workers` processes of the cluster, each in the process group of all.

    folder: where Ray keeps its own account of the run; all machines see it. ConfigurationError where the cluster is too
    small; WorkerError where workers failed more often than allowed.
    """
    with cluster() as ray:
        from ray.train import FailureConfig, RunConfig, ScalingConfig  # noqa: PLC0415  an extra, and slow
        from ray.train.torch import TorchConfig, TorchTrainer  # noqa: PLC0415
        from ray.train.v2.api.exceptions import TrainingFailedError  # noqa: PLC0415

        cpus = int(ray.cluster_resources().get("CPU", 0))
        if team.workers > cpus:
            raise ConfigurationError(
                f"--workers is {team.workers}, and the Ray cluster has {cpus} CPUs, one for each worker; "
                "ask for fewer, or add machines"
            )
        trainer = TorchTrainer(
            lambda _: work(argument),
            train_loop_config={},
            scaling_config=ScalingConfig(num_workers=team.workers, resources_per_worker={"CPU": 1}),
            torch_config=TorchConfig(backend=backend()),
            run_config=RunConfig(storage_path=str(folder), failure_config=FailureConfig(max_failures=team.restarts)),
        )
        try:
            trainer.fit()
        except TrainingFailedError as error:
            raise WorkerError(
                f"the training failed on Ray more often than {team.restarts} restarts allow: {error}; "
                "run the command again with --resume to go on from the last checkpoint"
            ) from error
