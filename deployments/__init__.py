"""What a Prefect server needs to run artgan: deployments, pools, automations, workers."""
