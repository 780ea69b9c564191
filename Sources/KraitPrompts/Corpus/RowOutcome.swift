import KraitSignatures

/// How Krait's answer to a recorded question compares with DSPy's.
package enum RowOutcome: Sendable {
    /// The same.
    case passed
    /// Another one; the text shows both.
    case failed(String)
    /// The router would hand it to Python by this rule.
    case delegated(DelegationRule)
}
