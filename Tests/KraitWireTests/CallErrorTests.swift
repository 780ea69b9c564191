import Testing

@testable import KraitWire

@Suite struct CallErrorTests {
    private let error = CallError(
        .faulted,
        "The operation raised.",
        operation: "predict",
        path: ["support", "3"],
        pool: "general",
        worker: "general/3.1",
        fault: Fault(
            code: .raised,
            type: "builtins.ValueError",
            message: "secret",
            traceback: "Traceback …"
        ),
        delivery: .sent
    )

    @Test func `an error's description says where and holds no payload`() {
        #expect(
            error.description
                == "faulted: The operation raised. (support/3, operation predict, pool general, "
                + "worker general/3.1, builtins.ValueError)"
        )
        #expect(CallError(.queueFull, "Full.").description == "queue_full: Full.")
    }

    @Test func `an error's debug description adds what was raised`() {
        #expect(
            error.debugDescription
                == "\(error.description) [sent]\nbuiltins.ValueError: secret\nTraceback …"
        )
        #expect(CallError(.queueFull, "Full.").debugDescription == "queue_full: Full. [not_sent]")
    }

    @Test func `each code has a name of its own`() {
        #expect(Set(CallError.Code.all).count == CallError.Code.all.count)
        #expect(CallError.Code.all.contains(CallError.Code(rawValue: "shutting_down")))
    }

    @Test func `a call's options have defaults`() {
        let call = Call("echo", ["text": "hi"])
        #expect(call.options == CallOptions())
        #expect(call.options.route == .automatic)
        #expect(!call.options.isIdempotent)
        let reply = Reply(["text": "hi"], from: .pool("general", worker: "general/1", codec: .json))
        #expect(reply.source == .pool("general", worker: "general/1", codec: .json))
        #expect(reply.value == .map(call.arguments))
    }
}
