"""The container, proved where no container engine runs: its file is read and its steps are run."""
