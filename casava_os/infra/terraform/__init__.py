"""Stacks on AWS: Terraform JSON is emitted from the same spec, and `tofu` or `terraform` is driven."""
