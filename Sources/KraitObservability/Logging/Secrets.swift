/// The secrets in an environment, so that none of them is ever written down.
///
/// Keys reach workers by environment variables alone, but what fails may quote one: an LM that
/// answers with the key it refuses, a traceback with a local in it, a program that prints its
/// environment. What is logged or told goes through ``redacting(_:)`` first, which puts the
/// variable's name in the value's place.
package struct Secrets: Sendable, Equatable {
    /// Longest first, so that one that begins like another is found whole.
    private let values: [(name: String, value: String)]

    /// A shorter value is in too many harmless words to be looked for.
    package static let shortest = 8

    /// The secrets among these variables: those whose names say so, and those named besides.
    package init(in environment: [String: String], named names: Set<String> = []) {
        values =
            environment.filter { name, value in
                value.utf8.count >= Self.shortest && (names.contains(name) || Self.isName(name))
            }
            .map { (name: $0, value: $1) }
            .sorted { ($1.value.utf8.count, $0.name) < ($0.value.utf8.count, $1.name) }
    }

    /// The text with its variable's name in the place of each secret, as in `‹OPENAI_API_KEY›`.
    package func redacting(_ text: String) -> String {
        var text = text
        for (name, value) in values where text.utf8.count >= value.utf8.count {
            text = Self.replace(value, in: text, by: "‹\(name)›")
        }
        return text
    }

    package var isEmpty: Bool { values.isEmpty }

    package static func == (left: Secrets, right: Secrets) -> Bool {
        left.values.elementsEqual(right.values) { $0 == $1 }
    }

    /// By bytes: a value is found however the text around it composes with it.
    private static func replace(_ value: String, in text: String, by name: String) -> String {
        let (bytes, needle) = (Array(text.utf8), Array(value.utf8))
        var result: [UInt8] = []
        var index = 0
        var isChanged = false
        while index < bytes.count {
            if bytes[index] == needle[0], bytes[index...].starts(with: needle) {
                result += name.utf8
                index += needle.count
                isChanged = true
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return isChanged ? String(decoding: result, as: UTF8.self) : text
    }

    // MARK: Names

    private static let names: Set<String> = [
        "apikey", "accesskey", "secretkey", "secret", "token", "password", "passwd", "accesstoken",
        "authtoken", "bearertoken", "clientsecret", "credentials", "authorization",
    ]
    private static let endings = [
        "apikey", "secretkey", "accesskey", "token", "secret", "password",
    ]
    /// Names that end like a secret's and are none.
    private static let harmless: Set<String> = ["maxtokens", "usetoken"]

    /// Whether people write secrets under this name.
    package static func isName(_ name: String) -> Bool {
        let plain = name.lowercased().filter { $0.isLetter || $0.isNumber }
        if harmless.contains(plain) { return false }
        return names.contains(plain) || endings.contains { plain.hasSuffix($0) }
    }
}

/// Passes records on without the secrets.
struct RedactingLogHandler: LogHandler {
    let next: any LogHandler
    let secrets: Secrets

    func log(_ record: LogRecord) {
        var record = record
        record.message = secrets.redacting(record.message)
        record.metadata = record.metadata.mapValues { value in
            if case .string(let text) = value { .string(secrets.redacting(text)) } else { value }
        }
        next.log(record)
    }
}
