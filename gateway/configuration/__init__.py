"""YAML to one immutable snapshot: merge, validate, JSON Schema, watch, reload."""
