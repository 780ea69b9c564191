"""What the offline LM learns: from rules in instructions, and the rules that it writes itself."""

import json
from collections import Counter
from typing import Any

import dspy
import pytest
from dspy.teleprompt.simba_utils import OfferFeedback
from gepa.strategies.instruction_proposal import InstructionProposalSignature

from krait_worker.offline_lm.reply import completion
from krait_worker.offline_lm.rules import Rule, read_rules
from krait_worker.offline_lm.sampling import Turns

RULES = """Sort the message.
- If the inputs mention refund, credit card: team is billing
If the inputs mention parcel, refund: team is shipping
If the inputs mention parcels: mood is low"""
OPTIONS = "message -> team: Literal['account', 'billing', 'shipping']"


def asked(
    signature: Any,
    inputs: dict[str, Any],
    *,
    demos: list[dict[str, Any]] | None = None,
    adapter: Any = None,
    turn: int = 0,
) -> dict[str, Any]:
    """What a program with this signature makes of the answer."""
    adapter = adapter or dspy.ChatAdapter()
    messages = adapter.format(signature, demos or [], inputs)
    return dict(adapter.parse(signature, completion(messages, turn)))


def team(message: str, instructions: str = RULES, **settings: Any) -> Any:
    signature = dspy.Signature(settings.pop("text", OPTIONS), instructions)
    return asked(signature, {"message": message}, **settings)["team"]


@pytest.mark.parametrize("adapter", [dspy.ChatAdapter(), dspy.JSONAdapter()])
def test_it_heeds_rules_in_instructions(adapter: Any) -> None:
    assert team("They charged my credit card.", adapter=adapter) == "billing"
    assert team("Where are my parcels?", adapter=adapter) == "shipping"
    for text in ("message -> team", "message -> team: str, mood"):
        assert team("They charged my credit card.", text=text, adapter=adapter) == "billing"


def test_a_rule_decides_only_where_it_says_something() -> None:
    # A word that rules give several labels says nothing, and neither does half of one.
    for message in ("A refund, please.", "Is it on the cards?", "Hello!"):
        assert team(message) == team(message, "Sort the message.") == "account"
    assert team("A parcel, by credit card.") == "account"
    # Rules are in instructions alone, and of labels that the output can have.
    assert team(RULES, "Sort the message.") == "billing"
    assert team("What is new?\nIf the inputs mention new: team is shipping", "Sort.") == "shipping"
    assert team("What is new?", "If the inputs mention new: team is sales") == "account"
    signature = dspy.Signature("message -> count: int", "If the inputs mention new: count is 7")
    assert asked(signature, {"message": "What is new?"}) == {"count": 0}


def test_rules_are_read_as_they_are_written() -> None:
    rule = Rule("team", "field service", ("lamp", "e-mail", "credit card"))
    assert read_rules(f"Sort.\n        {rule.text}  \nThe end.") == [rule]
    assert read_rules("If the inputs mention: team is x\nIf the inputs mention a: team is ") == []


def test_a_rule_goes_before_demos() -> None:
    demos = [
        {"message": "A refund, please.", "team": "account"},
        {"message": "My parcel is late.", "team": "account"},
    ]
    assert team("Where is my parcel?", "Sort.", demos=demos) == "account"
    assert team("Where is my parcel?", demos=demos) == "shipping"


EXAMPLES = [
    ("The invoice of order 1 is wrong.", "billing"),
    ("The parcel of order 2 is wrong.", "shipping"),
]


def shown(examples: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {
            "Inputs": {"message": message},
            "Generated Outputs": {"team": "account"},
            "Feedback": f"The score is 0. The expected team is: {label}",
        }
        for message, label in examples
    ]


def reflected(current: str, examples: list[dict[str, Any]]) -> str:
    signature = dspy.Signature(
        "current_instruction, examples_with_feedback: list[dict[str, Any]] -> new_instruction",
        "Write a new instruction.",
    )
    given = {"current_instruction": current, "examples_with_feedback": examples}
    return str(asked(signature, given, adapter=dspy.JSONAdapter())["new_instruction"])


