"""A small training script: `python train.py --azureml` submits it to Azure ML, and waits for the job."""

from pathlib import Path

from health_azure import submit_to_azure_if_needed


def main():
    submit_to_azure_if_needed(
        compute_cluster_name="cpu-cluster",
        conda_environment_file=Path(__file__).with_name("environment.yml"),
        snapshot_root_directory=Path(__file__).parent,
        experiment_name="training",
        wait_for_completion=True,
    )
    print("the mean is", sum((1.5, 2.5)) / 2)


if __name__ == "__main__":
    main()
