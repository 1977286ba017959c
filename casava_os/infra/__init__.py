"""Stacks: from a Compose file or a blueprint to networks, volumes and services that run, and back to nothing.

| module | what is in it |
|---|---|
| `parts` `mounts` `service` `spec` | the subset of the Compose specification that is understood, as types (table in README.md) |
| `yamlfile` `interpolation` `reading` | from the text of a file to those types, or to an error that names the place |
| `graph` | resources and what they need; cycles; digests |
| `drivers` | the Protocol that `docker`, `terraform` and `kubernetes` implement; rows of a plan |
| `record` `store` | what is written down of a stack, under a lock, before anything is made |
| `engine` `settling` `ledger` | plan, apply, status, scale, extend, destroy, reconcile: for any driver |
| `broker` `performing` | the syscalls `infra.*` |
"""
