import KraitWire

/// Who can answer which operation: an immutable snapshot, built anew when a pool's state changes.
///
/// An operation's name is a Python function's (`predict`) or that of native code. Behind a colon it
/// may name a **specialisation**: `predict:SupportDesk.Polish` is a `predict` of one signature.
/// Native code can be registered for the specialisation alone; the pools that offer `predict` offer
/// every specialisation of it, and are asked for `predict`. A specialisation that nobody
/// registered is plainly a `predict`. So a typed prediction always names its signature, finds the
/// native code for it where there is some, and otherwise goes the way of all predictions.
package struct Registry: Sendable {
    /// Native code for one operation or specialisation.
    package struct Native: Sendable {
        package let operation: String
        package let capabilities: Capabilities
        package let backend: any Backend

        package init(
            _ operation: String,
            capabilities: Capabilities = [],
            backend: any Backend
        ) {
            self.operation = operation
            self.capabilities = capabilities
            self.backend = backend
        }

        /// The same, where what it asks of language models is to count as the operation's.
        ///
        /// Half a microsecond a call: for code that may ask them.
        package var accounted: Native {
            Native(operation, capabilities: capabilities, backend: OriginBackend(backend))
        }
    }

    /// A pool and what its workers offer.
    package struct Pool: Sendable {
        package let name: String
        /// The operations by name, or nil until the first worker is ready and has said.
        package let operations: Set<String>?
        package let capabilities: Capabilities
        package let backend: any Backend

        package init(
            _ name: String,
            operations: Set<String>?,
            capabilities: Capabilities = [],
            backend: any Backend
        ) {
            self.name = name
            self.operations = operations
            self.capabilities = capabilities
            self.backend = backend
        }
    }

    /// Everybody who can answer an operation: native code first, then the pools that offer it in
    /// the order of their declaration, then the pools that may.
    ///
    /// A class, so that a look-up retains one object and not each part.
    final class Entry: Sendable {
        let candidates: [Candidate]
        /// The places of the candidates, in their order.
        let routes: [Route]
        /// The backend of the candidate at the same index.
        let backends: [any Backend]
        /// What a pool is asked for: the operation without its specialisation.
        ///
        /// Empty where the entry serves whatever nobody has named.
        let operation: String

        init(_ operation: String, _ members: [(Candidate, any Backend)]) {
            self.operation = operation
            candidates = members.map(\.0)
            routes = members.map(\.0.route)
            backends = members.map(\.1)
        }
    }

    /// The pools' names, in the order of their declaration.
    package let pools: [String]
    private let plain: [String: Entry]
    /// The specialisations that have native code of their own; mostly few, often none.
    private let specialised: [String: Entry]
    /// For an operation nobody has named: the pools whose operations are not known yet.
    private let unknown: Entry

    /// A snapshot of these implementations; two of the same name are a mistake of the program's.
    package init(natives: [Native] = [], pools: [Pool] = []) throws(RegistryError) {
        var natively: [String: Native] = [:]
        for native in natives {
            guard natively.updateValue(native, forKey: native.operation) == nil else {
                throw .duplicateNative(operation: native.operation)
            }
        }
        var names: Set<String> = []
        for pool in pools where !names.insert(pool.name).inserted {
            throw .duplicatePool(name: pool.name)
        }
        let offered = pools.reduce(into: Set(natively.keys)) { $0.formUnion($1.operations ?? []) }
        var plain: [String: Entry] = [:]
        var specialised: [String: Entry] = [:]
        for operation in offered {
            let base = Self.base(of: operation)
            let entry = Self.entry(base ?? operation, native: natively[operation], pools: pools)
            if base == nil { plain[operation] = entry } else { specialised[operation] = entry }
        }
        self.pools = pools.map(\.name)
        self.plain = plain
        self.specialised = specialised
        unknown = Self.entry("", native: nil, pools: pools)
    }

    /// The names that calls can use, sorted.
    package var operations: [String] { (Array(plain.keys) + Array(specialised.keys)).sorted() }

    /// Who can answer an operation; an entry without candidates where nobody can.
    func entry(for operation: String) -> Entry {
        guard let colon = Self.colon(in: operation) else { return plain[operation] ?? unknown }
        if !specialised.isEmpty, let entry = specialised[operation] { return entry }
        return plain[String(operation[..<colon])] ?? unknown
    }

    /// The operation that a specialisation is one of, or nil where the name is not specialised.
    static func base(of operation: String) -> String? {
        colon(in: operation).map { String(operation[..<$0]) }
    }

    private static func colon(in operation: String) -> String.Index? {
        operation.utf8.firstIndex(of: UInt8(ascii: ":"))
    }

    private static func entry(_ operation: String, native: Native?, pools: [Pool]) -> Entry {
        var members: [(Candidate, any Backend)] = []
        if let native { members.append((Candidate(.native, native.capabilities), native.backend)) }
        for pool in pools where pool.operations?.contains(operation) == true {
            members.append((Candidate(.pool(pool.name), pool.capabilities), pool.backend))
        }
        for pool in pools where pool.operations == nil {
            let route = Route.pool(pool.name)
            let candidate = Candidate(route, pool.capabilities, isConfirmed: false)
            members.append((candidate, pool.backend))
        }
        return Entry(operation, members)
    }
}

/// Why a registry cannot be built.
package enum RegistryError: Error, Hashable, CustomStringConvertible {
    case duplicateNative(operation: String)
    case duplicatePool(name: String)

    package var description: String {
        switch self {
        case .duplicateNative(let operation):
            "the operation \(operation) has two native implementations; remove one"
        case .duplicatePool(let name):
            "two pools are named \(name); give one of them another name"
        }
    }
}
