"""Traces of messages for an OpenTelemetry collector: a span for each message, and one for each of
its stages. No visitor's word."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

# those of metrics.SECONDS; what Rasa tells of itself lies within "understand"
STAGES = ("store", "understand", "end")


def begin_tracing(endpoint: str) -> TracerProvider:
    """What `record` and `end` take: sends to the collector at `endpoint` (OTLP over HTTP), behind
    the messages' back."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
        OTLPSpanExporter,  # 15 MB, for who wants traces
    )
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(
        resource=Resource.create({"service.name": "pamphlet"}), shutdown_on_exit=False
    )
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=2))
    )
    return provider


def record_turn(
    provider: TracerProvider,
    moments: Iterable[float],
    within: Mapping[str, float],
    **known: str | int | None,
) -> None:
    """The spans of one message: `moments` are when it came and when each stage ended, in
    time.perf_counter's seconds; `within` the seconds that Rasa tells of its own stages, one after
    the other. Its clock may be another, so the ways to it and back are taken as equally long."""
    from opentelemetry import trace

    tracer, shift = provider.get_tracer("pamphlet"), time.time_ns() - 1e9 * time.perf_counter()
    begun, *ends = (int(shift + 1e9 * moment) for moment in moments)
    whole = tracer.start_span(
        "message",
        start_time=begun,
        attributes={name: value for name, value in known.items() if value is not None},
    )
    inside = trace.set_span_in_context(whole)
    for stage, start, end in zip(STAGES, (begun, *ends), ends, strict=False):
        span = tracer.start_span(stage, inside, start_time=start)
        if stage == "understand":
            _record_within(tracer, trace.set_span_in_context(span), within, start, end)
        span.end(end)
    whole.end(ends[-1])


def _record_within(
    tracer: Tracer, inside: Context, within: Mapping[str, float], start: int, end: int
) -> None:
    at = start + max(0, end - start - int(1e9 * sum(within.values()))) // 2
    for stage, seconds in within.items():
        tracer.start_span(stage, inside, start_time=at).end(at := at + int(1e9 * seconds))
