"""What Casava OS tells those who watch machines: metrics for Prometheus, spans for OpenTelemetry. Nothing leaves by itself.

| module | what it does |
|---|---|
| `wanted` | whether spans are asked for, by the standard environment variables |
| `tracing` `spans` `watchedbroker` `notes` | from events and operations to spans, exporters, the end; failures noted once |
| `collect` | all metrics at one moment, each part with its own time limit |
| `machine` `past` `kept` `containers` `stacks` | the parts |
| `guard` `serving` | `/metrics` over HTTP: who may ask, and how it ends |
"""
