"""Traces: what an OpenTelemetry collector gets of a message, and that a dead one harms nobody."""

import gzip
import http.server
import threading
import time

import conftest
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@pytest.fixture
def collector():
    """(address, the spans it got); anything else that it gets stands among them as its path"""
    spans = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            if self.path == "/v1/traces":
                sent = ExportTraceServiceRequest.FromString(body)
                spans.extend(
                    span
                    for resource in sent.resource_spans
                    for scope in resource.scope_spans
                    for span in scope.spans
                )
            else:
                spans.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", spans
    server.shutdown()
    server.server_close()


def test_a_collector_gets_a_span_of_each_message_and_of_its_stages_in_gateway_and_rasa_and_no_word_of_it(  # noqa: E501
    collector, tmp_path
):
    address, spans = collector
    # what FastAPI would send, with the messages of exceptions in it, stays off even where a whole
    # cluster has it on
    with conftest.serving(
        tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=address, FASTAPI_OTEL_AUTO_CONFIGURE="true"
    ) as service:
        service.ask("can myoclonus be prevented zqxjcanary")
        service.ask("he is not breathing zqxjcanary")
        time.sleep(6)  # every process sends what it has every 5 s
    assert {getattr(span, "name", span) for span in spans} == {
        "message",
        "store",
        "understand",
        "parse",
        "act",
        "end",
    }
    # the last are sent as the service ends
    wholes = [span for span in spans if span.name == "message"]
    attributes = [
        {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
        for span in wholes
    ]
    assert [each["outcome"] for each in attributes] == ["answer", "emergency"]
    assert (
        attributes[0]["question"] == "myoclonus.prevention"
        and attributes[0]["turn"]
        and attributes[0]["channel"] == "web"
    )
    for whole in wholes:
        stages = sorted(
            (span for span in spans if span.parent_span_id == whole.span_id),
            key=lambda span: span.start_time_unix_nano,
        )
        assert [span.name for span in stages] == ["store", "understand", "end"]
        within = [span for span in spans if span.parent_span_id == stages[1].span_id]
        assert [span.name for span in within] == (["parse", "act"] if whole is wholes[0] else [])
        assert all(
            stages[1].start_time_unix_nano
            < span.start_time_unix_nano
            < span.end_time_unix_nano
            < stages[1].end_time_unix_nano
            for span in within
        )
        assert (
            stages[0].start_time_unix_nano == whole.start_time_unix_nano
            and stages[-1].end_time_unix_nano == whole.end_time_unix_nano
        )
    assert "zqxjcanary" not in str(spans)


def test_a_collector_that_is_gone_harms_no_message(tmp_path):
    with conftest.serving(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9") as service:
        assert service.ask("can myoclonus be prevented")[0]["kind"] == "answer"
        assert "can myoclonus" not in service.log.read_text()
