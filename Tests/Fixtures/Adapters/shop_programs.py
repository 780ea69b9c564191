"""Programs as a user writes them, for the tests."""

import dspy


class Rag(dspy.Module):
    """Answers from what it has on its shelf."""

    def __init__(self, shelf: list[str] | None = None, k: int = 1) -> None:
        super().__init__()
        self.shelf = shelf or ["A conffile is a file that dpkg manages."]
        self.k = k
        self.answer = dspy.ChainOfThought("question, context: list[str] -> answer")

    def forward(self, question: str, most: int = 3) -> dspy.Prediction:
        return self.answer(question=question, context=self.shelf[: min(self.k, most)])


class Remembering(dspy.Module):
    """Answers, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.answer = dspy.Predict("question -> answer")

    async def aforward(self, question: str) -> dspy.Prediction:
        self.asked.append(question)
        found = await self.answer.acall(question=question)
        return dspy.Prediction(answer=found.answer, asked=list(self.asked))


class Needy(dspy.Module):
    """Cannot be made without its endpoint."""

    def __init__(self, endpoint: str) -> None:
        super().__init__()
        if endpoint == "nowhere":
            raise ConnectionError("nobody listens there")
        self.answer = dspy.Predict("question -> answer")


class NoProgram:
    """Is no module of DSPy's."""
