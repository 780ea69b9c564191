import Testing

@testable import KraitObservability

@Suite struct SecretsTests {
    private let secrets = Secrets(
        in: [
            "OPENAI_API_KEY": "sk-abcdefgh", "GH_TOKEN": "sk-abcdefgh-longer",
            "DB_PASSWORD": "short",
            "HOME": "/var/somebody", "MY_LM": "credential-of-mine", "EMPTY_SECRET": "",
        ],
        named: ["MY_LM"]
    )

    @Test(arguments: [
        ("the key sk-abcdefgh is refused", "the key ‹OPENAI_API_KEY› is refused"),
        ("sk-abcdefgh-longer", "‹GH_TOKEN›"),
        ("sk-abcdefgsk-abcdefgh", "sk-abcdefg‹OPENAI_API_KEY›"),
        ("credential-of-mine", "‹MY_LM›"), ("short /var/somebody", "short /var/somebody"),
        ("sk-abcdefgh\u{301}", "‹OPENAI_API_KEY›\u{301}"), ("", ""), ("sk-abcdefg", "sk-abcdefg"),
        ("sk-abcdefghsk-abcdefgh", "‹OPENAI_API_KEY›‹OPENAI_API_KEY›"),
    ])
    func `a secret's value becomes its variable's name`(text: String, expected: String) {
        let found = secrets.redacting(text)
        #expect(Array(found.utf8) == Array(expected.utf8), "\(found)")
    }

    @Test(arguments: [
        ("OPENAI_API_KEY", true), ("AWS_SECRET_ACCESS_KEY", true), ("HF_TOKEN", true),
        ("Authorization", true), ("PGPASSWORD", true), ("client-secret", true),
        ("MAX_TOKENS", false),
        ("KEYBOARD", false), ("TOKENIZERS_PARALLELISM", false), ("HOME", false), ("", false),
    ])
    func `names say what is a secret`(name: String, isSecret: Bool) {
        #expect(Secrets.isName(name) == isSecret)
    }

    @Test func `a logger's lines and facts are without them`() {
        let log = MemoryLogHandler()
        var logger = Logger(label: "krait", handler: log)
        logger[metadataKey: .path] = "/sk-abcdefgh/x"
        let redacting = logger.redacting(secrets)
        redacting.info("got credential-of-mine", metadata: [.count: 3])
        #expect(log.records.first?.message == "got ‹MY_LM›")
        #expect(log.records.first?.metadata == [.path: "/‹OPENAI_API_KEY›/x", .count: 3])
        #expect(redacting.logLevel == logger.logLevel && redacting.label == "krait")
    }

    @Test func `two environments are equal in their secrets`() {
        #expect(Secrets(in: [:]).isEmpty && !secrets.isEmpty)
        #expect(Secrets(in: ["A_TOKEN": "12345678"]) != Secrets(in: ["A_TOKEN": "12345679"]))
        #expect(
            Secrets(in: ["A_TOKEN": "12345678", "B": "x"]) == Secrets(in: ["A_TOKEN": "12345678"])
        )
    }
}
