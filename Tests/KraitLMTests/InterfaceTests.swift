import KraitWire
import Testing

@testable import KraitLM

@Suite(.timeLimit(.minutes(1))) struct InterfaceTests {
    /// Answers by a script.
    private struct Scripted: LanguageModel {
        let answer: Result<LMResponse, LMError>

        func complete(_ request: LMRequest) async throws(LMError) -> LMResponse {
            try answer.get()
        }
    }

    @Test func `a model that cannot stream gives its answer in pieces all the same`() async throws {
        let call = LMToolCall(id: "1", name: "search", arguments: #"{"q":"x"}"#)
        let completion = LMCompletion(text: "Hi", reasoning: "Hm", toolCalls: [call])
        let response = LMResponse(model: "m", completions: [completion])
        var events: [LMEvent] = []
        for try await event in Scripted(answer: .success(response)).stream(LMRequest("q")) {
            events.append(event)
        }
        #expect(
            events == [
                .reasoning("Hm"), .text("Hi"),
                .toolCall(index: 0, id: "1", name: "search", arguments: #"{"q":"x"}"#),
                .end(response),
            ]
        )
    }

    @Test func `a stream that has failed is over`() async throws {
        let model = Scripted(answer: .failure(LMError(.auth, "no")))
        var iterator = model.stream(LMRequest("q")).makeAsyncIterator()
        await #expect(throws: LMError(.auth, "no")) { try await iterator.next() }
        #expect(try await iterator.next() == nil)
    }

    @Test func `what a request leaves open is taken from the model's settings`() {
        let own = LMParameters(temperature: 0.1, stop: ["a"], extra: ["x": 1])
        let others = LMParameters(
            temperature: 1,
            maxTokens: 7,
            stop: ["b"],
            extra: ["x": 2, "y": 3]
        )
        let expected = LMParameters(
            temperature: 0.1,
            maxTokens: 7,
            stop: ["a"],
            extra: ["x": 1, "y": 3]
        )
        #expect(own.completed(by: others) == expected)
    }

    @Test func `an error tells what the API said only where somebody debugs`() {
        let error = LMError(.auth, "refused", model: "m", status: 401, detail: "your text")
        #expect(error.description == "auth: refused (m, HTTP 401)")
        #expect(error.debugDescription == "auth: refused (m, HTTP 401)\nyour text")
    }

    @Test func `what one request does not tell is not told of several`() {
        let one = LMUsage(promptTokens: 1, completionTokens: 2)
        let sum = one + LMUsage(promptTokens: 3)
        #expect(sum == LMUsage(promptTokens: 4))
    }

    @Test func `arguments that are no object are none`() {
        let texts = [#"{"a":1}"#, "[1]", "{", ""]
        let found = texts.map { LMToolCall(id: "1", name: "t", arguments: $0).argumentValues }
        #expect(found == [["a": 1], nil, nil, nil])
    }
}
