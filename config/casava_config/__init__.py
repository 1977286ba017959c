"""The shipped defaults: settings, policy and model catalogue, as TOML beside this file."""
