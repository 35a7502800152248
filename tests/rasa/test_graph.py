"""How Rasa runs a graph of components: in which order, what for, and what becomes of errors and of
values."""

import weakref

import pytest
from rasa.engine.exceptions import GraphComponentException, GraphSchemaException
from rasa.engine.graph import (
    ExecutionContext,
    GraphComponent,
    GraphNodeHook,
    GraphSchema,
    SchemaNode,
)
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.storage.resource import Resource
from rasa.shared.exceptions import InvalidConfigException, RasaException


class Step(GraphComponent):
    """Returns its number and those of what it needs, and tells what it did in `Step.log`."""

    log = []

    def __init__(self, config, resource=None, context=None):
        self.config, self.resource, self.context = config, resource, context
        self.log.append(f"make {config['number']}")

    @staticmethod
    def get_default_config():
        return {"number": 0, "error": None}

    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        return cls(config, resource, execution_context)

    def run(self, **needed):
        self.log.append(f"run {self.config['number']}")
        if self.config["error"]:
            raise self.config["error"]
        return [self.config["number"], *needed.values()]

    def take(self, value):
        return value

    def tell(self):
        return self.config, self.resource.name, self.context.node_name, self.context.model_id


class Value:
    """A value that can be watched."""

    alive = weakref.WeakSet()

    def __init__(self):
        self.alive.add(self)


class Maker(Step):
    def run(self):
        return Value()


class Watcher(Step):
    """Returns how many values there are when it runs."""

    def run(self, **needed):
        return len(Value.alive)


@pytest.fixture(autouse=True)
def empty_log():
    Step.log.clear()


def node(number, needs=(), uses=Step, fn="run", **options):
    """A node that needs others by name."""
    return SchemaNode(
        needs={name: name for name in needs},
        uses=uses,
        constructor_name="create",
        fn=fn,
        config={"number": number},
        **options,
    )


def runner_of(nodes, hooks=None):
    schema = GraphSchema(nodes)
    return DaskGraphRunner.create(schema, None, ExecutionContext(schema, "model"), hooks)


def test_a_node_runs_after_all_that_it_needs_and_once():
    runner = runner_of(
        {
            "last": node(4, ["left", "right"]),
            "right": node(3, ["first"]),
            "left": node(2, ["first"]),
            "first": node(1),
        }
    )

    result = runner.run(targets=["last"])

    assert result == {"last": [4, [2, [1]], [3, [1]]]}
    assert [line for line in Step.log if line.startswith("run")] == [
        "run 1",
        "run 2",
        "run 3",
        "run 4",
    ]


def test_only_what_the_target_needs_is_run():
    runner = runner_of({"asked": node(1), "unasked": node(2), "after": node(3, ["asked"])})

    runner.run(targets=["asked"])

    assert Step.log == ["make 1", "run 1"]


def test_without_targets_the_nodes_that_are_marked_so_are_run():
    runner = runner_of(
        {"marked": node(1, is_target=True), "plain": node(2), "also": node(3, is_target=True)}
    )

    result = runner.run()

    assert result == {"marked": [1], "also": [3]}


def test_two_targets_share_what_they_both_need():
    runner = runner_of(
        {"shared": node(1), "left": node(2, ["shared"]), "right": node(3, ["shared"])}
    )

    result = runner.run(targets=["left", "right"])

    assert result == {"left": [2, [1]], "right": [3, [1]]}
    assert Step.log.count("run 1") == 1


def test_a_target_that_another_one_needs_is_given_as_well():
    runner = runner_of({"first": node(1), "second": node(2, ["first"])})

    result = runner.run(targets=["first", "second"])

    assert result == {"first": [1], "second": [2, [1]]}


def test_an_input_is_given_by_its_name_and_is_another_at_each_run():
    runner = runner_of(
        {"taker": SchemaNode({"value": "__message__"}, Step, "create", "take", {"number": 1})}
    )

    results = [
        runner.run(inputs={"__message__": text}, targets=["taker"]) for text in ("first", "second")
    ]

    assert results == [{"taker": "first"}, {"taker": "second"}]


def test_other_targets_can_be_asked_of_the_same_runner():
    runner = runner_of({"first": node(1), "second": node(2, ["first"])})

    assert runner.run(targets=["second"]) == {"second": [2, [1]]}
    assert runner.run(targets=["first"]) == {"first": [1]}
    assert runner.run(targets=["second"]) == {"second": [2, [1]]}


