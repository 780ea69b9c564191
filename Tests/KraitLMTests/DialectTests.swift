import KraitWire
import Testing

@testable import KraitLM

/// Requests and answers as bodies, in both dialects.
struct DialectTests {
    private static let schema: Value = [
        "type": "object", "properties": ["q": ["$ref": "#/$defs/Q"]],
    ]

    /// A request that has everything.
    private static let full = LMRequest(
        messages: [
            .system("Be brief."),
            LMMessage(
                .user,
                parts: [.text("What is this?"), .image(url: "data:image/png;base64,QUJD")]
            ),
            LMMessage(
                .assistant,
                parts: [],
                toolCalls: [LMToolCall(id: "c1", name: "look", arguments: #"{"q":"x"}"#)]
            ),
            .tool("a snake", answering: "c1"),
        ],
        parameters: LMParameters(
            temperature: 1.5,
            maxTokens: 9,
            topP: 0.5,
            stop: ["END"],
            extra: ["user": "u"]
        ),
        tools: [LMTool("look", "Looks.", parameters: schema)],
        toolChoice: .required
    )

    private func json(_ value: Value) throws -> String {
        String(decoding: try PlainJSON.encode(value), as: UTF8.self)
    }

    // MARK: OpenAI

    @Test func `a request in OpenAI's words`() throws {
        var request = Self.full
        request.parameters.seed = 4
        request.parameters.logprobs = 2
        request.parameters.reasoningEffort = "low"
        request.responseFormat = .jsonSchema(name: "r", schema: Self.schema, isStrict: true)
        let body = try OpenAIDialect().body(request, model: "m", isStream: true)
        let schema = ##"{"type":"object","properties":{"q":{"$ref":"#/$defs/Q"}}}"##
        let expected =
            #"{"model":"m","messages":[{"role":"system","content":"Be brief."},"#
            + #"{"role":"user","content":[{"type":"text","text":"What is this?"},"#
            + #"{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}}]},"#
            + #"{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","#
            + #""function":{"name":"look","arguments":"{\"q\":\"x\"}"}}]},"#
            + #"{"role":"tool","tool_call_id":"c1","content":"a snake"}],"stream":true,"#
            + #""stream_options":{"include_usage":true},"max_completion_tokens":9,"#
            + #""temperature":1.5,"top_p":0.5,"seed":4,"stop":["END"],"logprobs":true,"#
            + #""top_logprobs":2,"tools":[{"type":"function","function":{"name":"look","#
            + #""description":"Looks.","parameters":\#(schema)}}],"tool_choice":"required","#
            + #""response_format":{"type":"json_schema","json_schema":{"name":"r","#
            + #""schema":\#(schema),"strict":true}},"reasoning_effort":"low","user":"u"}"#
        #expect(try json(body) == expected)
    }

    @Test func `a request that was a body is that body again`() throws {
        let bodies = [
            Self.full, LMRequest("q"),
            LMRequest(messages: [.user("q")], toolChoice: .tool("t"), responseFormat: .jsonObject),
            LMRequest(messages: [.user("q")], parameters: LMParameters(seed: 1, logprobs: 0)),
        ].map { try? OpenAIDialect().body($0, model: "m", isStream: false) }
        for body in bodies {
            let body = try #require(body?.map)
            let request = try OpenAIDialect.request(from: body)
            let again = try OpenAIDialect().body(request, model: "m", isStream: false)
            #expect(again == .map(body))
        }
    }

    @Test(arguments: [
        #"{"messages":[1]}"#, #"{"messages":[{"role":"king"}]}"#,
        #"{"messages":[{"role":"user","content":7}]}"#, #"{"temperature":"hot"}"#,
        #"{"tools":[{}]}"#, #"{"response_format":{"type":"poem"}}"#, #"{"stop":1}"#,
        #"{"messages":[{"role":"assistant","tool_calls":[{}]}]}"#,
    ])
    func `a body that is no request's is refused`(text: String) throws {
        let body = try #require(try PlainJSON.decode(Array(text.utf8)).map)
        #expect { try OpenAIDialect.request(from: body) } throws: { error in
            (error as? LMError)?.kind == .invalidRequest
        }
    }

    @Test func `an answer in OpenAI's words, and back`() throws {
        let text =
            #"{"id":"i","model":"m2","choices":[{"index":0,"message":{"role":"assistant","#
            + #""content":null,"reasoning_content":"hm","tool_calls":[{"id":"c","type":"function","#
            + #""function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"},"#
            + #"{"index":1,"message":{"content":"b"},"finish_reason":"length"}],"usage":{"#
            + #""prompt_tokens":5,"completion_tokens":6,"total_tokens":11,"cost":0.25,"#
            + #""prompt_tokens_details":{"cached_tokens":2},"#
            + #""completion_tokens_details":{"reasoning_tokens":3}}}"#
        let dialect = OpenAIDialect()
        var response = try dialect.response(PlainJSON.decode(Array(text.utf8)), model: "m")
        #expect(
            response
                == LMResponse(
                    id: "i",
                    model: "m2",
                    completions: [
                        LMCompletion(
                            reasoning: "hm",
                            toolCalls: [LMToolCall(id: "c", name: "f", arguments: "{}")],
                            finishReason: .toolCalls
                        ),
                        LMCompletion(text: "b", finishReason: .length),
                    ],
                    usage: LMUsage(
                        promptTokens: 5,
                        completionTokens: 6,
                        totalTokens: 11,
                        cachedTokens: 2,
                        reasoningTokens: 3
                    ),
                    cost: 0.25
                )
        )
        let again = try dialect.response(OpenAIDialect.body(of: response), model: "m")
        response.cost = nil
        #expect(again == response)
    }

