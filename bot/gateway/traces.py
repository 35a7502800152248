"""Traces of messages for an OpenTelemetry collector: a span for each message, and one for each of its stages. No visitor's word."""

import time

STAGES = ("store", "understand", "end")  # those of metrics.SECONDS


def begin(endpoint):
    """What `record` and `end` take: sends to the collector at `endpoint` (OTLP over HTTP), behind the messages' back."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # 15 MB, for who wants traces
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "pamphlet"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=2)))
    return provider


def record(provider, moments, **known):
    """The spans of one message: `moments` are when it came and when each stage ended, in time.perf_counter's seconds."""
    from opentelemetry import trace

    tracer, shift = provider.get_tracer("pamphlet"), time.time_ns() - 1e9 * time.perf_counter()
    begun, *ends = (int(shift + 1e9 * moment) for moment in moments)
    whole = tracer.start_span("message", start_time=begun, attributes={name: value for name, value in known.items() if value is not None})
    within = trace.set_span_in_context(whole)
    for stage, start, end in zip(STAGES, (begun, *ends), ends, strict=False):
        tracer.start_span(stage, within, start_time=start).end(end)
    whole.end(ends[-1])