@pytest.fixture
def watched():
    """A runner in which `user` needs the value of `maker`, and `later` needs `user`."""
    return runner_of(
        {
            "maker": node(1, uses=Maker),
            "user": node(2, ["maker"], Watcher),
            "later": node(3, ["user"], Watcher),
        }
    )


def test_a_value_is_let_go_when_its_last_user_has_run(watched):
    result = watched.run(targets=["user", "later"])

    assert result == {"user": 1, "later": 0}


def test_the_value_of_a_target_is_kept(watched):
    result = watched.run(targets=["maker", "later"])

    assert result["later"] == 1 and isinstance(result["maker"], Value)


def test_a_lazy_component_is_made_at_each_run_and_an_eager_one_once_before():
    runner = runner_of({"eager": node(1, eager=True), "lazy": node(2)})
    before = list(Step.log)

    for _ in range(2):
        runner.run(targets=["eager", "lazy"])

    assert before == ["make 1"]
    assert (Step.log.count("make 1"), Step.log.count("make 2")) == (1, 2)


def test_a_component_gets_its_options_over_the_defaults_and_the_name_of_its_node():
    runner = runner_of({"told": node(7, fn="tell")})

    config, resource, name, model = runner.run(targets=["told"])["told"]

    assert config == {"number": 7, "error": None}
    assert (resource, name, model) == ("told", "told", "model")


def test_a_component_is_made_of_the_resource_that_another_node_gives():
    giver = SchemaNode({"value": "__resource__"}, Step, "create", "take", {})
    runner = runner_of(
        {"giver": giver, "user": SchemaNode({"resource": "giver"}, Step, "load", "tell", {})}
    )

    result = runner.run(inputs={"__resource__": Resource("learned")}, targets=["user"])

    assert result["user"][1] == "learned"


def test_an_error_of_a_component_names_its_node_and_keeps_its_cause():
    failing = node(1)
    failing.config["error"] = ZeroDivisionError("by zero")

    with pytest.raises(
        GraphComponentException, match="Error running graph component for node failing"
    ) as caught:
        runner_of({"failing": failing, "after": node(2, ["failing"])}).run(targets=["after"])

    assert isinstance(caught.value.__cause__, ZeroDivisionError) and "run 2" not in Step.log


@pytest.mark.parametrize(
    "error", [RasaException("said in a sentence"), InvalidConfigException("a bad option")]
)
def test_an_error_that_rasa_means_passes_as_it_is(error):
    failing = node(1)
    failing.config["error"] = error

    with pytest.raises(type(error)) as caught:
        runner_of({"failing": failing}).run(targets=["failing"])

    assert caught.value is error


class Watching(GraphNodeHook):
    def on_before_node(self, node_name, execution_context, config, received_inputs):
        Step.log.append(f"before {node_name} with {received_inputs}")
        return {"number": config["number"]}

    def on_after_node(self, node_name, execution_context, config, output, input_hook_data):
        Step.log.append(f"after {node_name}: {output}, {input_hook_data}")


def test_a_hook_is_called_before_and_after_each_node():
    runner = runner_of({"first": node(1), "second": node(2, ["first"])}, [Watching()])

    runner.run(targets=["second"])

    assert [line for line in Step.log if line[:2] in ("be", "af")] == [
        "before first with {}",
        "after first: [1], {'number': 1}",
        "before second with {'first': [1]}",
        "after second: [2, [1]], {'number': 2}",
    ]


def test_a_graph_can_be_written_down_and_read_again():
    schema = GraphSchema(
        {
            "first": node(1, resource=Resource("learned", "hash")),
            "second": node(2, ["first"], is_target=True),
        }
    )

    again = GraphSchema.from_dict(schema.as_dict())

    assert again == schema and again.nodes["first"].uses is Step


def test_a_graph_with_a_component_that_is_gone_says_which():
    written = GraphSchema({"first": node(1)}).as_dict()
    written["nodes"]["first"]["uses"] = "tests.rasa.test_graph.Gone"

    with pytest.raises(GraphSchemaException, match="Gone"):
        GraphSchema.from_dict(written)
