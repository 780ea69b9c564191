import KraitSignatures
import KraitWire

/// A public name of DSPy's: what it stands for, where that runs, and what it takes.
///
/// ```swift
/// DSPyName.find("retrievers.KNN")?.constructor.text  // k:int trainset:list vectorizer
/// ```
///
/// The table is made by introspection of one DSPy release, and `krait.use` holds arguments against
/// it before anything is sent.
public struct DSPyName: Sendable, Equatable {
    /// What kind of thing a name is.
    public enum Kind: String, Sendable, CaseIterable {
        case module, retriever, evaluator, adapter, type, optimizer, function, lm, object, package
        case error
    }

    /// Where a name can be used.
    public enum Reach: String, Sendable, CaseIterable {
        /// In Swift, without a worker.
        case native
        /// In a worker.
        case python
        /// In either.
        case both
        /// In neither; `note` says why.
        case nowhere = "not"
    }

    /// The name, such as `ChainOfThought` or `evaluate.SemanticF1`.
    public let name: String
    /// What it stands for.
    public let kind: Kind
    /// Where it can be used.
    public let reach: Reach
    /// The subpackages that export it as well.
    public let packages: [String]
    /// What it takes to make one.
    public let constructor: DSPyParameters
    /// What it takes to call one, where it can be called.
    public let call: DSPyParameters
    /// What Swift has for it, what it needs, or why it can be used nowhere.
    public let note: String

    /// Whether a worker makes one from a `DSPyObject` of that name.
    public var isMade: Bool { constructor.text != "-" }

    /// All public names, each once.
    public static let all: [DSPyName] = table.split(separator: "\n").compactMap(
        DSPyName.init(line:)
    )

    /// Names as people may write them: each also with the packages that export it.
    private static let known: [String: DSPyName] = {
        var known: [String: DSPyName] = [:]
        for entry in all {
            known[entry.name] = entry
            let tail = entry.name.split(separator: ".").last.map(String.init) ?? entry.name
            for package in entry.packages { known["\(package).\(tail)"] = entry }
        }
        return known
    }()

    /// The entry of a name, with or without `dspy.` and the package in front.
    public static func find(_ name: String) -> DSPyName? {
        known[name.hasPrefix("dspy.") ? String(name.dropFirst("dspy.".count)) : name]
    }

    /// What somebody may have meant by a name that there is not.
    static func nearest(_ name: String) -> String? {
        NearestName.find(name, among: all.filter(\.isMade).map(\.name))
    }

    init?(line: Substring) {
        let parts = line.split(separator: ";", maxSplits: 6, omittingEmptySubsequences: false)
        guard parts.count == 7, let kind = Kind(rawValue: String(parts[1])),
            let reach = Reach(rawValue: String(parts[2]))
        else { return nil }
        name = String(parts[0])
        self.kind = kind
        self.reach = reach
        packages = parts[3].split(separator: " ").map(String.init)
        constructor = DSPyParameters(parts[4])
        call = DSPyParameters(parts[5])
        note = String(parts[6])
    }
}

/// The parameters of one of DSPy's constructors or calls.
public struct DSPyParameters: Sendable, Equatable {
    /// One parameter.
    public struct Parameter: Sendable, Equatable {
        /// The name that an argument has.
        public let name: String
        /// Whether it may be left out.
        public let isOptional: Bool
        /// `int`, `float`, `str`, `bool`, `list`, `dict`, `null` or a text in quotes; empty where
        /// the type is not plain, and anything goes.
        public let types: [String]
    }

    /// Those with names, in Python's order.
    public let parameters: [Parameter]
    /// Whether it takes arguments of other names too: a signature's inputs, or an LM's settings.
    public let takesOthers: Bool
    /// As the table has it.
    public let text: String

    init(_ text: Substring) {
        self.text = String(text)
        let words = text.split(separator: " ")
        takesOthers = words.contains("**")
        parameters = words.filter { $0 != "**" }.map { word in
            let isOptional = word.hasSuffix("=")
            let parts = word.dropLast(isOptional ? 1 : 0).split(separator: ":", maxSplits: 1)
            let types = parts.count == 2 ? parts[1].split(separator: "/").map(String.init) : []
            return Parameter(name: String(parts[0]), isOptional: isOptional, types: types)
        }
    }

    /// Throws where arguments do not fit: one that is missing, that is not known, or whose type is
    /// another.
    func check(_ given: ValueMap, of name: String, at place: String) throws(CallError) {
        for (key, value) in given.entries {
            guard let parameter = parameters.first(where: { $0.name == key }) else {
                if takesOthers { continue }
                let names = parameters.map(\.name)
                let near =
                    NearestName.find(key, among: names).map { "did you mean \($0)?" }
                    ?? "it takes \(names.isEmpty ? "none" : names.joined(separator: ", "))"
                throw .misfit(
                    "\(place).\(key.prefix(60))",
                    "\(name) takes no such argument; \(near)"
                )
            }
            if !parameter.types.isEmpty, !parameter.types.contains(where: value.isOf) {
                let wanted = parameter.types.joined(separator: " or ")
                throw .misfit("\(place).\(key)", "\(name) wants \(wanted), not \(value.kindName)")
            }
        }
        for parameter in parameters where !parameter.isOptional && given[parameter.name] == nil {
            throw .misfit("\(place).\(parameter.name)", "it is missing, and \(name) needs it")
        }
    }
}

extension CallError {
    /// What does not fit, before anything was sent.
    static func misfit(_ place: String, _ message: String) -> CallError {
        CallError(.invalidInput, "\(place): \(message)", operation: DSPyObject.operation)
    }
}

extension Value {
    /// Whether it is of one of the table's types.
    fileprivate func isOf(_ type: String) -> Bool {
        switch (type, self) {
        case ("null", .null), ("bool", .bool), ("str", .string), ("list", .list): true
        case ("dict", .map), ("float", .double): true
        case ("int", _), ("float", _):
            if case .bool = self { false } else { type == "int" ? int != nil : double != nil }
        default: string.map { "'\($0)'" == type } ?? false
        }
    }
}
