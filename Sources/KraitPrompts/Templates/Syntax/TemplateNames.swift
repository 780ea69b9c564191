/// Where names are read and set in what was written, without a look at scopes.
enum TemplateNames {
    /// Calls `body` with every expression right in a statement, and with the bodies in it.
    static func parts(
        of statement: TemplateStatement
    ) -> (expressions: [TemplateExpression], bodies: [[TemplateStatement]]) {
        switch statement.kind {
        case .text, .breakLoop, .continueLoop: ([], [])
        case .output(let expression), .extends(let expression), .evaluate(let expression):
            ([expression], [])
        case .loop(let loop):
            ([loop.over] + (loop.test.map { [$0] } ?? []), [loop.body, loop.otherwise])
        case .branches(let branches, let otherwise):
            (branches.map(\.test), branches.map(\.body) + [otherwise])
        case .set(_, let value): ([value], [])
        case .setBlock(_, let filter, let body): (filter.map { [$0] } ?? [], [body])
        case .with(let pairs, let body): (pairs.map(\.1), [body])
        case .macro(_, let parameters, let body): (parameters.defaults, [body])
        case .callBlock(let parameters, let call, let body):
            (parameters.defaults + [call], [body])
        case .filterBlock(let filter, let body): ([filter], [body])
        case .scope(let body): ([], [body])
        case .include(let template, _, _), .importAll(let template, _, _),
            .importNames(let template, _, _):
            ([template], [])
        case .block(let block): ([], [block.body])
        }
    }

    /// Whether one of the names is read, other than in blocks.
    static func read(_ names: Set<String>, in statements: [TemplateStatement]) -> Set<String> {
        var found: Set<String> = []
        for statement in statements {
            if case .block = statement.kind { continue }
            let parts = parts(of: statement)
            for expression in parts.expressions { read(names, in: expression, &found) }
            for body in parts.bodies { found.formUnion(read(names, in: body)) }
        }
        return found
    }

    private static func read(
        _ names: Set<String>,
        in expression: TemplateExpression,
        _ found: inout Set<String>
    ) {
        if case .name(let name) = expression.kind, names.contains(name) { found.insert(name) }
        for part in expression.parts { read(names, in: part, &found) }
    }

    /// Whether a statement like this one is anywhere in them.
    static func contains(
        in statements: [TemplateStatement],
        _ predicate: (TemplateStatement.Kind) -> Bool
    ) -> Bool {
        statements.contains { statement in
            predicate(statement.kind)
                || parts(of: statement).bodies.contains { contains(in: $0, predicate) }
        }
    }

    /// The names that a target sets.
    static func names(of target: TemplateExpression) -> [String] {
        switch target.kind {
        case .name(let name): [name]
        case .tuple(let parts), .list(let parts): parts.flatMap(names(of:))
        default: []
        }
    }

    /// Where a target sets `loop`, which nothing in a loop may.
    static func setsLoop(_ statements: [TemplateStatement]) -> Bool {
        contains(in: statements) { kind in
            switch kind {
            case .set(let target, _), .setBlock(let target, _, _):
                names(of: target).contains("loop")
            case .loop(let loop): names(of: loop.target).contains("loop")
            default: false
            }
        }
    }
}

/// Looks at what a scope's statements read and set, before they are compiled.
enum TemplateAnalysis {
    static func look(at statements: [TemplateStatement], in scope: TemplateScope) {
        for statement in statements { look(at: statement, in: scope) }
    }

    private static func look(at statement: TemplateStatement, in scope: TemplateScope) {
        switch statement.kind {
        case .text, .breakLoop, .continueLoop, .block, .scope: break
        case .output(let expression), .extends(let expression), .evaluate(let expression):
            look(at: expression, in: scope)
        case .include(let template, _, _): look(at: template, in: scope)
        case .loop(let loop): look(at: loop.over, in: scope)
        case .branches(let branches, let otherwise):
            look(at: branches, otherwise, in: scope)
        case .set(let target, let value):
            look(at: value, in: scope)
            look(atTarget: target, in: scope)
        case .setBlock(let target, _, _): look(atTarget: target, in: scope)
        case .with(let pairs, _):
            for (_, value) in pairs { look(at: value, in: scope) }
        case .macro(let name, _, _): scope.store(name)
        case .callBlock(_, let call, _): look(at: call, in: scope)
        case .filterBlock(let filter, _): look(at: filter, in: scope)
        case .importAll(let template, let name, _):
            look(at: template, in: scope)
            scope.store(name)
        case .importNames(let template, let names, _):
            look(at: template, in: scope)
            for name in names { scope.store(name.alias) }
        }
    }

    private static func look(
        at branches: [(test: TemplateExpression, body: [TemplateStatement])],
        _ otherwise: [TemplateStatement],
        in scope: TemplateScope
    ) {
        guard let first = branches.first else { return }
        look(at: first.test, in: scope)
        // All `elif` together are one branch beside the first and the last, as in Jinja.
        scope.branch([
            { look(at: first.body, in: $0) },
            { inner in
                for branch in branches.dropFirst() {
                    look(at: branch.test, in: inner)
                    inner.branch([{ look(at: branch.body, in: $0) }])
                }
            },
            { look(at: otherwise, in: $0) },
        ])
    }

    static func look(at expression: TemplateExpression, in scope: TemplateScope) {
        if case .name(let name) = expression.kind { scope.load(name) }
        for part in expression.parts { look(at: part, in: scope) }
    }

    private static func look(atTarget target: TemplateExpression, in scope: TemplateScope) {
        switch target.kind {
        case .name(let name): scope.store(name)
        case .namespaceReference(let name, _): scope.load(name)
        case .tuple(let parts), .list(let parts):
            for part in parts { look(atTarget: part, in: scope) }
        default: break
        }
    }
}
