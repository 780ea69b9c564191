import KraitPrompts
import KraitSignatures

/// The kinds of recorded answers, known by the shape of their rows.
enum ParityKind: String, CaseIterable, Sendable {
    case signatures
    case prefix
    case metrics
    case formatValue = "format_value"
    case parseValue = "parse_value"
    case jsonRepair = "json_repair"
    case adapter

    /// The kind of a row: of a question as well as of its answer.
    init?(_ row: ParityRow) {
        if row["op"] != nil, row["adapter"] != nil {
            self = .adapter
        } else if row.text("type") != nil, row["raw"] != nil {
            self = .parseValue
        } else if row.text("input") != nil {
            self = .jsonRepair
        } else if row.text("signature") != nil {
            self = .signatures
        } else if row["gold"] != nil, row.text("pred") != nil {
            self = .metrics
        } else if row.text("name") != nil, row.entries.count <= 3 {
            self = .prefix
        } else if row["value"] != nil, row["type"] == nil, row["input"] == nil {
            self = .formatValue
        } else {
            return nil
        }
    }

    /// Answers the row's question natively and compares with the answer it has.
    func check(_ row: ParityRow) -> ParityOutcome {
        do throws(ParityStop) {
            switch self {
            case .signatures: try SignatureCheck.check(row)
            case .prefix: try PrefixCheck.check(row)
            case .metrics: try MetricsCheck.check(row)
            case .formatValue: try FormatValueCheck.check(row)
            case .parseValue: try ParseValueCheck.check(row)
            case .jsonRepair: try JSONRepairCheck.check(row)
            case .adapter: try AdapterCheck.check(row)
            }
            return .passed
        } catch {
            switch error {
            case .delegated(let rule): return .delegated(rule)
            case .differs(var difference):
                difference.question = question(row)
                return .failed(difference)
            }
        }
    }

    /// The row's question on one line.
    private func question(_ row: ParityRow) -> String {
        switch self {
        case .signatures: row["signature"]?.representation ?? ""
        case .prefix: row["name"]?.representation ?? ""
        case .metrics:
            "gold \(row["gold"]?.representation ?? ""), pred \(row["pred"]?.representation ?? "")"
        case .formatValue: row["value"]?.representation ?? ""
        case .parseValue: "\(row["raw"]?.representation ?? "") as \(row.text("type") ?? "")"
        case .jsonRepair: row["input"]?.representation ?? ""
        case .adapter: AdapterRow(row.entries)?.title ?? ""
        }
    }
}
