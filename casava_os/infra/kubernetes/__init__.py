"""Stacks as Deployments, Jobs, Services, claims, Secrets and NetworkPolicies in one namespace of a Kubernetes cluster."""
