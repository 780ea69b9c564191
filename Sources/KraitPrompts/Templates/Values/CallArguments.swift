import KraitSignatures
import KraitWire

/// What a function, filter or test is called with.
struct CallArguments {
    var positional: [Item] = []
    var named: [(name: String, item: Item)] = []

    /// The arguments in the order of `parameters`, each nil where it was not given.
    ///
    /// Throws for arguments that are too many, given twice or of other names.
    func bound(to parameters: StaticNames, of function: String) throws(TemplateError) -> [Item?] {
        guard positional.count <= parameters.names.count else {
            let most = parameters.names.count
            let reason = "\(function) takes \(most) argument\(most == 1 ? "" : "s") at most"
            throw TemplateError(.value, reason)
        }
        var result: [Item?] = positional
        result += Array(repeating: nil, count: parameters.names.count - positional.count)
        for (name, item) in named {
            guard let index = parameters.names.firstIndex(of: name) else {
                let remedy = TemplateError.remedy(for: name, among: parameters.names)
                throw TemplateError(.value, "\(function) has no argument \(name)\(remedy)")
            }
            guard result[index] == nil else {
                throw TemplateError(.value, "\(function) is given \(name) twice")
            }
            result[index] = item
        }
        return result
    }

    /// The named argument, or nil.
    func named(_ name: String) -> Item? { named.first { $0.name == name }?.item }
}

/// The names of a function's parameters.
struct StaticNames: ExpressibleByArrayLiteral, Sendable {
    let names: [String]
    init(arrayLiteral elements: String...) { names = elements }
}

/// A function of the engine's own.
final class BuiltInFunction: TemplateObject {
    typealias Body = (CallArguments, inout Rendering) throws(TemplateError) -> Item
    private let name: String
    private let body: Body
    private let innerDepth: Int

    init(_ name: String, depth: Int = 0, _ body: @escaping Body) {
        (self.name, self.body) = (name, body)
        innerDepth = depth
    }

    override var depth: Int { innerDepth + 1 }
    override var typeName: String { "the function \(name)" }
    override var isCallable: Bool { true }

    override func call(
        _ arguments: CallArguments,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item {
        try body(arguments, &rendering)
    }
}

/// A function that the program gave.
final class GivenFunction: TemplateObject {
    private let name: String
    private let function: TemplateFunction

    init(_ name: String, _ function: TemplateFunction) {
        (self.name, self.function) = (name, function)
    }

    override var typeName: String { "the function \(name)" }
    override var isCallable: Bool { true }

    override func call(
        _ arguments: CallArguments,
        _ rendering: inout Rendering
    ) throws(TemplateError) -> Item {
        var positional: [Value] = []
        for item in arguments.positional { positional.append(try item.value(&rendering)) }
        var named = ValueMap()
        for (name, item) in arguments.named { named[name] = try item.value(&rendering) }
        do {
            return Item(try function.body(positional, named))
        } catch let error as TemplateError {
            throw error
        } catch {
            throw TemplateError(.raised, "\(name) failed with \(type(of: error))")
        }
    }
}

extension Item {
    /// The value that the program's own functions get.
    func value(_ rendering: inout Rendering) throws(TemplateError) -> Value {
        try rendering.spend(1)
        switch self {
        case .absent, .none: return .null
        case .undefined(let missing): throw missing.failure
        case .bool(let flag): return .bool(flag)
        case .int(let integer): return .int(Int64(integer))
        case .unsigned(let integer): return .unsigned(integer)
        case .double(let number): return .double(number)
        case .text(let text), .markup(let text): return .string(text)
        case .bytes(let bytes): return .bytes(bytes)
        case .timestamp(let time): return .timestamp(time)
        case .values(let values): return .list(values)
        case .fields(let map): return .map(map)
        case .list(let elements), .tuple(let elements):
            var values: [Value] = []
            for item in elements.items { values.append(try item.value(&rendering)) }
            return .list(values)
        case .dict(let dict):
            var entries: [(String, Value)] = []
            for (key, item) in zip(dict.keys, dict.values) {
                guard let name = key.string else {
                    throw TemplateError(.value, "a function takes maps with texts as keys only")
                }
                entries.append((name, try item.value(&rendering)))
            }
            return .map(ValueMap(entries))
        case .object(let object):
            throw TemplateError(.value, "a function takes plain values, not \(object.typeName)")
        }
    }
}

extension TemplateError {
    /// `; did you mean …?`, or what there is.
    static func remedy(
        for name: String,
        among names: [String],
        listsAll: Bool = true
    ) -> String {
        if let near = NearestName.find(name, among: names) { return "; did you mean \(near)?" }
        guard listsAll else { return "" }
        if names.isEmpty { return "; there are none" }
        let shown = names.prefix(12).joined(separator: ", ")
        return "; there are: \(shown)\(names.count > 12 ? ", …" : "")"
    }
}
