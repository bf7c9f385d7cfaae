"""Traces and metrics for OpenTelemetry's collectors, made from what is booked, in a process of their own."""
