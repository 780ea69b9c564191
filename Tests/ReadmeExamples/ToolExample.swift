import Krait

struct Lookup: Codable, Sendable {
    var title: String
    var limit: Int?
}

func ask(_ krait: Orchestrator, _ question: String) async throws -> Value {
    // A struct's properties are the arguments; optional ones may be left out.
    let search = Tool("search", "Finds pages by their title.") { (lookup: Lookup) in
        Array(repeating: "A page about \(lookup.title).", count: lookup.limit ?? 3)
    }
    // Anything else is the one argument. A tool may call the pool that calls it.
    let translate = Tool("translate", "Translates to English.", parameter: "text") {
        (text: String) async throws -> String in
        let reply = try await krait.call("predict", ["text": .string(text)])
        return reply.value["outputs"]?["english"]?.string ?? text
    }
    let arguments: ValueMap = ["name": "search", "arguments": ["title": .string(question)]]
    return try await krait.call("use_tool", arguments, tools: [search, translate]).value
}
