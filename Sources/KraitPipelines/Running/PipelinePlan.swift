/// What a pipeline will do, drawn before it runs.
public struct PipelinePlan: Sendable, Hashable {
    /// The step's label, such as `2 ForEach`.
    public let label: String
    /// What else there is to know of it, such as `predict on pool general`.
    public let note: String?
    /// How its parts relate.
    public let arrangement: StepOutline.Arrangement
    /// Its parts; none of a step that calls or computes.
    public let parts: [PipelinePlan]

    init(_ label: String, _ outline: StepOutline) {
        self.label = label
        note = outline.note
        arrangement = outline.arrangement
        parts = outline.parts.map { PipelinePlan($0.label, $0.step.outline) }
    }

    /// The plan as a tree, a line each step.
    public var text: String { TreeText.draw(self, \.parts) { [$0.label, $0.note ?? ""] } }

    /// The plan for Graphviz: `krait pipelines --plan NAME --dot | dot -Tsvg`.
    public var dot: String {
        var graph = PlanGraph()
        graph.add(self)
        return graph.text
    }
}

extension Step {
    /// What the step will do.
    public func plan() -> PipelinePlan { PipelinePlan(name, outline) }
}

/// Rows in the shape of a tree, their cells in columns.
package enum TreeText {
    package static func draw<Node>(
        _ root: Node,
        _ children: (Node) -> [Node],
        _ cells: (Node) -> [String]
    ) -> String {
        var rows: [[String]] = []
        func add(_ node: Node, _ lead: String, _ below: String) {
            var row = cells(node)
            row[0] = lead + row[0]
            rows.append(row)
            let parts = children(node)
            for (index, part) in parts.enumerated() {
                let isLast = index == parts.count - 1
                add(part, below + (isLast ? "└─ " : "├─ "), below + (isLast ? "   " : "│  "))
            }
        }
        add(root, "", "")
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = ""
            for (cell, width) in zip(row, widths) {
                line += cell + String(repeating: " ", count: width - cell.count + 2)
            }
            return line.trimmingEnd + "\n"
        }.joined()
    }
}

extension String {
    fileprivate var trimmingEnd: Substring {
        self[..<(lastIndex { $0 != " " }.map(index(after:)) ?? startIndex)]
    }
}

/// A plan as Graphviz draws it: a box a step, and an arrow from each to what may come after it.
private struct PlanGraph {
    private var lines: [String] = []
    private var count = 0

    /// Where a part of the graph is entered, and where it is left.
    private struct Ends {
        var first: [String]
        var last: [String]
    }

    var text: String {
        let head = ["digraph {", "  rankdir=LR; node [shape=box, fontname=\"sans-serif\"];"]
        return (head + lines + ["}"]).joined(separator: "\n") + "\n"
    }

    mutating func add(_ plan: PipelinePlan) { _ = ends(of: plan) }

    private mutating func ends(of plan: PipelinePlan) -> Ends {
        guard !plan.parts.isEmpty else {
            let node = "n\(count)"
            count += 1
            let text = [plan.label, plan.note].compactMap(\.self).joined(separator: "\n")
            lines.append("  \(node) [label=\(quoted(text))];")
            return Ends(first: [node], last: [node])
        }
        lines.append("  subgraph cluster_\(count) {")
        count += 1
        let text = [plan.label, plan.note].compactMap(\.self).joined(separator: ", ")
        lines.append("  label=\(quoted(text));")
        let parts = plan.parts.map { ends(of: $0) }
        lines.append("  }")
        guard plan.arrangement == .sequence, let first = parts.first, let last = parts.last else {
            return Ends(first: parts.flatMap(\.first), last: parts.flatMap(\.last))
        }
        for (before, after) in zip(parts, parts.dropFirst()) {
            for from in before.last {
                for to in after.first { lines.append("  \(from) -> \(to);") }
            }
        }
        return Ends(first: first.first, last: last.last)
    }

    private func quoted(_ text: String) -> String {
        var quoted = "\""
        for character in text {
            switch character {
            case "\"", "\\": quoted += "\\\(character)"
            case "\n": quoted += "\\n"
            default: quoted.append(character)
            }
        }
        return quoted + "\""
    }
}