def test_as_a_reflection_model_it_writes_rules_from_feedback() -> None:
    made = reflected("Sort.", shown(EXAMPLES))
    billing = "If the inputs mention invoice: team is billing"
    shipping = "If the inputs mention parcel: team is shipping"
    assert made.splitlines() == ["Sort.", billing, shipping]
    assert team("Where is the parcel?", made) == "shipping"
    # The next ones are added; a word that turns out to go with several labels goes.
    more = [("The courier with the invoice.", "shipping"), ("My payment of 7 lamps.", "billing")]
    assert reflected(made, shown(more)).splitlines() == [
        "Sort.",
        "If the inputs mention payment, lamps: team is billing",
        "If the inputs mention parcel, courier: team is shipping",
    ]
    # One label tells nothing apart, and without feedback that names any there is no rule.
    assert reflected(made, shown(more[:1])) == made
    told = [{**one, "Feedback": "This got a score of 0."} for one in shown(EXAMPLES)]
    assert "If the inputs mention" not in reflected("Sort.", told)
    several = [
        {**one, "Feedback": "The expected team is one of: a b; c"} for one in shown(EXAMPLES)
    ]
    assert "invoice, order, wrong, parcel: team is a b" in reflected(
        "Sort.", [*several, *shown([("My lamp.", "c")])]
    )
    long = shown([(EXAMPLES[0][0], "one two three four"), EXAMPLES[1]])
    assert reflected("Sort.", long) == "Sort."


def test_it_answers_gepa_s_own_prompt_in_fences() -> None:
    given = {"current_instruction_doc": "Sort.", "dataset_with_feedback": shown(EXAMPLES)}
    prompt = InstructionProposalSignature.prompt_renderer(given)
    answer = completion([{"role": "user", "content": prompt}])
    made = InstructionProposalSignature.output_extractor(answer)["new_instruction"]
    assert made == reflected("Sort.", shown(EXAMPLES))
    for content in ("```\n```\n```\n", f"{prompt[:400]}", "Follow the instructions.\n```\n\n```\n"):
        assert "offline LM" in completion([{"role": "user", "content": content}])


def advice(better: str, worse: str, trajectory: bool = True) -> Any:
    def steps(label: str) -> str:
        step = {"module_name": "self", "inputs": {"message": EXAMPLES[0][0]}}
        return json.dumps([{**step, "outputs": {"team": label}}] if trajectory else [])

    given: dict[str, Any] = dict.fromkeys(OfferFeedback.input_fields, "x")
    given |= {
        "better_program_trajectory": steps(better),
        "worse_program_trajectory": steps(worse),
        "worse_reward_value": 0.0,
        "better_reward_value": 1.0,
        "module_names": ["self"],
    }
    return asked(OfferFeedback, given)["module_advice"]


def test_it_advises_what_the_better_answer_says() -> None:
    made = advice("billing", "account")
    assert made == {"self": "If the inputs mention invoice, order, wrong: team is billing"}
    assert advice("billing", "billing") == advice("x", "y", trajectory=False) == {}
    assert advice("a label of five words", "account") == {}


def test_a_sampled_option_is_guessed_where_nothing_decides() -> None:
    options = {"account", "billing", "shipping"}
    found = [team("Hello!", turn=turn) for turn in range(1, 7)]
    assert Counter(found) == dict.fromkeys(options, 2)
    assert found == [team("Hello!", turn=turn) for turn in range(1, 7)]
    assert {team(f"Hello {n}!", turn=1) for n in range(20)} == options
    # Something decides: a rule, the option's own name, or the nearest demo; not two as near.
    demos = [{"message": "My lamp.", "team": "account"}, {"message": "My bus.", "team": "billing"}]
    for turn in range(4):
        assert team("My parcel.", turn=turn) == "shipping"
        assert team("About billing.", turn=turn) == "billing"
        assert team("The lamp.", turn=turn, demos=demos) == "account"
    assert {team("The bag.", turn=turn, demos=demos) for turn in range(1, 4)} == options
    assert team("The bag.", demos=demos) == "account"


def test_turns_count_the_same_messages_with_a_temperature() -> None:
    turns = Turns()
    messages = [{"role": "user", "content": "a"}]
    sampled = {"messages": messages, "temperature": 1.0}
    assert [turns.next(sampled) for _ in range(3)] == [1, 2, 3]
    for temperature in (0, 0.0, None, "hot"):
        assert turns.next({"messages": messages, "temperature": temperature}) == 0
    assert turns.next({"messages": messages}) == 0
    assert turns.next({"messages": [], "temperature": 0.2}) == 1
    for number in range(5_000):
        turns.next({"messages": [number], "temperature": 1})
    assert turns.next(sampled) == 1