    // MARK: Anthropic

    @Test func `a request in Anthropic's words`() throws {
        let body = try AnthropicDialect().body(Self.full, model: "m", isStream: false)
        let expected =
            #"{"model":"m","max_tokens":9,"system":"Be brief.","messages":[{"role":"user","#
            + #""content":[{"type":"text","text":"What is this?"},{"type":"image","source":{"#
            + #""type":"base64","media_type":"image/png","data":"QUJD"}}]},{"role":"assistant","#
            + #""content":[{"type":"tool_use","id":"c1","name":"look","input":{"q":"x"}}]},"#
            + #"{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","#
            + #""content":"a snake"}]}],"temperature":1.0,"top_p":0.5,"stop_sequences":["END"],"#
            + #""tools":[{"name":"look","description":"Looks.","input_schema":{"type":"object","#
            + ##""properties":{"q":{"$ref":"#/$defs/Q"}}}}],"tool_choice":{"type":"any"},"##
            + #""user":"u"}"#
        #expect(try json(body) == expected)
    }

    @Test func `what Anthropic's API cannot be asked is refused before it is sent`() {
        let requests = [
            LMRequest(messages: [.user("q")], parameters: LMParameters(logprobs: 1)),
            LMRequest(messages: [.user("q")], responseFormat: .jsonObject),
            LMRequest(messages: [LMMessage(.user, parts: [.other(["type": "file"])])]),
        ]
        for request in requests {
            #expect { try AnthropicDialect().body(request, model: "m", isStream: false) } throws: {
                ($0 as? LMError)?.kind == .unsupportedFeature
            }
        }
    }

    @Test func `an answer in Anthropic's words`() throws {
        let text =
            #"{"id":"i","model":"c","content":[{"type":"thinking","thinking":"hm"},{"type":"text","#
            + #""text":"a"},{"type":"tool_use","id":"t","name":"f","input":{"q":1}}],"#
            + #""stop_reason":"tool_use","usage":{"input_tokens":3,"cache_read_input_tokens":4,"#
            + #""output_tokens":5}}"#
        let response = try AnthropicDialect().response(
            PlainJSON.decode(Array(text.utf8)),
            model: "m"
        )
        let expected = LMCompletion(
            text: "a",
            reasoning: "hm",
            toolCalls: [LMToolCall(id: "t", name: "f", arguments: #"{"q":1}"#)],
            finishReason: .toolCalls
        )
        #expect(response.completions == [expected])
        #expect(
            response.usage
                == LMUsage(promptTokens: 7, completionTokens: 5, totalTokens: 12, cachedTokens: 4)
        )
    }

    // MARK: Streams

    private func events(
        _ dialect: some Dialect,
        _ texts: [String]
    ) throws -> (events: [LMEvent], response: LMResponse) {
        var accumulator = dialect.accumulator(model: "m")
        var events: [LMEvent] = []
        for text in texts { events += try accumulator.took(Array(text.utf8)) }
        return (events, try accumulator.finished())
    }

    @Test func `OpenAI's chunks become an answer`() throws {
        let (events, response) = try events(
            OpenAIDialect(),
            [
                #"{"id":"i","model":"m2","choices":[{"delta":{"role":"assistant","#
                    + #""content":"a"}}]}"#,
                #"{"choices":[{"delta":{"content":"b","reasoning_content":"r"}}]}"#,
                #"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","#
                    + #""function":{"name":"f","arguments":"{"}}]}}]}"#,
                #"{"choices":[{"delta":{"tool_calls":[{"index":0,"#
                    + #""function":{"arguments":"}"}}]}}]}"#,
                #"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
                #"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#, "[DONE]",
            ]
        )
        #expect(
            events == [
                .text("a"), .reasoning("r"), .text("b"),
                .toolCall(index: 0, id: "c", name: "f", arguments: "{"),
                .toolCall(index: 0, id: nil, name: nil, arguments: "}"),
            ]
        )
        let completion = LMCompletion(
            text: "ab",
            reasoning: "r",
            toolCalls: [LMToolCall(id: "c", name: "f", arguments: "{}")],
            finishReason: .toolCalls
        )
        let usage = LMUsage(promptTokens: 1, completionTokens: 2)
        #expect(
            response == LMResponse(id: "i", model: "m2", completions: [completion], usage: usage)
        )
    }

    @Test func `Anthropic's events become an answer`() throws {
        let (events, response) = try events(
            AnthropicDialect(),
            [
                #"{"type":"message_start","message":{"id":"i","model":"c","#
                    + #""usage":{"input_tokens":3}}}"#,
                #"{"type":"content_block_start","index":0,"#
                    + #""content_block":{"type":"text","text":""}}"#,
                #"{"type":"ping"}"#,
                #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","#
                    + #""text":"a"}}"#,
                #"{"type":"content_block_start","index":1,"#
                    + #""content_block":{"type":"tool_use","id":"t","name":"f"}}"#,
                #"{"type":"content_block_delta","index":1,"#
                    + #""delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
                #"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"#
                    + #""usage":{"output_tokens":5}}"#,
                #"{"type":"message_stop"}"#,
            ]
        )
        #expect(
            events == [
                .text("a"), .toolCall(index: 0, id: "t", name: "f", arguments: ""),
                .toolCall(index: 0, id: nil, name: nil, arguments: "{}"),
            ]
        )
        #expect(response.usage.totalTokens == 8)
        #expect(response.completions[0].toolCalls[0].arguments == "{}")
        #expect(response.completions[0].finishReason == .toolCalls)
    }

    @Test(arguments: [
        ["{"], ["[]"], [#"{"choices":[{"delta":{"content":"a"}}]}"#],
        [#"{"choices":[{"delta":{"tool_calls":[{"index":7,"function":{"name":"f"}}]}}]}"#],
        [#"{"choices":[{"delta":{"tool_calls":[{"index":-1,"function":{"name":"f"}}]}}]}"#],
        [#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{}}]}}]}"#],
    ])
    func `a stream that makes no sense is no answer`(texts: [String]) {
        #expect { try events(OpenAIDialect(), texts) } throws: {
            ($0 as? LMError)?.kind == .malformedAnswer
        }
    }

    @Test(arguments: [
        (400, #"{"error":{"code":"context_length_exceeded"}}"#, "context_length"),
        (400, #"{"error":{"message":"prompt is too long: 9 tokens"}}"#, "context_length"),
        (404, #"{"error":{"code":"model_not_found"}}"#, "unsupported_model"),
        (429, #"{"error":{"code":"insufficient_quota"}}"#, "billing"),
        (529, #"{"error":{"type":"overloaded_error"}}"#, "server"),
        (422, #"{"error":"no"}"#, "invalid_request"),
    ])
    func `what an API says makes the kind finer`(status: Int, text: String, kind: String) throws {
        let error = try #require(APIError(try PlainJSON.decode(Array(text.utf8))))
        #expect(error.error(status: status).kind.rawValue == kind)
    }
}
